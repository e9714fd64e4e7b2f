"""Texts of the memory plan: sizes, devices, figures of a bar, and the recommended quantisation.

The sentences about a plan come from ``app.messages.plans``; here devices get the names that the window uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QLocale

from app.messages.plans import plan_sentence, verdict_sentence
from app.planning.machine import Machine
from app.units import GIB, rate_text, size_text
from model_manager.devices.devices import HostMemory
from model_manager.hub.catalogue import find_entry
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.recommendation import Recommendation
from ui.plan.bar_data import Bar, PartKind, Parts, short_description
from ui.widgets.error_text import translate_message
from ui.widgets.formats import list_text

translate = QCoreApplication.translate


def sentences(plan: LoadPlan, numbers: Mapping[str, int], *, is_loaded: bool = False) -> tuple[str, str]:
    """Return the verdict of a plan and further notes.

    ``numbers`` come from ``device_numbers``.  For a loaded plan the note that it is only estimated is left out.
    """
    if is_loaded:
        plan = replace(plan, reasons=tuple(reason for reason in plan.reasons if reason != "not_rehearsed"))
    named = tuple(replace(device, name=device_name(device.name, numbers.get(device.name))) for device in plan.devices)
    plan = replace(plan, devices=named)
    verdict = verdict_sentence(plan, translate_message)
    return verdict, plan_sentence(plan, translate_message).removeprefix(verdict).strip()


def device_name(name: str, number: int | None) -> str:
    """Return the displayed name of a device; an empty name is the RAM of this machine."""
    if not name:
        return translate("plan", "RAM")
    return name if number is None else translate("plan", "GPU {number}").format(number=number)


def bar_title(bar: Bar) -> str:
    """Return the device's displayed name with its model name, if known."""
    name, description = device_name(bar.name, bar.number), short_description(bar.description)
    return f"{name} · {description}" if description else name


def layers_text(bar: Bar) -> str:
    """Describe briefly which parts of the model are there."""
    if bar.is_ram:
        return _ram_text(bar)
    if not bar.is_on:
        return translate("plan", "not used")
    if not bar.layers:
        return translate("plan", "output") if bar.has_output else translate("plan", "empty")
    text = _range_text(bar.layers)
    return translate("plan", "{layers} + output").format(layers=text) if bar.has_output else text


def _ram_text(bar: Bar) -> str:
    if bar.has_output:
        return translate("plan", "the whole model")
    parts = [_range_text(bar.layers)] if bar.layers else []
    if bar.experts == 1:
        parts.append(translate("plan", "experts of 1 layer"))
    elif bar.experts:
        parts.append(translate("plan", "experts of {count} layers").format(count=bar.experts))
    return list_text(parts) or translate("plan", "token embedding")


def _range_text(layers: Sequence[int]) -> str:
    if len(layers) == 1:
        return translate("plan", "layer {number}").format(number=layers[0])
    return translate("plan", "layers {first}–{last}").format(first=layers[0], last=layers[-1])


def used_text(bar: Bar) -> str:
    """Return used and total memory."""
    total = gib(bar.total_bytes)
    if not bar.used_bytes:
        return size_text(bar.total_bytes)
    return translate("plan", "{used} of {total} GiB").format(used=gib(bar.used_bytes), total=total)


def left_text(bar: Bar) -> str:
    """Return the memory left, or by how much the plan exceeds it."""
    if bar.left_bytes < 0:
        text = translate("plan", "{size} over {limit}")
        return text.format(size=size_text(-bar.left_bytes), limit=size_text(max(0, bar.limit_bytes)))
    if not bar.is_on:
        return ""
    return translate("plan", "{size} left").format(size=size_text(bar.left_bytes))


def actual_text(bar: Bar, actual: Parts, *, as_forecast: bool) -> str:
    """Return estimated and actual memory, or what is loaded if the plan was changed since."""
    if as_forecast:
        text = translate("plan", "estimated {estimate} · actual {real}")
    else:
        text = translate("plan", "currently loaded: {real}")
    return text.format(estimate=gib(sum(bar.parts.values())), real=gib(sum(actual.values())))


def part_name(kind: PartKind) -> str:
    """Return the name of a part of a bar."""
    names: dict[PartKind, str] = {
        "weights": translate("plan", "Model weights"),
        "kv": translate("plan", "Conversation (KV cache)"),
        "compute": translate("plan", "Working memory"),
        "projector": translate("plan", "Picture reader"),
        "repack": translate("plan", "Repacked weights"),
        "shared": translate("plan", "GPU sharing this RAM"),
        "over": translate("plan", "Over the limit"),
        "reserve": translate("plan", "Kept free"),
        "other": translate("plan", "Other programs"),
        "limit": translate("plan", "Limit"),
    }
    return names[kind]


