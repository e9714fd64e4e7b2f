"""Error messages in the language of the window; the English texts are in ``app.messages``."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from app.messages import word
from model_manager.errors import UserError

CONTEXT = "errors"
"""Where the translations of ``app.messages`` stand."""


def error_text(error: UserError) -> str:
    """What happened and what to do about it."""
    return error_text_of(error.code, error.data)


def error_text_of(code: str, data: Mapping[str, object]) -> str:
    """The same for an error that was kept as a code with its data."""
    return word(code, data, _translated)


def _translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)
