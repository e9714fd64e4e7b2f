"""Weights in host memory that threads read after the engine, and convert into the processor's own order."""

from __future__ import annotations

import os
import random
import re
import sys
from pathlib import Path

import pytest

from app.backend import LoadProgress, TokenControls
from app.engine.child.memory.weights_reader import WeightsReader, reading_buffer
from app.engine.local_engine import LocalEngine
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import has_amx, repacked_types
from model_manager.errors import Cancelled, UserError
from model_manager.plan.load_spec import CPU, LoadSpec
from tests.engine.requests import ask, load
from tests.engine.test_direct_io import REFUSING, build_library, cached_share, drop
from tests.rigs import simulated_cuda
from tests.rigs.big_moe import write_big_moe

pytestmark = pytest.mark.skipif(
    has_amx() or "Q4_0" not in repacked_types(), reason="this processor has no order of its own, or tiles"
)
on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the page cache is bypassed, and libraries replaced, on Linux"
)
SLOW = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>
typedef ssize_t (*read_t)(int, const struct iovec *, int, off_t, int);
#define WAITS(name) ssize_t name(int file, const struct iovec * parts, int n_parts, off_t start, int flags) { \\
    if (parts->iov_len > 1 << 20) usleep(100000); \\
    return ((read_t) dlsym(RTLD_NEXT, #name))(file, parts, n_parts, start, flags); }
WAITS(preadv2)
WAITS(preadv64v2)
"""
"""A disk that takes 0.1 s for each part of the weights, as far as programs see it."""

READ = {"context": 512, "devices": (CPU,), "n_gpu_layers": 0, "mmap": False}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 66 MiB; the stacks of experts are cut into several slices."""
    path = tmp_path_factory.mktemp("repacking") / "model.gguf"
    write_big_moe(path, n_layer=2, n_ff=512)
    return path


def memory_of(engine: LocalEngine) -> int:
    assert engine.state is not None
    return engine.state.result.memory["CPU"]["weights_bytes"]


@pytest.mark.parametrize("repack", [True, False])
def test_answers_are_those_of_the_engines_own_weights(engine: LocalEngine, model: Path, repack: bool) -> None:
    load(engine, model, **{**READ, "mmap": True, "repack": repack})
    mapped = ask(engine, "hello", max_tokens=12, controls=TokenControls(top_logprobs=5))
    load(engine, model, **READ, repack=repack)
    read = ask(engine, "hello", max_tokens=12, controls=TokenControls(top_logprobs=5))
    assert [each.probabilities for each in read.pieces] == [each.probabilities for each in mapped.pieces]
    assert memory_of(engine) == pytest.approx(model.stat().st_size, rel=0.02)


@on_linux
def test_experts_in_ram_are_read_too(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in simulated_cuda.environment(1, 1).items():
        monkeypatch.setenv(name, value)
    in_ram = {"context": 512, "devices": ("CUDA0", "CUDA1"), "n_gpu_layers": -1, "experts_in_ram": (0, 1)}
    answers = []
    for mmap in (True, False):
        engine = LocalEngine(tmp_path / "engine.log")
        load(engine, model, **in_ram, mmap=mmap)
        answers.append(ask(engine, "hello", max_tokens=12, controls=TokenControls(top_logprobs=5)))
        engine.release()
    mapped, read = ([each.probabilities for each in answer.pieces] for answer in answers)
    assert read == mapped


@on_linux
@pytest.mark.parametrize("is_direct", [True, False])
def test_a_load_leaves_the_page_cache_as_it_is(
    engine: LocalEngine, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_direct: bool
) -> None:
    if not is_direct:
        monkeypatch.setenv("APUS_CHAT_ENGINE_WRAPPER", f"env LD_PRELOAD={build_library(tmp_path, REFUSING)}")
    drop(model)
    load(engine, model, **READ)
    assert cached_share(model) < 0.1
    assert model.read_bytes()
    load(engine, model, **READ)
    assert cached_share(model) == 1.0


@on_linux
def test_a_stopped_load_leaves_the_engine_usable(
    engine: LocalEngine, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APUS_CHAT_ENGINE_WRAPPER", f"env LD_PRELOAD={build_library(tmp_path, SLOW)}")
    drop(model)
    token = CancelToken()

    def load_and_stop() -> None:
        for event in engine.load(model, LoadSpec(**READ), token):  # type: ignore[arg-type]
            if isinstance(event, LoadProgress) and event.fraction > 0.2:
                token.cancel()

    with pytest.raises(Cancelled):
        load_and_stop()
    load(engine, model, **READ)
    assert ask(engine, "hello", max_tokens=4).finished is not None


def test_a_damaged_file_is_refused(engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[: -(40 << 20)])
    with pytest.raises(UserError) as caught:
        load(engine, cut, **READ)
    assert caught.value.code == "load_refused"
    load(engine, model, **READ)


def is_open_past_the_page_cache(path: Path) -> bool:
    numbers = [each.name for each in Path("/proc/self/fd").iterdir() if each.resolve() == path]
    flags = [re.search(r"flags:\s+(\d+)", Path("/proc/self/fdinfo", number).read_text()) for number in numbers]
    return any(int(each[1], 8) & os.O_DIRECT for each in flags if each)


@on_linux
@pytest.mark.parametrize("start", [0, 4096, 1_000_001])
def test_parts_are_read_past_the_page_cache_or_from_it(tmp_path: Path, start: int) -> None:
    path, buffer = tmp_path / "weights", reading_buffer(100_000)
    content = random.Random(1).randbytes(20 << 20)
    path.write_bytes(content)
    drop(path)
    for is_cached in (False, True):
        reader = WeightsReader([path])
        for first in (start, len(content) - 100_000):
            assert reader.read(path, first, 100_000, buffer) == content[first : first + 100_000]
        assert is_open_past_the_page_cache(path) is not is_cached
        # Looking up what is there puts a little there.
        assert cached_share(path) == 1.0 if is_cached else cached_share(path) < 0.05
        reader.close()
        assert path.read_bytes()


@on_linux
def test_a_file_that_ends_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path, buffer = tmp_path / "weights", reading_buffer(6)
    for is_cached in (True, False):
        path.write_bytes(b"weights")
        if not is_cached:
            drop(path)
        reader = WeightsReader([path])
        assert reader.read(path, 1, 6, buffer) == b"eights"
        path.write_bytes(b"weig")
        with pytest.raises(OSError, match="ends at byte 4"):
            reader.read(path, 1, 6, buffer)
        reader.close()
