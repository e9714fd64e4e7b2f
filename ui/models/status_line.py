"""The status line of the models page: it takes room only while it says something."""

from __future__ import annotations

from collections.abc import Callable

from ui.widgets.dialog_parts import StatusLine, Words


class PassingStatusLine(StatusLine):
    """Hidden while there is nothing to say."""

    def say(self, words: Words, kind: str = "quiet", action: tuple[Words, Callable[[], None]] | None = None) -> None:
        """Show a sentence, as ``StatusLine`` does."""
        super().say(words, kind, action)
        self.show()

    def clear(self) -> None:
        """Show nothing, and give the room to others."""
        super().clear()
        self.hide()
