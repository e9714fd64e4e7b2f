"""The import dialog: choice of a file, a folder or an archive, preview, import.  ``app.imports`` does the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from app.config.presets import Presets
from app.conversation import ImportResult, SkippedConversation
from app.imports.importer import PROGRAMS, ImportPreview, import_conversations, preview_import
from app.imports.notes import FILE, PICTURE, TOOL
from app.store.store import ConversationStore
from app.units import grouped
from model_manager.errors import UserError
from model_manager.progress import Progress
from ui.widgets.dialog_parts import (
    MARGIN,
    BusyDialog,
    StatusLine,
    arrange,
    button,
    heading,
    paragraph,
    quiet_label,
    resize_within_screen,
)
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file, ask_for_folder
from ui.widgets.formats import date_text, list_text
from ui.widgets.job import Job
from ui.widgets.layouts import hbox, vbox

PROGRESS_STEPS = 1000
MAX_NAMES = 3
"""Conversations that can't be imported are named up to this number."""
WIDTH, HEIGHT = 600, 400


class ImportDialog(BusyDialog):
    """Shows what a chosen or dropped file contains before it is imported."""

    imported = Signal()
    """Conversations were added or restored."""
    busy_changed = Signal(bool)

    def __init__(self, store: ConversationStore, presets: Presets, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("importDialog")
        self.setWindowTitle(self.tr("Import conversations"))
        self.setAccessibleName(self.tr("Import conversations"))
        self.setAcceptDrops(True)
        self._store, self._presets = store, presets
        self._path: Path | None = None
        self.choose_file = button("importFileButton", self.tr("Choose file…"))
        self.choose_folder = button("importFolderButton", self.tr("Choose folder…"))
        self.summary = paragraph()
        self.summary.setObjectName("importSummary")
        self.details = quiet_label()
        self.details.setObjectName("importDetails")
        self.progress = QProgressBar(maximum=PROGRESS_STEPS, textVisible=False)
        self.progress.setObjectName("importProgress")
        self.progress.setAccessibleName(self.tr("Import progress"))
        self.status = StatusLine("importStatus")
        self.cancel = button("importCancelButton", self.tr("Cancel"))
        self._close = button("closeButton", self.tr("Close"))
        self.start = button("importStartButton", self.tr("Import"), primary=True)
        explanation = quiet_label(
            self.tr(
                "From {programs}. Choose or drop a file, an archive or a folder; the program it is from is recognised. "
                "Existing conversations aren't changed or duplicated."
            ).format(programs=list_text(each.label for each in PROGRAMS.values()))
        )
        choices = hbox(self.choose_file, self.choose_folder, None, spacing=8)
        texts = vbox(self.summary, self.details, spacing=6)
        margins = (MARGIN, MARGIN, MARGIN, 12)
        title = heading(self.tr("Import conversations"))
        column = vbox(title, explanation, choices, texts, None, self.progress, self.status, spacing=16, margins=margins)
        arrange(self, column, None, self.cancel, self._close, self.start)
        for each, action in (
            (self.choose_file, self._choose_file),
            (self.choose_folder, lambda: ask_for_folder(self, self.windowTitle(), self.inspect)),
            (self.cancel, self._cancel),
            (self._close, self.reject),
            (self.start, self._import),
        ):
            each.clicked.connect(action)
        resize_within_screen(self, WIDTH, HEIGHT)
        self._update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a file or a folder."""
        urls = event.mimeData().urls()
        if not self._is_busy() and len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Inspect what was dropped."""
        event.acceptProposedAction()
        self.inspect(Path(event.mimeData().urls()[0].toLocalFile()))

    def _choose_file(self) -> None:
        kinds = self.tr("Exports and archives (*.json *.jsonl *.ndjson *.zip *.bak *.gz *.cherrybackup);;All files (*)")
        ask_for_file(self, self.windowTitle(), kinds, self.inspect)

    # Preview

    def inspect(self, path: Path) -> None:
        """Read a file, a folder or an archive in the background, and show what an import would add."""
        if self._is_busy():
            return
        self._path = None
        self.summary.clear()
        self.details.clear()
        store = self._store
        self._start(
            self.tr("Reading {name}…").format(name=path.name),
            lambda job: preview_import(store, path, progress=job.report, cancel=job.token),
            partial(self._show_preview, path),
        )

    def _show_preview(self, path: Path, preview: ImportPreview) -> None:
        self._path = path if preview.conversations else None
        self.summary.setText(f"{path.name}\n{self._summary(preview)}")
        self.details.setText("\n".join(self._details(preview)))
        self._end("")
        # The next step for the keyboard, which was at a button that is off while a file is read.
        (self.start if self.start.isEnabled() else self.choose_file).setFocus()

    def _summary(self, preview: ImportPreview) -> str:
        text = self.tr("From {program}. Conversations: {conversations}, messages: {messages}.").format(
            program=list_text(preview.programs),
            conversations=grouped(preview.conversations),
            messages=grouped(preview.messages),
        )
        if preview.first is None or preview.last is None:
            return text
        first, last = date_text(preview.first), date_text(preview.last)
        dates = self.tr("Date: {first}.") if first == last else self.tr("Dates: {first} to {last}.")
        return f"{text} {dates.format(first=first, last=last)}"

    def _details(self, preview: ImportPreview) -> list[str]:
        lines = []
        if preview.folders:
            lines.append(self.tr("Folders: {count}.").format(count=grouped(len(preview.folders))))
        if preview.already_there:
            lines.append(
                self.tr("{count} of them exist already; only new messages are added.").format(
                    count=grouped(preview.already_there)
                )
            )
        kinds = {PICTURE: self.tr("pictures"), FILE: self.tr("files"), TOOL: self.tr("tool calls")}
        notes = [f"{kinds[kind]} ({grouped(count)})" for kind, count in preview.notes.items()]
        if notes:
            lines.append(self.tr("Noted in the text instead of imported: {kinds}.").format(kinds=list_text(notes)))
        if preview.refused:
            lines.append(self._refused(preview.refused))
        return lines

    def _refused(self, refused: list[SkippedConversation]) -> str:
        names = [f"{each.what} ({error_text(each.error)})" for each in refused[:MAX_NAMES]]
        more = len(refused) - len(names)
        if more > 0:
            names.append(self.tr("{count} more").format(count=more))
        return "\n".join([self.tr("Can't be imported:"), *names])

    # Import

    def _import(self) -> None:
        store, path, presets = self._store, self._path, self._presets
        if path is None:
            return

        def translate(text: str) -> str:
            return QCoreApplication.translate("import", text)

        self._start(
            self.tr("Importing {name}…").format(name=path.name),
            lambda job: import_conversations(
                store,
                path,
                progress=job.report,
                cancel=job.token,
                translate=translate,
                add_preset=presets.add_missing,
            ),
            self._show_result,
        )

    def _show_result(self, result: ImportResult) -> None:
        is_cancelled = self._job is not None and self._job.token.is_cancelled
        self._path = None
        if result.messages_added or result.conversations_added:
            text = self.tr("Imported. New conversations: {conversations}, new messages: {messages}.").format(
                conversations=grouped(result.conversations_added), messages=grouped(result.messages_added)
            )
        elif result.already_there or is_cancelled:
            text = self.tr("Nothing to import: everything in this file already exists.")
        else:
            text = self.tr("Nothing was imported.")
        if is_cancelled:
            text = self.tr("Cancelled. New conversations until then: {count}.").format(
                count=grouped(result.conversations_added)
            )
        self.details.setText(self._refused([*result.refused]) if result.refused else "")
        # Also without anything new: a deleted conversation is restored.
        self.imported.emit()
        self._end(text, "warning" if result.refused or is_cancelled else "good")

    # Work in the background

    def _start(self, text: str, work: Callable[[Job], Any], succeeded: Callable[[Any], None]) -> None:
        self._job = job = Job(self)
        job.progress.connect(self._show_progress)
        job.succeeded.connect(succeeded)
        job.failed.connect(self._fail)
        job.finished.connect(lambda: self._end(self.tr("Cancelled.")) if self._job is job else None)
        self.progress.setValue(0)
        self.status.show_message(text)
        self._update()
        self.busy_changed.emit(True)
        job.start(partial(work, job))

    def _show_progress(self, progress: Progress) -> None:
        self.progress.setValue(round((progress.fraction or 0) * PROGRESS_STEPS))

    def _fail(self, error: UserError) -> None:
        # Part of an import may be stored.
        self.imported.emit()
        self._end(error_text(error), "bad")

    def _end(self, text: str, kind: str = "quiet") -> None:
        self._job = None
        self._update()
        self.status.show_message(text, kind)
        self._grow()
        self._work_finished(succeeded=kind in ("good", "quiet"))
        self.busy_changed.emit(False)

    def _grow(self) -> None:
        """Make room for all texts."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))

    def _update(self) -> None:
        """Show what is possible now."""
        is_busy = self._is_busy()
        self.progress.setVisible(is_busy)
        self.cancel.setVisible(is_busy)
        self.choose_file.setEnabled(not is_busy)
        self.choose_folder.setEnabled(not is_busy)
        self.start.setEnabled(not is_busy and self._path is not None)
