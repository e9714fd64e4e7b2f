"""The planning service: real and simulated machines, recommendations and rehearsals."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.local_engine import EngineState
from app.engine.protocol import LoadResult
from app.planning.machine import SIMULATED_GPUS_VARIABLE, Machine, with_freed
from app.services import Services
from model_manager.devices.devices import Device, HostMemory
from model_manager.errors import UserError
from model_manager.hub.catalogue import APUS
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from tests.rigs.apus_shapes import write_shape
from tests.rigs.downloaded import write_downloaded
from tests.rigs.tiny_model import write_tiny_model

GIB = 1 << 30


def test_simulated_gpus_drive_no_display(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24, 16")
    machine = services.planning.machine()
    assert machine.is_simulated
    assert [(d.free_bytes, d.reserve_bytes) for d in machine.devices] == [(24 * GIB, 512 << 20), (16 * GIB, 512 << 20)]
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "none")
    assert services.planning.machine().devices == ()
    basis = services.planning.basis("apus:Q2_K", simulated_gpus=(24, 24), simulated_ram=64)
    assert services.planning.rehearsed(basis, PlanOptions()) is basis
    begin = time.monotonic()
    plan = basis.plan(PlanOptions(context=8192))
    assert time.monotonic() - begin < 0.5
    assert plan.verdict == "gpu"
    assert "not_rehearsed" in plan.reasons


def test_a_file_is_rehearsed_for_simulated_gpus_as_on_real_ones(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_shape(path, "Q4_K_M")
    options = PlanOptions(context=8192)
    basis = services.planning.basis(str(path), simulated_gpus=(24, 16), simulated_ram=96)
    estimate, plan = (each.plan(options) for each in (basis, services.planning.rehearsed(basis, options)))
    assert "not_rehearsed" in estimate.reasons
    assert "not_rehearsed" not in plan.reasons
    assert plan.verdict == "experts_in_ram"
    assert [device.name for device in plan.used_devices] == ["GPU0", "GPU1"]
    assert all(device.left_bytes >= 0 and device.compute_bytes > 64 << 20 for device in plan.devices)


@pytest.mark.parametrize("text", ["24,x", "-1", "0", "24,none", "nan", "inf"])
def test_invalid_simulated_gpus_are_refused(services: Services, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, text)
    with pytest.raises(UserError) as caught:
        services.planning.machine()
    assert (caught.value.code, caught.value.data["text"]) == ("gpus_pretended_wrong", text)


def test_the_quantisations_are_judged_for_a_machine(services: Services) -> None:
    judged = services.planning.recommend(PlanOptions(context=8192), simulated_gpus=(23.54, 23.54), simulated_ram=64)
    assert [each.id for each in judged] == ["apus:Q2_K", "apus:IQ3_XXS", "apus:Q3_K_M", "apus:Q4_K_M"]
    (best,) = [each for each in judged if each.recommended]
    assert (best.quantisation, best.plan.verdict, best.reason) == ("IQ3_XXS", "gpu", "best_on_gpus")
    roomy = services.planning.recommend(simulated_gpus=(48, 48), simulated_ram=64)
    assert [each.recommended for each in roomy] == [False, False, False, True]
    none = services.planning.recommend(simulated_gpus=(), simulated_ram=8)
    assert {each.plan.verdict for each in none} == {"does_not_fit"}
    assert not any(each.recommended for each in none)


def test_recommendations_do_not_follow_what_other_programs_use_at_this_moment(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(free_gib: float) -> list[tuple[str, str]]:
        host = HostMemory(round(free_gib * GIB), bandwidth=45e9, total_bytes=96 * GIB)
        monkeypatch.setattr(services.planning._reader, "host", lambda **_options: host)
        return [(each.id, each.plan.verdict) for each in services.planning.recommend(simulated_gpus=())]

    busy = judged(1)
    assert busy == judged(76)
    assert {verdict for _, verdict in busy} == {"layers_in_ram"}


def test_a_downloaded_quantisation_is_judged_by_its_own_header(services: Services) -> None:
    reconstructed = services.planning.headers_of("apus:Q2_K")
    assert not reconstructed[0].path.exists()
    with pytest.raises(UserError) as caught:
        services.planning.headers_of("unheard-of")
    assert caught.value.code == "model_unknown"
    assert services.planning.headers_of("starter")[0].path.is_file()


def test_damaged_quantisation_does_not_affect_the_others(services: Services, tmp_path: Path) -> None:
    entry = APUS[0]
    services.folder.models.mkdir(parents=True, exist_ok=True)
    source = write_tiny_model(tmp_path / "source.gguf")
    path = write_downloaded(services.folder.models, source, entry.file_name, entry.id)
    assert services.planning.headers_of(entry.id)[0].path == path
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError):
        services.planning.headers_of(entry.id)
    judged = services.planning.recommend(simulated_gpus=(24, 24), simulated_ram=64)
    assert {each.id for each in judged} == {each.id for each in APUS}


def test_device_list_is_cached_briefly(services: Services, two_devices: tuple[str, ...]) -> None:
    first = services.planning.machine(two_devices)
    assert [device.name for device in first.devices] == ["RPC0", "RPC1"]
    begin = time.monotonic()
    assert services.planning.machine(two_devices) is first
    assert time.monotonic() - begin < 0.1
    assert services.planning.machine(two_devices, refresh=True) is not first
    assert first.fingerprint == services.planning.machine(two_devices).fingerprint
    assert first.fingerprint != services.planning.machine().fingerprint


def test_loaded_memory_counts_as_free() -> None:
    machine = Machine((Device("CUDA0", 100, 200), Device("CUDA1", 90, 95)))
    held = {"weights_bytes": 5, "kv_bytes": 3, "compute_bytes": 2}
    state = EngineState(Path("x"), LoadSpec(), LoadResult(512, 3, 2, "engine", {"CUDA0": held, "CUDA1": held}))
    assert [device.free_bytes for device in with_freed(machine, state).devices] == [110, 95]
    assert with_freed(machine, None) is machine


def test_rehearsal_replaces_the_estimate(services: Services, two_devices: tuple[str, ...], tmp_path: Path) -> None:
    """Also of a file that has to be repaired before the engine takes it."""
    found = []
    for legacy in (False, True):
        path = tmp_path / f"legacy-{legacy}.gguf"
        write_shape(path, "Q4_K_M", n_layer=4, n_embd=1024, n_ff=2048, n_head=8, n_head_kv=2, legacy=legacy)
        basis = services.planning.basis(str(path), two_devices)
        options = PlanOptions(context=4096, kv_type="f16")
        estimated = basis.plan(options)
        plan = services.planning.rehearsed(basis, options).plan(options)
        assert "not_rehearsed" in estimated.reasons
        assert "not_rehearsed" not in plan.reasons
        assert [d.compute_bytes for d in plan.devices] != [d.compute_bytes for d in estimated.devices]
        found.append([device.compute_bytes for device in plan.devices])
    assert found[0] == found[1]


def test_model_that_cannot_be_rehearsed_keeps_its_estimate(
    services: Services, two_devices: tuple[str, ...], tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"blk.1.attn_k.weight", b"blk.1.attn_x.weight"))
    basis = services.planning.basis(str(path), two_devices)
    assert services.planning.rehearsed(basis, PlanOptions()).rehearsal is None


def test_ram_that_is_in_use_is_reported_only_where_it_changes_the_plan(services: Services, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "model.gguf")
    basis, options = services.planning.basis(str(path)), PlanOptions()
    # The measured speed of attention is part of the model's basis; with it, the CPU uses flash attention.
    fast = replace(basis.host, flash_attention_gain=2.0)
    plans = {replace(basis, host=each).plan(options).spec.flash_attention for each in (basis.host, fast)}
    assert len(plans) == 2
    usual = services.planning.usual_host().available_bytes
    for available, is_short in ((usual - 1, False), (1 << 20, True)):
        host = replace(fast, available_bytes=available)
        assert services.planning.is_short_of_ram(replace(basis, host=host), options) is is_short
