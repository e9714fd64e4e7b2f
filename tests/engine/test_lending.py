"""Devices of this PC lent to another one, which is an engine with another data folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.lender import Lender, own_addresses
from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.rpc_device import library_folder
from tests.rigs.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(library_folder() is None, reason="the engine was built without RPC")
GIB = 1 << 30


@pytest.fixture
def lender(tmp_path: Path) -> Iterator[Lender]:
    made = Lender(tmp_path / "lent", tmp_path / "logs" / "lending.log")
    yield made
    made.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_another_pc_answers_on_the_lent_devices_within_the_limit(
    lender: Lender, engine: LocalEngine, tmp_path: Path
) -> None:
    port = free_port()
    server = f"127.0.0.1:{port}"
    state = lender.start("127.0.0.1", port, GIB // 2)
    assert state.used_bytes == 0
    assert len(state.devices) >= 1
    lent = [each for each in engine.devices((server,)).devices if each.is_rpc]
    assert len(lent) == len(state.devices)
    assert sum(each.total_bytes for each in lent) <= GIB // 2
    model = write_tiny_model(tmp_path / "m.gguf", n_embd=256)
    here = {"rpc_servers": (server,), "devices": tuple(each.name for each in lent), "n_gpu_layers": -1}
    load(engine, model, context=256, **here)
    remote = ask(engine, "Hello", max_tokens=8).text
    assert lender.state is not None
    assert 0 < lender.state.used_bytes < GIB // 2
    engine.release()
    load(engine, model, context=256, n_gpu_layers=0)
    assert ask(engine, "Hello", max_tokens=8).text == remote


def test_what_exceeds_the_limit_is_refused_and_the_next_load_works(
    lender: Lender, engine: LocalEngine, tmp_path: Path
) -> None:
    port = free_port()
    lender.start("127.0.0.1", port, 4 << 20)
    model = write_tiny_model(tmp_path / "m.gguf")
    options = {"rpc_servers": (f"127.0.0.1:{port}",), "devices": ("RPC0",), "n_gpu_layers": -1}
    with pytest.raises(UserError):
        load(engine, model, context=65536, **options)
    engine.release()
    assert lender.state is not None
    lender.stop()
    lender.start("127.0.0.1", port, GIB)
    load(engine, model, context=256, **options)
    assert ask(engine, "Hello", max_tokens=4).text


def test_a_port_in_use_and_a_wrong_address_are_named_and_lending_ends_with_its_child(lender: Lender) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])
        with pytest.raises(UserError) as caught:
            lender.start("127.0.0.1", port)
        assert (caught.value.code, caught.value.data["port"]) == ("lend_port_in_use", port)
        assert lender.state is None
    with pytest.raises(UserError) as caught:
        lender.start("no..address", port)
    assert caught.value.code == "address_not_usable"
    lender.start("localhost", port)
    lender.stop()
    assert lender.state is None
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_the_cache_keeps_only_whole_files_within_the_lent_memory(lender: Lender, tmp_path: Path) -> None:
    cache = tmp_path / "lent"
    cache.mkdir()
    for age, name in enumerate(("new", "older", "oldest")):
        (cache / name).write_bytes(b"x" * 1000)
        os.utime(cache / name, (1e9 - 1000 * age,) * 2)
    (cache / "in-use").touch()
    lender.start("127.0.0.1", free_port(), 1500)
    assert {each.name for each in cache.iterdir()} == {"older", "in-use"}


def test_own_addresses_are_those_of_networks() -> None:
    assert all(not each.startswith("127.") for each in own_addresses())
