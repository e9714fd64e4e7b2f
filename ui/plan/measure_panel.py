"""Measuring the speed of a plan: buttons, progress with time left, and a table of the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QWidget

from app.planning.planned_load import LoadRequest
from app.planning.tuning import Change, TuneProgress, Tuner, TuningResult
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan
from ui.plan.strings import device_name
from ui.widgets.dialog_parts import SMALL_SIZE, button, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.formats import time_left_text
from ui.widgets.icons import IconLabel
from ui.widgets.job import Job
from ui.widgets.layouts import TOP, clear, hbox, nest, vbox
from ui.widgets.theme import interface_font

ICON = 16
FIGURE_WIDTH = 124
MIN_FRACTION = 0.02
"""Below this fraction of the work no remaining time is shown."""


class MeasurePanel(QWidget):
    """Measures the plan of one model, in the inference worker after the current answer."""

    busy_changed = Signal(bool)

    def __init__(self, services: Services, request: Callable[[], LoadRequest]) -> None:
        """``request`` returns the load to measure; it is called in the worker's thread and reads the file's header."""
        super().__init__()
        self.setObjectName("measureSection")
        self._services, self._request = services, request
        self._numbers: Mapping[str, int] = {}
        self._unavailable_text = ""
        self._job: Job | None = None
        self.sizes: dict[str, int] = {}
        """Keyword arguments of ``Tuner``: numbers of tokens and repetitions."""
        self._started_at = 0.0
        self._progress: TuneProgress | None = None
        self.result: TuningResult | None = None
        self._error: UserError | None = None
        self._is_cancelled = False
        self._started = self.measure = button("measureButton", self.tr("Measure"))
        """The button of the last measurement."""
        self.state = quiet_label()
        self.state.setObjectName("measureState")
        self.tune = button("tuneButton", self.tr("Find the fastest layout…"))
        self.cancel = button("cancelMeasureButton", self.tr("Cancel"))
        self.bar = QProgressBar()
        self.bar.setObjectName("measureProgress")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Measurement progress"))
        self._rows = vbox()
        buttons = [(each, 0, TOP) for each in (self.measure, self.tune, self.cancel)]
        head = hbox((vbox(QLabel(self.tr("Speed")), self.state, spacing=2), 1), *buttons, spacing=8)
        vbox(head, self.bar, self._rows, parent=self, spacing=8)
        self.measure.clicked.connect(lambda: self._start(tune=False))
        self.tune.clicked.connect(lambda: self._start(tune=True))
        self.cancel.clicked.connect(self._cancel)
        self._update()

    @property
    def is_busy(self) -> bool:
        """Whether a measurement is running."""
        return self._job is not None

    def set_available(self, numbers: Mapping[str, int], unavailable_text: str) -> None:
        """Set the numbers from ``device_numbers`` and the reason why measuring is unavailable (empty: available)."""
        self._numbers, self._unavailable_text = numbers, unavailable_text
        self._update()

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

        def work() -> TuningResult:
            token.raise_if_cancelled()
            tuner = Tuner(services.engine, services.planning.loader, token=token, **sizes)
            return tuner.run(request(), report, tune=tune)

        def while_current(handle: Callable[..., None]) -> Callable[..., None]:
            # A cancelled job can still be running.
            return lambda *values: handle(*values) if self._job is job else None

        job.progress.connect(while_current(self._show_progress))
        job.succeeded.connect(while_current(self._show_result))
        job.failed.connect(while_current(self._show_error))
        job.finished.connect(while_current(self._release_job))
        self._progress = self.result = self._error = None
        self._is_cancelled = False
        self._started = self.tune if tune else self.measure
        job.start(work, lambda run: services.worker.submit(run, token))
        self._update()
        self.cancel.setFocus()
        self.busy_changed.emit(True)

    def _cancel(self) -> None:
        self._is_cancelled = True
        self.shut_down()

    def _show_progress(self, progress: TuneProgress) -> None:
        if self._progress is None:
            self._started_at = time.monotonic()
        self._progress = progress
        self._update_state()

    def _show_result(self, result: TuningResult) -> None:
        self.result = result

    def _show_error(self, error: UserError) -> None:
        self._error = error

    def _release_job(self) -> None:
        has_focus = self.cancel.hasFocus()
        self._job = None
        self._update()
        if has_focus:
            self._started.setFocus()
        self.busy_changed.emit(False)

    def _update(self) -> None:
        for each, tip in (
            (self.measure, self.tr("Loads the current layout and measures prompt and answer speed")),
            (
                self.tune,
                self.tr("Also measures a few other layouts and saves the fastest one that fits; takes a few minutes"),
            ),
        ):
            each.setVisible(not self.is_busy)
            each.setEnabled(not self._unavailable_text)
            each.setToolTip(self._unavailable_text or tip)
        self.cancel.setVisible(self.is_busy)
        self.bar.setVisible(self.is_busy)
        self._update_state()
        self._update_rows()

    def _update_state(self) -> None:
        text = self._state_text()
        self.state.setText(text)
        self.state.setAccessibleName(text)
        self.bar.setValue(round(1000 * self._progress.fraction) if self._progress is not None else 0)

    def _state_text(self) -> str:
        result = self.result
        if self._job is not None:
            return self._progress_text()
        if self._error is not None:
            return error_text(self._error)
        if self._is_cancelled:
            return self.tr("Cancelled. Nothing was changed.")
        if result is None:
            return self._unavailable_text or self.tr("Measuring doesn't interrupt an answer in progress.")
        if result.best is None:
            return self.tr("Median of three measurements.")
        if result.best is result.measured[0]:
            return self.tr("The current layout is the fastest that fits.")
        return self.tr("Fastest layout saved. The next message loads the model with it.")

    def _progress_text(self) -> str:
        progress = self._progress
        if progress is None:
            return self.tr("Waiting for the current answer to finish…")
        if progress.number > 1:
            text = self.tr("{number} of {count}: {change}").format(
                number=progress.number, count=progress.count, change=self._change_text(progress.change)
            )
        else:
            text = self.tr("Measuring the current layout…")
        if progress.fraction > MIN_FRACTION:
            elapsed = time.monotonic() - self._started_at
            text += " · " + time_left_text(elapsed * (1 - progress.fraction) / progress.fraction)
        return text

    def _change_text(self, change: Change) -> str:
        texts: dict[str, str] = {
            "present": self.tr("Current layout"),
            "kv_f16": self.tr("16-bit KV cache"),
            "kv_q8_0": self.tr("8-bit KV cache"),
            "large_batch": self.tr("Larger batches"),
            "small_batch": self.tr("Smaller batches"),
            "pipeline": self.tr("Pipeline parallelism switched"),
            "one_device": self.tr("Single GPU"),
            "more_in_ram": self.tr("More experts in RAM"),
            "fewer_threads": self.tr("Fewer threads"),
            "flash_attention": self.tr("Flash attention switched"),
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
        clear(self._rows)
        if self.result is None:
            return
        rows: list[QWidget] = [_Row("", "", self.tr("Prompt, tokens/s"), self.tr("Answer, tokens/s"), is_head=True)]
        for each in self.result.measured:
            is_best = each is self.result.best
            title = self._change_text(each.change)
            if is_best:
                title = self.tr("{plan} (fastest)").format(plan=title)
            detail, prompt, answer = self._plan_text(each.plan), "–", "–"
            if each.problem is not None:
                detail = error_text(each.problem)
            else:
                prompt, answer = f"{each.prompt_tokens_per_second:.0f}", f"{each.tokens_per_second:.1f}"
            rows += [hairline(), _Row(title, detail, prompt, answer, is_best=is_best)]
        for row in rows:
            self._rows.addWidget(row)
            row.show()


class _Row(QWidget):
    """Row of the table: what is different about the plan, its placement and both speeds."""

    def __init__(
        self, title: str, detail: str, prompt: str, answer: str, *, is_head: bool = False, is_best: bool = False
    ) -> None:
        super().__init__()
        self.setObjectName("measuredRow")
        icon = IconLabel("check", "good", ICON) if is_best else QWidget()
        icon.setFixedWidth(ICON)
        margin = 4 if is_head else 8
        name = QLabel(title)
        name.setFont(interface_font(14, bold=is_best))
        figures = [QLabel(prompt), QLabel(answer)]
        for figure in figures:
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            figure.setFixedWidth(FIGURE_WIDTH)
            if is_head:
                figure.setProperty("quiet", True)
                figure.setFont(interface_font(SMALL_SIZE))
            elif is_best:
                figure.setFont(interface_font(14, bold=True))
        column = vbox(
            hbox(icon, (name, 1), *figures, spacing=8), parent=self, spacing=2, margins=(0, margin, 0, margin)
        )
        if detail:
            nest(column, hbox(ICON + 8, (quiet_label(detail), 1)))
        accessible = self.tr("{plan}: prompt {prompt}, answer {answer}")
        self.setAccessibleName(accessible.format(plan=title, prompt=prompt, answer=answer))
        self.setAccessibleDescription(detail)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
