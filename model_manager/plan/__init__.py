"""Memory planning: where a model's layers go and how much memory they take, calculated from its header."""
