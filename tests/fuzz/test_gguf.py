"""Hostile model files: every header is planned and imported, or refused in one line, in little time and memory."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from app.messages import sentence
from app.messages.plans import plan_sentence
from app.planning.published_model import estimate_headers
from model_manager.devices.devices import simulated_devices
from model_manager.errors import UserError
from model_manager.gguf.header import MAX_LAYERS, GgufHeader, TensorInfo, read_header
from model_manager.gguf.shards import read_model
from model_manager.hub.remote_header import read_remote_header
from model_manager.layout.stacking import read_layout
from model_manager.library.library import ModelLibrary
from model_manager.library.scan import inspect_paths
from model_manager.plan.fallbacks import smaller_plans
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model
from model_manager.published import HubFile, TargetFile
from tests.fuzz.gguf_cases import EditableHeader
from tests.fuzz.hostile import Hostile, case_count, hostile_cases, memory_limit
from tests.plan.plan_builders import check, ram

MAX_SECONDS = 3.0
GPUS = ((), (24,), (24, 16), (0.5,), (8, 8, 8, 8), (1, 40))


def _plan(headers: tuple[GgufHeader, ...], dice: Hostile) -> None:
    shape, devices, host = read_model_shape(headers), simulated_devices(dice.choice(GPUS)), ram(dice.choice((1, 64)))
    options = PlanOptions(
        context=dice.choice((None, None, 1, 4096, 32768, 2**31 - 1)),
        kv_type=dice.choice(("auto", "auto", "q8_0", "q4_0")),
        experts_in_ram=dice.choice((None, None, (), (0, 1, 999))),
        n_gpu_layers=dice.choice((None, None, None, 0, 5, -1)),
        flash_attention=dice.choice((None, None, True, False)),
    )
    plan = plan_model(shape, devices, host, options)
    check(plan, shape, devices, host)
    json.dumps(plan.to_json(), allow_nan=False)
    assert "\n" not in plan_sentence(plan, str)
    if dice.chance(0.05):
        list(smaller_plans(shape, devices, host, options, failed=plan))


def _read_remotely(path: Path, header: GgufHeader) -> None:
    with path.open("rb") as opened:
        content = opened.read(header.data_offset)
    file = HubFile(path.name, header.file_bytes, None)
    found, head = read_remote_header(
        TargetFile(path.name, (file,)),
        lambda _part, start, length: content[start : start + length].ljust(length, b"\0"),
    )
    assert (repr(found.metadata), found.tensors) == (repr(header.metadata), header.tensors)
    assert len(head) == header.data_offset


def _try(path: Path, dice: Hostile) -> str:
    """Do with a file what the program does; returns the code of the error that refused it, or "planned"."""
    try:
        headers = read_model(path)
        _plan(headers, dice)
        estimate_headers(headers, dice.choice((0, 1, 10**9, 2**60)))
        # Both read the header again, which takes most of the time.
        if dice.chance(0.3):
            for each in headers:
                read_layout(each.path)
        if dice.chance(0.3) and headers[0].data_offset < 1 << 20:
            _read_remotely(path, headers[0])
    except UserError as error:
        return _code(error)
    return "planned"


def _code(error: UserError) -> str:
    assert len(sentence(error).splitlines()) == 1
    return error.code


def _import(library: ModelLibrary, path: Path) -> None:
    (candidate,) = inspect_paths((path,))
    model = library.resolve(str(path))
    assert model.problem == (candidate.problem and candidate.problem.code)
    if model.ready:
        registered = library.register(path)
        assert library.list() == (registered,)
        library.remove(registered.id)
    else:
        with pytest.raises(UserError, match=str(model.problem)):
            library.register(path)


@case_count
def test_hostile_headers(count: int, valid_headers: list[EditableHeader], tmp_path: Path) -> None:
    library, path = ModelLibrary(tmp_path / "library", lambda: None), tmp_path / "hostile.gguf"
    outcomes: Counter[str] = Counter()
    with memory_limit():
        for dice in hostile_cases(count):
            dice.choice(valid_headers).mutated(dice).write(path, dice)
            begin = time.thread_time()
            outcomes[_try(path, dice)] += 1
            assert time.thread_time() - begin < MAX_SECONDS, dice
            if dice.chance(0.1):
                _import(library, path)
    assert outcomes["planned"] > count / 5, outcomes
    assert outcomes["hyperparameters_absurd"] > count / 10, outcomes
    assert outcomes["gguf_damaged"] > count / 20, outcomes


def test_every_valid_header_is_planned(valid_headers: list[EditableHeader], tmp_path: Path) -> None:
    for number, header in enumerate(valid_headers):
        path = header.write(tmp_path / f"{number}.gguf")
        assert read_header(path).architecture == header.architecture
        assert _try(path, Hostile(number)) == "planned"


def test_the_deepest_model_is_planned_in_seconds() -> None:
    dice, tensors = Hostile(1), []
    for layer in range(MAX_LAYERS):
        tensors.append(TensorInfo(f"blk.{layer}.attn_k.weight", (512, 512), "F16", 0, dice.randrange(1 << 28)))
        name = f"blk.{layer}.ffn_up_exps.weight"
        tensors.append(TensorInfo(name, (512, 512, 8), "F16", 0, dice.randrange(1 << 30)))
    metadata = {"general.architecture": "llama", "llama.block_count": MAX_LAYERS, "llama.expert_count": 8}
    shape = read_model_shape((GgufHeader(Path("deep.gguf"), 0, 3, metadata, tuple(tensors), 0, 32),))
    begin = time.thread_time()
    plan = plan_model(shape, simulated_devices((24,) * 4), ram(512))
    # Twice the limit, for busy machines.
    assert time.thread_time() - begin < 2 * MAX_SECONDS
    assert plan.verdict == "experts_in_ram"
