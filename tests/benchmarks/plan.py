"""Time of a plan, its distance to the optimum, and its estimated against the measured speed.

python -m tests.benchmarks.plan [--out FILE]     about two minutes and 3.3 GiB of disk and RAM; close other programs
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from app.engine.local_engine import LocalEngine
from model_manager.devices.devices import Device, HostMemory, read_host, simulated_devices
from model_manager.devices.ram_bandwidth import measure_ram
from model_manager.gguf.header import read_header
from model_manager.gguf.header_stub import HeaderStub, header_stubs
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.library.starter import find_starter
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import MICRO_BATCHES, plan_model, plan_with_rehearsals
from model_manager.plan.speed import TURN_ANSWER, TURN_PROMPT
from tests.benchmarks.figures import Figure, at_least, at_most, report, reported
from tests.plan.test_targets import BOUND, CARD_GIB, CONTEXTS, LLAMA_CPP_FIT
from tests.rigs.apus_shapes import write_shape
from tests.rigs.big_moe import write_big_moe
from tests.rigs.rpc_device import serving

RUNS = 20
CARD = "NVIDIA GeForce RTX 3090"
GIB = 1 << 30


def planning() -> Figure:
    """Return the seconds for plans of the largest shape from its parsed header, for several machines."""
    header = reconstructed_header(APUS[-1])
    host = HostMemory(64 * GIB, 40e9, 8)
    medians: dict[str, object] = {}
    for gib in ((24, 24), (24, 16), (24, 12, 8), ()):
        times = []
        for _ in range(RUNS):
            begin = time.perf_counter()
            plan_model(read_model_shape((header,)), simulated_devices(gib), host, PlanOptions())
            times.append(time.perf_counter() - begin)
        medians["+".join(map(str, gib)) or "none"] = round(statistics.median(times), 4)
    worst = max(float(str(value)) for value in medians.values())
    return at_most("seconds for a plan", worst, 0.05, **medians)


def rehearsing(folder: Path) -> Figure:
    """Return the seconds for a rehearsed plan of the largest shape from its header, with the start of the child."""
    shape = folder / "shape.gguf"
    write_shape(shape, "Q4_K_M")
    headers = (read_header(shape),)
    with shape.open("rb") as file:
        stub = HeaderStub("remote.gguf", file.read(headers[0].data_offset), shape.stat().st_size)
    devices = tuple(Device(f"RPC{number}", 24 * GIB, backend="RPC") for number in range(2))
    host = HostMemory(96 * GIB, 40e9, 8)
    times = []
    with serving() as first, serving() as second, header_stubs([stub], folder) as path:
        for _ in range(5):
            begin = time.perf_counter()
            engine = LocalEngine(folder / "rehearsal.log")
            rehearse = partial(engine.rehearse, path)
            options = PlanOptions(context=8192, rpc_servers=(first, second))
            found, reported = plan_with_rehearsals(
                read_model_shape(headers), devices, host, options, lambda plan, rehearse=rehearse: rehearse(plan.spec)
            )
            times.append(time.perf_counter() - begin)
            engine.release()
            assert reported is not None
            assert found.verdict == "experts_in_ram"
    return at_most(
        "seconds for a rehearsed plan", statistics.median(times), 1.5, all=[round(each, 2) for each in times]
    )


def experts_in_ram() -> tuple[Figure, Figure]:
    """Return the numbers of layers with experts in RAM on two GPUs, above llama.cpp's fit and above the bound."""
    over_fit: list[int] = []
    over_bound: list[int] = []
    table: dict[str, object] = {}
    for entry in APUS:
        shape = read_model_shape((reconstructed_header(entry),))
        for kv_type in ("auto", "f16", "q8_0"):
            counts = []
            for place, context in enumerate(CONTEXTS):
                options = PlanOptions(context=context, kv_type=kv_type)  # type: ignore[arg-type]
                found = plan_model(shape, simulated_devices((CARD_GIB, CARD_GIB)), HostMemory(96 * GIB), options)
                counts.append(len(found.experts_in_ram))
                over_fit.append(counts[-1] - LLAMA_CPP_FIT[entry.quantisation][place])
                if kv_type != "auto":
                    over_bound.append(counts[-1] - BOUND[kv_type][entry.quantisation][place])
            table[f"{entry.quantisation} {kv_type}"] = counts
    return (
        at_most("layers in RAM beyond llama.cpp's fit", max(over_fit), 0, **table),
        at_most("layers in RAM beyond the bound", max(over_bound), 2),
    )


