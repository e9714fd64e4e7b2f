"""Welcome page of an empty conversation; at the first start it offers a model."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.config.settings import LANGUAGES
from ui.plan.bar_data import Bar
from ui.plan.bars import SummaryBars
from ui.widgets.theme import interface_font
from ui.widgets.translated import TranslatedWidget

WIDTH = 520
SMALL_SIZE = 13
WORD_JOINER = "\u2060"
MARGINS = 48
"""Left and right margin together."""
BARS_HEIGHT = 560
"""A lower page hides the bars, which would push the buttons out of sight; the models page shows them too."""


@dataclass(frozen=True)
class WelcomeState:
    """What the page shows."""

    is_first_start: bool = False
    has_starter: bool = False
    """Whether the starter model is installed."""
    model_name: str = ""
    is_remote: bool = False
    """Whether the selected model runs on a server."""
    is_temporary: bool = False
    advice: str = ""
    """The recommended quantisation of the home model, at the first start."""
    bars: tuple[Bar, ...] = ()
    """The memory plan of that."""
    computer: str = ""
    """The hardware of this computer in one line."""
    language: str = "en"


class Welcome(TranslatedWidget):
    """The page; it leaves the composer usable."""

    models_requested = Signal()
    starter_requested = Signal()
    file_requested = Signal()
    server_requested = Signal()
    diagnostics_requested = Signal()
    language_requested = Signal(str)
    """Code of one of ``LANGUAGES``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = WelcomeState()
        self._title, self._text, self._computer, self._advice = (QLabel(self) for _ in range(4))
        self._fonts = {self._title: (24, True), self._text: (15, False)}
        self._fonts |= {self._computer: (SMALL_SIZE, False), self._advice: (15, True)}
        for label in self._fonts:
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._computer.setObjectName("computerLabel")
        self._advice.setObjectName("adviceLabel")
        for label in (self._text, self._computer):
            label.setProperty("quiet", True)
        self._bars = SummaryBars()
        self._bars.setMaximumWidth(WIDTH)
        self._models = self._button("chooseModelButton", "primary", self.models_requested)
        self._starter = self._button("useStarterButton", "", self.starter_requested)
        self._file = self._button("chooseFileButton", "quiet", self.file_requested)
        self._server = self._button("useServerButton", "quiet", self.server_requested)
        self._check = self._button("checkMachineLink", "quiet", self.diagnostics_requested)
        self._languages = {code: self._language_button(code) for code in LANGUAGES}
        self._lay_out()
        self._retranslate()

    def show_state(self, state: WelcomeState) -> None:
        """Show another state."""
        self._state = state
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Set the fonts again after a change of the application's font."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._retranslate()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit texts and buttons to the width."""
        super().resizeEvent(event)
        self._fit()

    def _button(self, name: str, kind: str, clicked: SignalInstance | None = None) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        if kind:
            button.setProperty(kind, True)
        if clicked is not None:
            button.clicked.connect(clicked)
        return button

    def _language_button(self, code: str) -> QPushButton:
        button = self._button(f"language-{code}", "quiet")
        button.setText(LANGUAGES[code])
        button.setAccessibleName(LANGUAGES[code])
        button.setCheckable(True)
        button.setProperty("choice", True)
        button.clicked.connect(lambda: self._choose_language(code))
        return button

    def _lay_out(self) -> None:
        self._first_row = _row(12, self._models, self._starter)
        self._second_row = _row(0, self._file, self._server, self._check)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setSpacing(0)
        layout.addLayout(_row(0, *self._languages.values()))
        layout.addSpacing(12)
        layout.addStretch(5)
        spaces = {self._title: 12, self._text: 16, self._computer: 8, self._advice: 8}
        for label, space in spaces.items():
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
            layout.addSpacing(space)
        bars = QHBoxLayout()
        bars.addStretch(1)
        bars.addWidget(self._bars, 100)
        bars.addStretch(1)
        layout.addLayout(bars)
        layout.addSpacing(16)
        layout.addLayout(self._first_row)
        layout.addSpacing(8)
        layout.addLayout(self._second_row)
        layout.addStretch(6)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _choose_language(self, code: str) -> None:
        # A second click would uncheck the button of the language.
        self._languages[code].setChecked(code == self._state.language)
        self.language_requested.emit(code)

    def _fit(self) -> None:
        # Buttons that have no room beside each other are arranged in a column.
        first, second = (self._models, self._starter), (self._file, self._server, self._check)
        for row, buttons in ((self._first_row, first), (self._second_row, second)):
            widths = [button.sizeHint().width() for button in buttons if not button.isHidden()]
            fits = sum(widths) + row.spacing() * len(widths) + MARGINS <= self.width()
            row.setDirection(QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom)
        has_bars = self._state.is_first_start and self.height() >= BARS_HEIGHT
        self._bars.show_bars(self._state.bars if has_bars else ())
        # A layout does not ask a wrapping label for its height at the width that it gets.
        width = max(200, min(WIDTH, self.width() - MARGINS))
        for label in self._fonts:
            label.setMinimumHeight(0)
            label.setFixedSize(width, max(0, label.heightForWidth(width)))

    def _retranslate(self) -> None:
        state = self._state
        for label, (size, is_bold) in self._fonts.items():
            label.setFont(interface_font(size, bold=is_bold))
        title, text = self._texts()
        self._title.setText(title)
        self._text.setText(text)
        self._computer.setText(state.computer)
        # No line may end inside of "tokens/s".
        self._advice.setText(state.advice.replace("/", f"/{WORD_JOINER}"))
        for label in (self._computer, self._advice):
            label.setVisible(state.is_first_start and bool(label.text()))
        self._models.setText(self.tr("Browse models…"))
        self._starter.setText(self.tr("Use the starter model"))
        self._file.setText(self.tr("Choose a model file…"))
        self._server.setText(self.tr("Use a server…"))
        self._check.setText(self.tr("Run diagnostics…"))
        for button in (self._models, self._file, self._server, self._check, *self._languages.values()):
            button.setVisible(state.is_first_start)
        self._starter.setVisible(state.is_first_start and state.has_starter)
        for code, button in self._languages.items():
            button.setChecked(code == state.language)
        self._fit()

    def _texts(self) -> tuple[str, str]:
        """Return the title and the paragraph below it."""
        state = self._state
        if state.is_first_start:
            return self.tr("Chat with a model on your own computer"), self._first_start_text()
        if state.is_temporary:
            return self.tr("Temporary chat"), self.tr(
                "This chat isn't saved, listed or searchable. It's gone when you leave it or close the window; "
                "you can save or export it before then."
            )
        text = self.tr("{model} runs on this computer. No data leaves it.")
        if state.is_remote:
            text = self.tr("{model} runs on a server. Your questions are sent to it.")
        return self.tr("What would you like to talk about?"), text.format(model=state.model_name)

    def _first_start_text(self) -> str:
        if self._state.has_starter and self._state.advice:
            return self.tr(
                "This program is made for APUS-xDAN-4.0-MoE. A very small starter model is already installed, "
                "good for a first try; any other GGUF chat model works too."
            )
        if self._state.has_starter:
            return self.tr(
                "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
                "this computer and downloads them. A very small starter model is already installed, good for a "
                "first try. Any other GGUF chat model works too."
            )
        return self.tr(
            "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
            "this computer and downloads them. Any other GGUF chat model works too."
        )


def _row(spacing: int, *widgets: QWidget) -> QBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(spacing)
    row.addStretch(1)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
