"""Measuring a plan, or several, through the inference worker: after the answer that may be under way, never beside it.

No widget.  The runner lives as long as somebody wants its figures; ``cancel`` ends the work soon, from whatever state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.chat.worker import InferenceWorker
from app.engine.local_engine import LocalEngine
from app.planning.planned_load import Wanted
from app.planning.service import PlanningService
from app.planning.tuning import Measured, Tuned, TuneProgress, Tuner
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError


@dataclass(frozen=True)
class MeasureProgress:
    """How far it is: ``fraction`` from 0 to 1; ``step`` of several plans, None where one is measured."""

    fraction: float
    step: TuneProgress | None = None


Told = MeasureProgress | Measured | Tuned


class Measuring(QObject):
    """One measurement.  Its signals come in the window's thread."""

    told = Signal(object)
    """A ``MeasureProgress`` each time something moved, and at last a ``Measured`` or a ``Tuned``."""
    ended = Signal(object)
    """None where it was done or cancelled, else the ``UserError`` that it ended with."""
    _over = Signal()
    """Told last: whoever hears of the end hears it before this object goes."""

    def __init__(self, worker: InferenceWorker, engine: LocalEngine, planning: PlanningService) -> None:
        # The application owns what the worker's thread speaks through: whoever asked may be gone before it is told.
        super().__init__(QCoreApplication.instance())
        self._worker, self._engine, self._planning = worker, engine, planning
        self._token = CancelToken()
        self._over.connect(self.deleteLater)

    def start(self, wanted: Callable[[], Wanted], *, tune: bool, **sizes: int) -> None:
        """Begin as soon as the worker is free.  ``wanted`` is called in its thread; it reads the file's header.

        ``sizes`` are those of ``Tuner``.
        """
        token, engine, planning = self._token, self._engine, self._planning
        tell, end, over = self.told.emit, self.ended.emit, self._over.emit

        def job() -> None:
            problem: UserError | None = None
            try:
                token.raise_if_cancelled()
                tuner = Tuner(engine, planning.loads, token=token, **sizes)
                for event in _events(tuner, wanted(), tune=tune):
                    if token.is_cancelled:
                        break
                    tell(event)
            except Cancelled:
                pass
            except UserError as error:
                problem = error
            finally:
                end(None if token.is_cancelled else problem)
                over()

        self._worker.submit(job, token)

    def cancel(self) -> None:
        """End it soon; an answer that it waits for goes on."""
        self._token.cancel()


def _events(tuner: Tuner, wanted: Wanted, *, tune: bool) -> Iterator[Told]:
    if tune:
        for event in tuner.tune(wanted):
            yield MeasureProgress(event.fraction, event) if isinstance(event, TuneProgress) else event
    else:
        for step in tuner.measure(wanted):
            yield step if isinstance(step, Measured) else MeasureProgress(step)
