"""The details of the chosen model: what it is, the one thing to do about it, how far that is, and the facts below.

Beside the list where there is room, else below it with the facts folded away.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.models.actions import Action, primary
from ui.models.entries import Entry
from ui.models.metadata import Fact
from ui.models.rows import action_of, note_of, problem_of, progress_text
from ui.plan.summary_bars import PlanGlance
from ui.widgets.dialog_parts import HEADING_SIZE, MARGIN, SMALL_SIZE, button, hairline, quiet_label
from ui.widgets.icons import icon
from ui.widgets.model_strings import quality_of, quality_sentence, size_text
from ui.widgets.theme import current_theme, interface_font

PROMILLE = 1000
LABEL_WIDTH = 104
NARROW_MOST = 380
"""Height below the list, with the facts unfolded."""
_FETCHES = frozenset({"download", "pause", "resume", "retry"})
_ACCENTED = frozenset({"download", "resume", "retry", "use", "repair", "join", "mend"})


class ElidedLabel(QLabel):
    """One line that gives way in its middle, with all of it in its tooltip."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as there is room for."""
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.width()))
        super().resizeEvent(event)


class ModelDetails(QWidget):
    """One model at a time.  What its buttons do is the dialog's."""

    acted = Signal(str)
    """An ``Action``."""
    menu_wanted = Signal(QPoint)
    link_wanted = Signal(str)
    """The repository whose page is to be opened."""

    def __init__(self) -> None:
        super().__init__()
        self._entry: Entry | None = None
        self._facts: tuple[Fact, ...] = ()
        self._narrow = False
        self._hint = ""
        self._make_parts()
        self._lay_out()
        self.fold.toggled.connect(self._fold)
        self.more.clicked.connect(self._ask_for_menu)
        for each in (self.download, self.use, self.mend):
            each.clicked.connect(self._act)
        self.plan.clicked.connect(lambda: self.acted.emit("plan"))
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
        self.mend = button("repairModelButton")
        self.plan = button("showPlanButton")
        self.glance = PlanGlance()
        self.more = QToolButton()
        self.more.setObjectName("moreModelButton")
        self.more.setFixedSize(34, 34)
        self.more.setIconSize(QSize(18, 18))
        self.fold = QPushButton()
        self.fold.setObjectName("detailsFoldButton")
        self.fold.setAutoDefault(False)
        self.fold.setCheckable(True)
        self.fold.setProperty("quiet", True)
        self.progress = QProgressBar()
        self.progress.setObjectName("modelProgress")
        self.progress.setRange(0, PROMILLE)
        self.progress.setTextVisible(False)
        self._progress_text = quiet_label()
        self._progress_text.setObjectName("modelProgressText")

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self._title)
        words.addWidget(self._subtitle)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        for each in (self.download, self.use, self.mend):
            self._buttons.addWidget(each)
        self._buttons.addWidget(self.more)
        self._buttons.addWidget(self.fold)
        self._buttons.addStretch(1)
        self._top = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._top.setSpacing(12)
        self._top.addLayout(words, 1)
        self._top.addLayout(self._buttons)
        self._head = QVBoxLayout()
        self._head.setSpacing(8)
        self._head.addLayout(self._top)
        self._head.addWidget(self.progress)
        for label in (self._progress_text, self._problem, self._fit, self.glance, self.plan, self._sentence):
            self._head.addWidget(label, 0, Qt.AlignmentFlag.AlignLeft if label is self.plan else Qt.AlignmentFlag(0))
        self._grid_holder = QWidget()
        self.area = QScrollArea()
        self.area.setObjectName("modelFacts")
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._rule = hairline()
        self._layout = QVBoxLayout(self)
        self._layout.setSpacing(12)
        self._layout.addLayout(self._head)
        self._layout.addWidget(self._rule)
        self._layout.addWidget(self.area, 1)
        self._layout.addStretch(0)
        self.set_narrow(False)

    def set_narrow(self, narrow: bool) -> None:
        """Below the list, with the facts folded away, or beside it."""
        self._narrow = narrow
        direction = QBoxLayout.Direction.LeftToRight if narrow else QBoxLayout.Direction.TopToBottom
        self._top.setDirection(direction)
        if narrow:
            self._layout.setContentsMargins(MARGIN, 12, MARGIN, 12)
        else:
            self._layout.setContentsMargins(20, 8, MARGIN, 0)
        if self._entry is not None:
            self.show_entry(self._entry, self._facts, has_menu=self.more.isVisibleTo(self))
        self._fold()

    def show_nothing(self, hint: str = "") -> None:
        """No model is chosen; ``hint`` says how to choose one."""
        self._entry, self._facts, self._hint = None, (), hint
        self._title.hide()
        self._subtitle.setText(hint)
        for each in (
            self.download, self.use, self.mend, self.more, self.progress,
            self._progress_text, self._problem, self._sentence, self._fit, self.glance, self.plan, self.fold,
        ):  # fmt: skip
            each.hide()
        self._fill(())
        self._fold()

    def show_entry(self, entry: Entry, facts: Sequence[Fact], *, has_menu: bool = True) -> None:
        """Show a model, or what has changed about it."""
        self._entry = entry
        self._title.show()
        self._title.setText(entry.title)
        size = size_text(entry.bytes) if entry.bytes else ""
        self._subtitle.setText(" · ".join(each for each in (entry.quantisation or "", size, note_of(entry)) if each))
        self._show_text(self._sentence, "" if self._narrow else quality_sentence(quality_of(entry.quantisation)))
        fit = None if self._narrow else entry.fit
        self._show_text(self._fit, fit.sentence if fit else "", fit.kind if fit else "quiet")
        self.glance.show_bars(fit.bars if fit else ())
        self.plan.setVisible(fit is not None)
        problem, kind = problem_of(entry)
        self._show_text(self._problem, problem, kind)
        self._show_progress(entry)
        self._show_buttons(entry, has_menu)
        if tuple(facts) != self._facts or not self.area.widget():
            self._fill(tuple(facts))
        self._fold()

    def button(self) -> QPushButton | None:
        """The button of what is to be done first, where there is something."""
        shown = (each for each in (self.download, self.use, self.mend) if not each.isHidden())
        return next(shown, None)

    def retranslate(self) -> None:
        """Word what does not depend on the model anew."""
        self.more.setToolTip(self.tr("More actions for this model"))
        self.more.setAccessibleName(self.tr("More actions for this model"))
        self.fold.setText(self.tr("Details"))
        self.plan.setText(self.tr("Memory plan…"))
        self.area.setAccessibleName(self.tr("Model information"))
        self.progress.setAccessibleName(self.tr("Progress"))
        self._facts = ()

    def recolour(self) -> None:
        """Take the colours of another theme."""
        theme = current_theme()
        self.more.setIcon(icon("more", theme.text))
        self._show_fold_icon()
        # The facts themselves stay: widgets must not go while the style is visiting them all.
        for each in self.area.findChildren(QToolButton, "copyButton"):
            each.setIcon(icon("copy", theme.quiet_text, 14))

    def _show_text(self, label: QLabel, text: str, kind: str = "quiet") -> None:
        label.setText(text)
        label.setVisible(bool(text))
        if label.property("kind") != kind:
            label.setProperty("kind", kind)
            for each in ("quiet", "good", "warning", "bad"):
                label.setProperty(each, each == kind)
            label.style().unpolish(label)
            label.style().polish(label)

    def _show_progress(self, entry: Entry) -> None:
        share = entry.share
        active = entry.work is not None or entry.state in ("preparing", "downloading", "waiting", "verifying", "paused")
        shown = share is not None or entry.state in ("preparing", "verifying") or entry.work is not None
        self.progress.setVisible(shown)
        if shown and share is None:
            self.progress.setRange(0, 0 if active else PROMILLE)
        elif share is not None:
            self.progress.setRange(0, PROMILLE)
            self.progress.setValue(round(share * PROMILLE))
        self._show_text(self._progress_text, progress_text(entry))
        self.progress.setAccessibleDescription(self._progress_text.text())

    def _show_buttons(self, entry: Entry, has_menu: bool) -> None:
        action = primary(entry)
        held = self.button() is not None and self.button().hasFocus()  # type: ignore[union-attr]
        chosen = None
        if action is not None:
            chosen = self.use if action == "use" else self.download if action in _FETCHES else self.mend
        for each in (self.download, self.use, self.mend):
            each.setVisible(each is chosen)
        self.more.setVisible(has_menu)
        self.fold.setVisible(self._narrow)
        if chosen is None or action is None:
            return
        text = action_of(entry)
        if action == "download" and entry.bytes:
            text = self.tr("Download {size}").format(size=size_text(entry.bytes))
        chosen.setText(text)
        chosen.setAccessibleName(f"{text}: {entry.title} {entry.quantisation or ''}".strip())
        chosen.setEnabled(entry.work is None or not entry.work.stopping)
        accented = action in _ACCENTED
        if chosen.property("primary") != accented:
            chosen.setProperty("primary", accented)
            chosen.style().unpolish(chosen)
            chosen.style().polish(chosen)
        if held and not chosen.hasFocus():
            # What was pressed has become another button: the keyboard stays where it was.
            chosen.setFocus()

    def _fold(self) -> None:
        shown = bool(self._facts) and (not self._narrow or self.fold.isChecked())
        self.area.setVisible(shown)
        self._rule.setVisible(shown)
        # Beside the list, where there may be too little height for everything, the facts give way.
        give_way = QSizePolicy.Policy.Preferred if self._narrow else QSizePolicy.Policy.Ignored
        self.area.setSizePolicy(QSizePolicy.Policy.Preferred, give_way)
        self._show_fold_icon()
        policy = QSizePolicy.Policy.Maximum if self._narrow and not shown else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.setMaximumHeight(NARROW_MOST if self._narrow else 16_777_215)

    def _show_fold_icon(self) -> None:
        name = "chevron-down" if self.fold.isChecked() else "chevron-right"
        self.fold.setIcon(icon(name, current_theme().quiet_text, 14))

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
            copy.setIcon(icon("copy", current_theme().quiet_text, 14))
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
            value.linkActivated.connect(self.link_wanted)
        value.setFont(interface_font(SMALL_SIZE))
        return value

    def _copy(self) -> None:
        sender = self.sender()
        if sender is not None:
            QGuiApplication.clipboard().setText(str(sender.property("copies")))

    def _act(self) -> None:
        action: Action | None = primary(self._entry) if self._entry is not None else None
        if action is not None:
            self.acted.emit(action)

    def _ask_for_menu(self) -> None:
        self.menu_wanted.emit(self.more.mapToGlobal(self.more.rect().bottomLeft()))
