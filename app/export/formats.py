"""Export formats: a format turns conversations into the bytes of a file, with the options and labels of an export.

A file is made in parts, so that an export of all conversations needs the memory of the largest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from app.config.presets import Preset
from app.conversation import Attachment, FolderContent, Picture, Status
from app.translation import QT_TRANSLATE_NOOP
from model_manager.cancellation import NEVER_CANCELLED, CancelToken

if TYPE_CHECKING:
    from app.conversation import ConversationTree
    from app.formulas import FormulaRenderer

FORMAT_NAMES = ("md", "html", "pdf", "json", "txt", "jsonl")
"""Names of ``app.export.export.FORMATS``, for the command line, which does not import the formats."""


class ThoughtExport(StrEnum):
    """How the thoughts of a model before its answer are exported."""

    KEEP = "keep"
    FOLD = "fold"
    """Collapsed until the reader opens them; formats without folding show them in a quieter style."""
    DROP = "drop"


@dataclass(frozen=True)
class ExportLabels:
    """Text that the exporters add to a file, in English; ``translated`` gives another language."""

    language: str = QT_TRANSLATE_NOOP("export", "en")
    """Code of the language, as in HTML and PDF: ``en``, ``zh-CN``."""
    untitled: str = QT_TRANSLATE_NOOP("export", "Conversation")
    system: str = QT_TRANSLATE_NOOP("export", "System prompt")
    user: str = QT_TRANSLATE_NOOP("export", "You")
    assistant: str = QT_TRANSLATE_NOOP("export", "Assistant")
    summary: str = QT_TRANSLATE_NOOP("export", "Summary of the messages above, which the model gets instead of them")
    streaming: str = QT_TRANSLATE_NOOP("export", "in progress")
    stopped: str = QT_TRANSLATE_NOOP("export", "stopped")
    interrupted: str = QT_TRANSLATE_NOOP("export", "interrupted")
    failed: str = QT_TRANSLATE_NOOP("export", "failed")
    thoughts: str = QT_TRANSLATE_NOOP("export", "Thoughts")
    thoughts_for: str = QT_TRANSLATE_NOOP("export", "Thoughts ({seconds} s)")
    attachment: str = QT_TRANSLATE_NOOP("export", "Attachment")
    picture: str = QT_TRANSLATE_NOOP("export", "Picture")
    details: str = QT_TRANSLATE_NOOP("export", "Details")
    time: str = QT_TRANSLATE_NOOP("export", "Time")
    model: str = QT_TRANSLATE_NOOP("export", "Model")
    endpoint: str = QT_TRANSLATE_NOOP("export", "Server")
    quantisation: str = QT_TRANSLATE_NOOP("export", "Quantisation")
    file_sha256: str = QT_TRANSLATE_NOOP("export", "File SHA-256")
    plan: str = QT_TRANSLATE_NOOP("export", "Memory layout")
    seed: str = QT_TRANSLATE_NOOP("export", "Seed")
    sampling: str = QT_TRANSLATE_NOOP("export", "Sampling")
    prompt_tokens: str = QT_TRANSLATE_NOOP("export", "Prompt tokens")
    left_out: str = QT_TRANSLATE_NOOP("export", "Messages left out")
    completion_tokens: str = QT_TRANSLATE_NOOP("export", "Answer tokens")
    finish_reason: str = QT_TRANSLATE_NOOP("export", "Stop reason")
    thought_time: str = QT_TRANSLATE_NOOP("export", "Thinking time")
    tokens_per_second: str = QT_TRANSLATE_NOOP("export", "Tokens per second")
    engine: str = QT_TRANSLATE_NOOP("export", "Engine")
    program: str = QT_TRANSLATE_NOOP("export", "Program")
    page: str = QT_TRANSLATE_NOOP("export", "Page {number}")

    def translated(self, translate: Callable[[str], str]) -> ExportLabels:
        """Return the labels in the language of ``translate``."""
        return ExportLabels(**{each.name: translate(getattr(self, each.name)) for each in fields(self)})

    def of_picture(self, attachment: Attachment, picture: Picture) -> str:
        """Return a line that stands for a picture in formats of text."""
        return f"{self.picture}: {' '.join(attachment.name.split())}, {picture.width} × {picture.height}"

    def status(self, status: Status) -> str:
        """Return the label of a message that is not complete; empty for one that is."""
        return "" if status is Status.COMPLETE else str(getattr(self, status.value))


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export."""

    metadata: bool = True
    """Add the model, settings and speed of each answer."""
    thoughts: ThoughtExport = ThoughtExport.FOLD
    all_branches: bool = False
    """Write all branches, not only the shown one; for formats with ``has_examples``."""
    unfinished: bool = False
    """Write stopped and interrupted answers too; for formats with ``has_examples``."""
    paper: str = ""
    """``a4`` or ``letter`` for formats with pages; empty for the usual size of the territory."""
    formula_renderer: FormulaRenderer | None = None
    """Draws formulas; without it their source is written."""
    labels: ExportLabels = field(default_factory=ExportLabels)
    progress: Callable[[float], None] = lambda _share: None
    """Called with the share that is done, from 0 to 1."""
    warn: Callable[[str, Mapping[str, object]], None] = lambda _code, _data: None
    """Called with a message code and its data where something is missing in the file."""
    cancel: CancelToken = NEVER_CANCELLED
    folders: Sequence[FolderContent] = ()
    """Folders of the conversations, for a lossless format."""
    presets: Sequence[Preset] = ()
    """Those that the folders refer to, for a lossless format."""

    def report(self, share: float) -> None:
        """Report progress.

        Raises:
            Cancelled: the export was cancelled.
        """
        self.cancel.raise_if_cancelled()
        self.progress(share)

    def for_part(self, start: float, share: float) -> ExportOptions:
        """Return the options of a part of the export, whose progress counts as ``share`` of the whole."""
        return replace(self, progress=lambda done: self.progress(start + share * done))


@dataclass(frozen=True)
class ExportFormat:
    """A format.  ``app.export.export.FORMATS`` lists all of them."""

    name: str
    """Name on the command line and suffix of the file, without its dot."""
    label: str
    """Name in the window.  Source text of the translation context ``export``, like ``description``."""
    description: str
    parts: Callable[[Iterable[ConversationTree], ExportOptions], Iterable[bytes]]
    """Yields the parts of a file with one conversation, or any number with ``many_in_one_file``."""
    many_in_one_file: bool = False
    needs_history: bool = False
    """A single message is written with the messages before it."""
    is_lossless: bool = False
    """Contains everything, whatever the options say."""
    has_examples: bool = False
    """Contains separate examples: the options ``all_branches`` and ``unfinished`` apply."""
    folds_thoughts: bool = False
    """Readers can unfold the thoughts in it; in others they are shown or omitted."""
    is_pasteable: bool = False
    """Offered for the clipboard."""

    @property
    def suffix(self) -> str:
        """Suffix of the file name, with its dot."""
        return f".{self.name}"

    def write(self, trees: Iterable[ConversationTree], options: ExportOptions) -> bytes:
        """Return the whole file."""
        return b"".join(self.parts(trees, options))


def one_conversation(
    pieces: Callable[[ConversationTree, ExportOptions], Iterable[str]],
) -> Callable[..., Iterator[bytes]]:
    """Return the ``parts`` of a format whose file consists of the ``pieces`` of one conversation."""
    return lambda trees, options: (piece.encode() for tree in trees for piece in pieces(tree, options))
