"""Conversations on disk: one SQLite database, the only place that speaks SQL.  No Qt, no words."""
