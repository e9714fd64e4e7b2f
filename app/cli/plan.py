"""``apus-chat devices``, ``plan``, ``recommend``, ``bench`` and ``models recommend``."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from app.cli.output import attributes, print_columns, print_json, print_note, print_result
from app.cli.progress import ProgressLine, cancel_on_interrupt
from app.config.paths import DataFolder
from app.downloads import ModelDownloads
from app.engine.local_engine import LocalEngine
from app.messages import sentence
from app.messages.plans import plan_sentence, recommendation_sentence, verdict_sentence
from app.planning.bench_report import Reporter, report_page
from app.planning.machine import Machine
from app.planning.open_models import ModelSuggestions, leads
from app.planning.planned_load import LoadRequest
from app.planning.published_model import PublishedHeaders
from app.planning.service import PlanningService
from app.planning.tuning import Measurement, Tuner, TuningResult
from app.units import rate_text, size_text
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import read_memory
from model_manager.disk.files import write_atomically
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.catalogue import find_entry
from model_manager.plan.engine_arguments import llama_server_command
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions


def run(folder: DataFolder, downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Run one of the commands.  Raises UserError as ``app.planning`` does, and Cancelled."""
    engine = LocalEngine(folder.logs / "engine.log")
    planning = PlanningService(
        folder, downloads.library, engine, lambda: downloads.settings.current.device_preferences()
    )
    for problem in planning.file_problems():
        print_note(problem)
    try:
        match arguments.command:
            case "devices":
                _devices(folder, planning, arguments)
            case "plan":
                _plan(planning, arguments)
            case "recommend":
                _recommend(planning, arguments)
            case "models":
                _recommend_models(downloads, planning, arguments)
            case _:
                _bench(downloads, planning, engine, arguments)
    finally:
        engine.release()


def plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """Return the options of a load."""
    return PlanOptions(
        context=arguments.context,
        kv_type=arguments.kv,
        devices=tuple(arguments.device or ()),
        rpc_servers=tuple(arguments.rpc or ()),
    )


def _devices(folder: DataFolder, planning: PlanningService, arguments: argparse.Namespace) -> None:
    machine = planning.machine(tuple(arguments.rpc or ()))
    found = list(_device_values(machine))
    if arguments.json:
        print_json(found)
        return
    print_columns(
        [
            (
                each["name"],
                each["kind"],
                f"{size_text(each['free_bytes'])} free of {size_text(each['total_bytes'])}",
                each["description"],
            )
            for each in found
        ]
    )
    for name, gpu in machine.nvidia_gpus.items():
        for process in gpu.processes:
            used = size_text(process.used_bytes) if process.used_bytes is not None else "memory"
            sys.stdout.write(f"{name}: {used} held by {process.name} ({process.pid})\n")
    memory = read_memory()
    sys.stdout.write(
        f"RAM: {size_text(memory.available_bytes)} available of {size_text(memory.total_bytes)}, swap "
        f"{size_text(memory.swap_free_bytes)} free of {size_text(memory.swap_total_bytes)}\n"
        f"disk: {size_text(shutil.disk_usage(folder.root).free)} free\n"
    )
    if machine.engine is not None:
        backends = ", ".join(machine.engine.backends)
        driver = f", NVIDIA driver {machine.nvidia.driver}" if machine.nvidia.driver else ""
        sys.stdout.write(f"{machine.engine.engine}, built for {backends}{driver}\n")
    for problem in (machine.hint, *machine.missing):
        if problem is not None:
            sys.stdout.write(f"{sentence(problem)}\n")


def _device_values(machine: Machine) -> Iterator[dict[str, Any]]:
    planned = {device.name: device for device in machine.devices}
    for device in machine.listed:
        values = {
            **attributes(device, "name", "kind", "total_bytes", "free_bytes", "backend", "description", "pci_bus_id"),
            "reserve_bytes": planned[device.name].reserve_bytes if device.name in planned else None,
        }
        if machine.is_simulated:
            values["backend"] = "pretended"
        if gpu := machine.nvidia_gpus.get(device.name):
            values["nvidia"] = {"driver": machine.nvidia.driver, **attributes(gpu)}
        yield values


def _plan(planning: PlanningService, arguments: argparse.Namespace) -> None:
    basis = planning.basis(
        arguments.model,
        tuple(arguments.rpc or ()),
        simulated_gpus=_simulated(arguments.gpu),
        simulated_ram=arguments.ram,
    )
    options = PlanOptions(context=arguments.context, kv_type=arguments.kv)
    plan = planning.rehearsed(basis, options).plan(options)
    if arguments.llama_server_args:
        sys.stdout.write(llama_server_command(plan.spec, str(basis.headers[0].path)) + "\n")
    elif arguments.json:
        print_json(plan.to_json())
    else:
        _print_plan(plan)


def _print_plan(plan: LoadPlan) -> None:
    sys.stdout.write(plan_sentence(plan, str) + "\n\n")
    rows: list[tuple[str, ...]] = [("", "weights", "KV cache", "compute", "reserve", "left", "layers")]
    rows += [
        (
            device.name,
            size_text(device.weights_bytes),
            size_text(device.kv_bytes),
            size_text(device.compute_bytes),
            size_text(device.reserve_bytes),
            size_text(device.left_bytes),
            f"{len(device.layers)}",
        )
        for device in plan.devices
    ]
    host = plan.host
    on_host = plan.n_layer + 1 - plan.n_gpu_layers
    in_ram = f"{on_host}" + (f", experts of {len(plan.experts_in_ram)} more" if plan.experts_in_ram else "")
    left = size_text(host.available_bytes - host.used_bytes)
    weights = size_text(host.weights_bytes + host.repack_bytes)
    rows.append(("RAM", weights, size_text(host.kv_bytes), size_text(host.compute_bytes), "", left, in_ram))
    projectors = {device.name: device.projector_bytes for device in plan.devices} | {"RAM": host.projector_bytes}
    if any(projectors.values()):
        sizes = {"": "pictures", **{name: size_text(n_bytes) for name, n_bytes in projectors.items()}}
        rows = [(*row[:4], sizes[row[0]], *row[4:]) for row in rows]
    print_columns(rows)


