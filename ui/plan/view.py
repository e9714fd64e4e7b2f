"""Memory plan of a model: verdict, one bar per device and for RAM, and the controls that change the plan live.

Plans come from ``PlanBasis.plan``, a pure and fast function of the options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.planning.basis import PlanBasis
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from ui.plan.bar_data import ActualBytes, Bar, VerdictKind, bars_of, device_numbers, full_bytes, verdict_kind
from ui.plan.bars import BarRow, Legend
from ui.plan.changes import Change, automatic, devices_on, with_device
from ui.plan.panel import PlanPanel
from ui.plan.rows import column_widths
from ui.plan.strings import device_name, sentences
from ui.widgets.dialog_parts import HEADING_SIZE, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import IconLabel
from ui.widgets.layouts import TOP, hbox, vbox
from ui.widgets.theme import interface_font

Planner = Callable[[PlanOptions], LoadPlan]

NARROW_BELOW = 640
ICON = 20
_ICONS: dict[VerdictKind, str] = {"good": "check", "warning": "info", "bad": "warning"}


class PlanHead(QWidget):
    """Verdict with an icon, and up to three lines below."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: VerdictKind = "good"
        """Rating that determines icon and colour."""
        self._icon = IconLabel(_ICONS[self.kind], self.kind, ICON)
        self._icon.setObjectName("planVerdict")
        self.headline = QLabel()
        self.headline.setObjectName("planSentence")
        self.headline.setFont(interface_font(HEADING_SIZE, bold=True))
        self.headline.setWordWrap(True)
        self.headline.setTextFormat(Qt.TextFormat.PlainText)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.notes, self.hint, self.busy = quiet_label(), quiet_label(), quiet_label()
        for label, name in ((self.notes, "planNotes"), (self.hint, "planHint"), (self.busy, "planBusy")):
            label.setObjectName(name)
        first = hbox((self._icon, 0, TOP), (self.headline, 1), spacing=8)
        below = vbox(self.notes, self.hint, self.busy, spacing=2, margins=(ICON + 8, 0, 0, 0))
        self._layout = vbox(first, below, parent=self, spacing=4)
        self.show_busy("")

    def show_verdict(self, verdict: str, notes: str, hint: str, kind: VerdictKind) -> None:
        """Show the verdict of a plan; an empty one hides it."""
        self.kind = kind
        self.headline.setText(verdict)
        self.headline.setAccessibleName(f"{verdict} {notes}".strip())
        _set_text(self.notes, notes)
        _set_text(self.hint, hint)
        self._icon.setVisible(bool(verdict))
        self._icon.set_icon(_ICONS[self.kind], self.kind)
        self._keep_height()

    def reset_height(self) -> None:
        """Shrink to the required height."""
        self.setMinimumHeight(0)
        self._keep_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adapt the height to the new width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.reset_height()

    def _keep_height(self) -> None:
        # The height only grows: a line that comes and goes while a slider is moved would move the slider.
        needed = self._layout.totalHeightForWidth(self.width()) if self.isVisible() else 0
        if needed > self.minimumHeight():
            self.setMinimumHeight(needed)

    def show_busy(self, text: str) -> None:
        """Show the current activity; an empty text hides it."""
        _set_text(self.busy, text)


