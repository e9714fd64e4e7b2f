"""Device list of a real child, with broken or blocking drivers and servers."""

from __future__ import annotations

import contextlib
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.engine.device_probe import plan_devices, probe_devices
from app.engine.local_engine import WRAPPER_VARIABLE, LocalEngine
from model_manager.devices.devices import DISPLAY_RESERVE_BYTES, RESERVE_BYTES, Device, DeviceKind, default_devices
from model_manager.devices.nvidia import NvidiaGpu
from model_manager.devices.system_gpus import SystemGpu
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.engine_children import engine_children
from tests.rigs.rpc_device import serving

GIB = 1 << 30
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell to stand for a driver")


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something that listens and is no RPC server; yields HOST:PORT."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(10)
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def test_device_list_has_memory_and_backends(tmp_path: Path) -> None:
    with ExitStack() as servers:
        addresses = tuple(servers.enter_context(serving()) for _ in range(2))
        probe = probe_devices(tmp_path / "probe.log", addresses)
    assert (probe.gpus, probe.problem) == (True, None)
    assert "llama.cpp" in probe.found.engine
    assert {"CPU", "RPC"} <= set(probe.found.backends)
    assert not any(name.startswith("RPC[") for name in probe.found.backends)
    remote = [device for device in probe.found.devices if device.is_rpc]
    assert [(device.name, device.description, device.kind) for device in remote] == [
        ("RPC0", addresses[0], "gpu"),
        ("RPC1", addresses[1], "gpu"),
    ]
    assert all(device.total_bytes >= device.free_bytes > 0 for device in probe.found.devices)
    assert engine_children() == []
    planned = plan_devices(probe.found.devices)
    assert [device.name for device in planned][:2] == ["RPC0", "RPC1"]
    assert all(device.reserve_bytes == RESERVE_BYTES for device in planned[:2])


def test_devices_are_listed_with_a_loaded_model(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model)
    pid = engine.pid
    assert any(device.kind == "cpu" for device in engine.devices().devices)
    assert engine.pid == pid
    assert ask(engine, "hello", max_tokens=2).finished is not None


def broken_driver(monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """A child that exits or hangs at its start unless GPU drivers are disabled."""
    script = f'test -n "$GGML_DISABLE_VULKAN" || {does}; exec "$@"'
    monkeypatch.setenv(WRAPPER_VARIABLE, shlex.join(["sh", "-c", script, "driver"]))


@POSIX
@pytest.mark.parametrize(
    ("does", "cause", "ending"),
    [
        ("kill -SEGV $$", "engine_not_startable", "SIGSEGV"),
        ("kill -ABRT $$", "engine_not_startable", "SIGABRT"),
        ("kill -STOP $$", "engine_too_slow", None),
    ],
)
def test_broken_driver_disables_only_its_devices(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, does: str, cause: str, ending: str | None
) -> None:
    broken_driver(monkeypatch, does)
    timeout_s = 1.0 if ending is None else 30.0
    probe = probe_devices(tmp_path / "probe.log", timeout_s=timeout_s)
    assert probe.problem is not None
    assert probe.problem.code == "gpu_driver_broken"
    assert (probe.problem.data["cause"], probe.problem.data["signal"]) == (cause, ending)
    assert any(device.kind == "cpu" for device in probe.found.devices)
    engine = LocalEngine(tmp_path / "engine.log", gpus=probe.gpus)
    load(engine, tiny_model)
    assert ask(engine, "hello", max_tokens=2).finished is not None
    engine.release()


@POSIX
def test_driver_crash_is_not_out_of_memory(
    engine: LocalEngine, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_driver(monkeypatch, "kill -SEGV $$")
    with pytest.raises(UserError) as caught:
        load(engine, tiny_model)
    assert caught.value.code == "engine_not_startable"
    engine.gpus = False
    load(engine, tiny_model)
    assert engine.state is not None


@POSIX
def test_engine_that_cannot_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WRAPPER_VARIABLE, "sh -c 'exit 3' engine")
    with pytest.raises(UserError, match="engine_not_startable"):
        probe_devices(tmp_path / "probe.log")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "rpc_server_foreign"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" + b" " * 40, "rpc_server_foreign"),
        (bytes([28, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0]) + bytes(24), "rpc_server_other_version"),
    ],
    ids=["hangs up", "a web server", "an older version"],
)
def test_foreign_server_is_an_error_and_does_not_end_the_engine(engine: LocalEngine, answer: bytes, code: str) -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(64)
        connection.sendall(answer)

    with answering(say) as server, pytest.raises(UserError) as caught:
        engine.devices((server,))
    assert (caught.value.code, caught.value.data["server"]) == (code, server)


