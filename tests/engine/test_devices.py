"""Several devices for real: two llama.cpp RPC servers, each this machine's processor, and a model split over them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model


def test_a_model_is_split_over_two_devices_with_experts_in_ram(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "moe.gguf", n_layer=4, n_expert=4)
    load(engine, path)
    alone = ask(engine, "hello", max_tokens=8).text
    with ExitStack() as servers:
        addresses = tuple(servers.enter_context(serving()) for _ in range(2))
        names = [device.name for device in engine.devices(addresses).devices if device.kind == "gpu"]
        assert len(names) == 2
        load(engine, path, rpc_servers=addresses, n_gpu_layers=-1, tensor_split=(3.0, 1.0), experts_in_ram=(0,))
        assert engine.state is not None
        memory = engine.state.result.memory
        weights = [memory[name]["weights_bytes"] for name in memory if not name.startswith("CPU")]
        assert len(weights) == 2
        assert weights[0] != weights[1]
        assert engine.state.result.gpu_layers == 5
        assert ask(engine, "hello", max_tokens=8).text == alone
        with pytest.raises(UserError, match="tensor_split_length"):
            load(engine, path, rpc_servers=addresses, tensor_split=(1.0, 1.0, 1.0))
        engine.release()


def test_a_device_that_dies_ends_in_an_error_and_the_next_load_works(engine: LocalEngine, tiny_model: Path) -> None:
    with serving() as address:
        load(engine, tiny_model, rpc_servers=(address,), n_gpu_layers=-1)
        ask(engine, "hello", max_tokens=2)
    with pytest.raises(UserError) as caught:
        ask(engine, "hello", max_tokens=8)
    assert caught.value.code in ("engine_died", "engine_out_of_memory", "engine_decode_failed")
    load(engine, tiny_model)
    assert ask(engine, "hello", max_tokens=2).finished is not None
