"""Welcome page of an empty conversation; at the first start it offers a model."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from app.config.settings import LANGUAGES
from app.servers.registry import is_server_model
from ui.conversation.model_picker import Advice, ModelPicker
from ui.plan.bar_data import Bar
from ui.plan.bars import SummaryBars
from ui.widgets.dialog_parts import SMALL_SIZE, button, scrolled, set_kind, set_style_property
from ui.widgets.layouts import MAX_WIDGET_SIZE, hbox, nest, vbox
from ui.widgets.theme import interface_font

WIDTH = 520
PROGRESS_STEPS = 1000
WORD_JOINER, NO_BREAK_SPACE = "\u2060", "\u00a0"
MARGINS = 48
"""Left and right margin together."""
BAR_HEIGHT = 40
"""Of the one that is awaited."""
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
        self._details, self._progress_text = _label(SMALL_SIZE, quiet=True), _label(SMALL_SIZE)
        self._room = _label(SMALL_SIZE, quiet=True)
        self._room.setObjectName("adviceRoomLabel")
        self._labels = (
            self._title,
            self._text,
            self._computer,
            self._advice,
            self._details,
            self._room,
            self._progress_text,
        )
        for label, name in ((self._computer, "computer"), (self._advice, "advice"), (self._details, "adviceDetails")):
            label.setObjectName(f"{name}Label")
        self._progress_text.setObjectName("adviceProgressLabel")
        self._progress = QProgressBar(textVisible=False)
        self._progress.setObjectName("adviceProgress")
        self._progress.setMaximumWidth(WIDTH)
        self.advice = Advice()
        """What the page recommends."""
        self._bars = SummaryBars()
        self._bars.setMaximumWidth(WIDTH)
        self.download_button = button("downloadRecommendedButton")
        self.retry_button = button("retryAdviceButton")
        self.cancel_button = button("cancelRecommendedButton", quiet=True)
        self.folder_button = button("changeModelsFolderButton")
        self.models_button = button("chooseModelButton")
        self.starter_button = button("useStarterButton")
        self.file_button = button("chooseFileButton", quiet=True)
        self.server_button = button("useServerButton", quiet=True)
        self.diagnostics_button = button("checkMachineLink", quiet=True)
        self._languages = {code: self._language_button(code, name) for code, name in LANGUAGES.items()}
        main = self.folder_button, self.download_button, self.cancel_button, self.retry_button
        first = self.models_button, self.starter_button
        second = self.file_button, self.server_button, self.diagnostics_button
        self._rows = tuple(
            (hbox(None, *row, None, spacing=space), row) for row, space in ((main, 12), (first, 12), (second, 0))
        )
        labels: list[int | tuple[QWidget, int, Qt.AlignmentFlag]] = []
        for label, space in zip(self._labels[:-1], (12, 16, 8, 4, 4, 8), strict=True):
            labels += [(label, 0, Qt.AlignmentFlag.AlignHCenter), space]
        bars = hbox(None, (self._bars, 100), None)
        progress = hbox(None, (self._progress, 100), None)
        under_way = (self._progress_text, 0, Qt.AlignmentFlag.AlignHCenter)
        buttons = vbox(*(row for row, _ in self._rows), spacing=8)
        page = QWidget()
        column = vbox(hbox(None, *self._languages.values(), None), 12, parent=page, margins=(24, 16, 24, 16))
        column.addStretch(5)
        nest(column, vbox(*labels, bars, 8, under_way, 4, progress, 8, buttons))
        column.addStretch(6)
        scroll = scrolled(page)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        vbox(scroll, parent=self)

    def refresh(self, models: ModelPicker, *, is_first_start: bool, is_temporary: bool, language: str) -> None:
        """Show the selected model, or at the first start what is recommended, with all texts in ``language``."""
        self._is_first_start = is_first_start
        advice = self.advice = models.advice() if is_first_start else Advice()
        self._plan = advice.bars
        title, text = self.tr("What would you like to talk about?"), self._model_text(models)
        if is_first_start:
            title = self.tr("Chat with a model on your own computer")
            text = self._first_start_text(has_starter=models.has_starter)
        elif is_temporary:
            title, text = (
                self.tr("Temporary chat"),
                self.tr(
                    "This chat isn't saved, listed or searchable. It's gone when you leave it or close the window; "
                    "you can save or export it before then."
                ),
            )
            if is_server_model(models.model_id() or ""):
                text += " " + self._model_text(models)
        # No line ends inside of "tokens/s" or begins with a point.
        details = advice.details.replace("tokens/s", f"tokens/{WORD_JOINER}s").replace(" ·", f"{NO_BREAK_SPACE}·")
        contents = title, text, advice.computer, advice.text, details, advice.room, advice.progress
        # What is found takes the place of blank lines: nothing moves under the pointer.
        blank = (self._computer, self._advice, self._details, self._room) if advice.is_looking else ()
        for line, content in zip(self._labels, contents, strict=True):
            content = content or (NO_BREAK_SPACE if line in blank else "")
            line.setText(content)
            line.setVisible(bool(content))
        set_kind(self._room, "warning" if advice.lacks_room else "quiet")
        set_kind(self._progress_text, "bad" if advice.action == "retry" else "")
        self._show_progress()
        shown = {
            self.download_button: bool(advice.button),
            self.retry_button: advice.can_retry,
            self.cancel_button: bool(advice.action),
            self.folder_button: advice.lacks_room or advice.action == "retry",
            self.starter_button: models.has_starter,
        }
        texts = {
            self.download_button: advice.button,
            self.retry_button: self.tr("Connect again"),
            self.cancel_button: self.tr("Cancel"),
            self.folder_button: self.tr("Download settings…")
            if advice.action
            else self.tr("Change the models folder…"),
            self.models_button: self.tr("Browse models…"),
            self.starter_button: self.tr("Try the tiny starter model"),
            self.file_button: self.tr("Choose a model file…"),
            self.server_button: self.tr("Use a server…"),
            self.diagnostics_button: self.tr("Run diagnostics…"),
            **{each: LANGUAGES[code] for code, each in self._languages.items()},
        }
        for each, label in texts.items():
            each.setText(label)
            each.setVisible(is_first_start and shown.get(each, True))
        for code, each in self._languages.items():
            each.setChecked(code == language)
        self.download_button.setEnabled(not advice.is_looking)
        set_style_property(self.download_button, primary=advice.action != "pause" and not advice.lacks_room)
        self._fit()
        self._fit_bars()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit texts and buttons to the width, and the picture of the plan to the height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()
        self._fit_bars()

    def _language_button(self, code: str, name: str) -> QPushButton:
        made = button(f"language-{code}", quiet=True)
        made.setAccessibleName(name)
        made.setCheckable(True)
        made.setProperty("choice", True)
        made.setAutoExclusive(True)
        made.clicked.connect(lambda: self.language_requested.emit(code))
        return made

    def _show_progress(self) -> None:
        fraction = self.advice.fraction
        is_running = self.advice.action == "pause"
        # A stripe that moves would look like a running download.
        self._progress.setVisible(bool(self.advice.progress) and (is_running or fraction is not None))
        self._progress.setRange(0, 0 if fraction is None else PROGRESS_STEPS)
        self._progress.setValue(round((fraction or 0) * PROGRESS_STEPS))
        self._progress.setAccessibleName(self._progress_text.text())

    def _fit(self) -> None:
        self.download_button.setText(self.advice.button)
        if self.download_button.sizeHint().width() + MARGINS > self.width():
            self.download_button.setText(self.advice.short_button)
        # Buttons that have no room beside each other are arranged in a column.
        for row, buttons in self._rows:
            widths = [each.sizeHint().width() for each in buttons if not each.isHidden()]
            fits = sum(widths) + row.spacing() * len(widths) + MARGINS <= self.width()
            row.setDirection(QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom)
        # A layout does not ask a wrapping label for its height at the width that it gets.
        width = max(200, min(WIDTH, self.width() - MARGINS))
        for label in self._labels:
            # The size of the text before would bound what is measured.
            label.setMinimumSize(0, 0)
            label.setMaximumSize(MAX_WIDGET_SIZE, MAX_WIDGET_SIZE)
            balanced = _balanced_width(label, width)
            label.setFixedSize(balanced, max(0, label.heightForWidth(balanced)))

    def _fit_bars(self) -> None:
        has_bars = self._is_first_start and self.height() >= BARS_HEIGHT
        self._bars.show_bars(self._plan if has_bars else ())
        is_awaited = has_bars and self.advice.is_looking
        self._bars.setMinimumHeight(BAR_HEIGHT if is_awaited else 0)
        self._bars.setVisible(is_awaited or bool(self._bars.bars))

    def _model_text(self, models: ModelPicker) -> str:
        text = self.tr("{model} runs on this computer. No data leaves it.")
        if is_server_model(models.model_id() or ""):
            text = self.tr("Your messages are sent to a server: {model}.")
        return text.format(model=models.name())

    def _first_start_text(self, *, has_starter: bool) -> str:
        text = self.tr("Download a model once, then chat offline. What you write to it stays on this computer.")
        if has_starter:
            text += self.tr(" A tiny starter model is installed to try the program; its answers are often wrong.")
        return text


def _balanced_width(label: QLabel, width: int) -> int:
    """Return the smallest width with as many lines as in ``width``, so that no word is alone on the last one."""
    height, least = label.heightForWidth(width), width // 2
    while width - least > 4:
        middle = (width + least) // 2
        if label.heightForWidth(middle) > height:
            least = middle
        else:
            width = middle
    return width


def _label(size: int, *, bold: bool = False, quiet: bool = False) -> QLabel:
    label = QLabel()
    label.setFont(interface_font(size, bold=bold))
    label.setProperty("quiet", quiet)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return label
