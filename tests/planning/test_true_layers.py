"""Forecast and allocation for layers of the home model's true width on two devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.backends import loaded_plan
from app.config.paths import DataFolder
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.apus_shapes import write_shape
from tests.rigs.rpc_device import serving

pytestmark = pytest.mark.slow  # every load moves 1.4 GiB

MIB = 1 << 20


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four layers with the two experts that are used; the weights are zeros, for which it takes as much memory."""
    path = tmp_path_factory.mktemp("shapes") / "layers.gguf"
    write_shape(path, "Q2_K", n_layer=4, n_expert=2)
    return path


@pytest.fixture(scope="module")
def loading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, tuple[str, ...]]]:
    with ExitStack() as stack:
        servers = tuple(stack.enter_context(serving()) for _ in range(2))
        services = Services(DataFolder(tmp_path_factory.mktemp("data")))
        stack.callback(services.close)
        yield services, servers


@pytest.mark.parametrize(
    ("context", "kv_type", "in_ram"),
    [(4096, "f16", ()), (32768, "q8_0", ()), (4096, "q8_0", (0, 2)), (32768, "f16", (0, 2))],
)
def test_forecast_matches_allocation(
    loading: tuple[Services, tuple[str, ...]], layers: Path, context: int, kv_type: str, in_ram: tuple[int, ...]
) -> None:
    services, servers = loading
    options = PlanOptions(context=context, kv_type=kv_type, experts_in_ram=in_ram, rpc_servers=servers)
    list(services.planning.loader.load(services.planning.load_request(layers, options)))
    plan = loaded_plan(services.planning)
    assert (plan["verdict"], plan["context"], plan["kv_type"]) == (
        "experts_in_ram" if in_ram else "gpu",
        context,
        kv_type,
    )
    assert "not_rehearsed" not in plan["reasons"]
    assert [device["actual"]["weights_bytes"] > 100 * MIB for device in plan["devices"]] == [True, True]
    for place in (*plan["devices"], plan["host"]):
        for part in ("weights_bytes", "kv_bytes", "compute_bytes"):
            forecast, real = place[part], place["actual"][part]
            assert abs(forecast - real) <= max(8 * MIB, real // 50), (place, part)
