"""Inference worker: the thread that uses the engine, one job at a time, and unloads the model when idle.

Jobs that don't use the engine, the answers of servers, run beside it in threads of their own.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

from model_manager.cancellation import CancelToken

Job = Callable[[], None]

_FIRST, _LAST, _END = range(3)
"""Priorities of the queue."""


class InferenceWorker:
    """A thread with a queue of jobs.

    An exception from a job is a bug and reaches ``threading.excepthook``; the thread goes on.
    """

    def __init__(self, idle_seconds: Callable[[], float | None], on_idle: Job) -> None:
        """``on_idle`` runs once, in this thread, after ``idle_seconds`` without a job; None is never."""
        self._idle_seconds = idle_seconds
        self._on_idle = on_idle
        self._busy = False
        self._jobs: queue.PriorityQueue[tuple[int, int, Job, CancelToken]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._tokens: set[CancelToken] = set()
        """Tokens of the running jobs and of the queued ones."""
        self._beside: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def submit(
        self, job: Job, token: CancelToken | None = None, *, uses_engine: bool = True, is_last: bool = False
    ) -> None:
        """Run the job after those before it, or at once if it doesn't use the engine; ``close`` cancels ``token``.

        ``is_last``: jobs without this flag go first, also those that are submitted later.
        """
        token = token or CancelToken()
        self._tokens.add(token)
        if uses_engine:
            self._put(_LAST if is_last else _FIRST, job, token)
            return
        thread = threading.Thread(target=self._run_job, args=(job, token), name="server", daemon=True)
        self._beside.add(thread)
        thread.start()

    def is_busy(self) -> bool:
        """Return whether a job that uses the engine is running."""
        return self._busy

    def close(self, timeout_s: float) -> None:
        """Cancel the jobs and end after the last of them; wait for that at most ``timeout_s`` seconds."""
        deadline = time.monotonic() + timeout_s
        for token in tuple(self._tokens):
            token.cancel()
        self._put(_END, lambda: None, CancelToken())
        for thread in (*self._beside, self._thread):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _put(self, priority: int, job: Job, token: CancelToken) -> None:
        self._jobs.put((priority, next(self._numbers), job, token))

    def _run(self) -> None:
        rested = True
        while True:
            try:
                priority, _, job, token = self._jobs.get(timeout=None if rested else self._idle_seconds())
                rested = False
            except queue.Empty:
                priority, job, token, rested = _FIRST, self._on_idle, CancelToken(), True
            if priority == _END:
                return
            self._busy = True
            self._run_job(job, token)
            self._busy = False

    def _run_job(self, job: Job, token: CancelToken) -> None:
        try:
            job()
        except BaseException as error:
            arguments = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(arguments))
        finally:
            self._tokens.discard(token)
            self._beside.discard(threading.current_thread())
