"""Error messages in the current language; the English texts are in ``app.messages``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.messages import error_message, passages_sentence
from model_manager.errors import UserError

if TYPE_CHECKING:
    from app.conversation import DocumentUse


def error_text(error: UserError) -> str:
    """Return the message of an error: what happened and what to do."""
    return error_text_of(error.code, error.data)


def error_text_of(code: str, data: Mapping[str, object]) -> str:
    """Return the message of an error that was stored as a code with its data."""
    return error_message(code, data, translate_message)


def passages_text(use: DocumentUse) -> str:
    """Return the notice that the model was given only some passages of the attachments."""
    return passages_sentence(use.given, use.total, translate_message, is_spread=use.is_spread)


def translate_message(text: str) -> str:
    """Translate a text of ``app.messages``, whose context is empty."""
    return QCoreApplication.translate("", text)
