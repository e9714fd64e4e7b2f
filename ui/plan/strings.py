"""The words of the picture of a plan, in the language of the moment: sizes, devices, figures of a bar.

Pure functions.  The sentence above the picture is made in ``app.messages.plans`` like everything else that is said of a
plan; here its devices get the names that the picture has for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QLocale

from app.messages.plans import plan_sentence, verdict_sentence
from model_manager.plan import LoadPlan
from ui.plan.figures import GIB, Bar, PartKind, Parts, short_description
from ui.widgets.error_text import CONTEXT

translate = QCoreApplication.translate

MIB = 1 << 20


def sentences(plan: LoadPlan, numbers: Mapping[str, int], *, is_loaded: bool = False) -> tuple[str, str]:
    """What becomes of a plan, and what else there is to know about it.

    ``numbers`` of the devices as ``device_numbers`` finds them.  Of a loaded one it is not said that the engine has yet
    to confirm its figures.
    """
    if is_loaded:
        plan = replace(plan, reasons=tuple(reason for reason in plan.reasons if reason != "not_rehearsed"))
    named = tuple(replace(device, name=device_name(device.name, numbers.get(device.name))) for device in plan.devices)
    plan = replace(plan, devices=named)
    verdict = verdict_sentence(plan, _translated)
    return verdict, plan_sentence(plan, _translated).removeprefix(verdict).strip()


def _translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)


def device_name(name: str, number: int | None) -> str:
    """A device as the picture calls it; an empty name is this machine's RAM."""
    if not name:
        return translate("plan_words", "RAM")
    return name if number is None else translate("plan_words", "GPU {number}").format(number=number)


def bar_name(bar: Bar) -> str:
    """The same for a bar."""
    return device_name(bar.name, bar.number)


def bar_title(bar: Bar) -> str:
    """With the card's own name, where it has one."""
    description = short_description(bar.description)
    return f"{bar_name(bar)} · {description}" if description else bar_name(bar)


def layers_text(bar: Bar) -> str:
    """What of the model lies there, shortly."""
    if bar.is_ram:
        return _ram_text(bar)
    if not bar.is_on:
        return translate("plan_words", "not used")
    if not bar.layers:
        return translate("plan_words", "output") if bar.has_output else translate("plan_words", "empty")
    text = _range_text(bar.layers)
    return translate("plan_words", "{layers} + output").format(layers=text) if bar.has_output else text


def _ram_text(bar: Bar) -> str:
    if bar.has_output:
        return translate("plan_words", "the whole model")
    parts = [_range_text(bar.layers)] if bar.layers else []
    if bar.experts == 1:
        parts.append(translate("plan_words", "experts of 1 layer"))
    elif bar.experts:
        parts.append(translate("plan_words", "experts of {count} layers").format(count=bar.experts))
    return ", ".join(parts) or translate("plan_words", "token embedding")


def _range_text(layers: Sequence[int]) -> str:
    if len(layers) == 1:
        return translate("plan_words", "layer {number}").format(number=layers[0])
    return translate("plan_words", "layers {first}–{last}").format(first=layers[0], last=layers[-1])


def used_text(bar: Bar) -> str:
    """How much of it is taken, for the right of the bar."""
    total = gib(bar.total_bytes)
    if not bar.used_bytes:
        return size_text(bar.total_bytes)
    return translate("plan_words", "{used} of {total} GiB").format(used=gib(bar.used_bytes), total=total)


def left_text(bar: Bar) -> str:
    """How much room is left, or how much there is too much."""
    if bar.left_bytes < 0:
        return translate("plan_words", "{size} over capacity").format(size=size_text(-bar.left_bytes))
    if not bar.is_on:
        return ""
    return translate("plan_words", "{size} left").format(size=size_text(bar.left_bytes))


def both_text(bar: Bar, actual: Parts, *, as_forecast: bool) -> str:
    """What was expected beside what the engine took; or, when the plan has moved on, what is loaded meanwhile."""
    if as_forecast:
        text = translate("plan_words", "estimated {forecast} · actual {real}")
    else:
        text = translate("plan_words", "currently loaded: {real}")
    return text.format(forecast=gib(bar.parts.total), real=gib(actual.total))


