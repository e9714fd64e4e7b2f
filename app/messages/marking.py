"""Marks texts for the translators, as Qt's tools look for them."""

from __future__ import annotations


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """Mark a text for translation and give it back."""
    return text
