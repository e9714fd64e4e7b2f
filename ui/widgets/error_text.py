"""Error messages in the current language; the English texts are in ``app.messages``."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from app.messages import error_message
from model_manager.errors import UserError


def error_text(error: UserError) -> str:
    """Return the message of an error: what happened and what to do."""
    return error_text_of(error.code, error.data)


def error_text_of(code: str, data: Mapping[str, object]) -> str:
    """Return the message of an error that was stored as a code with its data."""
    return error_message(code, data, translate_message)


def translate_message(text: str) -> str:
    """Translate a text of ``app.messages``, whose context is empty."""
    return QCoreApplication.translate("", text)
