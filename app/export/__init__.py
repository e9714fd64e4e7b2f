"""Conversations as files: written for people and other programs, and read again.  No Qt."""
