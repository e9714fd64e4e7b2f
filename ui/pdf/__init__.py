"""Conversations as PDF: laid out by lines, put on pages, and mended so that what is copied out is what was in it."""
