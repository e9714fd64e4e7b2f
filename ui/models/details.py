"""Details of the selected model: name, primary action, progress, fit, and its metadata below.

Shown beside the list if there is space, otherwise below it with the metadata collapsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.units import size_text
from ui.models.actions import Action, primary
from ui.models.item import ModelItem
from ui.models.metadata import Fact
from ui.models.row_text import button_text, note_text, problem_text, progress_text
from ui.plan.summary_bars import SummaryBars
from ui.widgets.dialog_parts import (
    HEADING_SIZE,
    MARGIN,
    SMALL_SIZE,
    button,
    hairline,
    quiet_label,
    set_kind,
    set_style_property,
)
from ui.widgets.icons import set_icon
from ui.widgets.layouts import LEFT, hbox, vbox
from ui.widgets.model_strings import quality_of, quality_sentence
from ui.widgets.theme import interface_font

PROGRESS_STEPS = 1000
LABEL_WIDTH = 104
NARROW_MAX_HEIGHT = 380
"""Below the list, with the metadata unfolded."""
_DOWNLOAD_ACTIONS = frozenset({"download", "pause", "resume", "retry"})
_NOT_ACCENTED = frozenset({"pause", "stop"})


class ElidedLabel(QLabel):
    """One line of text, elided in the middle, with the whole text as tooltip."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the text to the new width."""
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.width()))
        super().resizeEvent(event)


