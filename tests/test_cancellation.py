"""The cancellation token."""

from __future__ import annotations

import threading

import pytest

from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled


def test_cancel_runs_each_callback_once() -> None:
    token = CancelToken()
    calls: list[str] = []
    token.on_cancel(lambda: calls.append("kept"))
    with token.on_cancel(lambda: calls.append("removed")):
        token.raise_if_cancelled()
    assert not token.is_cancelled
    token.cancel()
    token.cancel()
    assert calls == ["kept"]
    assert token.is_cancelled
    with pytest.raises(Cancelled):
        token.raise_if_cancelled()


def test_callback_of_a_cancelled_token_runs_immediately() -> None:
    token = CancelToken()
    token.cancel()
    calls: list[int] = []
    with token.on_cancel(lambda: calls.append(1)):
        assert calls == [1]


def test_cancel_ends_a_wait_in_another_thread() -> None:
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    assert token.wait(10)
    assert not CancelToken().wait(0.0)
