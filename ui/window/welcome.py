"""Welcome page of an empty conversation; at the first start it offers a model."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QPushButton, QWidget

from app.config.settings import LANGUAGES
from app.servers.registry import is_server_model
from ui.conversation.model_picker import ModelPicker
from ui.plan.bar_data import Bar
from ui.plan.bars import SummaryBars
from ui.widgets.dialog_parts import SMALL_SIZE, button, scrolled, set_style_property
from ui.widgets.layouts import hbox, vbox
from ui.widgets.theme import interface_font

WIDTH = 520
WORD_JOINER = "\u2060"
MARGINS = 48
"""Left and right margin together."""
BARS_HEIGHT = 560
"""A lower page hides the bars, which would push the buttons out of sight; the models page shows them too."""


class Welcome(QWidget):
    """The page, which does not cover the composer; its buttons are connected by the window's controller."""

    language_requested = Signal(str)
    """Code of one of ``LANGUAGES``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_first_start = False
        self._plan: tuple[Bar, ...] = ()
        self._title, self._text = _label(24, bold=True), _label(15, quiet=True)
        self._computer, self._advice = _label(SMALL_SIZE, quiet=True), _label(15, bold=True)
        self._labels = self._title, self._text, self._computer, self._advice
        self._computer.setObjectName("computerLabel")
        self._advice.setObjectName("adviceLabel")
        self._bars = SummaryBars()
        self._bars.setMaximumWidth(WIDTH)
        self.models_button = button("chooseModelButton")
        self.starter_button = button("useStarterButton")
        self.file_button = button("chooseFileButton", quiet=True)
        self.server_button = button("useServerButton", quiet=True)
        self.diagnostics_button = button("checkMachineLink", quiet=True)
        self._languages = {code: self._language_button(code, name) for code, name in LANGUAGES.items()}
        first = self.models_button, self.starter_button
        second = self.file_button, self.server_button, self.diagnostics_button
        self._rows = (hbox(None, *first, None, spacing=12), first), (hbox(None, *second, None), second)
        labels: list[int | tuple[QWidget, int, Qt.AlignmentFlag]] = []
        for label, space in zip(self._labels, (12, 16, 8, 8), strict=True):
            labels += [(label, 0, Qt.AlignmentFlag.AlignHCenter), space]
        bars = hbox(None, (self._bars, 100), None)
        page = QWidget()
        column = vbox(hbox(None, *self._languages.values(), None), 12, parent=page, margins=(24, 16, 24, 16))
        column.addStretch(5)
        column.addLayout(vbox(*labels, bars, 16, self._rows[0][0], 8, self._rows[1][0]))
        column.addStretch(6)
        scroll = scrolled(page)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        vbox(scroll, parent=self)

    def refresh(self, models: ModelPicker, *, is_first_start: bool, is_temporary: bool, language: str) -> None:
        """Show the selected model, or at the first start what is recommended, with all texts in ``language``."""
        self._is_first_start = is_first_start
        computer, advice, self._plan = models.advice()
        title, text = self.tr("What would you like to talk about?"), self._model_text(models)
        if is_first_start:
            title = self.tr("Chat with a model on your own computer")
            text = self._first_start_text(has_starter=models.has_starter, has_advice=bool(advice))
        elif is_temporary:
            title, text = (
                self.tr("Temporary chat"),
                self.tr(
                    "This chat isn't saved, listed or searchable. It's gone when you leave it or close the window; "
                    "you can save or export it before then."
                ),
            )
        # No line may end inside of "tokens/s".
        contents = title, text, computer, advice.replace("/", f"/{WORD_JOINER}")
        for line, content in zip(self._labels, contents, strict=True):
            line.setText(content)
        for line in (self._computer, self._advice):
            line.setVisible(is_first_start and bool(line.text()))
        texts = {
            self.models_button: self.tr("Browse models…"),
            self.starter_button: self.tr("Use the starter model"),
            self.file_button: self.tr("Choose a model file…"),
            self.server_button: self.tr("Use a server…"),
            self.diagnostics_button: self.tr("Run diagnostics…"),
            **{each: LANGUAGES[code] for code, each in self._languages.items()},
        }
        for each, label in texts.items():
            each.setText(label)
            each.setVisible(is_first_start and (each is not self.starter_button or models.has_starter))
        for code, each in self._languages.items():
            each.setChecked(code == language)
        # What does not fit is not what the page recommends.
        fits = not advice or bool(self._plan)
        set_style_property(self.models_button, primary=fits)
        set_style_property(self.starter_button, primary=not fits)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit texts and buttons to the width."""
        super().resizeEvent(event)
        self._fit()

    def _language_button(self, code: str, name: str) -> QPushButton:
        made = button(f"language-{code}", quiet=True)
        made.setAccessibleName(name)
        made.setCheckable(True)
        made.setProperty("choice", True)
        made.setAutoExclusive(True)
        made.clicked.connect(lambda: self.language_requested.emit(code))
        return made

    def _fit(self) -> None:
        # Buttons that have no room beside each other are arranged in a column.
        for row, buttons in self._rows:
            widths = [each.sizeHint().width() for each in buttons if not each.isHidden()]
            fits = sum(widths) + row.spacing() * len(widths) + MARGINS <= self.width()
            row.setDirection(QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom)
        has_bars = self._is_first_start and self.height() >= BARS_HEIGHT
        self._bars.show_bars(self._plan if has_bars else ())
        # A layout does not ask a wrapping label for its height at the width that it gets.
        width = max(200, min(WIDTH, self.width() - MARGINS))
        for label in self._labels:
            label.setMinimumHeight(0)
            label.setFixedSize(width, max(0, label.heightForWidth(width)))

    def _model_text(self, models: ModelPicker) -> str:
        text = self.tr("{model} runs on this computer. No data leaves it.")
        if is_server_model(models.model_id() or ""):
            text = self.tr("{model} runs on a server. Your questions are sent to it.")
        return text.format(model=models.name())

    def _first_start_text(self, *, has_starter: bool, has_advice: bool) -> str:
        if has_starter and has_advice:
            return self.tr(
                "This program is made for APUS-xDAN-4.0-MoE. A very small starter model is already installed, "
                "good for a first try; any other GGUF chat model works too."
            )
        if has_starter:
            return self.tr(
                "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
                "this computer and downloads them. A very small starter model is already installed, good for a "
                "first try. Any other GGUF chat model works too."
            )
        return self.tr(
            "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
            "this computer and downloads them. Any other GGUF chat model works too."
        )


def _label(size: int, *, bold: bool = False, quiet: bool = False) -> QLabel:
    label = QLabel()
    label.setFont(interface_font(size, bold=bold))
    label.setProperty("quiet", quiet)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return label
