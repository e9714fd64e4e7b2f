"""Inference worker: the thread that uses the engine, one job at a time, and unloads the model when idle."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from model_manager.cancellation import CancelToken

Job = Callable[[], None]


class InferenceWorker:
    """A thread with a queue of jobs.

    An exception from a job is a bug and reaches ``threading.excepthook``; the thread goes on.
    """

    def __init__(self, idle_seconds: Callable[[], float | None], on_idle: Job) -> None:
        """``on_idle`` runs once, in this thread, after ``idle_seconds`` without a job; None is never."""
        self._idle_seconds = idle_seconds
        self._on_idle = on_idle
        self._busy = False
        self._jobs: queue.Queue[tuple[Job, CancelToken] | None] = queue.Queue()
        self._tokens: set[CancelToken] = set()
        """Tokens of the running job and of the queued ones."""
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def submit(self, job: Job, token: CancelToken | None = None) -> None:
        """Run the job after those before it; ``close`` cancels ``token``."""
        token = token or CancelToken()
        self._tokens.add(token)
        self._jobs.put((job, token))

    def is_busy(self) -> bool:
        """Return whether a job is running."""
        return self._busy

    def close(self, timeout_s: float) -> None:
        """Cancel the jobs and end after the last of them; wait for that at most ``timeout_s`` seconds."""
        for token in tuple(self._tokens):
            token.cancel()
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        rested = True
        while True:
            try:
                entry = self._jobs.get(timeout=None if rested else self._idle_seconds())
                rested = False
            except queue.Empty:
                entry, rested = (self._on_idle, CancelToken()), True
            if entry is None:
                return
            job, token = entry
            self._busy = True
            try:
                job()
            except BaseException as error:
                arguments = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(arguments))
            finally:
                self._busy = False
                self._tokens.discard(token)
