"""How fast a plan is, measured: two buttons, what is being done and how long still, and a table of what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.planning.planned_load import Wanted
from app.planning.tuning import Change, Measured, Tuned
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan import LoadPlan
from ui.plan.measurement import MeasureProgress, Measuring
from ui.plan.strings import device_name
from ui.widgets.dialog_parts import SMALL_SIZE, button, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import pixmap
from ui.widgets.model_strings import time_left_text
from ui.widgets.theme import current_theme, interface_font

SIGN = 16
FIGURE_WIDTH = 124
SOON = 0.02
"""Below this part of the work nobody can tell how long the rest takes."""


class MeasureSection(QWidget):
    """Measures one model's plan; one measurement at a time."""

    kept = Signal()
    """A plan other than the present one turned out to be the fastest, and is taken from now on."""
    busy_changed = Signal(bool)

    def __init__(self, services: Services, wanted: Callable[[], Wanted]) -> None:
        """``wanted`` tells what is to be measured; it is called in another thread."""
        super().__init__()
        self.setObjectName("measureSection")
        self._services, self._wanted = services, wanted
        self._numbers: Mapping[str, int] = {}
        self._why_not: Callable[[], str] = str
        self._running: Measuring | None = None
        self.sizes: dict[str, int] = {}
        """Other numbers of tokens than a ``Tuner`` usually takes."""
        self._since: float | None = None
        self._progress: MeasureProgress | None = None
        self._measured: tuple[Measured, ...] = ()
        self._best: Measured | None = None
        self._problem: UserError | None = None
        self._is_cancelled = False
        self._shown: tuple[_Line, ...] = ()
        self.title, self.state = QLabel(), quiet_label()
        self.state.setObjectName("measureState")
        self.measure, self.tune = button("measureButton"), button("tuneButton")
        self.cancel = button("cancelMeasureButton")
        self.bar = QProgressBar()
        self.bar.setObjectName("measureProgress")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self._lay_out()
        self.measure.clicked.connect(lambda: self._start(tune=False))
        self.tune.clicked.connect(lambda: self._start(tune=True))
        self.cancel.clicked.connect(self._cancel)
        self.retranslate()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.state)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(words, 1)
        for each in (self.measure, self.tune, self.cancel):
            head.addWidget(each, 0, Qt.AlignmentFlag.AlignTop)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addLayout(self._rows)

    @property
    def is_busy(self) -> bool:
        """Whether something is being measured."""
        return self._running is not None

    def set_possible(self, numbers: Mapping[str, int], why_not: Callable[[], str] = str) -> None:
        """``numbers`` of the devices as ``device_numbers`` finds them; ``why_not`` says why nothing can be measured."""
        self._numbers, self._why_not = numbers, why_not
        self.retranslate()

    def close_down(self) -> None:
        """Nobody looks any more: end what runs."""
        if self._running is not None:
            self._running.cancel()
            self._forget()

    def _start(self, *, tune: bool) -> None:
        if self._running is not None:
            return
        services = self._services
        running = self._running = Measuring(services.worker, services.engine, services.planning)
        running.told.connect(self._tell)
        running.ended.connect(self._ended)
        self._since = self._progress = None
        self._measured, self._best, self._problem, self._is_cancelled = (), None, None, False
        running.start(self._wanted, tune=tune, **self.sizes)
        self.retranslate()
        self.cancel.setFocus()
        self.busy_changed.emit(True)

    def _cancel(self) -> None:
        self._is_cancelled = True
        self.close_down()

    def _tell(self, told: object) -> None:
        match told:
            case MeasureProgress():
                self._since = self._since or time.monotonic()
                self._progress = told
                self._show_state()
            case Measured():
                self._measured, self._best = (told,), None
            case Tuned():
                self._measured, self._best = told.measured, told.best
                if told.best is not told.measured[0]:
                    self.kept.emit()

    def _ended(self, problem: UserError | None) -> None:
        self._problem = problem
        self._forget()

    def _forget(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.told.disconnect(self._tell)
            running.ended.disconnect(self._ended)
        self.retranslate()
        self.busy_changed.emit(False)

    # Words

    def retranslate(self) -> None:
        """Say the same in the language of now."""
        self.title.setText(self.tr("Speed"))
        self.measure.setText(self.tr("Measure"))
        self.measure.setToolTip(self.tr("Loads the current plan and measures prompt and answer speed"))
        self.tune.setText(self.tr("Find the fastest plan…"))
        self.tune.setToolTip(
            self.tr("Also measures a few other plans and saves the fastest one that fits; takes a few minutes")
        )
        self.cancel.setText(self.tr("Cancel"))
        self.bar.setAccessibleName(self.tr("Measurement progress"))
        for each in (self.measure, self.tune):
            each.setVisible(not self.is_busy)
            each.setEnabled(not self._why_not())
        self.cancel.setVisible(self.is_busy)
        self.bar.setVisible(self.is_busy)
        self._show_state()
        self._show_rows()

    def _show_state(self) -> None:
        text = self._state_text()
        self.state.setText(text)
        self.state.setAccessibleName(text)
        if self._progress is not None:
            self.bar.setValue(round(1000 * self._progress.fraction))
        else:
            self.bar.setValue(0)

    def _state_text(self) -> str:
        if self._running is not None:
            return self._going_text()
        if self._problem is not None:
            return error_text(self._problem)
        if self._is_cancelled:
            return self.tr("Cancelled. Nothing was changed.")
        if self._best is not None:
            if self._best is self._measured[0]:
                return self.tr("The current plan is the fastest that fits.")
            return self.tr("Fastest plan saved. The next message loads the model with it.")
        if self._measured:
            return self.tr("Median of three measurements.")
        return self._why_not() or self.tr("Measuring doesn't interrupt an answer in progress.")

    def _going_text(self) -> str:
        progress = self._progress
        if progress is None:
            return self.tr("Waiting for the current answer to finish…")
        if progress.step is None or progress.step.number == 1:
            text = self.tr("Measuring the current plan…")
        else:
            text = self.tr("{number} of {count}: {change}").format(
                number=progress.step.number, count=progress.step.count, change=self._change_text(progress.step.change)
            )
        if self._since is not None and progress.fraction > SOON:
            gone = time.monotonic() - self._since
            text += " · " + time_left_text(gone * (1 - progress.fraction) / progress.fraction)
        return text

    def _change_text(self, change: Change) -> str:
        texts: dict[str, str] = {
            "present": self.tr("Current plan"),
            "kv_f16": self.tr("16-bit KV cache"),
            "kv_q8_0": self.tr("8-bit KV cache"),
            "large_batch": self.tr("Larger batches"),
            "small_batch": self.tr("Smaller batches"),
            "pipeline": self.tr("Toggle pipelining"),
            "one_device": self.tr("Single GPU"),
            "more_in_ram": self.tr("More experts in RAM"),
            "fewer_threads": self.tr("Fewer threads"),
            "even_split": self.tr("Same number of layers on each GPU"),
        }
        return texts.get(change, change)

    def _plan_text(self, plan: LoadPlan) -> str:
        places = [
            self.tr("{device}: {count} layers").format(
                device=device_name(device.name, self._numbers.get(device.name)), count=len(device.layers)
            )
            for device in plan.used_devices
        ]
        if not places:
            places.append(self.tr("all in RAM"))
        if plan.experts_in_ram:
            places.append(self.tr("experts of {count} layers in RAM").format(count=len(plan.experts_in_ram)))
        places.append(self.tr("KV {kind}").format(kind=plan.kv_type))
        places.append(self.tr("batch {batch}/{micro}").format(batch=plan.batch, micro=plan.micro_batch))
        if plan.threads:
            places.append(self.tr("{count} threads").format(count=plan.threads))
        return " · ".join(places)

    # The table

    def _show_rows(self) -> None:
        lines = self._lines()
        if lines == self._shown:
            return
        self._shown = lines
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for line in lines:
            if self._rows.count():
                self._rows.addWidget(hairline())
            row = _Row(line)
            self._rows.addWidget(row)
            row.show()

    def _lines(self) -> tuple[_Line, ...]:
        if not self._measured:
            return ()
        lines = [_Line("", "", self.tr("Prompt, tokens/s"), self.tr("Answer, tokens/s"), is_head=True)]
        for each in self._measured:
            is_best = each is self._best
            title = self._change_text(each.change)
            if is_best:
                title = self.tr("{plan} (fastest)").format(plan=title)
            if each.problem is not None:
                lines.append(_Line(title, error_text(each.problem), "–", "–"))
            else:
                prompt, answer = f"{each.prompt_tokens_per_second:.0f}", f"{each.tokens_per_second:.1f}"
                lines.append(_Line(title, self._plan_text(each.plan), prompt, answer, is_best=is_best))
        return tuple(lines)


@dataclass(frozen=True)
class _Line:
    """One plan: what is different about it, how it lies, and its two speeds, in words."""

    title: str
    detail: str
    prompt: str
    answer: str
    is_head: bool = False
    is_best: bool = False


class _Row(QWidget):
    """A line of the table."""

    def __init__(self, line: _Line) -> None:
        super().__init__()
        is_head, is_best = line.is_head, line.is_best
        self.setObjectName("measuredRow")
        self._sign = QLabel()
        self._sign.setFixedWidth(SIGN)
        self._is_best = is_best
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4 if is_head else 8, 0, 4 if is_head else 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        name = QLabel(line.title)
        name.setFont(interface_font(14, bold=is_best))
        grid.addWidget(self._sign, 0, 0)
        grid.addWidget(name, 0, 1)
        for column, text in ((2, line.prompt), (3, line.answer)):
            figure = QLabel(text)
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            figure.setFixedWidth(FIGURE_WIDTH)
            if is_head:
                figure.setProperty("quiet", True)
                figure.setFont(interface_font(SMALL_SIZE))
            elif is_best:
                figure.setFont(interface_font(14, bold=True))
            grid.addWidget(figure, 0, column)
        if line.detail:
            words = quiet_label()
            words.setText(line.detail)
            grid.addWidget(words, 1, 1, 1, 3)
        self.setAccessibleName(self.tr("{plan}: prompt {prompt}, answer {answer}").format(
            plan=line.title, prompt=line.prompt, answer=line.answer
        ))  # fmt: skip
        self.setAccessibleDescription(line.detail)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._colour()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        if self._is_best:
            self._sign.setPixmap(pixmap("check", current_theme().good, SIGN, self.devicePixelRatioF()))
