"""The page where a conversation will be: says what to do, and offers a model where none was chosen yet."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ui.plan.bar_data import Bar
from ui.plan.summary_bars import SummaryBars
from ui.widgets.language import AVAILABLE
from ui.widgets.theme import interface_font

WIDTH = 520
SMALL_SIZE = 13
JOINER = "\u2060"
SIDES = 48
"""Both margins together."""
PICTURE_HEIGHT = 560
"""Lower, the picture would push the buttons out of sight; the models page has it too."""


class Welcome(QWidget):
    """An empty conversation.  With no model chosen it is the first-start page; it is never in the way of writing."""

    models_wanted = Signal()
    starter_wanted = Signal()
    file_wanted = Signal()
    server_wanted = Signal()
    diagnostics_requested = Signal()
    language_wanted = Signal(str)
    """The code of a language of ``ui.widgets.language``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first_start = False
        self._starter_here = False
        self._model_name = ""
        self._is_temporary = self._is_elsewhere = False
        self._language = "en"
        self._advice = ""
        self._bars: tuple[Bar, ...] = ()
        self._computer = ""
        self._computer_label = QLabel(self)
        self._computer_label.setObjectName("computerLabel")
        self._advice_label = QLabel(self)
        self._advice_label.setObjectName("adviceLabel")
        self._glance = SummaryBars()
        self._glance.setMaximumWidth(WIDTH)
        self._title = QLabel(self)
        self._text = QLabel(self)
        self._models = QPushButton(self)
        self._models.setObjectName("chooseModelButton")
        self._models.setProperty("primary", True)
        self._starter = QPushButton(self)
        self._starter.setObjectName("useStarterButton")
        self._file = _quiet(self, "chooseFileButton")
        self._server = _quiet(self, "useServerButton")
        self._check = _quiet(self, "checkMachineLink")
        self._languages = {code: _quiet(self, f"language-{code}") for code in AVAILABLE}
        for label in (self._title, self._text, self._computer_label, self._advice_label):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text.setProperty("quiet", True)
        self._computer_label.setProperty("quiet", True)
        self._buttons = _row(self._models, self._starter)
        self._others = _row(self._file, self._server, self._check)
        self._others.setSpacing(0)
        languages = _row(*self._languages.values())
        languages.setSpacing(0)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setSpacing(0)
        layout.addLayout(languages)
        layout.addSpacing(12)
        layout.addStretch(5)
        labels = ((self._title, 12), (self._text, 16), (self._computer_label, 8), (self._advice_label, 8))
        for label, space in labels:
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
            layout.addSpacing(space)
        centred = QHBoxLayout()
        centred.addStretch(1)
        centred.addWidget(self._glance, 100)
        centred.addStretch(1)
        layout.addLayout(centred)
        layout.addSpacing(16)
        layout.addLayout(self._buttons)
        layout.addSpacing(8)
        layout.addLayout(self._others)
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
        self._models.clicked.connect(self.models_wanted)
        self._starter.clicked.connect(self.starter_wanted)
        self._file.clicked.connect(self.file_wanted)
        self._server.clicked.connect(self.server_wanted)
        self._check.clicked.connect(self.diagnostics_requested)
        for code, button in self._languages.items():
            button.setText(AVAILABLE[code])
            button.setAccessibleName(AVAILABLE[code])
            button.setCheckable(True)
            button.setProperty("choice", True)
            button.clicked.connect(partial(self._choose_language, code))
        self._retranslate()

    def show_state(
        self,
        *,
        first_start: bool,
        starter_here: bool,
        model_name: str,
        is_temporary: bool = False,
        is_elsewhere: bool = False,
        advice: tuple[str, tuple[Bar, ...]] = ("", ()),
        computer: str = "",
        language: str = "en",
    ) -> None:
        """Say what is so: the first start, whether the starter is installed, and the model that would answer.

        ``is_elsewhere`` tells that a server answers, which then reads what is written.
        ``advice`` is which quantisation of the home model to take at the first start, with the picture of its plan;
        ``computer`` what this machine has, in a line; ``language`` the code of the one that is shown.
        """
        self._computer, self._language = computer, language
        self._advice, self._bars = advice
        self._first_start, self._starter_here, self._model_name = first_start, starter_here, model_name
        self._is_temporary, self._is_elsewhere = is_temporary, is_elsewhere
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.ApplicationFontChange):
            self._retranslate()
        super().changeEvent(event)

    def resizeEvent(self, event: object) -> None:
        """Keep the lines within a narrow window."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._turn_rows()
        self._show_picture()
        self._fit_labels()

    def _turn_rows(self) -> None:
        # Buttons that have no room beside each other stand one above the other.
        rows = ((self._buttons, (self._models, self._starter)), (self._others, (self._file, self._server, self._check)))
        for row, buttons in rows:
            shown = [button.sizeHint().width() for button in buttons if not button.isHidden()]
            wide = sum(shown) + row.spacing() * len(shown) + SIDES <= self.width()
            row.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def _show_picture(self) -> None:
        self._glance.show_bars(self._bars if self._first_start and self.height() >= PICTURE_HEIGHT else ())

    def _choose_language(self, code: str) -> None:
        # What is checked is what is shown, also after a second press.
        self._languages[code].setChecked(code == self._language)
        self.language_wanted.emit(code)

    def _fit_labels(self) -> None:
        # A wrapping label tells its height for a width only when asked, and never less than its minimum.
        width = max(200, min(WIDTH, self.width() - SIDES))
        for label in (self._title, self._text, self._computer_label, self._advice_label):
            label.setMinimumHeight(0)
            label.setFixedSize(width, max(0, label.heightForWidth(width)))

    def _retranslate(self) -> None:
        self._title.setFont(interface_font(24, bold=True))
        self._text.setFont(interface_font(15))
        self._computer_label.setFont(interface_font(SMALL_SIZE))
        self._computer_label.setText(self._computer if self._first_start else "")
        self._computer_label.setVisible(bool(self._computer_label.text()))
        self._server.setText(self.tr("Use a server…"))
        self._check.setText(self.tr("Run diagnostics…"))
        for each in (self._server, self._check, *self._languages.values()):
            each.setVisible(self._first_start)
        for code, button in self._languages.items():
            button.setChecked(code == self._language)
        self._advice_label.setFont(interface_font(15, bold=True))
        # Of "tokens/s" no line may end in the middle.
        self._advice_label.setText(self._advice.replace("/", f"/{JOINER}") if self._first_start else "")
        self._advice_label.setVisible(bool(self._advice_label.text()))
        self._show_picture()
        self._models.setText(self.tr("Browse models…"))
        self._models.setVisible(self._first_start)
        self._starter.setText(self.tr("Use the starter model"))
        self._file.setText(self.tr("Choose a model file…"))
        self._starter.setVisible(self._first_start and self._starter_here)
        self._file.setVisible(self._first_start)
        if self._is_temporary and not self._first_start:
            self._title.setText(self.tr("Temporary chat"))
            self._text.setText(
                self.tr(
                    "This chat isn't saved, listed or searchable. It's gone when you leave it or close the window; "
                    "you can save or export it before then."
                )
            )
        elif not self._first_start:
            text = self.tr("{model} runs on this computer. No data leaves it.")
            if self._is_elsewhere:
                text = self.tr("{model} runs on a server. Your questions are sent to it.")
            self._title.setText(self.tr("What would you like to talk about?"))
            self._text.setText(text.format(model=self._model_name))
        elif self._starter_here and self._advice:
            self._title.setText(self.tr("Chat with a model on your own computer"))
            self._text.setText(
                self.tr(
                    "This program is made for APUS-xDAN-4.0-MoE. A very small starter model is already installed, "
                    "good for a first try; any other GGUF chat model works too."
                )
            )
        elif self._starter_here:
            self._title.setText(self.tr("Chat with a model on your own computer"))
            self._text.setText(
                self.tr(
                    "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
                    "this computer and downloads them. A very small starter model is already installed, good for a "
                    "first try. Any other GGUF chat model works too."
                )
            )
        else:
            self._title.setText(self.tr("Chat with a model on your own computer"))
            self._text.setText(
                self.tr(
                    "This program is made for APUS-xDAN-4.0-MoE: the model library shows which versions of it fit "
                    "this computer and downloads them. Any other GGUF chat model works too."
                )
            )
        self._turn_rows()
        self._fit_labels()


def _quiet(parent: QWidget, name: str) -> QPushButton:
    button = QPushButton(parent)
    button.setObjectName(name)
    button.setProperty("quiet", True)
    return button


def _row(*widgets: QWidget) -> QBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addStretch(1)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
