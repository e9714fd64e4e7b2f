"""Widgets whose texts follow the language of the program."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QWidget


class Translated:
    """Mixin in front of a widget class that calls ``_retranslate`` when the language changes.

    The constructor of the class calls it once.
    """

    def _retranslate(self) -> None:
        """Set all texts."""
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate on a change of the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)  # type: ignore[misc]


class TranslatedWidget(Translated, QWidget):
    """Widget whose texts follow the language."""
