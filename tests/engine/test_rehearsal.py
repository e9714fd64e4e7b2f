"""Rehearsal of loads without memory, compared with real loads."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.header_stub import HeaderStub, header_stubs, write_sparse
from model_manager.layout.stacking import layout_for
from model_manager.plan.load_plan import Rehearsal
from model_manager.plan.load_spec import LoadSpec
from tests.engine.requests import load
from tests.rigs.apus_shapes import write_shape
from tests.rigs.engine_children import engine_children
from tests.rigs.gguf_bytes import STRING, with_keys
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def two_devices() -> Iterator[tuple[str, ...]]:
    with ExitStack() as servers:
        yield tuple(servers.enter_context(serving()) for _ in range(2))


@pytest.fixture
def rehearser(tmp_path: Path) -> Iterator[LocalEngine]:
    """Another child than that of ``engine``."""
    made = LocalEngine(tmp_path / "logs" / "rehearsal.log")
    yield made
    made.release()


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(read_header(path).data_offset)


def near(forecast: int, real: int) -> bool:
    return abs(forecast - real) <= max(8 * MEBIBYTE, real // 50)


@pytest.mark.parametrize("pipeline", [True, False])
@pytest.mark.parametrize(("context", "kv_type"), [(512, "f16"), (2048, "q8_0"), (8192, "f16")])
def test_rehearsal_matches_the_load(
    engine: LocalEngine,
    rehearser: LocalEngine,
    two_devices: tuple[str, ...],
    starter: Path,
    context: int,
    kv_type: str,
    pipeline: bool,
) -> None:
    spec = LoadSpec(
        context=context,
        kv_type=kv_type,
        n_gpu_layers=-1,
        tensor_split=(1.0, 1.0),
        rpc_servers=two_devices,
        pipeline=pipeline,
    )
    foretold = rehearser.rehearse(starter, spec)
    rehearser.release()
    list(engine.load(starter, spec))
    assert engine.state is not None
    result = engine.state.result
    engine.release()
    assert list(foretold.compute_bytes) == ["RPC0", "RPC1"]
    for name in foretold.compute_bytes:
        taken = result.memory[name]["compute_bytes"]
        assert taken > 4 * MEBIBYTE
        assert near(foretold.compute_bytes[name], taken)
    assert near(foretold.host_compute_bytes, result.memory["CPU"]["compute_bytes"])
    assert (foretold.pipeline, result.pipeline) == (pipeline, pipeline)
    assert foretold.flash_attention is result.flash_attention is True
    assert foretold.context == result.context == context


def test_rehearsal_with_experts_in_ram_matches_the_load(
    engine: LocalEngine, rehearser: LocalEngine, two_devices: tuple[str, ...], tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "moe.gguf", n_layer=4, n_expert=4)
    spec = LoadSpec(
        context=1024, n_gpu_layers=-1, tensor_split=(1.0, 1.0), rpc_servers=two_devices, experts_in_ram=(0, 3)
    )
    foretold = rehearser.rehearse(path, spec)
    rehearser.release()
    list(engine.load(path, spec))
    assert engine.state is not None
    memory = engine.state.result.memory
    engine.release()
    assert foretold.pipeline is False
    assert all(near(foretold.compute_bytes[name], memory[name]["compute_bytes"]) for name in foretold.compute_bytes)
    assert near(foretold.host_compute_bytes, memory["CPU"]["compute_bytes"])


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shapes") / "full.gguf"
    write_shape(path, "Q4_K_M")
    return path


def rehearse_full_size(rehearser: LocalEngine, path: Path, servers: tuple[str, ...], **options: object) -> Rehearsal:
    spec = LoadSpec(n_gpu_layers=-1, tensor_split=(1.0, 1.0), rpc_servers=servers, **options)  # type: ignore[arg-type]
    return rehearser.rehearse(path, spec)


def test_rehearsal_of_64_gib_is_fast(
    rehearser: LocalEngine, two_devices: tuple[str, ...], full_size: Path, tmp_path: Path
) -> None:
    """A bound far above the benchmark's figure, on a machine that others use too."""
    begin = time.monotonic()
    small = rehearse_full_size(rehearser, full_size, two_devices, context=4096)
    assert time.monotonic() - begin < 5
    large = rehearse_full_size(rehearser, full_size, two_devices, context=32768)
    assert all(large.compute_bytes[name] > small.compute_bytes[name] for name in small.compute_bytes)
    narrow = rehearse_full_size(rehearser, full_size, two_devices, context=32768, pipeline=False)
    assert large.pipeline
    assert not narrow.pipeline
    assert all(large.compute_bytes[name] > narrow.compute_bytes[name] for name in small.compute_bytes)


