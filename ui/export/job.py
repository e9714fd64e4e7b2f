"""An export under way: what the thread that writes and the window that shows it tell each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.export.export import FORMATS, export_conversations, export_message, message_tree
from app.export.formats import FORMAT_NAMES, Format, Options
from app.store.store import ConversationStore
from model_manager.errors import Cancelled
from ui.export.scope import Scope
from ui.pdf.document import pdf_format
from ui.widgets.error_text import error_text_of

SURE_AFTER_S = 1.0
"""Before that the time left is a guess."""


@dataclass
class ExportWork:
    """Written by one thread and read by another; each field is set in one step."""

    share: float = 0.0
    is_cancelled: bool = False
    warnings: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def progress(self, share: float) -> None:
        """Called by the exporters.

        Raises:
            Cancelled: the person does not want it any more.
        """
        self.share = share
        if self.is_cancelled:
            raise Cancelled

    def warn(self, code: str, data: Mapping[str, object]) -> None:
        """Called by the exporters."""
        self.warnings.append((code, data))

    def seconds_left(self) -> int | None:
        """None as long as nobody could say."""
        passed = time.monotonic() - self.begun
        if passed < SURE_AFTER_S or self.share < 0.02:
            return None
        return max(1, round(passed * (1 - self.share) / self.share))


@dataclass(frozen=True)
class Outcome:
    """What came of it: the files, none where it was cancelled."""

    files: tuple[Path, ...]
    was_cancelled: bool = False


def all_formats() -> Mapping[str, Format]:
    """Every format, with the one that needs Qt, in the order in which they are offered."""
    made = {**FORMATS, "pdf": pdf_format()}
    return {name: made[name] for name in FORMAT_NAMES}


def export_job(
    store: ConversationStore, scope: Scope, name: str, path: Path, options: Options, formats: Mapping[str, Format]
) -> Callable[[], Outcome]:
    """The writing, for another thread; it holds no widget."""

    def job() -> Outcome:
        try:
            if scope.message_id is not None:
                return Outcome(tuple(export_message(store, scope.message_id, name, path, options, formats)))
            return Outcome(tuple(export_conversations(store, scope.conversation_ids, name, path, options, formats)))
        except Cancelled:
            return Outcome((), was_cancelled=True)

    return job


def text_job(store: ConversationStore, scope: Scope, chosen: Format, options: Options) -> Callable[[], str | None]:
    """The text for the clipboard, made in another thread; None where it was cancelled."""

    def job() -> str | None:
        try:
            if scope.message_id is not None:
                trees = [message_tree(store, scope.message_id, alone=not chosen.needs_the_way)]
            else:
                trees = store.trees(scope.conversation_ids)
            return chosen.write(trees, options).decode()
        except Cancelled:
            return None

    return job


def worded(warning: tuple[str, Mapping[str, object]]) -> Callable[[], str]:
    """What could not be done as it should, in the language of now."""
    code, data = warning
    return lambda: error_text_of(code, data)
