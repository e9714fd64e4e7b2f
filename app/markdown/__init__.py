"""Markdown as models write it, parsed to blocks with markdown-it-py."""