class ModelDetails(QWidget):
    """Shows one model; the buttons emit ``action_requested``."""

    action_requested = Signal(str)
    """An ``Action``."""
    menu_requested = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__()
        self._item: ModelItem | None = None
        self._facts: tuple[Fact, ...] = ()
        self._narrow = False
        self._make_parts()
        self._lay_out()
        self.fold.toggled.connect(self._fold)
        self.more.clicked.connect(self._request_menu)
        for each in self._action_buttons:
            each.clicked.connect(self._act)
        self.plan.clicked.connect(lambda: self.action_requested.emit("plan"))
        self.show_nothing()

    def _make_parts(self) -> None:
        self._title = QLabel()
        self._title.setObjectName("modelTitle")
        self._title.setFont(interface_font(HEADING_SIZE, bold=True))
        self._title.setWordWrap(True)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._subtitle = quiet_label()
        self._sentence = quiet_label()
        self._fit = quiet_label()
        self._problem = quiet_label()
        self._problem.setObjectName("modelProblem")
        self.download = button("downloadButton")
        self.use = button("useModelButton")
        self.prepare = button("convertModelButton")
        self._action_buttons = (self.download, self.use, self.prepare)
        self.plan = button("showPlanButton")
        self.glance = SummaryBars()
        self.more = QToolButton()
        self.more.setObjectName("moreModelButton")
        self.more.setFixedSize(34, 34)
        set_icon(self.more, "more", "text")
        self.more.setIconSize(QSize(18, 18))
        self.fold = QPushButton()
        self.fold.setObjectName("detailsFoldButton")
        self.fold.setAutoDefault(False)
        self.fold.setCheckable(True)
        self.fold.setProperty("quiet", True)
        self.progress = QProgressBar()
        self.progress.setObjectName("modelProgress")
        self.progress.setRange(0, PROGRESS_STEPS)
        self.progress.setTextVisible(False)
        self._progress_text = quiet_label()
        self._progress_text.setObjectName("modelProgressText")

    def _lay_out(self) -> None:
        titles = vbox(self._title, self._subtitle, spacing=4)
        buttons = hbox(*self._action_buttons, self.more, self.fold, None, spacing=8)
        self._top = vbox((titles, 1), buttons, spacing=12)
        texts = (self._progress_text, self._problem, self._fit, self.glance, (self.plan, 0, LEFT), self._sentence)
        head = vbox(self._top, self.progress, *texts, spacing=8)
        self.area = QScrollArea()
        self.area.setObjectName("modelFacts")
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rule = hairline()
        self._layout = vbox(head, self._rule, (self.area, 1), parent=self, spacing=12)
        self._layout.addStretch(0)
        self.set_narrow(False)

    def set_narrow(self, narrow: bool) -> None:
        """Lay out for the place below the list, or beside it."""
        self._narrow = narrow
        direction = QBoxLayout.Direction.LeftToRight if narrow else QBoxLayout.Direction.TopToBottom
        self._top.setDirection(direction)
        if narrow:
            self._layout.setContentsMargins(MARGIN, 12, MARGIN, 12)
        else:
            self._layout.setContentsMargins(20, 8, MARGIN, 0)
        if self._item is not None:
            self.show_item(self._item, self._facts, has_menu=self.more.isVisibleTo(self))
        self._fold()

    def show_nothing(self, hint: str = "") -> None:
        """Show no model; ``hint`` is shown in its place."""
        self._item, self._facts = None, ()
        self._title.hide()
        self._subtitle.setText(hint)
        texts = (self._progress_text, self._problem, self._sentence, self._fit)
        for each in (*self._action_buttons, *texts, self.more, self.progress, self.glance, self.plan, self.fold):
            each.hide()
        self._fill(())
        self._fold()

    def show_item(self, item: ModelItem, facts: Sequence[Fact], *, has_menu: bool = True) -> None:
        """Show a model, or its changes."""
        self._item = item
        self._title.show()
        self._title.setText(item.title)
        size = size_text(item.bytes) if item.bytes else ""
        self._subtitle.setText(" · ".join(each for each in (item.quantisation or "", size, note_text(item)) if each))
        self._show_text(self._sentence, "" if self._narrow else quality_sentence(quality_of(item.quantisation)))
        fit = None if self._narrow else item.fit
        self._show_text(self._fit, fit.sentence if fit else "", fit.kind if fit else "quiet")
        self.glance.show_bars(fit.bars if fit else ())
        self.plan.setVisible(fit is not None)
        problem, kind = problem_text(item)
        self._show_text(self._problem, problem, kind)
        self._show_progress(item)
        self._show_buttons(item, has_menu)
        if tuple(facts) != self._facts or not self.area.widget():
            self._fill(tuple(facts))
        self._fold()

    def button(self) -> QPushButton | None:
        """Return the button of the primary action, where there is one."""
        shown = (each for each in self._action_buttons if not each.isHidden())
        return next(shown, None)

    def retranslate(self) -> None:
        """Set the texts that do not depend on the model."""
        self.more.setToolTip(self.tr("More actions for this model"))
        self.more.setAccessibleName(self.tr("More actions for this model"))
        self.fold.setText(self.tr("Details"))
        self.plan.setText(self.tr("Memory plan…"))
        self.area.setAccessibleName(self.tr("Model information"))
        self.progress.setAccessibleName(self.tr("Progress"))
        self._facts = ()

    def _show_text(self, label: QLabel, text: str, kind: str = "quiet") -> None:
        label.setText(text)
        label.setVisible(bool(text))
        set_kind(label, kind)

    def _show_progress(self, item: ModelItem) -> None:
        fraction = item.fraction
        self.progress.setVisible(fraction is not None or item.state in ("preparing", "verifying", "working"))
        self.progress.setRange(0, 0 if fraction is None else PROGRESS_STEPS)
        self.progress.setValue(round((fraction or 0) * PROGRESS_STEPS))
        self._show_text(self._progress_text, progress_text(item))
        self.progress.setAccessibleDescription(self._progress_text.text())

    def _show_buttons(self, item: ModelItem, has_menu: bool) -> None:
        action = primary(item)
        had_focus = any(each.hasFocus() for each in self._action_buttons)
        chosen = None
        if action is not None:
            chosen = self.use if action == "use" else self.download if action in _DOWNLOAD_ACTIONS else self.prepare
        for each in self._action_buttons:
            each.setVisible(each is chosen)
        self.more.setVisible(has_menu)
        self.fold.setVisible(self._narrow)
        if chosen is None or action is None:
            return
        text = button_text(item)
        if action == "download" and item.bytes:
            text = self.tr("Download {size}").format(size=size_text(item.bytes))
        chosen.setText(text)
        chosen.setAccessibleName(f"{text}: {item.title} {item.quantisation or ''}".strip())
        chosen.setEnabled(item.job is None or not item.job.stopping)
        set_style_property(chosen, primary=action not in _NOT_ACCENTED)
        if had_focus:
            # The pressed button may have been replaced by another: keep the keyboard focus.
            chosen.setFocus()

    def _fold(self) -> None:
        shown = bool(self._facts) and (not self._narrow or self.fold.isChecked())
        self.area.setVisible(shown)
        self._rule.setVisible(shown)
        # Beside the list the metadata shrinks where the height does not suffice.
        vertical = QSizePolicy.Policy.Preferred if self._narrow else QSizePolicy.Policy.Ignored
        self.area.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self._show_fold_icon()
        policy = QSizePolicy.Policy.Maximum if self._narrow and not shown else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.setMaximumHeight(NARROW_MAX_HEIGHT if self._narrow else 16_777_215)

    def _show_fold_icon(self) -> None:
        name = "chevron-down" if self.fold.isChecked() else "chevron-right"
        set_icon(self.fold, name, size=14)

    def _fill(self, facts: tuple[Fact, ...]) -> None:
        self._facts = facts
        scrolled = self.area.verticalScrollBar().value()
        holder = QWidget()
        holder.setObjectName("modelFactsList")
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 8, 16)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        for row, fact in enumerate(facts):
            self._add(grid, row, fact)
        grid.setRowStretch(len(facts), 1)
        self.area.setWidget(holder)
        self.area.verticalScrollBar().setValue(scrolled)

    def _add(self, grid: QGridLayout, row: int, fact: Fact) -> None:
        if not fact.label:
            grid.setRowMinimumHeight(row, 8)
            return
        label = QLabel(fact.label.strip())
        label.setProperty("quiet", True)
        label.setFont(interface_font(SMALL_SIZE))
        grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._value(fact), row, 1, Qt.AlignmentFlag.AlignTop)
        if fact.copy:
            copy = QToolButton()
            copy.setObjectName("copyButton")
            set_icon(copy, "copy", size=14)
            copy.setIconSize(QSize(14, 14))
            copy.setFixedSize(20, 20)
            copy.setStyleSheet("padding: 0;")
            copy.setToolTip(self.tr("Copy"))
            copy.setAccessibleName(self.tr("Copy: {name}").format(name=fact.label))
            copy.setProperty("copies", fact.copy)
            copy.clicked.connect(self._copy)
            grid.addWidget(copy, row, 2, Qt.AlignmentFlag.AlignTop)

    def _value(self, fact: Fact) -> QWidget:
        if fact.is_path:
            value: QLabel = ElidedLabel(fact.value)
        else:
            text = escape(fact.value)
            value = QLabel(f'<a href="{text}">{text}</a>' if fact.is_link else fact.value)
            value.setWordWrap(True)
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            value.setTextFormat(Qt.TextFormat.RichText if fact.is_link else Qt.TextFormat.PlainText)
            flags = Qt.TextInteractionFlag
            value.setTextInteractionFlags(
                flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard
                if fact.is_link
                else flags.TextSelectableByMouse
            )
            value.linkActivated.connect(lambda _link: self.action_requested.emit("open_page"))
        value.setFont(interface_font(SMALL_SIZE))
        return value

    def _copy(self) -> None:
        sender = self.sender()
        if sender is not None:
            QGuiApplication.clipboard().setText(str(sender.property("copies")))

    def _act(self) -> None:
        action: Action | None = primary(self._item) if self._item is not None else None
        if action is not None:
            self.action_requested.emit(action)

    def _request_menu(self) -> None:
        self.menu_requested.emit(self.more.mapToGlobal(self.more.rect().bottomLeft()))