def part_name(kind: PartKind) -> str:
    """A part of a bar, for the legend."""
    names: dict[PartKind, str] = {
        "weights": translate("plan_words", "Weights"),
        "kv": translate("plan_words", "KV cache"),
        "compute": translate("plan_words", "Compute buffers"),
        "shared": translate("plan_words", "GPU sharing this RAM"),
        "over": translate("plan_words", "Over capacity"),
        "reserve": translate("plan_words", "Reserved"),
        "other": translate("plan_words", "Other programs"),
        "limit": translate("plan_words", "Limit"),
    }
    return names[kind]


def bar_tip(bar: Bar, *, as_forecast: bool) -> str:
    """Every figure of a bar to the mebibyte, a line each."""
    head = bar_name(bar)
    if bar.name and bar.name != head:
        head = f"{head} ({bar.name})"
    lines = [f"{head} · {bar.description}" if bar.description else head]
    for name, forecast, real in figures_of(bar):
        if real is None:
            lines.append(f"{name}: {_mib(forecast)}")
        elif as_forecast:
            text = translate("plan_words", "{name}: estimated {forecast}, actual {real}")
            lines.append(text.format(name=name, forecast=_mib(forecast), real=_mib(real)))
        else:
            text = translate("plan_words", "{name}: {forecast}, currently loaded {real}")
            lines.append(text.format(name=name, forecast=_mib(forecast), real=_mib(real)))
    return "\n".join(lines)


def figures_of(bar: Bar) -> list[tuple[str, int, int | None]]:
    """The name, the forecast and, after a load, the real number of bytes of everything a bar shows."""
    real = bar.actual
    parts: list[tuple[str, int, int | None]] = [
        (part_name("weights"), bar.parts.weights, real.weights if real else None),
        (part_name("kv"), bar.parts.kv, real.kv if real else None),
        (part_name("compute"), bar.parts.compute, real.compute if real else None),
        (translate("plan_words", "Repacked weights"), bar.parts.repack, real.repack if real else None),
        (part_name("shared"), bar.shared_bytes, None),
    ]
    found = [part for part in parts if part[1] or part[2]]
    found += [(part_name("reserve"), bar.reserve_bytes, None)] if bar.reserve_bytes else []
    found += [(part_name("other"), bar.other_bytes, None)] if bar.other_bytes else []
    if bar.left_bytes < 0:
        found.append((part_name("over"), -bar.left_bytes, None))
    else:
        found.append((translate("plan_words", "Remaining"), bar.left_bytes, None))
    return found


def bar_in_words(bar: Bar, *, as_forecast: bool) -> str:
    """A bar for those who cannot see it."""
    parts = [bar_title(bar), layers_text(bar)]
    if bar.used_bytes:
        parts.append(used_text(bar))
    for name, forecast, real in figures_of(bar):
        if real is None:
            parts.append(f"{name} {size_text(forecast)}")
        elif as_forecast:
            text = translate("plan_words", "{name} {forecast}, actual {real}")
            parts.append(text.format(name=name, forecast=size_text(forecast), real=size_text(real)))
        else:
            text = translate("plan_words", "{name} {forecast}, currently loaded {real}")
            parts.append(text.format(name=name, forecast=size_text(forecast), real=size_text(real)))
    return "; ".join(parts)


def gib(n_bytes: int) -> str:
    """GiB with one decimal, without the unit."""
    return f"{n_bytes / GIB:.1f}"


def size_text(n_bytes: int) -> str:
    """GiB, or MiB where that is less than a tenth."""
    return f"{n_bytes / GIB:.1f} GiB" if n_bytes >= GIB // 10 or not n_bytes else f"{n_bytes / MIB:.0f} MiB"


def _mib(n_bytes: int) -> str:
    return f"{QLocale().toString(n_bytes / MIB, 'f', 0)} MiB"


def tokens_short(count: int) -> str:
    """A context in a few characters: 16k."""
    if count % (1 << 20) == 0:
        return f"{count >> 20}M"
    return f"{count >> 10}k" if count % 1024 == 0 else str(count)


def tokens_text(count: int) -> str:
    """A context with its unit."""
    return translate("plan_words", "{count} tokens").format(count=QLocale().toString(count))
