"""The engine survives every header that is not refused: it loads the file or refuses it, without a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, read_header
from tests.fuzz.gguf_cases import KEYS, EditableHeader
from tests.fuzz.grown_models import GROWN, GrownModel
from tests.fuzz.hostile import MANY, Hostile, hostile_cases
from tests.rigs.gguf_bytes import U32

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="forks")]

LOADER = """
import os, resource, sys
import llama_cpp as engine
engine.llama_supports_gpu_offload()
for line in sys.stdin:
    path, _, is_rehearsal = line.rstrip("\\n").partition("\\t")
    if not (pid := os.fork()):
        os.dup2(os.open(path + ".log", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        how = engine.llama_model_default_params()
        if is_rehearsal:
            how.no_alloc, how.load_mode = True, 0
        model = engine.llama_model_load_from_file(path.encode(), how)
        parameters = engine.llama_context_default_params()
        parameters.n_ctx, parameters.n_threads, parameters.n_threads_batch = 256, 1, 1
        if model and (context := engine.llama_init_from_model(model, parameters)) and not is_rehearsal:
            engine.llama_decode(context, engine.llama_batch_get_one((engine.llama_token * 4)(3, 4, 5, 6), 4))
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""Loads each file named on standard input in another process, with a log beside it; prints how that ended.  With a tab
and a word after the name it rehearses the load.  Devices are looked for once, before the forks: it takes 20 times as
long as a load."""

Load = Callable[..., int]


@pytest.fixture
def load() -> Iterator[Load]:
    """Loads a file with the engine, or rehearses that; returns the signal that ended it, or 0."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"GGML_NO_BACKTRACE": "1", "VK_LOADER_DRIVERS_DISABLE": "*"},
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        stdin, stdout = process.stdin, process.stdout

        def one(path: Path, how: str = "") -> int:
            stdin.write(f"{path}\t{how}\n")
            stdin.flush()
            return int(stdout.readline()) & 0x7F

        yield one
        stdin.close()


def _is_accepted(path: Path) -> bool:
    try:
        check_loadable(read_header(path))
    except UserError:
        return False
    return True


def _is_refused_with_any_tensors(model: GrownModel, path: Path) -> bool:
    """Such a model needn't be grown, which takes a load for each tensor."""
    try:
        read_header(replace(model.header(), tensors=()).write(path))
    except UserError:
        return True
    return False


@pytest.mark.parametrize("files", ["mixture of experts", pytest.param("all", marks=pytest.mark.fuzz)])
def test_the_engine_survives_every_number_in_every_key(
    load: Load, files: str, tiny_moe: Path, valid_files: list[Path], tmp_path: Path
) -> None:
    died, path = [], tmp_path / "tried.gguf"
    for valid in valid_files if files == "all" else [tiny_moe]:
        header = EditableHeader.read(valid)
        for key in KEYS:
            for value in (0, 1, 3, 2**16, 2**31 - 1, 2**32 - 1):
                header.with_entry(f"{header.architecture}.{key}", U32, value).write(path)
                if _is_accepted(path) and (ended_by := load(path)):
                    died.append((header.architecture, key, value, signal.Signals(ended_by).name))
    assert died == []


@pytest.mark.fuzz
def test_the_engine_survives_hostile_headers(load: Load, valid_files: list[Path], tmp_path: Path) -> None:
    headers, path = [EditableHeader.read(valid) for valid in valid_files], tmp_path / "tried.gguf"
    died: list[tuple[Hostile, str]] = []
    for dice in hostile_cases(MANY // 10):
        header = dice.choice(headers)
        changed = header.mutated(dice)
        changed.write(path, dice)
        if _is_accepted(path) and (ended_by := load(path)):
            is_lacking = bool({each[0] for each in header.tensors} - {each[0] for each in changed.tensors})
            # See the test of lacking tensors.
            if not (is_lacking and load(path, "rehearsal")):
                died.append((dice, signal.Signals(ended_by).name))
    assert died == []


@pytest.mark.parametrize("names", [("llama", "phi3"), pytest.param(GROWN, marks=pytest.mark.fuzz)], ids=len)
def test_the_engine_survives_models_grown_from_its_own_messages(
    load: Load, names: tuple[str, ...], tiny: Path, tmp_path: Path
) -> None:
    """Other than in the tests above, the tensors suit the changed numbers, so that the engine gets to its graphs."""
    vocabulary, path = EditableHeader.read(tiny), tmp_path / "grown.gguf"
    died = []

    for name in names:
        model = GrownModel(name, vocabulary)
        assert model.grow(path, load) == 0, name
        assert _is_accepted(path), name
        for dice in hostile_cases(8 if len(names) < len(GROWN) else 200):
            changed = model.mutated(dice)
            if _is_refused_with_any_tensors(changed, path):
                continue
            ended_by = changed.grow(path, load)
            if ended_by and _is_accepted(path):
                died.append((name, changed.keys, signal.Signals(ended_by).name))
    assert died == []


@pytest.mark.fuzz
def test_a_tensor_without_which_a_load_crashes_is_lacking_in_a_rehearsal_too(
    load: Load, valid_files: list[Path], tmp_path: Path
) -> None:
    """By that the program tells such a file from a shortage of memory."""
    path, crashed = tmp_path / "lacking.gguf", set()
    for header in map(EditableHeader.read, valid_files):
        for tensor in header.tensors:
            replace(header, tensors=tuple(each for each in header.tensors if each is not tensor)).write(path)
            if load(path):
                crashed.add(header.architecture)
                assert load(path, "rehearsal"), (header.architecture, tensor)
    assert crashed, "no architecture has such tensors any more"
