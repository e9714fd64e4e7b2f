"""Diagnostics of this machine: checks in parts, results as values, texts in one place."""
