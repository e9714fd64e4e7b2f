"""Selector of the export format and its options."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.config.settings import Settings
from app.export.formats import Format, Labels, Options, Thoughts
from ui.widgets.controls import wheel_only_with_focus
from ui.widgets.dialog_parts import quiet_label


class FormatOptions(QWidget):
    """The format and its options."""

    changed = Signal()

    def __init__(self, formats: Mapping[str, Format], settings: Settings) -> None:
        super().__init__()
        self._formats = formats
        self._is_one_message = False
        self.format_box = QComboBox(self)
        self.format_box.setObjectName("exportFormat")
        for name in formats:
            self.format_box.addItem("", name)
        self.format_box.setCurrentIndex(max(0, self.format_box.findData(settings.export_format)))
        self.description = quiet_label()
        self.metadata = QCheckBox(self)
        self.metadata.setObjectName("exportMetadata")
        self.metadata.setChecked(settings.export_metadata)
        self.branches = QCheckBox(self)
        self.branches.setObjectName("exportAllBranches")
        self.unfinished = QCheckBox(self)
        self.unfinished.setObjectName("exportUnfinished")
        self._thoughts_label = QLabel(self)
        self.thoughts = QComboBox(self)
        self.thoughts.setObjectName("exportThoughts")
        for each in Thoughts:
            self.thoughts.addItem("", each)
        self.thoughts.setCurrentIndex(max(0, self.thoughts.findData(Thoughts(settings.export_thoughts))))
        for box in (self.format_box, self.thoughts):
            wheel_only_with_focus(box)
        thoughts = QHBoxLayout()
        thoughts.setSpacing(12)
        thoughts.addWidget(self._thoughts_label)
        thoughts.addWidget(self.thoughts)
        thoughts.addStretch(1)
        # The minimum heights of the style sheet are too small: a layout must not shrink the boxes to them.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.format_box)
        layout.addWidget(self.description)
        layout.addSpacing(2)
        layout.addWidget(self.metadata)
        layout.addWidget(self.branches)
        layout.addWidget(self.unfinished)
        layout.addLayout(thoughts)
        self.format_box.currentIndexChanged.connect(self._format_changed)
        self._format_changed()

    @property
    def format(self) -> Format:
        """The selected format."""
        return self._formats[str(self.format_box.currentData())]

    def options(self) -> Options:
        """Return the selected options, in the language of the window."""
        return Options(
            metadata=self.metadata.isChecked(),
            thoughts=Thoughts(self.thoughts.currentData()),
            all_branches=self.branches.isChecked(),
            unfinished=self.unfinished.isChecked(),
            labels=export_labels(),
        )

    def set_one_message(self, is_one: bool) -> None:
        """Set whether a single message is exported; the description of some formats depends on it."""
        self._is_one_message = is_one
        self._update_description()

    def retranslate(self) -> None:
        """Set all texts."""
        for index, each in enumerate(self._formats.values()):
            self.format_box.setItemText(index, translate(each.label))
        self.format_box.setAccessibleName(self.tr("Format"))
        self.metadata.setText(self.tr("Include the model, settings and speed of each answer"))
        self.branches.setText(self.tr("Include all branches, not only the one shown"))
        self.unfinished.setText(self.tr("Include stopped and interrupted answers"))
        self._thoughts_label.setText(self.tr("Thoughts"))
        self.thoughts.setAccessibleName(self.tr("Thoughts"))
        for index, text in enumerate((self.tr("Shown"), self.tr("Collapsed"), self.tr("Omitted"))):
            self.thoughts.setItemText(index, text)
        self._update_description()

    def _format_changed(self) -> None:
        for each in (self.metadata, self.thoughts, self._thoughts_label):
            each.setEnabled(not self.format.is_lossless)
        for box in (self.branches, self.unfinished):
            box.setVisible(self.format.has_examples)
        self._update_description()
        self.changed.emit()

    def _update_description(self) -> None:
        description = translate(self.format.description)
        if self._is_one_message and self.format.needs_history:
            description += " " + self.tr("Includes the messages before it.")
        self.description.setText(description)


def translate(text: str) -> str:
    """Translate a label of ``app.export``."""
    return QCoreApplication.translate("export", text)


def export_labels() -> Labels:
    """Return the labels of exported files in the language of the window."""
    return Labels().translated(translate)
