"""Sentences about devices, plans and what fits.

``PLANS`` has one for each UserError code; what a plan means for a person is put together from its verdict and its
reasons, which are codes, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.messages.marking import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    from model_manager.errors import UserError
    from model_manager.plan.values import LoadPlan

PLANS: dict[str, str] = {
    # Devices
    "gpu_driver_broken": QT_TRANSLATE_NOOP(
        "errors",
        "The driver of a graphics card made the engine end or hang while it looked for devices. Update the driver; "
        "until then the processor alone is used.",
    ),
    "gpus_need_backend": QT_TRANSLATE_NOOP(
        "errors", "You have {gpus}, but this build of the engine cannot use that. Run {command} and start again."
    ),
    "gpus_need_driver": QT_TRANSLATE_NOOP(
        "errors", "You have {gpus}, but the engine sees no usable driver for that. Install or update the driver."
    ),
    "gpus_partly_used": QT_TRANSLATE_NOOP(
        "errors",
        "The engine does not see {gpus}, but other cards. Update the driver, and check that no setting hides cards "
        "(CUDA_VISIBLE_DEVICES and its like).",
    ),
    "split_mode_unknown": QT_TRANSLATE_NOOP("errors", "There is no split mode {split_mode}. Choose one of {known}."),
    "split_mode_not_on_device": QT_TRANSLATE_NOOP(
        "errors", "{device} cannot split layers by rows. Set the split mode to By layers."
    ),
    "rpc_server_silent": QT_TRANSLATE_NOOP(
        "errors",
        "The RPC server {server} takes the connection but says nothing. It serves one program at a time: end the other "
        "one, or release the model there.",
    ),
    "rpc_server_foreign": QT_TRANSLATE_NOOP(
        "errors",
        "{server} is no RPC server of this version of llama.cpp. Start the one that belongs to this program's engine.",
    ),
    "rpc_server_other_version": QT_TRANSLATE_NOOP(
        "errors",
        "{server} speaks version {theirs} of the RPC protocol, this program's engine version {ours}. Start the server "
        "of the same llama.cpp there.",
    ),
    "rpc_server_lost": QT_TRANSLATE_NOOP(
        "errors",
        "The device at {server} went away in the middle. Try again: the model is then loaded without it.",
    ),
    "rpc_address_wrong": QT_TRANSLATE_NOOP(
        "errors", "{text} is no address. Give HOST:PORT, such as 192.168.1.20:50052."
    ),
    "gpus_pretended_wrong": QT_TRANSLATE_NOOP(
        "errors", "{text} are no GPUs to pretend. Give the GiB free on each, such as 24, or none."
    ),
    # Loads
    "plan_needs_more_ram": QT_TRANSLATE_NOOP(
        "errors",
        "{path} would take {needed_bytes} of RAM here, and {available_bytes} are free, so it was not loaded. Close "
        "other programs, or choose a smaller quantisation or less context.",
    ),
    "plan_wish_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "As it was set by hand it does not fit: {device} lacks {lacking_bytes}. Go back to automatic, or put less on "
        "it.",
    ),
    # Rehearsal and bench
    "engine_too_slow": QT_TRANSLATE_NOOP(
        "errors", "The engine was ended, because after {seconds} s it was still {phase}. Try again."
    ),
    "rehearsal_failed": QT_TRANSLATE_NOOP(
        "errors", "The load of {path} could not be rehearsed{reason}. The estimate stands; load it to know for certain."
    ),
    "bench_context_too_small": QT_TRANSLATE_NOOP(
        "errors", "Measuring needs a context of {needed} tokens, but {context} are loaded. Choose a larger context."
    ),
}

VERDICT_SENTENCES: dict[str, str] = {
    "gpu_one": QT_TRANSLATE_NOOP("errors", "Fits on {device} with {context} context, {left} left."),
    "gpu_two": QT_TRANSLATE_NOOP("errors", "Fits on your two cards with {context} context, {left} left on {device}."),
    "gpu_many": QT_TRANSLATE_NOOP(
        "errors", "Fits on your {cards} cards with {context} context, {left} left on {device}."
    ),
    "experts_in_ram": QT_TRANSLATE_NOOP(
        "errors",
        "Runs with {context} context and the experts of {experts} of its {layers} layers in RAM ({ram}), the rest on "
        "the GPU: about {speed} tokens per second.",
    ),
    "layers_in_ram": QT_TRANSLATE_NOOP(
        "errors",
        "Runs with {context} context and {on_devices} of its {layers} layers on the GPU, the rest in RAM ({ram}): "
        "about {speed} tokens per second.",
    ),
    "processor_alone": QT_TRANSLATE_NOOP(
        "errors",
        "Runs on the processor with {context} context and takes {ram} of RAM: about {speed} tokens per second.",
    ),
    "ram_too_small": QT_TRANSLATE_NOOP(
        "errors",
        "Does not fit: it would take {ram} of RAM, and {available} are free. Close other programs, or choose a smaller "
        "quantisation or less context.",
    ),
    "wish_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "Does not fit as it was set by hand: {device} lacks {lacking}. Go back to automatic, or put less on it.",
    ),
}
"""One sentence for what becomes of a plan."""

REASON_SENTENCES: dict[str, str] = {
    "context_above_trained": QT_TRANSLATE_NOOP("errors", "The model was trained for no more context than that."),
    "smaller_context_fits_gpu": QT_TRANSLATE_NOOP(
        "errors", "With less context it would fit on the GPU alone and answer faster."
    ),
    "q8_0_fits_all": QT_TRANSLATE_NOOP("errors", "A KV cache of 8 bits makes everything fit."),
    "q8_0_keeps_more": QT_TRANSLATE_NOOP("errors", "A KV cache of 8 bits keeps more of it on the GPU."),
    "kv_type_impossible": QT_TRANSLATE_NOOP("errors", "This model cannot use the KV cache type that was set."),
    "flash_attention_needed": QT_TRANSLATE_NOOP(
        "errors", "Flash attention stays on, because the KV cache type that was set needs it."
    ),
    "device_unused": QT_TRANSLATE_NOOP("errors", "One of the cards stays empty."),
    "too_many_devices": QT_TRANSLATE_NOOP("errors", "The engine uses at most 16 cards; the largest were taken."),
    "repacking_off": QT_TRANSLATE_NOOP(
        "errors", "RAM has no room for a second, faster copy of the weights, so long prompts are read more slowly."
    ),
    "cache_estimated": QT_TRANSLATE_NOOP(
        "errors", "The memory of this kind of model is estimated; it may take a little more or less."
    ),
    "split_mode_estimated": QT_TRANSLATE_NOOP("errors", "The memory of this split mode is estimated."),
    "speed_guessed": QT_TRANSLATE_NOOP("errors", "The speed of the GPU is a guess."),
    "not_rehearsed": QT_TRANSLATE_NOOP("errors", "The engine has not confirmed these figures yet."),
}
"""What is added to it.  The reasons that are not here are told by the sentence itself."""

SAID_BY_THE_VERDICT = frozenset({"ram_too_small", "wish_too_large", "no_gpu", "context_chosen"})

REPLANNED = QT_TRANSLATE_NOOP("errors", "Memory ran out, so a smaller plan is tried. {plan}")
WITHOUT_SERVER = QT_TRANSLATE_NOOP("errors", "{server} cannot be used now, so the model is loaded without it. {plan}")

RECOMMENDATION_SENTENCES: dict[str, str] = {
    "best_on_gpus": QT_TRANSLATE_NOOP("errors", "The best quality that fits on the GPU alone."),
    "best_at_usable_speed": QT_TRANSLATE_NOOP("errors", "The best quality that is fast enough with a part in RAM."),
    "smallest": QT_TRANSLATE_NOOP("errors", "The smallest; the others would be slower still."),
    "finer_fits": QT_TRANSLATE_NOOP("errors", "A better quality fits as well."),
    "too_slow": QT_TRANSLATE_NOOP("errors", "It would run, but slowly."),
    "does_not_fit": QT_TRANSLATE_NOOP("errors", "Does not fit on this machine."),
}
"""Why a quantisation is recommended or is not."""


def plan_sentence(plan: LoadPlan, translate: Callable[[str], str]) -> str:
    """What a plan means for a person, with what there is to know about it; ``translate`` gets each English text."""
    more = (
        translate(REASON_SENTENCES[code]) for code in plan.reasons if code in REASON_SENTENCES and _matters(code, plan)
    )
    told = verdict_sentence(plan, translate)
    for sentence in more:
        # A full stop of Chinese brings its own space.
        told += sentence if told.endswith("。") else f" {sentence}"
    return told


def verdict_sentence(plan: LoadPlan, translate: Callable[[str], str]) -> str:
    """The first of those sentences alone, for a row of a list."""
    used = plan.used_devices
    match plan.verdict:
        case "gpu":
            code = {1: "gpu_one", 2: "gpu_two"}.get(len(used), "gpu_many")
        case "does_not_fit":
            code = "wish_too_large" if "wish_too_large" in plan.reasons else "ram_too_small"
        case "layers_in_ram" if not used:
            code = "processor_alone"
        case verdict:
            code = verdict
    tightest = min(used, key=lambda device: device.left_bytes, default=None)
    return translate(VERDICT_SENTENCES[code]).format(
        device=tightest.name if tightest else "",
        left=_gib(max(0, tightest.left_bytes)) if tightest else "",
        lacking=_gib(max(0, -tightest.left_bytes)) if tightest else "",
        cards=len(used),
        context=_tokens(plan.context),
        experts=len(plan.experts_in_ram),
        layers=plan.n_layer,
        on_devices=min(plan.n_gpu_layers, plan.n_layer),
        ram=_gib(plan.host.used_bytes),
        available=_gib(plan.host.available_bytes),
        speed=_speed(plan.tokens_per_second_estimate),
    )


def replanned_sentence(plan: LoadPlan, translate: Callable[[str], str], because: UserError | None = None) -> str:
    """Memory ran out, or an RPC server is missing, and this plan is tried now: one line."""
    told = verdict_sentence(plan, translate)
    if because is not None and because.code.startswith("rpc_"):
        return translate(WITHOUT_SERVER).format(server=because.data.get("server", ""), plan=told)
    return translate(REPLANNED).format(plan=told)


def recommendation_sentence(reason: str, translate: Callable[[str], str]) -> str:
    """Why a quantisation is recommended or is not."""
    return translate(RECOMMENDATION_SENTENCES[reason])


def _matters(code: str, plan: LoadPlan) -> bool:
    # Where a plan does not fit, only what to do about it is worth a sentence.
    return plan.verdict != "does_not_fit" or code in ("smaller_context_fits_gpu", "context_above_trained")


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 30):.1f} GiB"


def _tokens(count: int) -> str:
    thousands = count / 1024
    return f"{thousands:.0f}k" if thousands >= 1 and count % 1024 == 0 else f"{count}"


def _speed(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
