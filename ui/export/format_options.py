"""How something is exported: the format, with what it is good for, and what is taken along."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.config.settings import Settings
from app.export.formats import Format, Options, Thoughts
from ui.widgets.dialog_parts import quiet_label, wheel_only_with_focus

ALWAYS_WHOLE = ("json",)
"""Holds everything there is, so that it can be imported again."""
EXAMPLES = ("jsonl",)
"""Holds separate examples: branches and unfinished answers are a question of their own."""


class ShapeChoice(QWidget):
    """The format and its options."""

    changed = Signal()

    def __init__(self, formats: Mapping[str, Format], chosen: Settings) -> None:
        super().__init__()
        self._formats = formats
        self._with_its_way = False
        self.format = QComboBox(self)
        self.format.setObjectName("exportFormat")
        for name in formats:
            self.format.addItem("", name)
        self.format.setCurrentIndex(max(0, self.format.findData(chosen.export_format)))
        self._note = quiet_label()
        self.metadata = QCheckBox(self)
        self.metadata.setObjectName("exportMetadata")
        self.metadata.setChecked(chosen.export_metadata)
        self.branches = QCheckBox(self)
        self.branches.setObjectName("exportAllBranches")
        self.unfinished = QCheckBox(self)
        self.unfinished.setObjectName("exportUnfinished")
        self._thoughts_label = QLabel(self)
        self.thoughts = QComboBox(self)
        self.thoughts.setObjectName("exportThoughts")
        for each in Thoughts:
            self.thoughts.addItem("", each)
        self.thoughts.setCurrentIndex(max(0, self.thoughts.findData(Thoughts(chosen.export_thoughts))))
        for box in (self.format, self.thoughts):
            wheel_only_with_focus(box)
        thoughts = QHBoxLayout()
        thoughts.setSpacing(12)
        thoughts.addWidget(self._thoughts_label)
        thoughts.addWidget(self.thoughts)
        thoughts.addStretch(1)
        # The style sheet gives the boxes a least height below their own, to which a layout would press them.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.format)
        layout.addWidget(self._note)
        layout.addSpacing(2)
        layout.addWidget(self.metadata)
        layout.addWidget(self.branches)
        layout.addWidget(self.unfinished)
        layout.addLayout(thoughts)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self._format_chosen()

    @property
    def name(self) -> str:
        """The format's name."""
        return str(self.format.currentData())

    @property
    def chosen(self) -> Format:
        """The format."""
        return self._formats[self.name]

    def options(self) -> Options:
        """What is taken along; labels, mathematics and the watch come from whoever exports."""
        return Options(
            metadata=self.metadata.isChecked(),
            thoughts=Thoughts(self.thoughts.currentData()),
            all_branches=self.branches.isChecked(),
            unfinished=self.unfinished.isChecked(),
        )

    def words(self) -> str:
        """The format's name for a person."""
        return self._words().get(self.name, (self.name.upper(), ""))[0]

    def set_one_message(self, is_one: bool) -> None:
        """Whether one message alone is meant, which some formats do not write without those before it."""
        self._with_its_way = is_one
        self._say_note()

    def retranslate(self) -> None:
        """Word everything."""
        names = self._words()
        for index, name in enumerate(self._formats):
            self.format.setItemText(index, names.get(name, (name.upper(), ""))[0])
        self.format.setAccessibleName(self.tr("Format"))
        self.metadata.setText(self.tr("Include the model, settings and speed of each answer"))
        self.branches.setText(self.tr("Include all branches, not only the one shown"))
        self.unfinished.setText(self.tr("Include stopped and interrupted answers"))
        self._thoughts_label.setText(self.tr("Thoughts"))
        self.thoughts.setAccessibleName(self.tr("Thoughts"))
        for index, text in enumerate((self.tr("Shown"), self.tr("Collapsed"), self.tr("Omitted"))):
            self.thoughts.setItemText(index, text)
        self._say_note()

    def _format_chosen(self) -> None:
        name = self.name
        self.metadata.setEnabled(name not in ALWAYS_WHOLE)
        self.thoughts.setEnabled(name not in ALWAYS_WHOLE)
        self._thoughts_label.setEnabled(name not in ALWAYS_WHOLE)
        for each in (self.branches, self.unfinished):
            each.setVisible(name in EXAMPLES)
        self._say_note()
        self.changed.emit()

    def _say_note(self) -> None:
        note = self._words().get(self.name, ("", ""))[1]
        if self._with_its_way and (self.chosen.needs_the_way or self.name in ALWAYS_WHOLE):
            note += " " + self.tr("Includes the messages before it.")
        self._note.setText(note)

    def _words(self) -> dict[str, tuple[str, str]]:
        return {
            "md": (self.tr("Markdown"), self.tr("The branch shown, as text for reading or for use in other programs.")),
            "html": (
                self.tr("HTML page"),
                self.tr("Opens in any browser, with formulas and colours; loads no external content."),
            ),
            "pdf": (self.tr("PDF"), self.tr("For printing or sharing.")),
            "json": (self.tr("JSON"), self.tr("Everything, including all branches; can be imported again.")),
            "txt": (self.tr("Plain text"), self.tr("Questions and answers without formatting.")),
            "jsonl": (self.tr("JSON Lines"), self.tr("One conversation per line, for training or testing models.")),
        }
