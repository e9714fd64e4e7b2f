"""Which quantisation of the home model to take on this machine, in a sentence; and a plan in the header's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.planning.machine import GIB, Machine
from model_manager.hub.catalogue import find_entry
from model_manager.plan import LoadPlan, Recommendation
from ui.plan.strings import tokens_short

translate = QCoreApplication.translate


def recommended_of(judged: Sequence[Recommendation]) -> Recommendation | None:
    """The one to take, None where none fits or nobody judged yet."""
    return next((each for each in judged if each.recommended), None)


def advice(judged: Sequence[Recommendation]) -> str:
    """What to take on this machine; empty where nobody judged yet."""
    if not judged:
        return ""
    best = recommended_of(judged)
    if best is None:
        return translate(
            "model_advice",
            "No quantisation of this model fits on this computer. Choose a smaller model, the starter "
            "model or a server.",
        )
    entry = find_entry(best.id)
    facts = {
        "quantisation": best.quantisation,
        "model": entry.name if entry is not None else best.id,
        "context": tokens_short(best.plan.context),
        "speed": speed_text(best.plan.tokens_per_second_estimate),
        "count": len(best.plan.used_devices),
    }
    return _sentence(best).format(**facts)


def _sentence(best: Recommendation) -> str:
    match best.reason, len(best.plan.used_devices):
        case "best_on_gpus", 1:
            return translate(
                "model_advice",
                "{quantisation} fits on your GPU with {context} context, about {speed} tokens/s.",
            )
        case "best_on_gpus", 2:
            return translate(
                "model_advice",
                "{quantisation} fits on your two GPUs with {context} context, about {speed} tokens/s.",
            )
        case "best_on_gpus", _:
            return translate(
                "model_advice",
                "{quantisation} fits on your {count} GPUs with {context} context, about {speed} tokens/s.",
            )
        case "best_at_usable_speed", 0:
            return translate(
                "model_advice",
                "{quantisation} runs on the CPU with {context} context, about {speed} tokens/s.",
            )
        case "best_at_usable_speed", _:
            return translate(
                "model_advice",
                "{quantisation} runs partly in RAM with {context} context, about {speed} tokens/s.",
            )
        case _:
            return translate(
                "model_advice",
                "Only {quantisation} runs on this computer, but slowly: about {speed} tokens/s. A smaller "
                "model or a server answers faster.",
            )


def computer_text(machine: Machine, ram_bytes: int) -> str:
    """What this machine has for a model, in a line: its cards, and its RAM in bytes."""
    cards = Counter(
        (device.description, round(machine.total_bytes.get(device.name, device.free_bytes) / GIB))
        for device in machine.devices
    )
    facts = []
    for (name, gib), count in cards.items():
        text = f"{name}, {gib} GiB" if name else translate("model_advice", "GPU, {gib} GiB").format(gib=gib)
        facts.append(f"{count} × {text}" if count > 1 else text)
    facts.append(translate("model_advice", "{gib} GiB RAM").format(gib=round(ram_bytes / GIB)))
    return translate("model_advice", "This computer: {facts}").format(facts=" · ".join(facts))


def place_text(plan: LoadPlan) -> str:
    """Where a plan puts a model, in the few words that the header has room for."""
    used = len(plan.used_devices)
    match plan.verdict:
        case "does_not_fit":
            return translate("model_advice", "doesn't fit")
        case "gpu" if used == 1:
            return translate("model_advice", "fits on the GPU")
        case "gpu":
            return translate("model_advice", "fits on {count} GPUs").format(count=used)
        case _ if used:
            return translate("model_advice", "partly in RAM")
        case _:
            return translate("model_advice", "CPU")


def speed_text(speed: float) -> str:
    """Tokens a second as exactly as an estimate deserves."""
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