def reading() -> Figure:
    """Return the modelled speed of reading with the chosen micro-batch over that with the best one and cache type."""
    host, ratios, turns = HostMemory(160 * GIB, 60e9, 8), {}, []
    for entry in APUS:
        shape = read_model_shape((reconstructed_header(entry),))
        for gib, link in product(((24, 24), (24, 16), (24,), (16,), (24, 12, 8), (12, 12), (32,), (48,)), (24e9, 12e9)):
            cards = [replace(each, description=CARD, link_bytes_per_s=link) for each in simulated_devices(gib)]
            chosen = plan_model(shape, cards, host, PlanOptions(context=8192))
            if chosen.verdict == "gpu":
                continue
            fixed = (
                plan_model(shape, cards, host, PlanOptions(context=8192, kv_type=kv_type, micro_batch=size, batch=size))
                for kv_type, size in product(("f16", "q8_0"), (512, *MICRO_BATCHES))
            )
            others = [each for each in fixed if each.verdict == chosen.verdict]
            name = f"{entry.quantisation} {'+'.join(map(str, gib))} {link / 1e9:.0f} GB/s"
            ratios[name] = round(_reading(chosen) / max(map(_reading, others)), 3)
            turns.append(_turn_s(chosen) / min(map(_turn_s, others)))
    worst = min(ratios.values())
    return at_least("modelled reading over that of the best micro-batch", worst, 0.9, longest_turn=max(turns), **ratios)


def _reading(plan: LoadPlan) -> float:
    return plan.prompt_tokens_per_second_estimate


def _turn_s(plan: LoadPlan) -> float:
    return TURN_PROMPT / _reading(plan) + TURN_ANSWER / plan.tokens_per_second_estimate


def speed(folder: Path) -> list[Figure]:
    """Return estimated and measured tokens/s on this CPU, with one thread and with the automatic number."""
    starter = find_starter()
    assert starter is not None
    mixture = folder / "mixture.gguf"
    write_big_moe(mixture, n_layer=3)
    engine = LocalEngine(folder / "engine.log", gpus=False)
    figures = []
    for name, path, tokens in (("starter", starter, 64), ("random mixture of experts", mixture, 16)):
        for threads in (1, None):
            figures.append(reported(_speed(engine, name, path, tokens, threads)))
    engine.release()
    return figures


def _speed(engine: LocalEngine, name: str, path: Path, tokens: int, threads: int | None) -> Figure:
    # Other programs can only make it slower.
    speed = max((measure_ram() for _ in range(3)), key=lambda each: each.all_cores)
    options = PlanOptions(context=2048, threads=threads)
    expected = plan_model(read_model_shape(read_model(path)), (), read_host(speed=speed), options)
    list(engine.load(path, expected.spec))
    done = engine.bench(32, tokens, 5)
    real = max(done.tokens_per_second)  # other programs can only make it slower
    guess = expected.tokens_per_second_estimate
    return at_most(
        f"expected over measured speed or the reverse, {name}, {'one thread' if threads else 'all threads'}",
        max(guess / real, real / guess),
        1.3,
        expected=round(guess, 2),
        measured=[round(each, 2) for each in done.tokens_per_second],
        ram_gb_per_s=round(speed.all_cores / 1e9, 1),
        ram_gb_per_s_of_one_core=round(speed.one_core / 1e9, 1),
    )


def main() -> int:
    figures = [reported(planning()), *map(reported, experts_in_ram()), reported(reading())]
    with tempfile.TemporaryDirectory() as folder:
        figures.append(reported(rehearsing(Path(folder))))
        figures += speed(Path(folder))
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
