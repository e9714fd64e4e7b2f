"""Prompts on two simulated CUDA devices, with experts in host memory: batches, what is copied, and when a stop acts."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.backend import ChatEvent, ChatRequest, PlanChanged, PromptMessage, PromptProgress
from app.backends import LocalBackend
from app.conversation import Role
from app.engine.device_probe import plan_devices
from app.engine.local_engine import LocalEngine
from app.messages.plans import plan_sentence, replanned_sentence
from app.planning.planned_load import LoadedPlan
from app.sampling import Sampling
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import read_host
from model_manager.errors import Cancelled
from model_manager.gguf.header import read_header
from model_manager.gguf.shards import read_model
from model_manager.plan.engine_arguments import OFFLOAD_VARIABLE
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_with_rehearsals
from tests.engine.requests import ask, load
from tests.rigs import simulated_cuda
from tests.rigs.simulated_cuda import Log
from tests.rigs.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the devices are loaded with LD_PRELOAD")

MIB = 1 << 20
LAYERS, IN_RAM = 4, (2,)
MICRO_BATCH = 256
SLOW_US, SECONDS_OF_A_GRAPH = 1000, 5
"""With 256 tokens and the 20 products of matrices before the experts in RAM."""

Devices = Callable[..., LocalEngine]


@pytest.fixture(scope="module")
def moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("moe") / "moe.gguf", n_layer=LAYERS, n_expert=4)


@pytest.fixture(scope="module")
def wide_moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("wide") / "wide.gguf", n_layer=6, n_expert=4, n_embd=256)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "devices.log")


@pytest.fixture
def devices(tmp_path: Path, log: Log, moe: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Devices]:
    """An engine on two devices that hold everything but the experts of a layer behind two whole ones."""
    made = LocalEngine(tmp_path / "logs" / "engine.log")

    def start(**options: object) -> LocalEngine:
        for name, value in simulated_cuda.environment(2, 2, log=log.path, **options).items():
            monkeypatch.setenv(name, value)
        load(
            made,
            moe,
            context=2048,
            devices=("CUDA0", "CUDA1"),
            tensor_split=(3.0, 2.0),
            n_gpu_layers=-1,
            experts_in_ram=IN_RAM,
            micro_batch=MICRO_BATCH,
            pipeline=False,
            mmap=False,
        )
        log.clear()
        return made

    yield start
    made.release()


def expert_bytes(path: Path) -> int:
    names = tuple(f"blk.{layer}.ffn_" for layer in IN_RAM)
    tensors = read_header(path).tensors
    return sum(each.n_bytes for each in tensors if each.name.startswith(names) and "exps" in each.name)


def test_experts_are_copied_once_for_each_micro_batch(devices: Devices, log: Log, moe: Path) -> None:
    answer = ask(devices(), "x" * 600, max_tokens=1)
    read = [each.read for each in answer.reading]
    sizes = [after - before for before, after in itertools.pairwise(read)]
    assert len(sizes) == 3
    assert sizes[0] == MICRO_BATCH
    assert sizes[1] - sizes[2] in (0, 1)
    assert log.expert_bytes().total() <= 1.05 * len(sizes) * expert_bytes(moe)
    assert set(log.expert_bytes()) == {0}


def test_a_short_prompt_is_computed_where_its_experts_are(devices: Devices, log: Log) -> None:
    engine = devices()
    ask(engine, "x" * 300, max_tokens=1)
    log.clear()
    assert ask(engine, "x" * 300 + "yz", max_tokens=1).finished is not None
    assert log.graphs()
    assert not log.expert_bytes()


def test_measuring_reads_as_the_chat_does(devices: Devices, log: Log, moe: Path) -> None:
    devices().bench(prompt_tokens=2 * MICRO_BATCH, generated_tokens=1, repetitions=1)
    # One batch that is not counted, and two.
    assert log.expert_bytes().total() <= 1.05 * 3 * expert_bytes(moe)


def test_a_stop_ends_a_batch_on_a_device(devices: Devices, log: Log) -> None:
    engine = devices(slow=SLOW_US)
    token, stopped_at = CancelToken(), [0.0]

    def stop_in_the_first_graph() -> None:
        while not log.graphs() and not token.wait(0.01):
            pass
        stopped_at[0] = time.monotonic()
        token.cancel()

    thread = threading.Thread(target=stop_in_the_first_graph)
    thread.start()
    with pytest.raises(Cancelled):
        ask(engine, "x" * 600, max_tokens=1, token=token)
    waited = time.monotonic() - stopped_at[0]
    thread.join()
    assert waited < SECONDS_OF_A_GRAPH / 2


def test_progress_within_a_long_batch(devices: Devices) -> None:
    answer = ask(devices(slow=SLOW_US), "x" * (MICRO_BATCH - 20), max_tokens=1)
    read = [each.read for each in answer.reading]
    assert len(read) > 3
    assert read == sorted(read)
    assert all(each.seconds_left is not None for each in answer.reading if each.read > each.reused)


def test_answers_after_a_stop_are_those_of_a_fresh_context(devices: Devices, log: Log) -> None:
    engine = devices(slow=20)
    token = CancelToken()
    with pytest.raises(Cancelled):
        ask(engine, "x" * 900, max_tokens=1, token=token, on_event=lambda _event: token.cancel())
    after = ask(engine, "x" * 400, max_tokens=12).text
    engine.release()
    assert ask(devices(), "x" * 400, max_tokens=12).text == after


@pytest.mark.parametrize("sizes", [(26, 22), (22, 18), (18, 16)])
def test_allocation_stays_within_the_plan(sizes: tuple[int, int], wide_moe: Path, cuda: LocalEngine) -> None:
    headers = read_model(wide_moe)
    listed = plan_devices(cuda.devices(keep=True).devices)
    devices = tuple(
        replace(each, free_bytes=size * MIB, reserve_bytes=0) for each, size in zip(listed, sizes, strict=True)
    )
    options = PlanOptions(context=1024, kv_type="f16")
    plan, rehearsed = plan_with_rehearsals(
        read_model_shape(headers), devices, read_host(), options, lambda each: cuda.rehearse(wide_moe, each.spec)
    )
    assert rehearsed is not None
    assert plan.verdict == "experts_in_ram"
    list(cuda.load(wide_moe, plan.spec))
    assert cuda.state is not None
    for planned in plan.used_devices:
        real = cuda.state.result.memory[planned.name]
        assert real["weights_bytes"] == pytest.approx(planned.weights_bytes, abs=MIB // 4)
        assert real["kv_bytes"] == planned.kv_bytes
        assert real["compute_bytes"] <= planned.compute_bytes + MIB // 4


def test_the_chat_copies_experts_from_the_planned_batch_on(
    services: Services, wide_moe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in simulated_cuda.environment(2, 2).items():
        monkeypatch.setenv(name, value)
    backend = LocalBackend(services, str(wide_moe), PlanOptions(context=1024, experts_in_ram=(0, 1)))
    question = PromptMessage(Role.USER, "hello")
    assert list(backend.stream(ChatRequest((question,), Sampling(max_tokens=2))))
    state = services.engine.state
    assert state is not None
    assert state.spec.offload_min_batch
    assert psutil.Process(services.engine.pid).environ()[OFFLOAD_VARIABLE] == str(state.spec.offload_min_batch)


def chat(
    services: Services, path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, **refused: int
) -> tuple[list[ChatEvent], LoadedPlan]:
    """Answer with experts in RAM on two devices that refuse something."""
    for name, value in simulated_cuda.environment(2, 2, log=log.path, **refused).items():
        monkeypatch.setenv(name, value)
    backend = LocalBackend(services, str(path), PlanOptions(context=1024, experts_in_ram=(0, 1)))
    events: list[ChatEvent] = []
    for text in ("hello", "x" * 300):
        log.clear()
        events += backend.stream(ChatRequest((PromptMessage(Role.USER, text),), Sampling(max_tokens=2)))
    loaded = services.planning.loader.loaded
    assert loaded is not None
    return events, loaded


def test_memory_that_a_driver_does_not_pin_is_reported(
    services: Services, wide_moe: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, loaded = chat(services, wide_moe, log, monkeypatch, unpinned=1)
    (event,) = [each for each in events if isinstance(each, PlanChanged)]
    notice = "The driver couldn't lock the RAM for copies to the GPU, so prompts take longer."
    assert replanned_sentence(event.plan, str, event.because) == notice
    assert notice in plan_sentence(loaded.plan, str)
    assert log.expert_bytes()
    services.engine.release()
    assert (services.folder.logs / "engine.log").read_text().count("host memory could not be pinned") == 1
    monkeypatch.delenv("SIMULATED_CUDA_UNPINNED")
    events, loaded = chat(services, wide_moe, log, monkeypatch)
    assert not [each for each in events if isinstance(each, PlanChanged)]
    assert (loaded.result.pinned, "not_pinned" in loaded.plan.reasons) == (True, False)


def test_a_device_that_copies_no_weights_gets_a_plan_for_the_processor(
    services: Services, wide_moe: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, loaded = chat(services, wide_moe, log, monkeypatch, refuses=1)
    assert not log.expert_bytes()
    assert "so the CPU processes that part of prompts" in plan_sentence(loaded.plan, str)
    assert loaded.plan.spec.offload_min_batch is None
    # Small batches, for early progress: the processor can be stopped within each.
    assert 16 in [each.read - each.reused for each in events if isinstance(each, PromptProgress)]
    services.engine.release()
    monkeypatch.delenv("SIMULATED_CUDA_REFUSES")
    _, copied = chat(services, wide_moe, log, monkeypatch)
    assert "no_offload" not in copied.plan.reasons
    forecasts = [each.plan.prompt_tokens_per_second_estimate for each in (loaded, copied)]
    assert forecasts[0] < forecasts[1]
    planned = [each.plan.used_devices[0].compute_bytes for each in (loaded, copied)]
    assert planned[0] < planned[1]
