"""Markers for strings that Qt's tools extract for translation."""

from __future__ import annotations


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """Mark ``text`` for translation and return it unchanged."""
    return text


def QT_TR_NOOP(text: str) -> str:
    """Mark ``text`` for translation in the empty context and return it unchanged."""
    return text
