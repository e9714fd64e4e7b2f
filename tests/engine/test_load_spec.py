"""Effect of each field of ``LoadSpec`` in the engine, and errors of invalid ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.engine.child import checkpoint
from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, read_header
from model_manager.plan.engine_arguments import stacks_on_devices
from model_manager.plan.load_spec import LoadSpec
from tests.engine.requests import ask, load
from tests.rigs.arch_shapes import fill_weights, write_arch
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

MEBIBYTE = 1 << 20
LAYERS, EXPERTS = 4, 4
KV_BYTES_A_LAYER = 1024 * 2 * 2 * 16 * 2
"""1024 tokens, keys and values, two heads of 16, f16."""
ROUNDING = 2 * MEBIBYTE // 100
"""The engine tells its buffers in hundredths of a MiB, several lines a device."""


@pytest.fixture(scope="module")
def two_devices() -> Iterator[tuple[str, ...]]:
    with ExitStack() as servers:
        yield tuple(servers.enter_context(serving()) for _ in range(2))


@pytest.fixture(scope="module")
def split_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    """The one child that talks to the two devices: a server serves one at a time."""
    made = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    yield made
    made.release()


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("moe") / "moe.gguf", n_layer=LAYERS, n_expert=EXPERTS)


@pytest.fixture(scope="module")
def alone(shared_engine: LocalEngine, experts: Path) -> str:
    load(shared_engine, experts)
    return ask(shared_engine, "hello", max_tokens=8).text


def memory_of(engine: LocalEngine) -> dict[str, dict[str, int]]:
    assert engine.state is not None
    return {name: dict(sums) for name, sums in engine.state.result.memory.items()}


def tensor_bytes(header: GgufHeader, *beginnings: str, without: str = "\n") -> int:
    return sum(
        tensor.n_bytes for tensor in header.tensors if tensor.name.startswith(beginnings) and without not in tensor.name
    )


@pytest.mark.parametrize(
    ("experts_in_ram", "moved"),
    [((), ()), ((0,), ()), ((1, 3), ("1.down=RPC1", "3.up=RPC1")), ((0, 1, 2, 3), ("2.gate=RPC0", "2.up=RPC0"))],
)
@pytest.mark.parametrize("mmap", [None, True, False])
def test_each_tensor_is_on_its_device(
    split_engine: LocalEngine,
    two_devices: tuple[str, ...],
    experts: Path,
    alone: str,
    experts_in_ram: tuple[int, ...],
    moved: tuple[str, ...],
    mmap: bool | None,
) -> None:
    names = tuple(device.name for device in split_engine.devices(two_devices).devices if device.is_rpc)
    load(
        split_engine,
        experts,
        rpc_servers=two_devices,
        devices=names,
        n_gpu_layers=-1,
        # Five layers with the output's: three of them on the first device.
        tensor_split=(3.0, 2.0),
        experts_in_ram=experts_in_ram,
        stacks_on_devices=moved,
        context=1024,
        mmap=mmap,
    )
    header, memory = read_header(experts), memory_of(split_engine)
    assert list(memory) == ["CPU", "RPC0", "RPC1"]
    in_ram = {
        layer: tensor_bytes(header, f"blk.{layer}.ffn_up_exps", f"blk.{layer}.ffn_down_exps") for layer in range(4)
    }
    in_ram = {layer: n + tensor_bytes(header, f"blk.{layer}.ffn_gate_exps") for layer, n in in_ram.items()}

    def layers(*numbers: int) -> int:
        whole = sum(tensor_bytes(header, f"blk.{number}.") for number in numbers)
        return whole - sum(in_ram[number] for number in numbers if number in experts_in_ram)

    more = dict.fromkeys(names, 0)
    for (layer, matrix), name in stacks_on_devices(LoadSpec(devices=names, stacks_on_devices=moved)).items():
        more[name] += tensor_bytes(header, f"blk.{layer}.ffn_{matrix}_exps")
    host = tensor_bytes(header, "token_embd") + sum(in_ram[layer] for layer in experts_in_ram) - sum(more.values())
    first, last = layers(0, 1, 2) + more["RPC0"], layers(3) + tensor_bytes(header, "output") + more["RPC1"]
    assert (sum(more.values()) > 0) == bool(moved)
    assert memory["RPC0"]["weights_bytes"] == pytest.approx(first, abs=ROUNDING)
    assert memory["RPC1"]["weights_bytes"] == pytest.approx(last, abs=ROUNDING)
    assert memory["CPU"]["weights_bytes"] == pytest.approx(host, abs=2 * ROUNDING)
    assert memory["RPC0"]["kv_bytes"] == pytest.approx(3 * KV_BYTES_A_LAYER, abs=ROUNDING)
    assert memory["RPC1"]["kv_bytes"] == pytest.approx(1 * KV_BYTES_A_LAYER, abs=ROUNDING)
    assert memory["CPU"]["kv_bytes"] == 0
    assert ask(split_engine, "hello", max_tokens=8).text == alone


def test_layers_in_ram_have_their_cache_in_ram(
    split_engine: LocalEngine, two_devices: tuple[str, ...], experts: Path, alone: str
) -> None:
    # The first two layers stay; of the other two and the output the devices get two and one.
    load(split_engine, experts, rpc_servers=two_devices, n_gpu_layers=3, tensor_split=(2.0, 1.0), context=1024)
    memory, header = memory_of(split_engine), read_header(experts)
    assert memory["CPU"]["kv_bytes"] == pytest.approx(2 * KV_BYTES_A_LAYER, abs=ROUNDING)
    assert memory["RPC0"]["kv_bytes"] == pytest.approx(2 * KV_BYTES_A_LAYER, abs=ROUNDING)
    assert memory["RPC1"]["weights_bytes"] == pytest.approx(tensor_bytes(header, "output"), abs=ROUNDING)
    host = tensor_bytes(header, "token_embd", "blk.0.", "blk.1.")
    assert memory["CPU"]["weights_bytes"] == pytest.approx(host, abs=2 * ROUNDING)
    assert split_engine.state is not None
    assert split_engine.state.result.gpu_layers == 3
    assert ask(split_engine, "hello", max_tokens=8).text == alone


def test_tied_output_is_counted_on_both_sides(
    split_engine: LocalEngine, two_devices: tuple[str, ...], starter: Path
) -> None:
    header = read_header(starter)
    assert "output.weight" not in {tensor.name for tensor in header.tensors}
    embedding = tensor_bytes(header, "token_embd")
    for mmap in (True, False):
        load(
            split_engine, starter, rpc_servers=two_devices, n_gpu_layers=-1, tensor_split=(1, 1), context=512, mmap=mmap
        )
        memory = memory_of(split_engine)
        assert memory["CPU"]["weights_bytes"] == pytest.approx(embedding, abs=MEBIBYTE // 4)
        on_devices = memory["RPC0"]["weights_bytes"] + memory["RPC1"]["weights_bytes"]
        assert on_devices == pytest.approx(tensor_bytes(header, ""), abs=MEBIBYTE // 4)


def test_repacked_copy_is_counted_separately_for_a_mapped_file(engine: LocalEngine, starter: Path) -> None:
    whole = tensor_bytes(read_header(starter), "")
    for mmap in (True, False):
        load(engine, starter, context=512, mmap=mmap)
        host = memory_of(engine)["CPU"]
        assert host["weights_bytes"] == pytest.approx(whole, abs=MEBIBYTE // 4)
        # On a processor with AMX the tiles are up to an eighth larger, and the output is a copy of the embedding.
        tiles = whole // 8 + tensor_bytes(read_header(starter), "token_embd")
        assert host.get("repack_bytes", 0) <= (whole if mmap else 0) + tiles


def test_devices_get_their_layers_in_the_given_order(
    split_engine: LocalEngine, two_devices: tuple[str, ...], experts: Path, alone: str
) -> None:
    load(
        split_engine,
        experts,
        rpc_servers=two_devices,
        n_gpu_layers=-1,
        devices=("RPC1", "RPC0"),
        tensor_split=(4, 1),
        context=1024,
    )
    memory = memory_of(split_engine)
    assert memory["RPC1"]["kv_bytes"] > memory["RPC0"]["kv_bytes"]
    assert ask(split_engine, "hello", max_tokens=8).text == alone
    load(split_engine, experts, rpc_servers=two_devices, n_gpu_layers=-1, devices=("RPC1",), context=1024)
    assert "RPC0" not in memory_of(split_engine)
    load(
        split_engine,
        experts,
        rpc_servers=two_devices,
        n_gpu_layers=-1,
        split_mode="none",
        main_gpu="RPC1",
        context=1024,
    )
    assert "RPC0" not in memory_of(split_engine)
    assert ask(split_engine, "hello", max_tokens=8).text == alone


def test_pipeline_parallelism_can_be_forbidden(
    split_engine: LocalEngine, two_devices: tuple[str, ...], experts: Path
) -> None:
    seen = {}
    for pipeline in (True, False):
        load(split_engine, experts, rpc_servers=two_devices, n_gpu_layers=-1, context=4096, pipeline=pipeline)
        assert split_engine.state is not None
        seen[pipeline] = (split_engine.state.result.pipeline, memory_of(split_engine)["RPC0"]["compute_bytes"])
    assert seen[True][0]
    assert not seen[False][0]
    assert seen[True][1] > seen[False][1]


def test_split_mode_tensor(split_engine: LocalEngine, two_devices: tuple[str, ...], experts: Path, alone: str) -> None:
    load(split_engine, experts, rpc_servers=two_devices, n_gpu_layers=-1, split_mode="tensor", context=1024)
    memory = memory_of(split_engine)
    assert list(memory) == ["CPU", "RPC0", "RPC1"]
    assert memory["RPC0"] == memory["RPC1"]
    half = tensor_bytes(read_header(experts), "blk.", "output") // 2
    # Norms and routers lie on both.
    assert memory["RPC0"]["weights_bytes"] == pytest.approx(half, rel=0.05)
    assert ask(split_engine, "hello", max_tokens=8).text == alone


def test_micro_batch_determines_the_compute_buffers(engine: LocalEngine, experts: Path) -> None:
    sizes = []
    for micro_batch in (64, 512):
        load(engine, experts, context=4096, batch=1024, micro_batch=micro_batch)
        sizes.append(memory_of(engine)["CPU"]["compute_bytes"])
        assert ask(engine, "hello", max_tokens=3).finished is not None
    assert sizes[0] < sizes[1]


def test_flash_attention_is_reported(engine: LocalEngine, starter: Path) -> None:
    for wanted, kv_type, expected in ((None, "f16", True), (False, "f16", False), (None, "q8_0", True)):
        load(engine, starter, context=512, flash_attention=wanted, kv_type=kv_type)
        assert engine.state is not None
        assert engine.state.result.flash_attention is expected


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"split_mode": "diagonal"}, "split_mode_unknown"),
        ({"kv_type": "q1"}, "kv_type_unknown"),
        ({"split_mode": "none", "main_gpu": "CUDA3"}, "device_unknown"),
        ({"tensor_split": (1.0,)}, "tensor_split_length"),
        ({"split_mode": "row"}, "split_mode_not_on_device"),
    ],
)
def test_invalid_specs_are_refused(
    split_engine: LocalEngine, two_devices: tuple[str, ...], experts: Path, options: dict[str, object], code: str
) -> None:
    with pytest.raises(UserError) as caught:
        load(split_engine, experts, rpc_servers=two_devices, n_gpu_layers=-1, **options)
    assert caught.value.code == code


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on another process")
@pytest.mark.parametrize(
    ("room", "ending"),
    [(20, None), (110, None), (165, "SIGABRT")],
    ids=["the file has no room", "the cache has none", "the graph has none and the engine aborts"],
)
def test_load_without_room_is_out_of_memory(
    engine: LocalEngine, tiny_model: Path, starter: Path, room: int, ending: str | None
) -> None:
    """Room in MiB beside what the child has: the file takes 93, the cache 45, the graph 42, the compute buffer 16."""
    import resource

    import psutil

    load(engine, tiny_model)
    assert engine.pid is not None
    limit = psutil.Process(engine.pid).memory_info().vms + room * MEBIBYTE
    resource.prlimit(engine.pid, resource.RLIMIT_AS, (limit, limit))
    with pytest.raises(UserError) as caught:
        load(engine, starter, context=2048, repack=False)
    assert caught.value.code == "engine_out_of_memory"
    assert caught.value.data["phase"] == "loading"
    assert caught.value.data.get("signal") == ending
    assert caught.value.data["log"]
    assert engine.state is None
    engine.release()
    load(engine, starter, context=2048)
    assert ask(engine, "hello", max_tokens=2).finished is not None


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on another process")
def test_first_answer_without_room_is_out_of_memory(engine: LocalEngine, starter: Path) -> None:
    """The threads that compute start with the first batch, and each wants a stack."""
    import resource

    import psutil

    load(engine, starter, context=1024, threads=4)
    assert engine.pid is not None
    limit = psutil.Process(engine.pid).memory_info().vms + MEBIBYTE
    resource.prlimit(engine.pid, resource.RLIMIT_AS, (limit, limit))
    with pytest.raises(UserError) as caught:
        ask(engine, "hello", max_tokens=2)
    assert (caught.value.code, caught.value.data["phase"]) == ("engine_out_of_memory", "reading")
    load(engine, starter, context=1024)
    assert ask(engine, "hello", max_tokens=2).finished is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to end a process with")
def test_segmentation_fault_while_loading_is_out_of_memory(engine: LocalEngine, starter: Path) -> None:
    import os
    import signal

    from app.backend import LoadProgress

    def break_down() -> None:
        for event in engine.load(starter, LoadSpec()):
            if isinstance(event, LoadProgress) and engine.pid is not None:
                os.kill(engine.pid, signal.SIGSEGV)

    with pytest.raises(UserError) as caught:
        break_down()
    assert (caught.value.code, caught.value.data["signal"]) == ("engine_out_of_memory", "SIGSEGV")


def test_dropped_sliding_window_is_read_again(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_arch(tmp_path / "windows.gguf", "gemma3", n_layer=2, keys={"attention.sliding_window": 64})
    kept, caches = {}, {}
    for full in (True, False):
        load(engine, path, context=2048, batch=64, micro_batch=64, full_windows=full)
        caches[full] = memory_of(engine)["CPU"]["kv_bytes"]
        ask(engine, "a" * 300 + "b" * 600, max_tokens=1)
        other_end = ask(engine, "a" * 300 + "c" * 60, max_tokens=1)
        same_end = ask(engine, "a" * 300 + "c" * 60, max_tokens=1)
        kept[full] = (other_end.reading[0].reused, same_end.reading[0].reused)
    assert caches[False] < caches[True]
    assert kept[True][0] > 300
    assert kept[False][0] == 0
    assert kept[True][1] == kept[False][1] > 360


@pytest.mark.parametrize("architecture", ["gemma3", "qwen35"])
def test_an_answer_generated_again_does_not_read_the_conversation_again(
    engine: LocalEngine, tmp_path: Path, architecture: str
) -> None:
    """Layers with windows and recurrent ones have lost the state before the answer; a checkpoint has it."""
    keys = {"attention.sliding_window": 64} if architecture == "gemma3" else {}
    path = fill_weights(write_arch(tmp_path / "model.gguf", architecture, n_layer=4, keys=keys))
    # Another number of threads adds in another order, and random weights make much of it.
    load(engine, path, context=2048, batch=64, micro_batch=64, full_windows=False, threads=1)
    first = ask(engine, "a" * 300 + "b" * 600, max_tokens=200, temperature=1.0)
    again = ask(engine, "a" * 300 + "b" * 600, max_tokens=200, temperature=1.0)
    assert len(set(first.text)) > 10
    # The state is at other places of the cache, where sums are rounded otherwise: in the end another token is chosen.
    assert again.text[:200] == first.text[:200]
    assert again.reading[0].total - again.reading[0].reused == checkpoint.TAIL
    changed = ask(engine, "c" + "a" * 300 + "b" * 600, max_tokens=1)
    assert changed.reading[0].reused == 0
