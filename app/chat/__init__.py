"""Chat session: questions, answers, context and titles, for local models and servers."""
