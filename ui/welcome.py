"""The page where a conversation will be: says what to do, and offers a model where none was chosen yet."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui.theme import interface_font

WIDTH = 520


class Welcome(QWidget):
    """An empty conversation.  With no model chosen it is the first-start page; it is never in the way of writing."""

    models_wanted = Signal()
    starter_wanted = Signal()
    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first_start = False
        self._starter_here = False
        self._model_name = ""
        self._title = QLabel(self)
        self._text = QLabel(self)
        self._models = QPushButton(self)
        self._models.setObjectName("chooseModelButton")
        self._models.setProperty("primary", True)
        self._starter = QPushButton(self)
        self._starter.setObjectName("useStarterButton")
        self._file = QPushButton(self)
        self._file.setObjectName("chooseFileButton")
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text.setProperty("quiet", True)
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addStretch(1)
        buttons.addWidget(self._models)
        buttons.addWidget(self._starter)
        buttons.addWidget(self._file)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(0)
        layout.addStretch(5)
        for label, space in ((self._title, 12), (self._text, 24)):
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
            layout.addSpacing(space)
        layout.addLayout(buttons)
        layout.addStretch(6)
        self._models.clicked.connect(self.models_wanted)
        self._starter.clicked.connect(self.starter_wanted)
        self._file.clicked.connect(self.file_wanted)
        self._retranslate()

    def show_state(self, *, first_start: bool, starter_here: bool, model_name: str) -> None:
        """Say what is so: the first start, whether the starter is installed, and the model that would answer."""
        self._first_start, self._starter_here, self._model_name = first_start, starter_here, model_name
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.ApplicationFontChange):
            self._retranslate()
        super().changeEvent(event)

    def resizeEvent(self, event: object) -> None:
        """Keep the lines within a narrow window."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit_labels()

    def _fit_labels(self) -> None:
        # A wrapping label tells its height for a width only when asked, and never less than its minimum.
        width = max(200, min(WIDTH, self.width() - 48))
        for label in (self._title, self._text):
            label.setMinimumHeight(0)
            label.setFixedSize(width, label.heightForWidth(width))

    def _retranslate(self) -> None:
        self._title.setFont(interface_font(24, bold=True))
        self._text.setFont(interface_font(15))
        self._models.setText(self.tr("See the models…"))
        self._models.setVisible(self._first_start)
        self._starter.setText(self.tr("Use the starter model"))
        self._file.setText(self.tr("Choose a model file…"))
        self._starter.setVisible(self._first_start and self._starter_here)
        self._file.setVisible(self._first_start)
        if not self._first_start:
            self._title.setText(self.tr("What would you like to talk about?"))
            self._text.setText(
                self.tr("{model} answers here, on this computer. Nothing leaves it.").format(model=self._model_name)
            )
        elif self._starter_here:
            self._title.setText(self.tr("Chat with a model on your own computer"))
            self._text.setText(
                self.tr(
                    "APUS-xDAN-4.0-MoE is the model this program is made for: the list of models shows what of it "
                    "this computer can hold, and fetches it. A very small starter model is here already, good for a "
                    "first try. Any GGUF chat model that you have works as well."
                )
            )
        else:
            self._title.setText(self.tr("Chat with a model on your own computer"))
            self._text.setText(
                self.tr(
                    "APUS-xDAN-4.0-MoE is the model this program is made for: the list of models shows what of it "
                    "this computer can hold, and fetches it. Any GGUF chat model that you have works as well."
                )
            )
        self._fit_labels()