def test_busy_server_is_an_error(engine: LocalEngine, tmp_path: Path, tiny_model: Path) -> None:
    with serving() as server:
        load(engine, tiny_model, rpc_servers=(server,), n_gpu_layers=-1)
        with pytest.raises(UserError) as caught:
            probe_devices(tmp_path / "probe.log", (server,))
        assert (caught.value.code, caught.value.data["server"]) == ("rpc_server_silent", server)
        assert ask(engine, "hello", max_tokens=2).finished is not None
        engine.release()


def device(name: str, kind: DeviceKind = "gpu", backend: str = "CUDA", pci: str = "", description: str = "x") -> Device:
    return Device(name, 20 * GIB, 24 * GIB, kind, backend, description, pci)


def test_default_devices_list_each_gpu_once() -> None:
    cuda, vulkan = device("CUDA0", pci="0000:01:00.0"), device("Vulkan0", backend="Vulkan", pci="0000:01:00.0")
    other = device("Vulkan1", backend="Vulkan", pci="0000:05:00.0")
    inside = device("Vulkan2", "integrated_gpu", "Vulkan")
    remote, processor = device("RPC0", backend="RPC"), device("CPU", "cpu", "CPU")
    names = [each.name for each in default_devices([processor, cuda, vulkan, other, inside, remote])]
    assert names == ["RPC0", "CUDA0", "Vulkan1"]
    assert [each.name for each in default_devices([inside, processor, remote])] == ["RPC0", "Vulkan2"]
    assert default_devices([processor]) == ()


def test_gpu_that_drives_a_display_keeps_a_larger_reserve() -> None:
    devices = [device("CUDA0", pci="0000:01:00.0"), device("CUDA1", pci="0000:02:00.0")]
    card = NvidiaGpu(0, "x", "0000:02:00.0", 24 * GIB, 20 * GIB, True, None, None, None, None, ())
    reserves = [each.reserve_bytes for each in plan_devices(devices, nvidia_gpus=[card])]
    assert reserves == [RESERVE_BYTES, DISPLAY_RESERVE_BYTES]
    seen = SystemGpu("AMD", "AMD", "0000:01:00.0", drives_display=True)
    reserves = [each.reserve_bytes for each in plan_devices(devices, system_gpus=[seen])]
    assert reserves == [DISPLAY_RESERVE_BYTES, RESERVE_BYTES]
    named = SystemGpu("Intel", "Arc", drives_display=True)
    (inside,) = plan_devices([device("Vulkan0", "integrated_gpu", "Vulkan", description="Arc")], system_gpus=[named])
    assert (inside.reserve_bytes, inside.shares_ram) == (DISPLAY_RESERVE_BYTES, True)


def test_the_gpu_with_the_fastest_connection_is_first() -> None:
    devices = [device("RPC0", backend="RPC")]
    devices += [device(f"CUDA{n}", pci=f"0000:0{n}:00.0") for n in (1, 2, 3)]

    def gpu(number: int, generation: int | None, width: int | None) -> NvidiaGpu:
        return NvidiaGpu(
            index=number,
            name="x",
            pci_bus_id=f"0000:0{number}:00.0",
            total_bytes=24 * GIB,
            free_bytes=20 * GIB,
            drives_display=False,
            pcie_generation=1,
            pcie_generation_max=generation,
            pcie_width=width,
            pcie_width_max=width,
            processes=(),
        )

    found = plan_devices(devices, [gpu(1, 4, 4), gpu(2, 4, 16), gpu(3, 5, 8)])
    assert [each.name for each in found] == ["RPC0", "CUDA2", "CUDA3", "CUDA1"]
    assert found[1].link_bytes_per_s == pytest.approx(25e9, rel=0.05)
    # Where one of them is unknown, the order of the engine stays.
    unknown = plan_devices(devices, [gpu(1, 4, 4), gpu(2, None, 16), gpu(3, 5, 8)])
    assert [each.name for each in unknown] == ["RPC0", "CUDA1", "CUDA2", "CUDA3"]
