"""Fixed plan options, and the reasons of the planner's choices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_manager.devices.devices import Device, simulated_devices
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.plan.load_plan import LoadPlan, Rehearsal, RehearsedPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import MAX_DEVICES, plan_model
from model_manager.plan.split import layers_of
from tests.plan.plan_builders import GIB, MIB, apus_shape, cards, check, plan_apus, ram
from tests.rigs.apus_shapes import write_shape
from tests.rigs.arch_shapes import write_arch


def test_cache_is_not_quantised_where_devices_lack_flash_attention(tmp_path: Path) -> None:
    path = tmp_path / "heads-of-160.gguf"
    write_shape(path, "Q4_K_M", n_layer=6, n_embd=2560, n_ff=2048, n_head=16, n_head_kv=4, n_vocab=4096)
    shape = read_model_shape((read_header(path),))
    options = PlanOptions(context=16384)
    found = plan_model(shape, cards(1.5), ram(), options)
    assert (found.verdict, found.kv_type) == ("experts_in_ram", "f16")
    assert plan_model(shape, cards(0.9, backend="Vulkan"), ram(), options).kv_type == "q8_0"


def test_context_is_rounded_and_limited_to_the_trained_context() -> None:
    assert plan_apus("Q2_K", 24, 24, context=5000).context == 5120
    capped = plan_apus("Q2_K", 24, 24, context=100_000)
    assert capped.context == 32768
    assert "context_above_trained" in capped.reasons
    assert plan_apus("Q2_K", 24, 24, context=0) == plan_apus("Q2_K", 24, 24)


def test_automatic_context_is_as_large_as_the_gpus_allow() -> None:
    assert plan_apus("Q2_K", 48, 48).context == 32768
    assert plan_apus("Q2_K", 24, 23).context == 16384
    assert plan_apus("Q2_K", 24, 19.2).context == 8192
    in_ram = plan_apus("Q4_K_M", 24, 24)
    assert in_ram.context == 8192
    assert "context_chosen" in in_ram.reasons


def test_reason_when_a_smaller_context_would_fit_on_the_gpus() -> None:
    asked = plan_apus("Q2_K", 24, 19, context=32768, kv_type="f16")
    assert asked.verdict == "experts_in_ram"
    assert "smaller_context_fits_gpu" in asked.reasons
    assert plan_apus("Q2_K", 24, 19, context=4096, kv_type="f16").verdict == "gpu"


def test_reason_when_an_8_bit_cache_makes_everything_fit() -> None:
    found = plan_apus("Q2_K", 23.54, 23.54, context=32768)
    assert (found.verdict, found.kv_type) == ("gpu", "q8_0")
    assert "q8_0_fits_all" in found.reasons
    assert found.spec.flash_attention is True
    assert plan_apus("Q2_K", 23.54, 23.54, context=4096).kv_type == "f16"


def test_flash_attention_is_off_on_the_cpu_alone_unless_it_is_faster() -> None:
    assert plan_apus("Q2_K", context=8192).spec.flash_attention is False
    assert plan_apus("Q2_K", context=8192, kv_type="q8_0").spec.flash_attention is True
    assert plan_apus("Q2_K", context=8192, flash_attention=True).spec.flash_attention is True
    assert plan_apus("Q2_K", 48, context=8192).spec.flash_attention is None
    full = plan_apus("Q2_K", context=8192)
    scarce = (full.host.used_bytes - 200 * MIB + (1 << 30)) / GIB
    tight = plan_apus("Q2_K", ram_gib=scarce, context=8192)
    assert (tight.verdict, tight.spec.flash_attention) == ("layers_in_ram", None)
    for gain, expected in ((1.1, None), (0.9, False)):
        host = replace(ram(64), flash_attention_gain=gain)
        plan = plan_model(apus_shape("Q2_K"), (), host, PlanOptions(context=8192))
        assert plan.spec.flash_attention is expected


def test_disabled_flash_attention_keeps_a_16_bit_cache() -> None:
    found = plan_apus("Q2_K", 24, 24, context=8192, flash_attention=False)
    assert found.kv_type == "f16"
    assert found.spec.flash_attention is False
    forced = plan_apus("Q2_K", 24, 24, context=8192, flash_attention=False, kv_type="q4_0")
    assert (forced.kv_type, forced.spec.flash_attention) == ("q4_0", True)
    assert "flash_attention_needed" in forced.reasons


def test_unsupported_cache_type_falls_back_to_f16(tmp_path: Path) -> None:
    path = write_arch(
        tmp_path / "model.gguf", "qwen35", keys={"attention.key_length": 80, "attention.value_length": 80}
    )
    found = plan_model(read_model_shape((read_header(path),)), cards(8), ram(), PlanOptions(kv_type="q8_0"))
    assert found.kv_type == "f16"
    assert "kv_type_impossible" in found.reasons


def test_fixed_split_is_kept() -> None:
    options = PlanOptions(context=8192, tensor_split=(3.0, 1.0))
    devices = simulated_devices((24, 24))
    found = plan_model(apus_shape("Q2_K"), devices, ram(), options)
    check(found, apus_shape("Q2_K"), devices, ram())
    where = layers_of((3.0, 1.0), found.n_gpu_layers, 60)
    assert found.devices[0].layers == tuple(slot for slot in range(61) if where[slot] == 0)
    assert len(found.experts_in_ram) > 0
    assert set(found.experts_in_ram) <= set(found.devices[0].layers)


def test_fixed_split_that_does_not_fit_is_reported_with_all_figures() -> None:
    found = plan_apus("Q4_K_M", 24, 2, context=8192, tensor_split=(1.0, 9.0), n_gpu_layers=61)
    assert found.verdict == "does_not_fit"
    assert "wish_too_large" in found.reasons
    assert found.devices[1].left_bytes < 0
    assert found.tensor_split == (1.0, 9.0)


def test_fixed_layers_and_experts_are_kept() -> None:
    found = plan_apus("Q4_K_M", 24, 24, context=4096, n_gpu_layers=30)
    assert found.n_gpu_layers == 30
    assert found.verdict == "layers_in_ram"
    chosen = plan_apus("Q2_K", 48, 48, context=4096, experts_in_ram=(0, 5, 5, 200))
    assert chosen.experts_in_ram == (0, 5)
    assert chosen.verdict == "experts_in_ram"
    processor = plan_apus("Q2_K", 48, 48, context=4096, n_gpu_layers=0)
    assert processor.verdict == "layers_in_ram"
    assert processor.devices[0].layers == ()
    assert plan_apus("Q2_K", 48, 48, n_gpu_layers=-1).verdict == "gpu"


def test_device_selection_ceilings_and_margin() -> None:
    assert [device.name for device in plan_apus("Q2_K", 24, 24, 24, devices=("GPU2",)).devices] == ["GPU2"]
    limited = (replace(cards(24)[0], ceiling_bytes=10 * GIB), *cards(24, 24)[1:])
    found = plan_model(apus_shape("Q2_K"), limited, ram(), PlanOptions(context=4096))
    used = found.devices[0].weights_bytes + found.devices[0].kv_bytes + found.devices[0].compute_bytes
    assert used <= 10 * GIB
    roomy = plan_apus("Q3_K_M", 24, 24, context=8192, margin_bytes=GIB)
    assert all(device.left_bytes >= GIB for device in roomy.devices)


def test_split_mode_none_uses_the_main_gpu_only() -> None:
    found = plan_apus("Q2_K", 24, 48, split_mode="none", main_gpu="GPU1", context=4096)
    assert [device.name for device in found.devices] == ["GPU1"]
    assert found.verdict == "gpu"
    assert not found.spec.pipeline


def test_more_devices_than_the_engine_supports() -> None:
    found = plan_apus("Q2_K", *([4] * MAX_DEVICES), 24, 24)
    assert len(found.devices) == MAX_DEVICES
    assert {"GPU16", "GPU17"} <= {device.name for device in found.devices}
    assert "too_many_devices" in found.reasons


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"devices": ("CUDA7",)}, "device_unknown"),
        ({"main_gpu": "CUDA7", "split_mode": "none"}, "device_unknown"),
        ({"tensor_split": (1.0,)}, "tensor_split_length"),
        ({"kv_type": "q5_1"}, "kv_type_unknown"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_apus("Q2_K", 24, 24, context=4096, **options)
    assert caught.value.code == code


def test_pipeline_parallelism_needs_room_for_its_buffers() -> None:
    roomy = plan_apus("Q2_K", 24, 24, context=8192)
    assert roomy.spec.pipeline
    plain = plan_apus("Q2_K", 24, 24, context=8192, pipeline=False)
    assert not plain.spec.pipeline
    assert sum(d.compute_bytes for d in plain.devices) < sum(d.compute_bytes for d in roomy.devices)
    assert not plan_apus("Q2_K", 48, context=8192).spec.pipeline
    assert not plan_apus("Q4_K_M", 24, 24, context=8192).spec.pipeline
    used = [d.weights_bytes + d.kv_bytes + d.compute_bytes + d.reserve_bytes for d in plain.devices]
    tight = plan_apus("Q2_K", *((each + 60 * MIB) / GIB for each in used), context=8192, kv_type="f16")
    assert (tight.verdict, tight.spec.pipeline) == ("gpu", False)


def test_repacked_copies_are_counted_for_a_mapped_file() -> None:
    processor = plan_apus("Q4_K_M", ram_gib=160, context=4096, mmap=True)
    assert processor.spec.repack
    assert processor.host.repack_bytes > 30 * GIB
    tight = plan_apus("Q4_K_M", ram_gib=80, context=4096, mmap=True)
    assert not tight.spec.repack
    assert tight.host.repack_bytes == 0
    assert tight.verdict == "layers_in_ram"
    assert "repacking_off" in tight.reasons
    with_cards = plan_apus("Q4_K_M", 24, 24, ram_gib=160)
    assert (with_cards.host.repack_bytes, with_cards.spec.mmap) == (0, False)
    apple = (Device("MTL0", 30 * GIB, backend="MTL"),)
    shared = plan_model(apus_shape("Q4_K_M"), apple, ram(160), PlanOptions(context=4096))
    assert shared.spec.mmap is None
    assert shared.host.repack_bytes > 5 * GIB


def test_a_file_that_is_repacked_is_read_where_it_fits() -> None:
    read = plan_apus("Q4_K_M", ram_gib=80, context=4096)
    assert (read.spec.mmap, read.spec.repack, read.host.repack_bytes) == (False, True, 0)
    assert plan_apus("Q4_K_M", ram_gib=20, context=4096).spec.mmap is None
    assert plan_apus("Q4_K_M", ram_gib=80, context=4096, repack=False).spec.mmap is None


def test_amx_tiles_are_counted(tmp_path: Path) -> None:
    """Plain matrices are copied into tiles; stacks, which the engine would take for a single one, must not be."""
    tiled = replace(ram(160), has_amx=True)
    plain = plan_model(apus_shape("Q4_K_M"), (), ram(160), PlanOptions(context=4096, mmap=True))
    found = plan_model(apus_shape("Q4_K_M"), (), tiled, PlanOptions(context=4096))
    assert found.spec.repack
    # Attention and output in types that no other processor repacks, and a little for the sums beside each block.
    assert 0.1 * GIB < found.host.repack_bytes - plain.host.repack_bytes < 4 * GIB
    path = write_arch(tmp_path / "model.gguf", "deepseek2")
    facts = read_model_shape((read_header(path),))
    assert plan_model(facts, (), ram(), PlanOptions()).spec.repack
    compressed = plan_model(facts, (), replace(ram(), has_amx=True), PlanOptions())
    assert (compressed.spec.repack, compressed.host.repack_bytes) == (False, 0)
    assert "repacking_off" not in compressed.reasons
    assert plan_model(facts, cards(8), replace(ram(), has_amx=True), PlanOptions()).spec.repack


def test_memory_shared_with_the_cpu_is_counted_once() -> None:
    apple = (Device("MTL0", 44 * GIB, backend="MTL", description="Apple M2 Max"),)
    assert plan_model(apus_shape("Q2_K"), apple, ram(60), PlanOptions(context=4096)).verdict == "gpu"
    assert plan_model(apus_shape("Q2_K"), apple, ram(20), PlanOptions(context=4096)).verdict == "does_not_fit"


def test_rehearsal_corrects_every_plan_of_the_model() -> None:
    facts, devices = apus_shape("Q2_K"), cards(24, 24)
    first = plan_model(facts, devices, ram(), PlanOptions(context=8192, pipeline=False))
    more = {device.name: device.compute_bytes + 300 * MIB for device in first.devices}
    reported = RehearsedPlan(first, Rehearsal(more, first.host.compute_bytes + 5 * MIB, False, True, 8192))
    second = plan_model(facts, devices, ram(), PlanOptions(context=8192, pipeline=False), reported)
    assert [device.compute_bytes for device in second.devices] == list(more.values())
    assert second.host.compute_bytes == first.host.compute_bytes + 5 * MIB
    larger = plan_model(facts, devices, ram(), PlanOptions(context=16384, pipeline=False), reported)
    estimated = plan_model(facts, devices, ram(), PlanOptions(context=16384, pipeline=False))
    for corrected, plain in zip(larger.devices, estimated.devices, strict=True):
        assert abs(corrected.compute_bytes - plain.compute_bytes - 300 * MIB) <= MIB
    elsewhere = plan_model(facts, cards(24), ram(), PlanOptions(context=8192), reported)
    assert (
        elsewhere.devices[0].compute_bytes
        == plan_model(facts, cards(24), ram(), PlanOptions(context=8192)).devices[0].compute_bytes
    )


def test_features_refused_in_the_rehearsal_are_not_planned() -> None:
    facts, devices = apus_shape("Q2_K"), cards(24, 24)
    first = plan_model(facts, devices, ram(), PlanOptions(context=8192))
    assert first.spec.pipeline
    compute = {device.name: device.compute_bytes for device in first.devices}
    reported = RehearsedPlan(first, Rehearsal(compute, first.host.compute_bytes, False, False, 8192))
    second = plan_model(facts, devices, ram(), PlanOptions(context=8192), reported)
    assert not second.spec.pipeline
    assert second.spec.flash_attention is False


def test_sliding_windows_have_their_own_size_only_where_that_keeps_more_on_the_gpus(tmp_path: Path) -> None:
    shape = read_model_shape((read_header(write_arch(tmp_path / "model.gguf", "gemma3")),))

    def plan(mib: int, **options: Any) -> LoadPlan:
        return plan_model(shape, simulated_devices((mib / 1024,)), ram(), PlanOptions(**options))

    roomy = plan(8000)
    assert (roomy.verdict, roomy.context, roomy.spec.full_windows) == ("gpu", 32768, True)
    tight = next(found for mib in range(8000, 0, -20) if (found := plan(mib)).spec.full_windows is False)
    assert (tight.verdict, tight.context, tight.kv_type) == ("gpu", 32768, "f16")
    assert "own_windows" in tight.reasons
    mib = tight.devices[0].free_bytes >> 20
    asked = plan(mib, full_windows=True)
    assert asked.spec.full_windows is True
    assert (asked.context, asked.kv_type) != (32768, "f16") or asked.verdict != "gpu"
    assert plan(8000, full_windows=False).spec.full_windows is False
    assert plan_apus("Q2_K", 24).spec.full_windows is True
