"""The settings: everything applies and is saved the moment it is changed, so there is nothing to confirm.

What the window has to do about a change (another theme, another language) is the window's: it listens to ``changed``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.services import Services
from app.settings import BOUNDS, CHOICES, Settings
from model_manager.errors import UserError
from ui.dialog_parts import (
    CONTROL_WIDTH,
    MARGIN,
    ChoiceOrNumber,
    Row,
    StatusLine,
    WorkingDialog,
    button,
    hairline,
    heading,
    indent,
    wheel_only_with_focus,
)
from ui.error_text import error_text
from ui.language import AVAILABLE
from ui.settings_data import DataSettings
from ui.settings_downloads import DownloadSettings

TYPING_PAUSE_MS = 500
"""A text is saved when the person pauses, not at every key."""
SCROLL_BAR_WIDTH = 10
"""As the style sheet has it; it stands in the margin, so that all right edges are in one line."""
IDLE_MINUTES = (0, 5, 15, 30, 60, 120, 240)
NOT_SHOWN = (
    "authority",
    "conversation_id",
    "model_id",
    "models_folder",
    "sidebar_shown",
    "sidebar_width",
    "window_geometry",
)
"""Settings that are remembered, or set elsewhere: the defaults leave them alone."""


class SettingsDialog(WorkingDialog):
    """All settings on one page that scrolls."""

    changed = Signal(object)
    """The ``Settings`` as they are now."""
    conversations_changed = Signal()
    """An import added conversations or brought some back."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self._settings = services.settings
        self._status = StatusLine("settingsStatus")
        self._make_controls()
        self.data = DataSettings(services, self._status)
        self.data.restore_asked.connect(self._restore_defaults)
        self.data.conversations_changed.connect(self.conversations_changed)
        self.data.work_ended.connect(lambda well: self._ended(well=well))
        self.downloads = DownloadSettings(services, self._status)
        self.downloads.changed.connect(lambda: self.changed.emit(self._settings.now))
        self.downloads.work_ended.connect(lambda well: self._ended(well=well))
        self._headings = [heading() for _ in range(5)]
        self._close = button("closeButton")
        self._close.clicked.connect(self.accept)
        self._lay_out()
        self._show(self._settings.now)
        self._connect()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_PAUSE_MS)
        self._typing.timeout.connect(self._save_text)
        self.resize(680, 580)
        self._built()

    def _make_controls(self) -> None:
        self.language = self._combo("languageChoice", CHOICES["language"])
        self.theme = self._combo("themeChoice", CHOICES["theme"])
        self.system_prompt = QPlainTextEdit()
        self.system_prompt.setObjectName("systemPrompt")
        self.system_prompt.setTabChangesFocus(True)
        self.system_prompt.document().setDocumentMargin(8)
        self.system_prompt.setFixedHeight(88)
        self.temperature = self._decimal("temperature", 0.1)
        self.top_p = self._decimal("top_p", 0.05)
        self.top_k = QSpinBox()
        self.top_k.setRange(int(BOUNDS["top_k"][0]), int(BOUNDS["top_k"][1]))
        self.top_k.setKeyboardTracking(False)
        self.min_p = self._decimal("min_p", 0.01)
        self.repeat_penalty = self._decimal("repeat_penalty", 0.05)
        self.max_tokens = ChoiceOrNumber((0,), 1024, 1, int(BOUNDS["max_tokens"][1]), 256)
        self.context = ChoiceOrNumber((0,), 8192, 256, int(BOUNDS["context"][1]), 1024)
        self.gpu_layers = ChoiceOrNumber((-2, -1), 32, 0, int(BOUNDS["gpu_layers"][1]), 1)
        self.idle_release = self._combo("idleRelease", IDLE_MINUTES)
        self._numbers: dict[str, QSpinBox | QDoubleSpinBox] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repeat_penalty": self.repeat_penalty,
        }
        for number in self._numbers.values():
            number.setFixedWidth(CONTROL_WIDTH // 2)
            wheel_only_with_focus(number)
            indent(number)
        self._choices: dict[str, ChoiceOrNumber] = {
            "max_tokens": self.max_tokens,
            "context": self.context,
            "gpu_layers": self.gpu_layers,
        }
        self._combos = {
            "language": self.language,
            "theme": self.theme,
            "idle_release_minutes": self.idle_release,
        }

    def _combo(self, name: str, values: Sequence[object]) -> QComboBox:
        combo = QComboBox()
        combo.setObjectName(name)
        combo.setFixedWidth(CONTROL_WIDTH)
        wheel_only_with_focus(combo)
        for value in values:
            combo.addItem("", value)
        return combo

    def _decimal(self, key: str, step: float) -> QDoubleSpinBox:
        number = QDoubleSpinBox()
        number.setRange(*BOUNDS[key])
        number.setSingleStep(step)
        number.setKeyboardTracking(False)
        return number

    def _lay_out(self) -> None:
        self._rows = {
            "language": Row(self.language),
            "theme": Row(self.theme),
            "system_prompt": Row(self.system_prompt, wide=True),
            **{key: Row(number) for key, number in self._numbers.items()},
            **{key: Row(choice) for key, choice in self._choices.items()},
            "idle_release_minutes": Row(self.idle_release),
        }
        groups: tuple[tuple[str, ...], ...] = (
            ("language", "theme"),
            ("system_prompt", *self._numbers, "max_tokens"),
            ("context", "gpu_layers", "idle_release_minutes"),
        )
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN - SCROLL_BAR_WIDTH, MARGIN)
        column.setSpacing(0)
        for title, keys in zip(self._headings, (*groups, (), ()), strict=True):
            column.addWidget(title)
            column.addSpacing(4)
            for key in keys:
                if key != keys[0]:
                    column.addWidget(hairline())
                column.addWidget(self._rows[key])
            if title is self._headings[3]:
                column.addWidget(self.downloads)
            if title is not self._headings[4]:
                column.addSpacing(20)
        column.addWidget(self.data)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # The keyboard goes through the controls; each scrolls itself into view.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 12, MARGIN, 12)
        foot.setSpacing(16)
        foot.addWidget(self._status, 1)
        foot.addWidget(self._close)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addWidget(hairline())
        whole.addLayout(foot)

    def _connect(self) -> None:
        # Bound as defaults: each function keeps its own key.
        for key, combo in self._combos.items():
            combo.currentIndexChanged.connect(lambda _, key=key, combo=combo: self._set(**{key: combo.currentData()}))
        for key, number in self._numbers.items():
            number.valueChanged.connect(lambda value, key=key: self._set(**{key: value}))
        for key, choice in self._choices.items():
            choice.changed.connect(lambda value, key=key: self._set(**{key: value}))
        self.system_prompt.textChanged.connect(lambda: self._typing.start())

    def _show(self, settings: Settings) -> None:
        """Let every control show its setting, without telling anybody."""
        for key, combo in self._combos.items():
            value = getattr(settings, key)
            if combo.findData(value) < 0:
                combo.addItem("", value)
            combo.blockSignals(True)
            combo.setCurrentIndex(combo.findData(value))
            combo.blockSignals(False)
        for key, number in self._numbers.items():
            number.blockSignals(True)
            number.setValue(getattr(settings, key))
            number.blockSignals(False)
        for key, choice in self._choices.items():
            choice.set_value(getattr(settings, key))
        self.system_prompt.blockSignals(True)
        self.system_prompt.setPlainText(settings.system_prompt)
        self.system_prompt.blockSignals(False)

    def _set(self, **values: Any) -> None:
        try:
            self._settings.change(**values)
        except UserError as error:
            failure = error
            self._status.say(lambda: error_text(failure), "bad")
        else:
            self._status.clear()
        self.changed.emit(self._settings.now)

    def _save_text(self) -> None:
        self._typing.stop()
        text = self.system_prompt.toPlainText()
        if text != self._settings.now.system_prompt:
            self._set(system_prompt=text)

    def _restore_defaults(self) -> None:
        self._save_text()
        before = self._settings.now
        self._put({key: value for key, value in dataclasses.asdict(Settings()).items() if key not in NOT_SHOWN})
        if self._settings.now != before:
            self._status.say(
                lambda: self.tr("The defaults are restored."),
                action=(lambda: self.tr("Undo"), lambda: self._put(dataclasses.asdict(before))),
            )

    def _put(self, values: dict[str, Any]) -> None:
        self._set(**{key: value for key, value in values.items() if key not in NOT_SHOWN})
        self._show(self._settings.now)
        self.downloads.show_settings()

    def _is_busy(self) -> bool:
        return self.data.busy or self.downloads.busy

    def done(self, result: int) -> None:
        """Keep what is half typed, however the dialog is closed."""
        for number in (*self._numbers.values(), *(choice.number for choice in self._choices.values())):
            number.interpretText()
        self._save_text()
        super().done(result)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Settings"))
        self.setAccessibleName(self.tr("Settings"))
        titles = (
            self.tr("Appearance"),
            self.tr("Conversation"),
            self.tr("Engine"),
            self.tr("Downloads"),
            self.tr("Data"),
        )
        for label, title in zip(self._headings, titles, strict=True):
            label.setText(title)
        self._close.setText(self.tr("Close"))
        for key, (title, explanation) in self._row_words().items():
            self._rows[key].set_words(title, explanation)
        names = ("", *AVAILABLE)
        for index, code in enumerate(names):
            at = self.language.findData(names[index])
            self.language.setItemText(at, AVAILABLE.get(code) or self.tr("System"))
        for theme, words in (
            ("system", self.tr("System")),
            ("light", self.tr("Light")),
            ("dark", self.tr("Dark")),
        ):
            self.theme.setItemText(self.theme.findData(theme), words)
        for index in range(self.idle_release.count()):
            self.idle_release.setItemText(index, self._minutes(self.idle_release.itemData(index)))
        self.max_tokens.set_words([self.tr("No limit")], self.tr("Number"), self.tr("Tokens"))
        self.context.set_words([self.tr("Automatic")], self.tr("Number"), self.tr("Tokens"))
        self.gpu_layers.set_words([self.tr("Automatic"), self.tr("All")], self.tr("Number"), self.tr("Layers"))
        self.system_prompt.setPlaceholderText(self.tr("For example: Answer briefly."))
        self.downloads.retranslate()
        self.data.retranslate()
        self._status.retranslate()

    def _minutes(self, minutes: int) -> str:
        if minutes == 0:
            return self.tr("Never")
        if minutes == 60:
            return self.tr("1 hour")
        if minutes > 60 and minutes % 60 == 0:
            return self.tr("{hours} hours").format(hours=minutes // 60)
        return self.tr("{minutes} minutes").format(minutes=minutes)

    def _row_words(self) -> dict[str, tuple[str, str]]:
        return {
            "language": (self.tr("Language"), ""),
            "theme": (self.tr("Theme"), ""),
            "system_prompt": (
                self.tr("System prompt"),
                self.tr("What the model is told before every new conversation."),
            ),
            "temperature": (
                self.tr("Temperature"),
                self.tr("Higher is more varied, lower more predictable; 0 takes the most probable token."),
            ),
            "top_p": (
                self.tr("Top-p"),
                self.tr("Among the most probable tokens that together reach this share; 1 keeps all."),
            ),
            "top_k": (self.tr("Top-k"), self.tr("Among this many of the most probable tokens; 0 keeps all.")),
            "min_p": (
                self.tr("Min-p"),
                self.tr("Leaves out tokens below this share of the most probable one; 0 keeps all."),
            ),
            "repeat_penalty": (
                self.tr("Repeat penalty"),
                self.tr("Above 1 makes it less likely to repeat itself; 1 changes nothing."),
            ),
            "max_tokens": (
                self.tr("Longest answer"),
                self.tr("In tokens; an English word is a little more than one."),
            ),
            "context": (
                self.tr("Context"),
                self.tr("Tokens the model sees at once; more take more memory."),
            ),
            "gpu_layers": (
                self.tr("Layers on GPUs"),
                self.tr("As many as fit; the processor computes the others."),
            ),
            "idle_release_minutes": (
                self.tr("Release the model"),
                self.tr("Frees its memory after this time without a question."),
            ),
        }
