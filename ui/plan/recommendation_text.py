"""Texts of the recommended quantisation for this machine, and of a plan in the header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.planning.machine import Machine
from app.units import GIB, rate_text
from model_manager.devices.devices import HostMemory
from model_manager.hub.catalogue import find_entry
from model_manager.plan import LoadPlan, Recommendation
from ui.plan.strings import tokens_short

translate = QCoreApplication.translate


def recommended(recommendations: Sequence[Recommendation]) -> Recommendation | None:
    """Return the recommended one, None if none fits."""
    return next((each for each in recommendations if each.recommended), None)


def recommendation_text(recommendations: Sequence[Recommendation]) -> str:
    """Return the recommendation for this machine as a sentence, empty without plans."""
    if not recommendations:
        return ""
    best = recommended(recommendations)
    if best is None:
        return translate(
            "plan",
            "No quantisation of this model fits on this computer. Choose a smaller model, the starter "
            "model or a server.",
        )
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
    facts = []
    for (name, gib), count in gpus.items():
        text = f"{name}, {gib} GiB" if name else translate("plan", "GPU, {gib} GiB").format(gib=gib)
        facts.append(f"{count} × {text}" if count > 1 else text)
    facts.append(translate("plan", "{gib} GiB RAM").format(gib=round(host.total_bytes / GIB)))
    return translate("plan", "This computer: {facts}").format(facts=" · ".join(facts))


def place_text(plan: LoadPlan) -> str:
    """Return briefly where a plan places the model."""
    used = len(plan.used_devices)
    match plan.verdict:
        case "does_not_fit":
            return translate("plan", "doesn't fit")
        case "gpu" if used == 1:
            return translate("plan", "fits on the GPU")
        case "gpu":
            return translate("plan", "fits on {count} GPUs").format(count=used)
        case _ if used:
            return translate("plan", "partly in RAM")
        case _:
            return translate("plan", "CPU")
