"""The SVG of answers as pictures, drawn on request by a child process with limits on time and memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.bounds import within_bounds
from app.conversation import Attachment, Picture
from app.picture_header import PNG
from app.previews.svg import MAX_SVG_TITLE
from app.process.child_process import DRAWINGS, LimitedProcess
from model_manager.cancellation import CancelToken
from model_manager.disk.json_file import JsonError, from_plain
from ui.widgets.job import Job

LIMIT_S, PATIENCE = 3.0, 4
"""Processor time for one drawing in seconds, and wall-clock time as a multiple of it."""
LIMIT_BYTES = 1 << 30
"""Memory of the process."""
LEAST_SIDE = 240
"""Longest side to which a smaller drawing is enlarged, in pixels."""
SHARPNESS = 2
"""Pixels of the picture for each one of its place, where there is room for it."""
MAX_KEPT = 16
"""Drawings of one transcript that are shown; further ones replace the oldest by their code."""


@dataclass(frozen=True)
class Drawing:
    """A drawn SVG."""

    attachment: Attachment
    """With the picture."""
    picture: Picture
    title: str

    @property
    def width(self) -> float:
        """Width of its place without zoom, in pixels."""
        return self.picture.width / SHARPNESS

    @property
    def height(self) -> float:
        """Height of its place."""
        return self.picture.height / SHARPNESS


def draw(svg: str, token: CancelToken) -> Drawing | None:
    """Draw an SVG; None if it is malformed or too expensive.

    Raises:
        Cancelled: ``token`` was cancelled.
    """

    def is_over() -> bool:
        token.raise_if_cancelled()
        return process.cpu_seconds() >= end

    try:
        process = LimitedProcess(DRAWINGS, LIMIT_BYTES, quiet=True)
    except OSError:
        return None
    try:
        process.wait_until_ready()
        end = process.cpu_seconds() + LIMIT_S
        answer = process.ask({"svg": svg}, LIMIT_S * PATIENCE, is_over)
    except OSError:
        return None
    finally:
        process.close()
    if answer is None or "broken" in answer:
        return None
    title = str(answer.pop("title", ""))[:MAX_SVG_TITLE]
    try:
        picture = from_plain({**answer, "name": "drawing.png", "media_type": PNG}, Picture)
    except JsonError:
        # Something in the SVG has taken over the process.
        return None
    attachment = within_bounds(Attachment(picture.name, "", picture=picture))
    return Drawing(attachment, attachment.picture, title) if attachment.picture is not None else None


class Drawings(QObject):
    """The blocks of code of one transcript that are shown as drawings, by their text."""

    changed = Signal()
    """Some code is shown as a drawing, or no longer, or could not be drawn."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._drawn: OrderedDict[str, Drawing | None] = OrderedDict()
        self._pending = set[str]()

    def drawing(self, svg: str) -> Drawing | None:
        """Return the drawing that is shown instead of this code."""
        return self._drawn.get(svg)

    def is_pending(self, svg: str) -> bool:
        """Whether it is being drawn."""
        return svg in self._pending

    def has_failed(self, svg: str) -> bool:
        """Whether it could not be drawn."""
        return svg in self._drawn and self._drawn[svg] is None

    def toggle(self, svg: str) -> None:
        """Show the drawing instead of the code, or the code again."""
        if svg in self._pending:
            return
        if self._drawn.pop(svg, None) is None:
            self._pending.add(svg)
            job = Job(self)
            job.succeeded.connect(partial(self._keep, svg))
            job.start(lambda: draw(svg, job.token))
        self.changed.emit()

    def _keep(self, svg: str, drawing: Drawing | None) -> None:
        self._pending.discard(svg)
        self._drawn[svg] = drawing
        if len(self._drawn) > MAX_KEPT:
            self._drawn.popitem(last=False)
        self.changed.emit()
