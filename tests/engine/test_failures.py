"""Cancellation and crashes of a real engine child in every phase, and the end of its parent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.backend import ChatEvent, LoadProgress, PromptProgress, TextDelta
from app.engine.local_engine import LocalEngine
from app.engine.outcome import Phase, exit_error
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.plan.load_spec import LoadSpec
from tests.engine.requests import ask, load
from tests.rigs.engine_children import engine_children
from tests.rigs.rpc_device import serving

ROOT = Path(__file__).resolve().parents[2]
LONG = "word " * 2500
PARENT = """
import sys
from pathlib import Path
from app.engine.local_engine import LocalEngine
from model_manager.plan.load_spec import LoadSpec
from app.conversation import Role
from app.sampling import Sampling
from app.backend import ChatRequest, TextDelta, PromptMessage
engine = LocalEngine(Path(sys.argv[1]))
list(engine.load(Path(sys.argv[2]), LoadSpec()))
for event in engine.answer(ChatRequest((PromptMessage(Role.USER, "hello"),), Sampling(seed=1))):
    if isinstance(event, TextDelta):
        print(engine.pid, flush=True)
"""


@contextmanager
def watching(pid: int) -> Iterator[Callable[[float], bool]]:
    """Yield a function that returns whether a process ends within so many seconds."""
    if not hasattr(os, "pidfd_open"):
        process = psutil.Process(pid)
        yield lambda seconds: not psutil.wait_procs([process], seconds)[1]
        return
    # Where no init process collects the dead, psutil takes them for living.
    descriptor = os.pidfd_open(pid)
    try:
        yield lambda seconds: bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def child_pid() -> int:
    (pid,) = engine_children()
    return pid


def test_stop_while_generating_keeps_the_text_and_the_engine(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model)
    token = CancelToken()
    cancelled_at: list[float] = []

    def stop_at_the_first_piece(event: ChatEvent) -> None:
        if isinstance(event, TextDelta) and event.tokens == 1:
            cancelled_at.append(time.monotonic())
            token.cancel()

    answer = ask(engine, "hello", on_event=stop_at_the_first_piece, token=token)
    # Far above the benchmark's figure.
    assert time.monotonic() - cancelled_at[0] < 5
    assert answer.finished is not None
    assert answer.finished.finish_reason == "cancelled"
    assert answer.finished.completion_tokens < 1500
    again = ask(engine, "hello", max_tokens=4)
    assert again.finished is not None
    assert again.finished.finish_reason == "length"


def test_stop_while_reading_the_prompt_takes_effect_within_the_batch(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter)
    seen: list[PromptProgress] = []
    token = CancelToken()

    def stop_after_the_first_batch(event: ChatEvent) -> None:
        if isinstance(event, PromptProgress):
            seen.append(event)
            if event.read and event.read < event.total:
                token.cancel()

    with pytest.raises(Cancelled):
        ask(engine, LONG, on_event=stop_after_the_first_batch, token=token)
    assert seen[-1].read < seen[-1].total
    assert ask(engine, "What is the capital of France?", max_tokens=30).text


def test_stop_while_loading_ends_the_load(engine: LocalEngine, starter: Path) -> None:
    def stop_at_once() -> None:
        for event in engine.load(starter, LoadSpec(), token):
            if isinstance(event, LoadProgress):
                token.cancel()

    token = CancelToken()
    with pytest.raises(Cancelled):
        stop_at_once()
    assert engine.state is None
    load(engine, starter)
    assert engine.state is not None


def test_late_cancellation_does_not_affect_the_next_request(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model)
    token = CancelToken()
    ask(engine, "hello", max_tokens=2, token=token)
    token.cancel()
    load(engine, tiny_model)
    answer = ask(engine, "hello", max_tokens=5)
    assert answer.finished is not None
    assert answer.finished.completion_tokens == 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to end a process with")
@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (6, "SIGABRT")])
def test_crash_while_generating_is_an_error(engine: LocalEngine, tiny_model: Path, number: int, name: str) -> None:
    load(engine, tiny_model)
    texts: list[str] = []

    def kill_after_a_few(event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            texts.append(event.text)
            if len(texts) == 2:
                os.kill(child_pid(), number)

    with pytest.raises(UserError) as caught:
        ask(engine, "hello", on_event=kill_after_a_few)
    assert caught.value.code == "engine_died"
    assert (caught.value.data["phase"], caught.value.data["signal"]) == ("generating", name)
    assert "".join(texts)
    assert engine.state is None
    load(engine, tiny_model)
    assert ask(engine, "hello", max_tokens=3).finished is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to end a process with")
def test_crash_while_reading_counts_as_out_of_memory(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter)

    def kill_at_the_first_batch(event: ChatEvent) -> None:
        if isinstance(event, PromptProgress) and event.read:
            os.kill(child_pid(), signal.SIGKILL)

    with pytest.raises(UserError) as caught:
        ask(engine, LONG, on_event=kill_at_the_first_batch)
    assert caught.value.code == "engine_out_of_memory"
    assert caught.value.data["phase"] == "reading"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to end a process with")
def test_crash_while_loading_counts_as_out_of_memory(engine: LocalEngine, starter: Path) -> None:
    def kill_at_once() -> None:
        for event in engine.load(starter, LoadSpec()):
            if isinstance(event, LoadProgress) and engine.state is None and engine_children():
                os.kill(child_pid(), signal.SIGKILL)

    with pytest.raises(UserError) as caught:
        kill_at_once()
    assert caught.value.code == "engine_out_of_memory"
    load(engine, starter)


def test_release_ends_the_child(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model)
    pid = child_pid()
    engine.release()
    assert not psutil.pid_exists(pid)
    assert engine.state is None


def test_the_child_ends_soon_after_its_parent(tmp_path: Path, tiny_model: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "engine.log"), str(tiny_model)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    with watching(child) as has_ended:
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert has_ended(3.0)


def test_missing_file_is_an_error(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        load(engine, tmp_path / "gone.gguf")


def test_cancellation_from_another_thread(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model)
    begun, token = threading.Event(), CancelToken()

    def stop_when_begun() -> None:
        begun.wait(20)
        token.cancel()

    thread = threading.Thread(target=stop_when_begun)
    thread.start()
    answer = ask(
        engine, "hello", on_event=lambda event: begun.set() if isinstance(event, TextDelta) else None, token=token
    )
    thread.join()
    assert answer.finished is not None
    assert answer.finished.finish_reason == "cancelled"


@pytest.mark.parametrize(
    ("phase", "returncode", "log", "code"),
    [
        (Phase.STARTING, 1, "ModuleNotFoundError: llama_cpp", "engine_not_startable"),
        (Phase.LOADING, -9, "", "engine_out_of_memory"),
        (Phase.READING, -6, "GGML_ASSERT", "engine_out_of_memory"),
        (Phase.LOADING, -6, "/x/src/models/phi3.cpp:71: GGML_ASSERT(n == k) failed", "engine_cannot_run"),
        (Phase.READING, 3, r"x\ggml\src\ggml.c:9: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed", "engine_cannot_run"),
        (Phase.LOADING, -6, "ggml/src/ggml.c:9: GGML_ASSERT(ctx->mem_buffer != NULL) failed", "engine_out_of_memory"),
        (Phase.LOADING, -6, "ggml/src/ggml-backend.cpp:9: GGML_ASSERT(buffer) failed", "engine_out_of_memory"),
        (Phase.READING, -6, "src/llama-graph.cpp:2072: fatal error\n", "engine_cannot_run"),
        (Phase.LOADING, -8, "", "engine_died"),
        (Phase.GENERATING, -11, "", "engine_died"),
        (Phase.GENERATING, -6, "CUDA error: out of memory", "engine_out_of_memory"),
        (Phase.LOADING, 1, "Traceback", "engine_died"),
        (Phase.LOADING, 1, "ggml_gallocr: failed to allocate CPU buffer", "engine_out_of_memory"),
    ],
)
def test_error_for_the_end_of_a_child(phase: Phase, returncode: int, log: str, code: str) -> None:
    error = exit_error(phase, returncode, log)
    assert error.code == code
    assert error.data["phase"] == phase


def test_lost_device_is_an_error_and_the_next_load_works(engine: LocalEngine, tiny_model: Path) -> None:
    with serving() as address:
        load(engine, tiny_model, rpc_servers=(address,), n_gpu_layers=-1)
        ask(engine, "hello", max_tokens=2)
    with pytest.raises(UserError) as caught:
        ask(engine, "hello", max_tokens=8)
    assert caught.value.code in ("engine_died", "engine_out_of_memory", "engine_decode_failed")
    load(engine, tiny_model)
    assert ask(engine, "hello", max_tokens=2).finished is not None
