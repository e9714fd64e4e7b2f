"""The picture of a plan: one sentence, a bar for each device and for RAM, and the controls that change it live.

The picture makes no plan and keeps none: it asks the planner it was given, a pure and fast function of the wishes, and
tells every change of them.  Devices, totals and what was allocated are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.errors import UserError
from model_manager.plan import LoadPlan, ModelFacts, SplitMode, Wishes
from ui.plan.bars import BarRow, Legend
from ui.plan.figures import ActualBytes, Bar, VerdictKind, bars_of, device_numbers, full_bytes, verdict_kind
from ui.plan.head import PlanHead
from ui.plan.overrides import Change, automatic, devices_on, with_device
from ui.plan.panel import PlanPanel
from ui.plan.rows import column_widths
from ui.plan.strings import sentences
from ui.widgets.dialog_parts import LazyText, hairline
from ui.widgets.error_text import error_text

Planner = Callable[[Wishes], LoadPlan]

NARROW_BELOW = 640
USUAL_SPLIT_MODES: tuple[SplitMode, ...] = ("layer", "row")


class PlanView(QWidget):
    """The plan of one model at a time."""

    wishes_changed = Signal(object)
    """The ``Wishes`` after every change that a person made, together with whose plan the picture was drawn anew."""

    _is_built = False
    _is_busy = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("planView")
        self._planner: Planner | None = None
        self._facts: ModelFacts | None = None
        self._devices: tuple[PlanDevice, ...] = ()
        self._host = HostMemory(0)
        self._totals: Mapping[str, int] = {}
        self._host_total: int | None = None
        self._split_modes: Sequence[SplitMode] = USUAL_SPLIT_MODES
        self._hint: UserError | None = None
        self._actual: ActualBytes | None = None
        self._actual_of: LoadPlan | None = None
        self._problem: UserError | None = None
        self.wishes = Wishes()
        """What is fixed now."""
        self.plan: LoadPlan | None = None
        """The plan that is shown."""
        self.bars: tuple[Bar, ...] = ()
        """What the picture shows, the last one RAM."""
        self._rows: list[BarRow] = []
        self._numbers: Mapping[str, int] = {}
        self._columns = (0, 0)
        self._stops: tuple[QWidget, ...] = ()
        self._make_parts()
        self._lay_out()
        self.panel.changed.connect(self._change)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        # Several movements between two frames become one plan.
        self._soon.timeout.connect(self._replan)
        self._body.hide()
        self._is_built = True
        self.retranslate()

    def _make_parts(self) -> None:
        self.head = PlanHead()
        self.legend = Legend()
        self.panel = PlanPanel()

    def _lay_out(self) -> None:
        self._bar_rows = QVBoxLayout()
        self._bar_rows.setSpacing(10)
        self._body = QWidget()
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addLayout(self._bar_rows)
        body.addSpacing(8)
        body.addWidget(self.legend)
        body.addSpacing(12)
        body.addWidget(hairline())
        body.addSpacing(14)
        body.addWidget(self.panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addSpacing(16)
        layout.addWidget(self._body)
        layout.addStretch(1)

    def show_plan(
        self,
        planner: Planner,
        wishes: Wishes,
        devices: Sequence[PlanDevice],
        host: HostMemory,
        facts: ModelFacts,
        *,
        total_bytes: Mapping[str, int] | None = None,
        host_total_bytes: int | None = None,
        hint: UserError | None = None,
        split_modes: Sequence[SplitMode] = USUAL_SPLIT_MODES,
    ) -> None:
        """Show the plan of a model on these devices and this RAM.

        ``planner`` takes some milliseconds and may raise UserError; what was allocated for the model before is
        forgotten when ``facts`` are others.  ``total_bytes`` by device name and ``host_total_bytes``: what is not free
        of them counts as other programs' (so both are to be read while this model is not loaded).  ``hint`` is a
        sentence about devices that the engine could use but does not.  ``split_modes`` are those of the engine.
        """
        if facts is not self._facts:
            self.plan = self._actual = self._actual_of = None
        self._planner, self.wishes, self._facts = planner, wishes, facts
        self._devices, self._host = tuple(devices), host
        self._numbers = device_numbers([device.name for device in devices])
        self._totals, self._host_total = dict(total_bytes or {}), host_total_bytes
        self._hint, self._split_modes = hint, tuple(split_modes)
        self._soon.stop()
        self._make_plan()
        self._columns = (0, 0)
        self._show()
        self.head.settle()

    def show_nothing(self) -> None:
        """No model is chosen."""
        self._soon.stop()
        self._planner = self.plan = self._problem = self._hint = None
        self._actual = self._actual_of = None
        self.bars = ()
        self._show()
        self.head.settle()

    def set_actual(self, actual: ActualBytes | None) -> None:
        """What the engine allocated for the plan that is shown, as ``ActualBytes`` has it; None: nothing.

        Where the plan is changed afterwards the figures stay and are called what is loaded now.
        """
        self._actual = actual
        self._actual_of = self.plan if actual is not None else None
        self._show()

    def set_busy(self, busy: bool, words: LazyText | None = None) -> None:
        """Lock the controls while a model loads; ``words`` say what is being done."""
        self._is_busy = busy
        self.panel.setEnabled(not busy)
        for row in self._rows:
            if row.check is not None:
                row.check.lock(busy)
        self.head.say_busy(words if busy else None)

    @property
    def kind(self) -> VerdictKind:
        """The role whose colour the verdict has."""
        return "bad" if self._problem is not None or self.plan is None else verdict_kind(self.plan)

    @property
    def _is_loaded(self) -> bool:
        return self.plan is not None and self.plan == self._actual_of

    def _change(self, change: Change) -> None:
        wishes = change(self.wishes)
        if wishes != self.wishes:
            self.wishes = wishes
            self._soon.start()

    def _replan(self) -> None:
        if self._planner is not None:
            self._make_plan()
            self._show()
            self.wishes_changed.emit(self.wishes)

    def _make_plan(self) -> None:
        assert self._planner is not None
        try:
            self.plan, self._problem = self._planner(self.wishes), None
        except UserError as error:
            self._problem = error
            if self.plan is None:
                # A picture all the same, or there were no way back from wishes that cannot be.
                with suppress(UserError):
                    self.plan = self._planner(automatic(self.wishes))

    def _toggle(self, name: str, on: bool) -> None:
        names = [device.name for device in self._devices]
        if self._is_busy:
            self._show()  # the tick goes back: whoever cannot see that it is locked may still have set it
        else:
            self._change(lambda now: with_device(now, names, name, on=on))

    def _show(self) -> None:
        self._show_words()
        plan = self.plan
        self._body.setVisible(plan is not None)
        if plan is None:
            return
        names = [device.name for device in self._devices]
        left_out = frozenset(names) - devices_on(self.wishes, names)
        self.bars = bars_of(plan, self._devices, self._host, self._totals, self._host_total, self._actual, left_out)
        self._show_bars()
        assert self._facts is not None
        self.panel.show_plan(self.wishes, plan, self._facts, self._numbers, names, self._split_modes)
        self._arrange()
        self._order_stops()

    def _show_words(self) -> None:
        verdict = notes = hint = ""
        if self._problem is not None:
            verdict = error_text(self._problem)
        elif self.plan is not None:
            verdict, notes = sentences(self.plan, self._numbers, is_loaded=self._is_loaded)
        if self._hint is not None:
            hint = error_text(self._hint)
        elif self.plan is not None and not self._devices:
            hint = self.tr("The engine found no usable GPU. Models run on the CPU.")
        self.head.say(verdict, notes, hint, self.kind)
        self.setAccessibleDescription(f"{verdict} {notes}".strip())

    def _show_bars(self) -> None:
        if [row.name for row in self._rows] != [bar.name for bar in self.bars]:
            self._make_rows()
        cards = [bar for bar in self.bars if not bar.is_ram]
        for row, bar in zip(self._rows, self.bars, strict=True):
            row.show_bar(bar, full_bytes([bar] if bar.is_ram else cards), as_forecast=self._is_loaded)
        self.legend.show_bars(self.bars)

    def _make_rows(self) -> None:
        for row in self._rows:
            self._bar_rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [BarRow(bar.name, indented=bool(self._devices)) for bar in self.bars]
        for row in self._rows:
            row.toggled.connect(self._toggle)
            self._bar_rows.addWidget(row)
            row.show()
            if row.check is not None:
                row.check.lock(self._is_busy)

    def _order_stops(self) -> None:
        # The tab key follows the order of making, and rows and borders are made when they are needed.
        stops = (*(row.check or row.bar for row in self._rows), *self.panel.stops)
        if stops != self._stops:
            self._stops = stops
            # The sentence can have the focus (by a click), without which Qt would not take it as a place to begin at.
            for before, behind in pairwise((self.head.headline, *stops)):
                QWidget.setTabOrder(before, behind)

    def _arrange(self) -> None:
        narrow = self.width() < NARROW_BELOW
        self.panel.arrange(narrow=narrow)
        rows = [*self._rows, *self.panel.rows]
        # Bars whose left end goes to and fro while something is dragged cannot be compared.
        found = column_widths(rows, self.width(), narrow=narrow)
        left, right = self._columns = (max(found[0], self._columns[0]), max(found[1], self._columns[1]))
        for row in rows:
            row.arrange(narrow=narrow, left=left, right=right)

    def retranslate(self) -> None:
        """Say the same in the language of now."""
        self.setAccessibleName(self.tr("Memory plan"))
        self.panel.retranslate()
        self.head.retranslate()
        self._columns = (0, 0)
        self._show()
        self.head.settle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words beside the bars, or above and below them."""
        super().resizeEvent(event)
        if self.plan is not None:
            self._columns = (0, 0)
            self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language; the parts follow the theme themselves."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and self._is_built:
            self.retranslate()
