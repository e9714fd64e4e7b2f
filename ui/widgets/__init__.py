"""Widgets, theme and helpers shared by the whole window."""
