"""Conversations on disk: one SQLite database.  All SQL is here."""
