"""Selectors of the export dialog: what is exported, and in which format with which options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QRadioButton, QSizePolicy, QWidget

from app.config.settings import Settings
from app.conversation import Conversation
from app.export.formats import ExportFormat, ExportLabels, ExportOptions, ThoughtExport
from ui.widgets.controls import wheel_only_with_focus
from ui.widgets.dialog_parts import quiet_label
from ui.widgets.layouts import hbox, vbox
from ui.widgets.tool_button import name_choice

LONGEST_TITLE = 40


@dataclass(frozen=True)
class Scope:
    """What is exported."""

    conversation_ids: tuple[str, ...] | None
    """None for all."""
    message_id: str | None = None

    @property
    def is_one(self) -> bool:
        """Whether it is one conversation, or a message of it."""
        return self.conversation_ids is not None and len(self.conversation_ids) == 1


class ScopeSelector(QWidget):
    """A radio button for each scope; those that do not apply are hidden."""

    changed = Signal()

    def __init__(
        self,
        count: int,
        current: Conversation | None,
        selected: tuple[str, ...],
        message_id: str | None,
    ) -> None:
        super().__init__()
        self._current = current
        one = None if current is None else (current.id,)
        title = current.title if current else ""
        shown_title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        this_one = self.tr("This conversation: {title}") if title else self.tr("This conversation")
        # A single ampersand would mark a shortcut.
        this_one = this_one.format(title=shown_title.replace("&", "&&"))
        self._scopes: dict[QRadioButton, Scope] = {}
        self.message = self._button("exportThisMessage", self.tr("This message"), Scope(one, message_id))
        self.this_one = self._button("exportThisConversation", this_one, Scope(one))
        text = self.tr("Selected conversations ({count})").format(count=len(selected))
        self.selected = self._button("exportSelection", text, Scope(selected))
        text = self.tr("All conversations outside the trash ({count})").format(count=count)
        self.everything = self._button("exportAllConversations", text, Scope(None))
        vbox(*self._scopes, parent=self, spacing=4)
        self.message.setVisible(current is not None and message_id is not None)
        self.this_one.setEnabled(current is not None)
        self.selected.setVisible(len(selected) > 1)
        shown = (each for each in (self.message, self.selected) if not each.isHidden())
        next(shown, self.everything if current is None else self.this_one).setChecked(True)
        for each in self._scopes:
            each.toggled.connect(lambda is_on: self.changed.emit() if is_on else None)

    @property
    def scope(self) -> Scope:
        """The selected scope."""
        return next(scope for button, scope in self._scopes.items() if button.isChecked())

    @property
    def first_button(self) -> QRadioButton:
        """The topmost button."""
        return self.this_one if self.message.isHidden() else self.message

    def title(self) -> str:
        """Return the title of the conversation in scope; empty for several."""
        return self._current.title if self.scope.is_one and self._current is not None else ""

    def _button(self, name: str, text: str, scope: Scope) -> QRadioButton:
        button = QRadioButton(text, self)
        button.setObjectName(name)
        self._scopes[button] = scope
        return button


class FormatOptions(QWidget):
    """The format and its options."""

    changed = Signal()

    def __init__(self, formats: Mapping[str, ExportFormat], settings: Settings) -> None:
        super().__init__()
        self._formats = formats
        self._is_one_message = False
        formats_by_name = {name: translate(each.label) for name, each in formats.items()}
        self.format_box = _combo_box("exportFormat", formats_by_name, settings.export_format)
        self.description = quiet_label()
        self.metadata = QCheckBox(self.tr("Include the model, settings and speed of each answer"))
        self.metadata.setObjectName("exportMetadata")
        self.metadata.setChecked(settings.export_metadata)
        self.branches = QCheckBox(self.tr("Include all branches, not only the one shown"))
        self.branches.setObjectName("exportAllBranches")
        self.unfinished = QCheckBox(self.tr("Include stopped and interrupted answers"))
        self.unfinished.setObjectName("exportUnfinished")
        self._thoughts_label = QLabel()
        self._thoughts = ThoughtExport(settings.export_thoughts)
        """As chosen; shown where the format can't collapse them."""
        self.thoughts = _combo_box("exportThoughts", {}, "")
        # The minimum heights of the style sheet are too small: a layout must not shrink the boxes to them.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._thoughts_label.setBuddy(self.thoughts)
        thoughts = hbox(self._thoughts_label, self.thoughts, None, spacing=12)
        boxes = (self.metadata, self.branches, self.unfinished)
        vbox(self.format_box, self.description, 2, *boxes, thoughts, parent=self, spacing=6)
        name_choice(self.format_box, self.tr("Format"))
        name_choice(self.thoughts, self.tr("Thoughts"))
        self.format_box.currentIndexChanged.connect(self._update)
        self.thoughts.activated.connect(self._choose_thoughts)
        self._update()

    @property
    def format(self) -> ExportFormat:
        """The selected format."""
        return self._formats[str(self.format_box.currentData())]

    def options(self) -> ExportOptions:
        """Return the selected options, in the language of the window."""
        return ExportOptions(
            metadata=self.metadata.isChecked(),
            thoughts=self._thoughts,
            all_branches=self.branches.isChecked(),
            unfinished=self.unfinished.isChecked(),
            labels=export_labels(),
        )

    def set_one_message(self, is_one: bool) -> None:
        """Set whether a single message is exported; the description of some formats depends on it."""
        self._is_one_message = is_one
        self._describe()

    def _update(self) -> None:
        for each in (self.metadata, self.thoughts, self._thoughts_label):
            each.setEnabled(not self.format.is_lossless)
        for box in (self.branches, self.unfinished):
            box.setVisible(self.format.has_examples)
        self.thoughts.clear()
        for value, text in self._thought_labels().items():
            self.thoughts.addItem(text, value)
        self.thoughts.setCurrentIndex(max(0, self.thoughts.findData(self._thoughts)))
        self._describe()
        self.changed.emit()

    def _choose_thoughts(self) -> None:
        self._thoughts = ThoughtExport(self.thoughts.currentData())

    def _thought_labels(self) -> dict[ThoughtExport, str]:
        labels = {ThoughtExport.KEEP: self.tr("Shown")}
        if self.format.folds_thoughts:
            labels[ThoughtExport.FOLD] = self.tr("Collapsed")
        return {**labels, ThoughtExport.DROP: self.tr("Omitted")}

    def _describe(self) -> None:
        description = translate(self.format.description)
        if self._is_one_message and self.format.needs_history:
            description += " " + self.tr("Includes the messages before it.")
        self.description.setText(description)


def _combo_box(name: str, labels: Mapping[str, str], current: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    for value, text in labels.items():
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(current)))
    wheel_only_with_focus(box)
    return box


def translate(text: str) -> str:
    """Translate a label of ``app.export``."""
    return QCoreApplication.translate("export", text)


def export_labels() -> ExportLabels:
    """Return the labels of exported files in the language of the window."""
    return ExportLabels().translated(translate)