def _recommend(planning: PlanningService, arguments: argparse.Namespace) -> None:
    judged = planning.recommend(
        PlanOptions(context=arguments.context), simulated_gpus=_simulated(arguments.gpu), simulated_ram=arguments.ram
    )
    keys = ("id", "quantisation", "bytes", "recommended", "reason")
    print_result(
        arguments.json,
        [{**attributes(each, *keys), "plan": each.plan.to_json()} for each in judged],
        [
            (
                "*" if each.recommended else "",
                each.id,
                size_text(each.bytes),
                f"{recommendation_sentence(each.reason, str)} {verdict_sentence(each.plan, str)}",
            )
            for each in judged
        ],
    )


def _recommend_models(downloads: ModelDownloads, planning: PlanningService, arguments: argparse.Namespace) -> None:
    def access() -> Access:
        return downloads.access(arguments.endpoint)

    options = PlanOptions(context=arguments.context)
    machine: dict[str, Any] = {"simulated_gpus": _simulated(arguments.gpu), "simulated_ram": arguments.ram}
    token = CancelToken()
    with cancel_on_interrupt(token.cancel):
        found = ModelSuggestions(planning, PublishedHeaders(access), access).rank(options, token, **machine)
    home = planning.recommend(options, **machine)
    first = leads(home)
    if first is None and found.problem is not None:
        raise found.problem
    values = []
    if first is not None:
        entry = find_entry(first.id)
        assert entry is not None
        facts = {"name": entry.name, "repository": entry.repository, "licence": entry.licence}
        keys = ("id", "quantisation", "bytes")
        speed = first.plan.tokens_per_second_estimate
        values.append({**attributes(first, *keys), **facts, "fits": True, "tokens_per_second_estimate": speed})
    for each in found.models:
        values.append(
            {
                **attributes(each.published, "id", "quantisation", "bytes"),
                **attributes(each.model, "name", "repository", "licence", "year", "languages", "strength"),
                "fits": each.fits,
                "tokens_per_second_estimate": each.tokens_per_second,
                "plan": each.plan.to_json() if each.plan is not None else None,
            }
        )
    best = first or found.best
    for number, value in enumerate(values):
        value["recommended"] = best is not None and number == 0
    print_result(arguments.json, values, [_suggestion_row(each) for each in values])


def _suggestion_row(value: dict[str, Any]) -> tuple[str, ...]:
    speed = f"about {rate_text(value['tokens_per_second_estimate'])} tokens/s" if value["fits"] else "doesn't fit"
    name, size = f"{value['name']} {value['quantisation']}", size_text(value["bytes"])
    return "*" if value["recommended"] else "", name, size, speed, value["licence"] or "", value["id"]


def _bench(
    downloads: ModelDownloads, planning: PlanningService, engine: LocalEngine, arguments: argparse.Namespace
) -> None:
    file = downloads.library.resolve(arguments.model)
    options = planning.options_for(downloads.settings.current, file.id, plan_options(arguments))
    request, token = planning.load_request(file.path, options), CancelToken()
    if arguments.report:
        _report(planning, engine, request, token, Path(arguments.report))
        return
    tuner = Tuner(engine, planning.loader, token=token)
    result: TuningResult | None = None
    with (
        ProgressLine("bench", quiet=True) as line,
        cancel_on_interrupt(token.cancel) as interrupted,
        contextlib.suppress(Cancelled),
    ):
        result = tuner.run(
            request,
            lambda step: line.show_share(step.fraction, f"{step.change}, {step.number} of {step.count}"),
            tune=arguments.tune,
        )
    if interrupted or result is None:
        raise KeyboardInterrupt
    values = [each.to_json() for each in result.measured]
    present = {key: value for key, value in values[0].items() if key not in ("change", "problem")}
    tuned = {} if result.best is None else {"alternatives": values[1:], "best": result.best.change}
    rows = [_row(each, is_best=each is result.best) for each in result.measured]
    print_result(arguments.json, {**present, **tuned}, rows)


def _report(
    planning: PlanningService, engine: LocalEngine, request: LoadRequest, token: CancelToken, path: Path
) -> None:
    """Measure, and write the report as JSON and as a page beside it."""
    report: dict[str, Any] = {}
    with (
        ProgressLine("bench", quiet=True) as line,
        cancel_on_interrupt(token.cancel) as interrupted,
        contextlib.suppress(Cancelled),
    ):
        report = Reporter(planning, engine, request, lambda step, done: line.show_share(done, step), token).run()
    if interrupted or not report:
        raise KeyboardInterrupt
    page = path.with_suffix(".html")
    write_atomically(path, json.dumps(report, indent=1).encode())
    write_atomically(page, report_page(report).encode())
    sys.stdout.write(f"{path}\n{page}\n")


def _row(each: Measurement, *, is_best: bool) -> tuple[str, ...]:
    return (
        "*" if is_best else "",
        each.change,
        f"prompt {each.prompt_tokens_per_second:.1f} tokens/s",
        f"answer {each.tokens_per_second:.1f} tokens/s",
        sentence(each.problem) if isinstance(each.problem, UserError) else verdict_sentence(each.plan, str),
    )


def _simulated(gpus: Sequence[float | None] | None) -> tuple[float, ...] | None:
    return None if gpus is None else tuple(size for size in gpus if size is not None)
