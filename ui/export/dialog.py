"""Export: which conversations, in which format, into which file.  The writing itself is ``app.export``'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.config.settings import Settings, SettingsFile
from app.export.file_names import file_name
from app.export.formats import Format, Options, Watch
from app.formulas import Mathematics
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.export.format_options import ShapeChoice
from ui.export.job import ExportWork, Outcome, all_formats, export_job, text_job, worded
from ui.export.labels import export_labels
from ui.export.scope import ScopeChoice
from ui.widgets.dialog_parts import (
    MARGIN,
    BusyDialog,
    StatusLine,
    ask_for_file,
    button,
    documents_folder,
    hairline,
    heading,
    open_folder,
    quiet_label,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

LOOK_MS = 100
"""How often the progress is looked at."""
CLIPBOARD = ("md", "txt")
"""Formats that are worth pasting."""


class ExportDialog(BusyDialog):
    """Proposes a new file where the last one went; the person may say otherwise.

    ``message_id`` is a message of the conversation to begin with, ``selection`` holds the ids of several that are
    marked.  With ``settings`` the choices are remembered; without ``mathematics`` formulas stay their source.
    """

    def __init__(
        self,
        store: ConversationStore,
        conversation_id: str | None,
        parent: QWidget | None = None,
        formats: Mapping[str, Format] | None = None,
        *,
        selection: Sequence[str] = (),
        message_id: str | None = None,
        settings: SettingsFile | None = None,
        mathematics: Mathematics | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self._store, self._settings, self._mathematics = store, settings, mathematics
        self._formats = formats if formats is not None else all_formats()
        chosen = settings.now if settings is not None else Settings()
        conversations = {each.id: each for each in (*store.list(), *store.list(archived=True))}
        self._has_any = bool(conversations)
        self._folder = documents_folder()
        if chosen.export_folder and Path(chosen.export_folder).is_dir():
            self._folder = Path(chosen.export_folder)
        self._proposed = ""
        self._just_written: Path | None = None
        self._work: ExportWork | None = None
        self._heading = heading()
        current = conversations.get(conversation_id) if conversation_id else None
        self.scope = ScopeChoice(conversations, current, selection, message_id)
        self.this_one, self.everything = self.scope.this_one, self.scope.everything
        self.shape = ShapeChoice(self._formats, chosen)
        self.format, self.metadata = self.shape.format, self.shape.metadata
        self.path = QLineEdit()
        self.path.setObjectName("exportPath")
        self.browse = button("exportBrowseButton")
        self._path_note = quiet_label()
        self.progress = QProgressBar()
        self.progress.setObjectName("exportProgress")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.status = StatusLine("exportStatus")
        self.open_file = button("exportOpenButton")
        self.copy = button("exportCopyButton")
        self.cancel = button("exportCancelButton")
        self._close = button("closeButton")
        self.export = button("exportButton", primary=True)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._lay_out()
        self._connect()
        self.resize(620, 480)
        self._finish_setup()
        self._scope_chosen()
        self._show_buttons()
        self.export.setFocus()

    def _connect(self) -> None:
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._cancel)
        self._timer.timeout.connect(self._look_at_work)
        self.scope.changed.connect(self._scope_chosen)
        self.shape.changed.connect(self._format_chosen)
        self.path.textChanged.connect(self._look_at_path)
        self.browse.clicked.connect(self._ask_for_path)
        self.copy.clicked.connect(self._copy)
        self.cancel.clicked.connect(self._cancel)
        self.open_file.clicked.connect(self._open)
        self._close.clicked.connect(self.reject)
        self.export.clicked.connect(self._export)

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.path, 1)
        line.addWidget(self.browse)
        target = QVBoxLayout()
        target.setSpacing(6)
        target.addLayout(line)
        target.addWidget(self._path_note)
        self._labels = [QLabel(), QLabel(), QLabel()]
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(16)
        column.addWidget(self._heading)
        grid = QGridLayout()
        grid.setHorizontalSpacing(MARGIN)
        grid.setVerticalSpacing(16)
        grid.setColumnStretch(1, 1)
        firsts = (self.scope.first_row, self.format, self.path)
        for row, (label, first) in enumerate(zip(self._labels, firsts, strict=True)):
            # As high as the first control beside it, so that both stand on one line.
            label.setFixedHeight(first.sizeHint().height())
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.scope, 0, 1)
        grid.addWidget(self.shape, 1, 1)
        grid.addLayout(target, 2, 1)
        column.addLayout(grid)
        column.addStretch(1)
        said = QHBoxLayout()
        said.setContentsMargins(MARGIN, 0, MARGIN, 12)
        said.setSpacing(8)
        said.addWidget(self.status, 1)
        said.addWidget(self.open_file)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 12, MARGIN, 12)
        foot.setSpacing(8)
        foot.addWidget(self.copy)
        foot.addStretch(1)
        for each in (self.cancel, self._close, self.export):
            foot.addWidget(each)
        bar = QHBoxLayout()
        bar.setContentsMargins(MARGIN, 0, MARGIN, 12)
        bar.addWidget(self.progress)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(column, 1)
        whole.addLayout(bar)
        whole.addLayout(said)
        whole.addWidget(hairline())
        whole.addLayout(foot)

    def _is_folder(self) -> bool:
        return not self.scope.scope.is_one and not self.shape.chosen.many_in_one_file

    def _scope_chosen(self) -> None:
        self.shape.set_one_message(self.scope.scope.message_id is not None)
        self._keep_folder()
        self._propose()

    def _format_chosen(self) -> None:
        written = Path(self.path.text())
        if self.path.text() != self._proposed and not self._is_folder() and written.suffix in self._suffixes():
            self.path.setText(str(written.with_suffix(self.shape.chosen.suffix)))
        else:
            self._keep_folder()
            self._propose()
        self._show_buttons()

    def _keep_folder(self) -> None:
        """The next proposal lies where the person put this one."""
        written = self._written_path()
        if written is not None:
            self._folder = written.parent

    def _propose(self) -> None:
        suffix = "" if self._is_folder() else self.shape.chosen.suffix
        taken = [each.name for each in self._folder.iterdir()] if self._folder.is_dir() else []
        title = self.scope.title() or self.tr("APUS Chat {day}").format(day=date.today().isoformat())
        name = file_name(title, suffix, taken, untitled=export_labels().untitled)
        self._proposed = str(self._folder / name)
        self.path.setText(self._proposed)
        self._look_at_path()

    def _suffixes(self) -> set[str]:
        return {each.suffix for each in self._formats.values()}

    def _written_path(self) -> Path | None:
        """Where the export goes: what is typed, in the folder proposed where it names none, with the right suffix."""
        text = self.path.text().strip()
        if not text:
            return None
        path = self._folder / Path(text).expanduser()
        suffix = self.shape.chosen.suffix
        if self._is_folder() or path.is_dir() or path.suffix.lower() == suffix:
            return path
        return path.with_name(path.name + suffix) if path.suffix not in self._suffixes() else path

    def _look_at_path(self) -> None:
        path = self._written_path()
        note = ""
        if self._is_folder():
            note = self.tr("Creates a folder with one file per conversation.")
        elif path is not None and path != self._just_written and path.is_file():
            note = self.tr("This file already exists and will be replaced.")
        self._path_note.setText(note)
        self.export.setEnabled(path is not None and self._has_any and self._work is None)
        self._show_buttons()
        if not self._has_any:
            self.status.show_message(lambda: self.tr("There are no conversations to export yet."))

    def _ask_for_path(self) -> None:
        path = self._written_path() or self._folder
        if self._is_folder():
            chooser = QFileDialog(self, self.tr("Export to folder"), str(path.parent))
            chooser.setFileMode(QFileDialog.FileMode.Directory)
            chooser.setOption(QFileDialog.Option.ShowDirsOnly)
            chooser.setObjectName("fileDialog")
            chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            chooser.fileSelected.connect(self.path.setText)
            chooser.open()
            return
        kinds = f"{self.shape.words()} (*{self.shape.chosen.suffix})"
        ask_for_file(self, self.tr("Export"), kinds, self._path_chosen, save_as=path)

    def _path_chosen(self, path: Path) -> None:
        self.path.setText(str(path))

    # Writing

    def _export(self) -> None:
        path = self._written_path()
        if path is None:
            return
        self._remember(path)
        work = self._begin()
        job = export_job(self._store, self.scope.scope, self.shape.name, path, self._options(work), self._formats)
        run_job(self, job, self._exported, self._failed)

    def _copy(self) -> None:
        work = self._begin()
        job = text_job(self._store, self.scope.scope, self.shape.chosen, self._options(work))
        run_job(self, job, self._copied, self._failed)

    def _options(self, work: ExportWork) -> Options:
        watch = Watch(work.progress, work.warn)
        return replace(self.shape.options(), labels=export_labels(), mathematics=self._mathematics, watch=watch)

    def _remember(self, path: Path) -> None:
        folder = str(path.parent) if path.parent != documents_folder() else ""
        if self._settings is not None:
            options = self.shape.options()
            self._settings.change(
                export_format=self.shape.name,
                export_metadata=options.metadata,
                export_thoughts=options.thoughts.value,
                export_folder=folder,
            )

    def _begin(self) -> ExportWork:
        self._work = ExportWork()
        self._just_written = None
        self.progress.setValue(0)
        self.status.show_message(lambda: self.tr("Exporting…"))
        self._look_at_path()
        self._timer.start()
        return self._work

    def _look_at_work(self) -> None:
        if self._work is None:
            return
        self.progress.setValue(round(self._work.share * 1000))
        left = self._work.seconds_left()
        if left is not None and not self._work.is_cancelled:
            words = self.tr("Exporting… about {seconds} s left")
            self.status.show_message(lambda: words.format(seconds=left))

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.is_cancelled = True
            self.status.show_message(lambda: self.tr("Stopping…"))

    def _exported(self, outcome: Outcome) -> None:
        files = outcome.files
        warnings = self._end()
        self._just_written = files[0] if files else None
        self._look_at_path()

        def words() -> str:
            if len(files) == 1:
                return self.tr("Exported to {name}.").format(name=files[0].name)
            return self.tr("Exported. Files written: {count}.").format(count=len(files))

        if outcome.was_cancelled:
            self.status.show_message(lambda: self.tr("Cancelled. Nothing was written."))
        else:
            folder = files[0].parent if files else self._folder
            action = (lambda: self.tr("Show in folder"), lambda: self._show(folder))
            said = worded(warnings[0]) if warnings else words
            self.status.show_message(said, "warning" if warnings else "good", action)
        self._work_finished(succeeded=not warnings)

    def _copied(self, text: str | None) -> None:
        self._end()
        self._look_at_path()
        if text is None:
            self.status.show_message(lambda: self.tr("Cancelled. Nothing was copied."))
        else:
            QGuiApplication.clipboard().setText(text)
            self.status.show_message(lambda: self.tr("Copied to the clipboard."), "good")
        self._work_finished(succeeded=True)

    def _failed(self, error: UserError) -> None:
        self._end()
        self._look_at_path()
        self._work_finished(succeeded=False)
        self.status.show_message(lambda: error_text(error), "bad")

    def _end(self) -> list[tuple[str, Mapping[str, object]]]:
        work, self._work = self._work, None
        self._timer.stop()
        return work.warnings if work is not None else []

    def _is_busy(self) -> bool:
        return self._work is not None

    def _show_buttons(self) -> None:
        is_busy = self._work is not None
        self.progress.setVisible(is_busy)
        self.cancel.setVisible(is_busy)
        self.open_file.setVisible(self._just_written is not None and not is_busy)
        self.copy.setVisible(self.scope.scope.is_one and self.shape.name in CLIPBOARD)
        self.copy.setEnabled(not is_busy)
        for each in (self.scope, self.shape, self.path, self.browse):
            each.setEnabled(not is_busy)
        # What came into sight must not press the rest together.
        layout = self.layout()
        needed = layout.totalHeightForWidth(self.width()) if layout is not None else 0
        if needed > self.height():
            self.resize(self.width(), needed)

    def _open(self) -> None:
        if self._just_written is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._just_written))):
            self.status.show_message(
                lambda: self.tr("No program on this computer can open this type of file."), "warning"
            )

    def _show(self, folder: Path) -> None:
        if not open_folder(folder):
            words = self.tr("No file manager is available. The folder is {path}.")
            self.status.show_message(lambda: words.format(path=folder), "warning")

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Export"))
        self.setAccessibleName(self.tr("Export"))
        self._heading.setText(self.tr("Export conversations"))
        for label, text in zip(self._labels, (self.tr("Content"), self.tr("Format"), self.tr("Save as")), strict=True):
            label.setText(text)
        self.scope.retranslate()
        self.shape.retranslate()
        self.path.setAccessibleName(self.tr("Save as"))
        self.progress.setAccessibleName(self.tr("Export progress"))
        self.browse.setText(self.tr("Browse…"))
        self.open_file.setText(self.tr("Open"))
        self.copy.setText(self.tr("Copy to clipboard"))
        self.cancel.setText(self.tr("Cancel"))
        self._close.setText(self.tr("Close"))
        self.export.setText(self.tr("Export"))
        self._look_at_path()
        self.status.retranslate()
