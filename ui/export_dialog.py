"""Export: which conversations, in which format, into which file.  The writing itself is ``app.export``'s."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.export.export import FORMATS, export_conversations
from app.export.formats import Format, Options
from app.export.names import file_name
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.dialog_parts import (
    MARGIN,
    StatusLine,
    WorkingDialog,
    ask_for_file,
    button,
    documents_folder,
    hairline,
    heading,
    open_folder,
    quiet_label,
)
from ui.error_text import error_text
from ui.export_labels import export_labels
from ui.tasks import run_in_background

ALWAYS_WHOLE = ("json", "jsonl")
"""Formats that hold everything there is, so that it can be imported again."""


class ExportDialog(WorkingDialog):
    """Proposes a new file in the documents folder; the person may say otherwise."""

    def __init__(
        self,
        store: ConversationStore,
        conversation_id: str | None,
        parent: QWidget | None = None,
        formats: Mapping[str, Format] = FORMATS,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self._store = store
        self._formats = formats
        self._conversations = {each.id: each for each in store.list()}
        self._current = self._conversations.get(conversation_id) if conversation_id else None
        self._folder = documents_folder()
        self._proposed = ""
        self._just_written: Path | None = None
        self._running = False
        self._heading = heading()
        self.this_one = QRadioButton()
        self.this_one.setObjectName("exportThisConversation")
        self.everything = QRadioButton()
        self.everything.setObjectName("exportAllConversations")
        (self.this_one if self._current else self.everything).setChecked(True)
        self.this_one.setEnabled(self._current is not None)
        self.format = QComboBox()
        self.format.setObjectName("exportFormat")
        for name in formats:
            self.format.addItem("", name)
        self._format_note = quiet_label()
        self.metadata = QCheckBox()
        self.metadata.setObjectName("exportMetadata")
        self.metadata.setChecked(True)
        self.path = QLineEdit()
        self.path.setObjectName("exportPath")
        self.browse = button("exportBrowseButton")
        self._path_note = quiet_label()
        self.status = StatusLine("exportStatus")
        self._close = button("closeButton")
        self.export = button("exportButton", primary=True)
        self._lay_out()
        self.this_one.toggled.connect(self._scope_chosen)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.path.textChanged.connect(self._look_at_path)
        self.browse.clicked.connect(self._ask_for_path)
        self._close.clicked.connect(self.reject)
        self.export.clicked.connect(self._export)
        self.resize(600, 400)
        self._built()
        self._format_chosen()
        self.export.setFocus()

    def _lay_out(self) -> None:
        scope = QVBoxLayout()
        scope.setSpacing(4)
        scope.addWidget(self.this_one)
        scope.addWidget(self.everything)
        shape = QVBoxLayout()
        shape.setSpacing(6)
        shape.addWidget(self.format)
        shape.addWidget(self._format_note)
        shape.addWidget(self.metadata)
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
        groups = zip(self._labels, (scope, shape, target), (self.this_one, self.format, self.path), strict=True)
        for row, (label, controls, first) in enumerate(groups):
            # As high as the first control beside it, so that both stand on one line.
            label.setFixedHeight(first.sizeHint().height())
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addLayout(controls, row, 1)
        column.addLayout(grid)
        column.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 12, MARGIN, 12)
        foot.setSpacing(8)
        foot.addWidget(self.status, 1)
        foot.addSpacing(8)
        foot.addWidget(self._close)
        foot.addWidget(self.export)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(column, 1)
        whole.addWidget(hairline())
        whole.addLayout(foot)

    def _chosen_format(self) -> Format:
        return self._formats[self.format.currentData()]

    def _is_folder(self) -> bool:
        return self.everything.isChecked() and not self._chosen_format().many_in_one_file

    def _scope_chosen(self) -> None:
        self._keep_folder()
        self._propose()

    def _format_chosen(self) -> None:
        name = self.format.currentData()
        self.metadata.setEnabled(name not in ALWAYS_WHOLE)
        self._format_note.setText(self._format_words().get(name, ("", ""))[1])
        written = Path(self.path.text())
        if self.path.text() != self._proposed and not self._is_folder() and written.suffix in self._suffixes():
            self.path.setText(str(written.with_suffix(self._chosen_format().suffix)))
        else:
            self._keep_folder()
            self._propose()

    def _keep_folder(self) -> None:
        """The next proposal lies where the person put this one."""
        written = self._written_path()
        if written is not None:
            self._folder = written.parent

    def _propose(self) -> None:
        suffix = "" if self._is_folder() else self._chosen_format().suffix
        taken = [each.name for each in self._folder.iterdir()] if self._folder.is_dir() else []
        name = file_name(self._title(), suffix, taken, untitled=export_labels().untitled)
        self._proposed = str(self._folder / name)
        self.path.setText(self._proposed)
        self._look_at_path()

    def _suffixes(self) -> set[str]:
        return {each.suffix for each in self._formats.values()}

    def _title(self) -> str:
        if self.this_one.isChecked() and self._current is not None:
            return self._current.title
        return self.tr("APUS Chat {day}").format(day=date.today().isoformat())

    def _written_path(self) -> Path | None:
        """Where the export goes: what is typed, in the folder proposed where it names none, with the right suffix."""
        text = self.path.text().strip()
        if not text:
            return None
        path = self._folder / Path(text).expanduser()
        suffix = self._chosen_format().suffix
        if self._is_folder() or path.is_dir() or path.suffix.lower() == suffix:
            return path
        return path.with_name(path.name + suffix) if path.suffix not in self._suffixes() else path

    def _look_at_path(self) -> None:
        path = self._written_path()
        note = ""
        if self._is_folder():
            note = self.tr("A folder with one file for each conversation.")
        elif path is not None and path != self._just_written and path.is_file():
            note = self.tr("This file is there already and will be replaced.")
        self._path_note.setText(note)
        something = bool(self._conversations)
        self.export.setEnabled(path is not None and something and not self._running)
        if not something:
            self.status.say(lambda: self.tr("There is no conversation to export yet."))

    def _ask_for_path(self) -> None:
        path = self._written_path() or self._folder
        if self._is_folder():
            chooser = QFileDialog(self, self.tr("Export into folder"), str(path.parent))
            chooser.setFileMode(QFileDialog.FileMode.Directory)
            chooser.setOption(QFileDialog.Option.ShowDirsOnly)
            chooser.setObjectName("fileDialog")
            chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            chooser.fileSelected.connect(self.path.setText)
            chooser.open()
            return
        words = self._format_words().get(self.format.currentData(), (self.format.currentText(), ""))[0]
        kinds = f"{words} (*{self._chosen_format().suffix})"
        ask_for_file(self, self.tr("Export"), kinds, self._path_chosen, save_as=path)

    def _path_chosen(self, path: Path) -> None:
        self.path.setText(str(path))

    def _export(self) -> None:
        path = self._written_path()
        if path is None:
            return
        store, formats, name = self._store, self._formats, self.format.currentData()
        ids = [self._current.id] if self.this_one.isChecked() and self._current else None
        options = Options(metadata=self.metadata.isChecked(), labels=export_labels())
        self._running = True
        self.export.setEnabled(False)
        self.status.say(lambda: self.tr("Exporting…"))
        run_in_background(
            self,
            lambda: export_conversations(store, ids, name, path, options, formats),
            self._exported,
            self._failed,
        )

    def _exported(self, files: list[Path]) -> None:
        self._just_written = files[0] if files else None
        self._end()
        folder = files[0].parent if files else self._folder

        def words() -> str:
            if len(files) == 1:
                return self.tr("Exported to {name}.").format(name=files[0].name)
            return self.tr("Exported. Files written: {count}.").format(count=len(files))

        self.status.say(words, "good", (lambda: self.tr("Show in folder"), lambda: self._show(folder)))
        self._ended(well=True)

    def _show(self, folder: Path) -> None:
        if not open_folder(folder):
            words = self.tr("No program on this machine opens folders. It is {path}.")
            self.status.say(lambda: words.format(path=folder), "warning")

    def _failed(self, error: UserError) -> None:
        self._end()
        self._ended(well=False)
        self.status.say(lambda: error_text(error), "bad")

    def _is_busy(self) -> bool:
        return self._running

    def _end(self) -> None:
        self._running = False
        self._look_at_path()

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Export"))
        self.setAccessibleName(self.tr("Export"))
        self._heading.setText(self.tr("Export conversations"))
        what, how, where = self._labels
        what.setText(self.tr("What"))
        how.setText(self.tr("Format"))
        where.setText(self.tr("Save as"))
        title = self._current.title if self._current else ""
        shown = title if len(title) <= 40 else title[:39] + "…"
        # An ampersand would be read as the mark of a shortcut.
        shown = shown.replace("&", "&&")
        self.this_one.setText(
            self.tr("This conversation: {title}").format(title=shown) if shown else self.tr("This conversation")
        )
        self.everything.setText(self.tr("All conversations ({count})").format(count=len(self._conversations)))
        names = self._format_words()
        for index, name in enumerate(self._formats):
            self.format.setItemText(index, names.get(name, (name.upper(), ""))[0])
        self._format_note.setText(names.get(self.format.currentData(), ("", ""))[1])
        self.format.setAccessibleName(self.tr("Format"))
        self.metadata.setText(self.tr("With the model, settings and speed of each answer"))
        self.path.setAccessibleName(self.tr("Save as"))
        self.browse.setText(self.tr("Browse…"))
        self._close.setText(self.tr("Close"))
        self.export.setText(self.tr("Export"))
        self._look_at_path()
        self.status.retranslate()

    def _format_words(self) -> dict[str, tuple[str, str]]:
        return {
            "md": (self.tr("Markdown"), self.tr("The branch that is shown, as text for people and other programs.")),
            "json": (self.tr("JSON"), self.tr("Everything, with all branches; can be imported again.")),
            "html": (self.tr("HTML page"), self.tr("To read in a browser, as it looks here.")),
            "pdf": (self.tr("PDF"), self.tr("To print or to hand on.")),
            "txt": (self.tr("Plain text"), self.tr("Questions and answers, nothing else.")),
            "jsonl": (self.tr("JSON Lines"), self.tr("One conversation on each line, for other programs.")),
        }