def test_header_stub_is_rehearsed_like_the_file(
    rehearser: LocalEngine, two_devices: tuple[str, ...], full_size: Path, tmp_path: Path
) -> None:
    head, size = head_of(full_size), full_size.stat().st_size
    with header_stubs([HeaderStub("remote.gguf", head, size)], tmp_path) as path:
        assert path.stat().st_size == size
        foretold = rehearse_full_size(rehearser, path, two_devices, context=4096)
    assert not path.parent.exists()
    assert foretold.compute_bytes == rehearse_full_size(rehearser, full_size, two_devices, context=4096).compute_bytes


def test_unstacked_file_is_rehearsed_in_its_converted_layout(
    rehearser: LocalEngine, two_devices: tuple[str, ...], full_size: Path, tmp_path: Path
) -> None:
    legacy = tmp_path / "legacy.gguf"
    write_shape(legacy, "Q4_K_M", legacy=True)
    layout = layout_for(read_header(legacy), head_of(legacy))
    with header_stubs([HeaderStub(legacy.name, layout.target_head, layout.target_bytes)]) as path:
        foretold = rehearse_full_size(rehearser, path, two_devices, context=4096)
    assert foretold.compute_bytes == rehearse_full_size(rehearser, full_size, two_devices, context=4096).compute_bytes


def test_split_model_is_rehearsed_as_a_whole(rehearser: LocalEngine, tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "whole.gguf", n_layer=4, tensors_per_file=20)
    shards = sorted(tmp_path.glob("whole-*.gguf"))
    assert len(shards) > 1
    stub = [HeaderStub(shard.name, head_of(shard), shard.stat().st_size) for shard in shards]
    with header_stubs(stub, tmp_path) as path:
        assert path.name == first.name
        foretold = rehearser.rehearse(path, LoadSpec(context=512))
    assert foretold.host_compute_bytes == rehearser.rehearse(first, LoadSpec(context=512)).host_compute_bytes


def test_header_stub_is_sparse(tmp_path: Path) -> None:
    path = tmp_path / "hollow.gguf"
    write_sparse(b"head", 1 << 36, path)
    status = path.stat()
    assert status.st_size == 1 << 36
    if hasattr(status, "st_blocks"):
        assert status.st_blocks * 512 < MEBIBYTE
    with path.open("rb") as file:
        assert file.read(8) == b"head\0\0\0\0"


def test_rehearsal_does_not_affect_another_engine(
    engine: LocalEngine, rehearser: LocalEngine, tiny_model: Path, starter: Path
) -> None:
    load(engine, tiny_model)
    before = engine.state
    rehearser.rehearse(starter, LoadSpec(context=512))
    assert engine.state is before
    assert engine.pid in engine_children()


def test_a_long_name_delays_neither_rehearsal_nor_load(
    engine: LocalEngine, rehearser: LocalEngine, tiny_model: Path, tmp_path: Path
) -> None:
    path = with_keys(tiny_model, tmp_path / "long.gguf", {"general.name": (STRING, "N" * 600_000)})
    assert isinstance(rehearser.rehearse(path, LoadSpec(context=512)), Rehearsal)
    load(engine, path, context=512)


def test_rehearsal_of_an_unsupported_file_is_an_error(rehearser: LocalEngine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    with pytest.raises(UserError) as caught:
        rehearser.rehearse(path, LoadSpec())
    assert caught.value.code == "load_refused"
    assert "ffn_down_exps" in str(caught.value.data["log"])


def test_rehearsal_of_invalid_options_is_an_error(rehearser: LocalEngine, tiny_model: Path) -> None:
    with pytest.raises(UserError, match="device_unknown"):
        rehearser.rehearse(tiny_model, LoadSpec(devices=("CUDA7",)))


@contextmanager
def silent_server(when_called: Callable[[], None]) -> Iterator[str]:
    """Takes a connection, does something, and says nothing: a child that asks it is in the middle of a rehearsal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections: list[socket.socket] = []

        def serve() -> None:
            connections.append(server.accept()[0])
            when_called()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()
        connections[0].close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to stop a process with")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, "engine_died"), (signal.SIGSTOP, "engine_too_slow")])
def test_crash_or_hang_during_a_rehearsal_is_an_error(
    rehearser: LocalEngine, tiny_model: Path, number: int, code: str
) -> None:
    rehearser.rehearse(tiny_model, LoadSpec(context=512))
    (pid,) = engine_children()
    with silent_server(lambda: os.kill(pid, number)) as server, pytest.raises(UserError) as caught:
        rehearser.rehearse(tiny_model, LoadSpec(rpc_servers=(server,)), timeout_s=1.5)
    assert caught.value.code == code
    assert rehearser.rehearse(tiny_model, LoadSpec(context=512)).context == 512


def test_rehearsal_can_be_cancelled(rehearser: LocalEngine, tiny_model: Path) -> None:
    begin, token = time.monotonic(), CancelToken()
    with silent_server(token.cancel) as server, pytest.raises(Cancelled):
        rehearser.rehearse(tiny_model, LoadSpec(rpc_servers=(server,)), token=token)
    assert time.monotonic() - begin < 12
    with pytest.raises(Cancelled):
        rehearser.rehearse(tiny_model, LoadSpec(), token=token)
