"""The inference worker: one job after another, a bug does not end it, and it frees the engine when idle."""

from __future__ import annotations

import threading

import pytest

from app.chat.worker import InferenceWorker
from model_manager.cancellation import CancelToken

PATIENCE_S = 10


def test_jobs_run_in_order_in_one_thread() -> None:
    worker = InferenceWorker(lambda: None, lambda: None)
    done: list[tuple[int, int]] = []
    for number in range(5):
        worker.submit(lambda number=number: done.append((number, threading.get_ident())))  # type: ignore[misc]
    worker.close(PATIENCE_S)
    assert [number for number, _ in done] == list(range(5))
    assert len({thread for _, thread in done} | {threading.get_ident()}) == 2


def test_close_cancels_the_running_jobs_and_those_after_them() -> None:
    worker = InferenceWorker(lambda: None, lambda: None)
    ended: list[bool] = []
    for uses_engine in (True, True, False):
        token = CancelToken()
        job = lambda token=token: ended.append(token.wait(PATIENCE_S))  # noqa: E731
        worker.submit(job, token, uses_engine=uses_engine)
    worker.close(PATIENCE_S)
    assert ended == [True, True, True]


def test_jobs_without_the_engine_do_not_wait() -> None:
    worker = InferenceWorker(lambda: None, lambda: None)
    all_run = threading.Barrier(4)
    worker.submit(lambda: all_run.wait(PATIENCE_S))  # type: ignore[arg-type, return-value]
    for _ in range(2):
        worker.submit(lambda: all_run.wait(PATIENCE_S), uses_engine=False)  # type: ignore[arg-type, return-value]
    all_run.wait(PATIENCE_S)
    worker.close(PATIENCE_S)


def test_idle_work_runs_once_after_the_last_job() -> None:
    idle = threading.Semaphore(0)
    worker = InferenceWorker(lambda: 0.01, idle.release)
    assert not idle.acquire(timeout=0.05), "nothing was loaded, so there is nothing to free"
    worker.submit(lambda: None)
    assert idle.acquire(timeout=PATIENCE_S)
    assert not idle.acquire(timeout=0.05), "once is enough"
    worker.close(PATIENCE_S)


def test_bug_in_a_job_is_reported_and_the_next_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: reported.append(arguments.exc_value))
    ran = threading.Event()
    worker = InferenceWorker(lambda: None, lambda: None)
    worker.submit(lambda: 1 // 0)
    worker.submit(ran.set)
    assert ran.wait(PATIENCE_S)
    worker.close(PATIENCE_S)
    assert [type(error) for error in reported] == [ZeroDivisionError]