def bar_tip(bar: Bar, *, as_forecast: bool) -> str:
    """Return all figures of a bar, one per line."""
    head = device_name(bar.name, bar.number)
    head = f"{head} · {bar.description}" if bar.description else head
    return "\n".join((head, *_figures(bar, as_forecast=as_forecast)))


def bar_description(bar: Bar, *, as_forecast: bool) -> str:
    """Return a bar as text for screen readers."""
    used = [used_text(bar)] if bar.used_bytes else []
    return "; ".join((bar_title(bar), layers_text(bar), *used, *_figures(bar, as_forecast=as_forecast)))


def _figures(bar: Bar, *, as_forecast: bool) -> Iterator[str]:
    """Describe all parts of a bar, after a load with estimated and actual memory."""
    if as_forecast:
        with_actual = translate("plan", "{name}: estimated {estimate}, actual {real}")
    else:
        with_actual = translate("plan", "{name}: {estimate}, currently loaded {real}")
    for kind, n_bytes in bar.parts.items():
        real = bar.actual.get(kind, 0) if bar.actual is not None and kind != "shared" else None
        if n_bytes or real:
            text = "{name}: {estimate}" if real is None else with_actual
            yield text.format(name=part_name(kind), estimate=size_text(n_bytes), real=size_text(real or 0))
    if bar.reserve_bytes:
        yield f"{part_name('reserve')}: {size_text(bar.reserve_bytes)}"
    if bar.other_bytes:
        yield f"{part_name('other')}: {size_text(bar.other_bytes)}"
    left = part_name("over") if bar.left_bytes < 0 else translate("plan", "Remaining")
    yield f"{left}: {size_text(abs(bar.left_bytes))}"


def gib(n_bytes: int) -> str:
    """Format as GiB with one decimal, without the unit."""
    return f"{n_bytes / GIB:.1f}"


def tokens_short(count: int) -> str:
    """Format a context length briefly: 16k."""
    if count % (1 << 20) == 0:
        return f"{count >> 20}M"
    return f"{count >> 10}k" if count % 1024 == 0 else str(count)


def tokens_text(count: int) -> str:
    """Format a context length with its unit."""
    return translate("plan", "{count} tokens").format(count=QLocale().toString(count))


def recommendation_text(best: Recommendation) -> str:
    """Return the recommended quantisation for this machine as a sentence."""
    entry = find_entry(best.id)
    values = {
        "quantisation": best.quantisation,
        "model": entry.name if entry is not None else best.id,
        "context": tokens_short(best.plan.context),
        "speed": rate_text(best.plan.tokens_per_second_estimate),
        "count": len(best.plan.used_devices),
    }
    return _sentence(best).format(**values)


def _sentence(best: Recommendation) -> str:
    match best.reason, len(best.plan.used_devices):
        case "best_on_gpus", 1:
            return translate("plan", "{quantisation} fits on your GPU with {context} context, about {speed} tokens/s.")
        case "best_on_gpus", 2:
            return translate(
                "plan", "{quantisation} fits on your two GPUs with {context} context, about {speed} tokens/s."
            )
        case "best_on_gpus", _:
            return translate(
                "plan", "{quantisation} fits on your {count} GPUs with {context} context, about {speed} tokens/s."
            )
        case "best_at_usable_speed", 0:
            return translate("plan", "{quantisation} runs on the CPU with {context} context, about {speed} tokens/s.")
        case "best_at_usable_speed", _:
            return translate(
                "plan", "{quantisation} runs partly in RAM with {context} context, about {speed} tokens/s."
            )
        case _:
            return translate(
                "plan",
                "Only {quantisation} runs on this computer, but slowly: about {speed} tokens/s. A smaller "
                "model or a server answers faster.",
            )


def computer_text(machine: Machine, host: HostMemory) -> str:
    """Return a line about the GPUs and RAM of this machine."""
    gpus = Counter(
        (device.description, round((device.total_bytes or device.free_bytes) / GIB)) for device in machine.devices
    )
    hardware = []
    for (name, gib), count in gpus.items():
        text = f"{name}, {gib} GiB" if name else translate("plan", "GPU, {gib} GiB").format(gib=gib)
        hardware.append(f"{count} × {text}" if count > 1 else text)
    hardware.append(translate("plan", "{size} RAM").format(size=size_text(host.total_bytes)))
    return translate("plan", "This computer: {hardware}").format(hardware=" · ".join(hardware))


def place_text(plan: LoadPlan) -> str:
    """Return briefly where a plan places the model."""
    used = len(plan.used_devices)
    match plan.verdict:
        case "does_not_fit":
            return translate("plan", "Doesn't fit")
        case "gpu" if used == 1:
            return translate("plan", "fits on the GPU")
        case "gpu":
            return translate("plan", "fits on {count} GPUs").format(count=used)
        case _ if used:
            return translate("plan", "partly in RAM")
        case _:
            return translate("plan", "CPU")
