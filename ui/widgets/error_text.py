"""Error messages in the current language; the English texts are in ``app.messages``."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from app.messages import word
from model_manager.errors import UserError

CONTEXT = "errors"
"""Translation context of ``app.messages``."""


def error_text(error: UserError) -> str:
    """Return the message of an error: what happened and what to do."""
    return error_text_of(error.code, error.data)


def error_text_of(code: str, data: Mapping[str, object]) -> str:
    """Return the message of an error that was stored as a code with its data."""
    return word(code, data, _translated)


def _translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)
