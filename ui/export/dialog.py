"""The export dialog: scope, format and target file.  ``app.export`` writes the files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QProgressBar, QWidget

from app.config.settings import Settings, SettingsFile
from app.conversation import Conversation, Shelf
from app.export.export import FORMATS, export_conversations, export_message, message_tree
from app.export.file_names import file_name, name_key
from app.export.formats import ExportFormat, ExportOptions
from app.formulas import FormulaRenderer
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.export.choices import FormatOptions, ScopeSelector, export_labels, translate
from ui.pdf.document import pdf_format
from ui.widgets.dialog_parts import (
    MARGIN,
    BusyDialog,
    StatusLine,
    arrange,
    button,
    heading,
    quiet_label,
    resize_within_screen,
    scrolled,
)
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file, ask_for_folder, documents_folder, open_folder
from ui.widgets.job import Job
from ui.widgets.layouts import TOP, hbox, nest, vbox

ESTIMATE_AFTER_S = 1.0
"""Before that the time left is not estimated, nor before ``ESTIMATE_AFTER_SHARE`` is done."""
ESTIMATE_AFTER_SHARE = 0.02
PROGRESS_STEPS = 1000
WIDTH = 620


class ExportDialog(BusyDialog):
    """Proposes a new file in the last used folder.

    ``message_id`` is a message of the conversation to begin with, ``selection`` are the ids of the selected
    conversations.  With ``settings`` the choices are remembered; without ``formula_renderer`` formulas remain source.
    """

    def __init__(
        self,
        store: ConversationStore,
        conversation_id: str | None,
        parent: QWidget | None = None,
        *,
        selection: Sequence[str] = (),
        message_id: str | None = None,
        settings: SettingsFile | None = None,
        formula_renderer: FormulaRenderer | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle(self.tr("Export"))
        self.setAccessibleName(self.tr("Export"))
        self._store, self._settings, self._formula_renderer = store, settings, formula_renderer
        self._formats: Mapping[str, ExportFormat] = {**FORMATS, "pdf": pdf_format()}
        values = settings.current if settings is not None else Settings()
        count = store.count(Shelf.CONVERSATIONS) + store.count(Shelf.ARCHIVE)
        self._has_conversations = count > 0
        is_folder = bool(values.export_folder) and Path(values.export_folder).is_dir()
        self._folder = Path(values.export_folder) if is_folder else documents_folder()
        self._proposed = ""
        self._last_file: Path | None = None
        self._started = 0.0
        current = _find(store, conversation_id) if conversation_id else None
        self.scope = ScopeSelector(count, current, tuple(selection), message_id)
        self.options = FormatOptions(self._formats, values)
        self.path = QLineEdit()
        self.path.setObjectName("exportPath")
        self.path.setAccessibleName(self.tr("Save as"))
        self.browse = button("exportBrowseButton", self.tr("Browse…"))
        self._path_note = quiet_label()
        self.progress = QProgressBar(maximum=PROGRESS_STEPS, textVisible=False)
        self.progress.setObjectName("exportProgress")
        self.progress.setAccessibleName(self.tr("Export progress"))
        self.status = StatusLine("exportStatus")
        self.open_file = button("exportOpenButton", self.tr("Open"))
        self.copy = button("exportCopyButton", self.tr("Copy to clipboard"))
        self.cancel = button("exportCancelButton", self.tr("Cancel"))
        self._close = button("closeButton", self.tr("Close"))
        self.export = button("exportButton", self.tr("Export"), primary=True)
        self._lay_out()
        self.scope.changed.connect(self._scope_changed)
        self.options.changed.connect(self._format_changed)
        self.path.textChanged.connect(self._update)
        for each, action in (
            (self.browse, self._browse),
            (self.copy, self._copy),
            (self.cancel, self._cancel),
            (self.open_file, self._open),
            (self._close, self.reject),
            (self.export, self._export),
        ):
            each.clicked.connect(action)
        self._scope_changed()
        self.export.setFocus()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(MARGIN)
        grid.setVerticalSpacing(16)
        grid.setColumnStretch(1, 1)
        first_controls = {
            self.tr("Content"): self.scope.first_button,
            self.tr("Format"): self.options.format_box,
            self.tr("Save as"): self.path,
        }
        for row, (text, first) in enumerate(first_controls.items()):
            label = QLabel(text)
            # As high as the first control beside it, so that both are on one line.
            label.setFixedHeight(first.sizeHint().height())
            grid.addWidget(label, row, 0, TOP)
        grid.addWidget(self.scope, 0, 1)
        grid.addWidget(self.options, 1, 1)
        nest(grid, vbox(hbox((self.path, 1), self.browse, spacing=8), self._path_note, spacing=6), 2, 1)
        form = QWidget()
        self._form = vbox(heading(self.tr("Export conversations")), grid, None, parent=form, spacing=16)
        self._form.setContentsMargins(*(MARGIN,) * 4)
        self._scroll = scrolled(form)
        result = hbox((self.status, 1), self.open_file, spacing=8)
        below = vbox(self.progress, result, spacing=12, margins=(MARGIN, 0, MARGIN, 12))
        column = vbox((self._scroll, 1), below)
        arrange(self, column, self.copy, None, self.cancel, self._close, self.export)

    def showEvent(self, event: QShowEvent) -> None:
        """Take the height of the choices, which have their style now."""
        resize_within_screen(self, WIDTH, 0)
        self._grow()
        super().showEvent(event)

    # Target

    @property
    def _is_folder(self) -> bool:
        return not self.scope.scope.is_one and not self.options.format.many_in_one_file

    def _scope_changed(self) -> None:
        self._forget_result()
        self.options.set_one_message(self.scope.scope.message_id is not None)
        self._propose_path()

    def _format_changed(self) -> None:
        self._forget_result()
        path = Path(self.path.text())
        if self.path.text() != self._proposed and not self._is_folder and path.suffix in self._suffixes():
            self.path.setText(str(path.with_suffix(self.options.format.suffix)))
        else:
            self._propose_path()

    def _propose_path(self) -> None:
        """Propose a new name in the folder of the present path."""
        path = self._target()
        if path is not None:
            self._folder = path.parent
        suffix = "" if self._is_folder else self.options.format.suffix
        taken = {name_key(each.name) for each in self._folder.iterdir()} if self._folder.is_dir() else set()
        title = self.scope.title() or self.tr("APUS Chat {day}").format(day=date.today().isoformat())
        name = file_name(title, suffix, taken, untitled=export_labels().untitled)
        self._proposed = str(self._folder / name)
        self.path.setText(self._proposed)
        self._update()

    def _forget_result(self) -> None:
        """Remove what was said about an export that had other choices."""
        self._last_file = None
        self.status.clear()

    def _suffixes(self) -> set[str]:
        return {each.suffix for each in self._formats.values()}

    def _target(self) -> Path | None:
        """Return the target: the typed path, in the proposed folder if it names none, with the right suffix."""
        text = self.path.text().strip()
        if not text:
            return None
        path = self._folder / Path(text).expanduser()
        suffix = self.options.format.suffix
        if self._is_folder or path.is_dir() or path.suffix.lower() == suffix:
            return path
        return path.with_name(path.name + suffix) if path.suffix not in self._suffixes() else path

    def _browse(self) -> None:
        path = self._target() or self._folder
        if self._is_folder:
            ask_for_folder(self, self.tr("Export to folder"), self._path_chosen, start=path.parent)
        else:
            name_filter = f"{translate(self.options.format.label)} (*{self.options.format.suffix})"
            ask_for_file(self, self.tr("Export"), name_filter, self._path_chosen, save_as=path)

    def _path_chosen(self, path: Path) -> None:
        self.path.setText(str(path))

    # Export

    def _export(self) -> None:
        path = self._target()
        if path is None:
            return
        scope, format_ = self.scope.scope, self.options.format
        options, store = self.options.options(), self._store
        if self._settings is not None:
            self._settings.change(
                export_format=format_.name,
                export_metadata=options.metadata,
                export_thoughts=options.thoughts.value,
                export_folder=str(path.parent) if path.parent != documents_folder() else "",
            )
        warnings: list[UserError] = []
        options = replace(options, warn=lambda code, data: warnings.append(UserError(code, **data)))

        def work(options: ExportOptions) -> list[Path]:
            if scope.message_id is not None:
                return export_message(store, scope.message_id, format_, path, options)
            return export_conversations(store, scope.conversation_ids, format_, path, options)

        self._start(work, options, partial(self._exported, warnings), self.tr("Cancelled. Nothing was written."))

    def _copy(self) -> None:
        scope, format_, store = self.scope.scope, self.options.format, self._store

        def work(options: ExportOptions) -> str:
            if scope.message_id is not None:
                trees = [message_tree(store, scope.message_id, format_)]
            else:
                trees = store.trees(scope.conversation_ids)
            return format_.write(trees, options).decode()

        self._start(work, self.options.options(), self._copied, self.tr("Cancelled. Nothing was copied."))

    def _start(
        self,
        work: Callable[[ExportOptions], object],
        options: ExportOptions,
        succeeded: Callable[[Any], None],
        cancelled: str,
    ) -> None:
        self._job = job = Job(self)
        job.progress.connect(self._show_progress)
        job.succeeded.connect(succeeded)
        job.failed.connect(lambda error: self._end(error_text(error), "bad"))
        job.finished.connect(lambda: self._end(cancelled) if self._job is not None else None)
        self._last_file = None
        self._started = time.monotonic()
        self.progress.setValue(0)
        self.status.show_message(self.tr("Exporting…"))
        self._update()
        options = replace(options, formula_renderer=self._formula_renderer, progress=job.report, cancel=job.token)
        job.start(partial(work, options))

    def _show_progress(self, share: float) -> None:
        self.progress.setValue(round(share * PROGRESS_STEPS))
        elapsed = time.monotonic() - self._started
        is_cancelled = self._job is not None and self._job.token.is_cancelled
        if elapsed < ESTIMATE_AFTER_S or share < ESTIMATE_AFTER_SHARE or is_cancelled:
            return
        left = max(1, round(elapsed * (1 - share) / share))
        self.status.show_message(self.tr("Exporting… about {seconds} s left").format(seconds=left))

    def _exported(self, warnings: Sequence[UserError], files: Sequence[Path]) -> None:
        self._last_file = files[0] if files else None
        folder = files[0].parent if files else self._folder
        if warnings:
            text = error_text(warnings[0])
        elif len(files) == 1:
            text = self.tr("Exported to {path}.").format(path=files[0])
        else:
            text = self.tr("Exported. Files written: {count}.").format(count=len(files))
        action = (self.tr("Show in folder"), lambda: open_folder(folder, self.status))
        self._end(text, "warning" if warnings else "good", action)

    def _copied(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._end(self.tr("Copied to the clipboard."), "good")

    def _end(self, text: str, kind: str = "quiet", action: tuple[str, Callable[[], object]] | None = None) -> None:
        self._job = None
        self._update()
        self.status.show_message(text, kind, action)
        self._work_finished(succeeded=kind in ("good", "quiet"))

    def _update(self) -> None:
        """Show what is possible now."""
        path, is_busy = self._target(), self._is_busy()
        note = ""
        if self._is_folder:
            note = self.tr("Creates a folder with one file per conversation.")
        elif path is not None and path != self._last_file and path.is_file():
            note = self.tr("This file already exists and will be replaced.")
        elif path is not None and not path.parent.is_dir():
            note = self.tr("The folder doesn't exist yet and will be created.")
        self._path_note.setText(note)
        self.export.setEnabled(path is not None and self._has_conversations and not is_busy)
        if not self._has_conversations:
            self.status.show_message(self.tr("There are no conversations to export yet."))
        self.progress.setVisible(is_busy)
        self.cancel.setVisible(is_busy)
        self.open_file.setVisible(self._last_file is not None and not is_busy)
        self.copy.setVisible(self.scope.scope.is_one and self.options.format.is_pasteable)
        self.copy.setEnabled(not is_busy)
        for each in (self.scope, self.options, self.path, self.browse):
            each.setEnabled(not is_busy)
        self._grow()

    def _grow(self) -> None:
        """Make room for all choices."""
        layout = self.layout()
        assert layout is not None
        for each in (self._form, layout):
            each.activate()
        others = layout.sizeHint().height() - self._scroll.sizeHint().height()
        needed = max(self._form.totalHeightForWidth(self.width()), self._form.minimumSize().height()) + others
        if needed > self.height():
            resize_within_screen(self, self.width(), needed)

    def _open(self) -> None:
        if self._last_file is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._last_file))):
            self.status.show_message(self.tr("No program on this computer can open this type of file."), "warning")


def _find(store: ConversationStore, conversation_id: str) -> Conversation | None:
    """Return a conversation; None for one that was deleted meanwhile."""
    try:
        return store.get(conversation_id)
    except UserError:
        return None