def _set_text(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


class PlanView(QWidget):
    """The plan of one model."""

    shown = Signal()
    """A plan was shown."""
    options_changed = Signal(object)
    """The ``PlanOptions`` after a change by the user, when the new plan is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("planView")
        self._planner: Planner | None = None
        self._basis: PlanBasis | None = None
        self._names: list[str] = []
        self._actual: ActualBytes | None = None
        self._actual_of: LoadSpec | None = None
        self._problem: UserError | None = None
        self._is_busy = False
        self.options = PlanOptions()
        """The fixed options."""
        self.note = ""
        """A sentence about the circumstances of the plan."""
        self.plan: LoadPlan | None = None
        """The shown plan."""
        self.bars: tuple[Bar, ...] = ()
        """The shown bars, RAM last."""
        self._rows: list[BarRow] = []
        self._numbers: Mapping[str, int] = {}
        self._columns = (0, 0)
        self._tab_order: tuple[QWidget, ...] = ()
        self.head, self.legend, self.panel = PlanHead(), Legend(), PlanPanel()
        self._bar_rows = vbox(spacing=10)
        self._body = QWidget()
        vbox(self._bar_rows, 8, self.legend, 12, hairline(), 14, self.panel, parent=self._body)
        vbox(self.head, 16, self._body, None, parent=self)
        self.panel.changed.connect(self._change)
        self._replan_timer = QTimer(self)
        self._replan_timer.setSingleShot(True)
        self._replan_timer.setInterval(0)
        # Several changes between two frames result in one plan.
        self._replan_timer.timeout.connect(self._replan)
        self._body.hide()
        self.setAccessibleName(self.tr("Memory layout"))
        self._show()

    def show_plan(
        self,
        basis: PlanBasis,
        options: PlanOptions,
        planner: Planner | None = None,
    ) -> None:
        """Show the plan of a model; ``planner`` replaces ``basis.plan``.

        Memory that is not free counts as other programs', so read the machine while the model is not loaded.
        """
        self._basis, self.options, self._planner = basis, options, planner or basis.plan
        self._names = [device.name for device in basis.machine.devices]
        self._numbers = device_numbers(self._names)
        self._replan_timer.stop()
        self._update_plan()
        self._columns = (0, 0)
        self._show()
        self.head.reset_height()

    def set_actual(self, actual: ActualBytes | None, spec: LoadSpec | None = None) -> None:
        """Show what the engine allocated for a load with this spec, None if nothing.

        Beside another plan, also after a change of it, the figures are labelled as currently loaded.
        """
        self._actual, self._actual_of = actual, spec
        self._show()

    def set_busy(self, text: str) -> None:
        """Lock the controls during an activity; an empty text unlocks them."""
        self._is_busy = bool(text)
        self.panel.setEnabled(not text)
        for row in self._rows:
            if row.check is not None:
                row.check.set_locked(self._is_busy)
        self.head.show_busy(text)

    @property
    def kind(self) -> VerdictKind:
        """Rating of the shown plan."""
        return "bad" if self._problem is not None or self.plan is None else verdict_kind(self.plan)

    @property
    def _is_loaded(self) -> bool:
        return self.plan is not None and self.plan.spec == self._actual_of

    def _change(self, change: Change) -> None:
        options = change(self.options)
        if options != self.options:
            self.options = options
            self._replan_timer.start()

    def _replan(self) -> None:
        if self._planner is not None:
            self._update_plan()
            self._show()
            self.options_changed.emit(self.options)

    def _update_plan(self) -> None:
        assert self._planner is not None
        try:
            self.plan, self._problem = self._planner(self.options), None
        except UserError as error:
            self._problem = error
            if self.plan is None:
                # Show the automatic plan, so that impossible options can be changed back.
                with suppress(UserError):
                    self.plan = self._planner(automatic(self.options))

    def _toggle(self, name: str, on: bool) -> None:
        if self._is_busy:
            self._show()  # assistive tools can toggle a locked check box
        else:
            self._change(lambda options: with_device(options, self._names, name, on=on))

    def _show(self) -> None:
        plan, basis, names = self.plan, self._basis, self._names
        self._show_texts()
        self._body.setVisible(plan is not None)
        if plan is None or basis is None:
            return
        machine, left_out = basis.machine, frozenset(names) - devices_on(self.options, names)
        self.bars = bars_of(plan, machine.devices, basis.host, self._actual, left_out)
        self._show_bars()
        labels = {name: device_name(name, self._numbers.get(name)) for name in names}
        self.panel.show_plan(self.options, plan, basis.shape, labels)
        self._arrange()
        self._set_tab_order()
        self.shown.emit()

    def _show_texts(self) -> None:
        verdict = notes = hint = ""
        if self._problem is not None:
            verdict = error_text(self._problem)
        elif self.plan is not None:
            verdict, notes = sentences(self.plan, self._numbers, is_loaded=self._is_loaded)
        if self._basis is not None:
            machine = self._basis.machine
            if problem := machine.hint or next(iter(machine.missing), None):
                hint = error_text(problem)
            elif self.plan is not None and not self._names:
                hint = self.tr("The engine found no usable GPU. Models run on the CPU.")
        hint = "\n".join(filter(None, (self.note, hint)))
        self.head.show_verdict(verdict, notes, hint, self.kind)
        self.setAccessibleDescription(f"{verdict} {notes}".strip())

    def _show_bars(self) -> None:
        if [row.name for row in self._rows] != [bar.name for bar in self.bars]:
            self._create_rows()
        gpus = [bar for bar in self.bars if not bar.is_ram]
        for row, bar in zip(self._rows, self.bars, strict=True):
            row.show_bar(bar, full_bytes([bar] if bar.is_ram else gpus), as_forecast=self._is_loaded)
        self.legend.show_bars(self.bars)

    def _create_rows(self) -> None:
        for row in self._rows:
            self._bar_rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [BarRow(bar.name, indented=bool(self._names)) for bar in self.bars]
        for row in self._rows:
            row.toggled.connect(self._toggle)
            self._bar_rows.addWidget(row)
            row.show()
            if row.check is not None:
                row.check.set_locked(self._is_busy)

    def _set_tab_order(self) -> None:
        # The default order is that of creation, and rows and borders are created when needed.
        order = (*(row.check or row.bar for row in self._rows), *self.panel.tab_order)
        if order != self._tab_order:
            self._tab_order = order
            # Starts at the headline, which a click can focus.
            for before, after in pairwise((self.head.headline, *order)):
                QWidget.setTabOrder(before, after)

    def _arrange(self) -> None:
        narrow = self.width() < NARROW_BELOW
        self.panel.arrange(narrow=narrow)
        rows = [*self._rows, *self.panel.rows]
        # Columns only grow while something is dragged, so that the bars do not move.
        left, right = column_widths(rows, self.width(), narrow=narrow)
        left, right = self._columns = (max(left, self._columns[0]), max(right, self._columns[1]))
        for row in rows:
            row.arrange(narrow=narrow, left=left, right=right)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange for the new width."""
        super().resizeEvent(event)
        if self.plan is not None:
            self._columns = (0, 0)
            self._arrange()
