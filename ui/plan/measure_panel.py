"""Measuring the speed of a plan: buttons, progress with time left, and a table of the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.planning.planned_load import LoadRequest
from app.planning.tuning import Change, Measurement, TuneProgress, Tuner, TuningResult
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan import LoadPlan
from ui.plan.strings import device_name
from ui.widgets.dialog_parts import SMALL_SIZE, button, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.icons import set_icon
from ui.widgets.job import Job
from ui.widgets.model_strings import time_left_text
from ui.widgets.theme import interface_font

ICON = 16
FIGURE_WIDTH = 124
MIN_FRACTION = 0.02
"""Below this fraction of the work no remaining time is shown."""


class MeasurePanel(QWidget):
    """Measures the plan of one model, in the inference worker after the current answer."""

    kept = Signal()
    """A plan other than the current one is the fastest and is used from now on."""
    busy_changed = Signal(bool)

    def __init__(self, services: Services, request: Callable[[], LoadRequest]) -> None:
        """``request`` returns the load to measure; it is called in the worker's thread and reads the file's header."""
        super().__init__()
        self.setObjectName("measureSection")
        self._services, self._request = services, request
        self._numbers: Mapping[str, int] = {}
        self._unavailable_text: Callable[[], str] = str
        self._job: Job | None = None
        self.sizes: dict[str, int] = {}
        """Keyword arguments of ``Tuner``: numbers of tokens and repetitions."""
        self._started_at: float | None = None
        self._progress: float | TuneProgress | None = None
        self._measured: tuple[Measurement, ...] = ()
        self._best: Measurement | None = None
        self._error: UserError | None = None
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
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.state)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(texts, 1)
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
        """Whether a measurement is running."""
        return self._job is not None

    def set_available(self, numbers: Mapping[str, int], unavailable_text: Callable[[], str] = str) -> None:
        """Set the numbers from ``device_numbers`` and the reason why measuring is unavailable (empty: available)."""
        self._numbers, self._unavailable_text = numbers, unavailable_text
        self.retranslate()

    def shut_down(self) -> None:
        """Cancel a running measurement."""
        if self._job is not None:
            self._job.cancel()
            self._release_job()

    def _start(self, *, tune: bool) -> None:
        if self._job is not None:
            return
        services, request, sizes = self._services, self._request, self.sizes
        job = self._job = Job(self)
        token, report = job.token, job.report

        def work() -> Measurement | TuningResult:
            token.raise_if_cancelled()
            tuner = Tuner(services.engine, services.planning.loader, token=token, **sizes)
            return tuner.tune(request(), report) if tune else tuner.measure(request(), report)

        job.progress.connect(self._show_progress)
        job.succeeded.connect(self._show_result)
        job.failed.connect(self._show_error)
        job.finished.connect(self._release_job)
        self._started_at = self._progress = None
        self._measured, self._best, self._error, self._is_cancelled = (), None, None, False
        job.start(work, lambda run: services.worker.submit(run, token))
        self.retranslate()
        self.cancel.setFocus()
        self.busy_changed.emit(True)

    def _cancel(self) -> None:
        self._is_cancelled = True
        self.shut_down()

    def _show_progress(self, progress: float | TuneProgress) -> None:
        self._started_at = self._started_at or time.monotonic()
        self._progress = progress
        self._update_state()

    def _show_result(self, result: Measurement | TuningResult) -> None:
        if isinstance(result, Measurement):
            self._measured = (result,)
            return
        self._measured, self._best = result.measured, result.best
        if result.best is not result.measured[0]:
            self.kept.emit()

    def _show_error(self, error: UserError) -> None:
        self._error = error

    def _release_job(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            # A cancelled job can still be running; its signals no longer belong to this panel.
            job.progress.disconnect(self._show_progress)
            job.succeeded.disconnect(self._show_result)
            job.failed.disconnect(self._show_error)
            job.finished.disconnect(self._release_job)
        self.retranslate()
        self.busy_changed.emit(False)

    def retranslate(self) -> None:
        """Update all texts."""
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
            each.setEnabled(not self._unavailable_text())
        self.cancel.setVisible(self.is_busy)
        self.bar.setVisible(self.is_busy)
        self._update_state()
        self._update_rows()

    @property
    def _fraction(self) -> float:
        progress = self._progress
        return progress.fraction if isinstance(progress, TuneProgress) else progress or 0.0

    def _update_state(self) -> None:
        text = self._state_text()
        self.state.setText(text)
        self.state.setAccessibleName(text)
        self.bar.setValue(round(1000 * self._fraction))

    def _state_text(self) -> str:
        if self._job is not None:
            return self._progress_text()
        if self._error is not None:
            return error_text(self._error)
        if self._is_cancelled:
            return self.tr("Cancelled. Nothing was changed.")
        if self._best is not None:
            if self._best is self._measured[0]:
                return self.tr("The current plan is the fastest that fits.")
            return self.tr("Fastest plan saved. The next message loads the model with it.")
        if self._measured:
            return self.tr("Median of three measurements.")
        return self._unavailable_text() or self.tr("Measuring doesn't interrupt an answer in progress.")

    def _progress_text(self) -> str:
        progress = self._progress
        if progress is None:
            return self.tr("Waiting for the current answer to finish…")
        if isinstance(progress, TuneProgress) and progress.number > 1:
            text = self.tr("{number} of {count}: {change}").format(
                number=progress.number, count=progress.count, change=self._change_text(progress.change)
            )
        else:
            text = self.tr("Measuring the current plan…")
        if self._started_at is not None and self._fraction > MIN_FRACTION:
            elapsed = time.monotonic() - self._started_at
            text += " · " + time_left_text(elapsed * (1 - self._fraction) / self._fraction)
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
        places.append(self.tr("batch {batch}/{micro}").format(batch=plan.spec.batch, micro=plan.spec.micro_batch))
        if plan.spec.threads:
            places.append(self.tr("{count} threads").format(count=plan.spec.threads))
        return " · ".join(places)

    def _update_rows(self) -> None:
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
    """Texts of one row: what is different about the plan, its placement and both speeds."""

    title: str
    detail: str
    prompt: str
    answer: str
    is_head: bool = False
    is_best: bool = False


class _Row(QWidget):
    """Row of the table."""

    def __init__(self, line: _Line) -> None:
        super().__init__()
        is_head, is_best = line.is_head, line.is_best
        self.setObjectName("measuredRow")
        self._icon = QLabel()
        self._icon.setFixedWidth(ICON)
        self._is_best = is_best
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4 if is_head else 8, 0, 4 if is_head else 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        name = QLabel(line.title)
        name.setFont(interface_font(14, bold=is_best))
        grid.addWidget(self._icon, 0, 0)
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
            detail = quiet_label()
            detail.setText(line.detail)
            grid.addWidget(detail, 1, 1, 1, 3)
        self.setAccessibleName(self.tr("{plan}: prompt {prompt}, answer {answer}").format(
            plan=line.title, prompt=line.prompt, answer=line.answer
        ))  # fmt: skip
        self.setAccessibleDescription(line.detail)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if self._is_best:
            set_icon(self._icon, "check", "good", ICON)
