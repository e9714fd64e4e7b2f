"""Sentences about devices, plans and what fits.

``PLANS`` has one for each UserError code; what a plan means for a person is put together from its verdict and its
reasons, which are codes, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.translation import QT_TRANSLATE_NOOP
from app.units import rate_text, size_text

if TYPE_CHECKING:
    from model_manager.errors import UserError
    from model_manager.plan.load_plan import LoadPlan

PLANS: dict[str, str] = {
    # Devices
    "gpu_driver_broken": QT_TRANSLATE_NOOP(
        "errors",
        "A graphics driver made the engine crash or hang while it was looking for devices. Update the "
        "driver. Until then, only the CPU is used.",
    ),
    "gpus_need_backend": QT_TRANSLATE_NOOP(
        "errors", "You have {gpus}, but this build of the engine can't use it. Run {command} and restart the program."
    ),
    "gpus_need_driver": QT_TRANSLATE_NOOP(
        "errors", "You have {gpus}, but the engine finds no usable driver for it. Install or update the driver."
    ),
    "gpus_partly_used": QT_TRANSLATE_NOOP(
        "errors",
        "The engine detects other GPUs, but not {gpus}. Update the driver, and check that no setting "
        "hides GPUs (such as CUDA_VISIBLE_DEVICES).",
    ),
    "split_mode_unknown": QT_TRANSLATE_NOOP(
        "errors", "There is no split mode {split_mode}. Choose one of these: {known}."
    ),
    "split_mode_not_on_device": QT_TRANSLATE_NOOP(
        "errors", "{device} can't split layers by rows. Set the split mode to By layers."
    ),
    "rpc_server_silent": QT_TRANSLATE_NOOP(
        "errors",
        "The RPC server {server} accepts the connection but doesn't respond. It serves one program at "
        "a time. Close the other program, or unload its model.",
    ),
    "rpc_server_foreign": QT_TRANSLATE_NOOP(
        "errors",
        "{server} isn't an RPC server of this llama.cpp version. Start the one that matches this program's engine.",
    ),
    "rpc_server_other_version": QT_TRANSLATE_NOOP(
        "errors",
        "{server} uses RPC protocol version {theirs}, but this program's engine uses version {ours}. "
        "Start the server from the same llama.cpp version there.",
    ),
    "rpc_server_lost": QT_TRANSLATE_NOOP(
        "errors",
        "The device at {server} disconnected during the operation. Try again to load the model without it.",
    ),
    "rpc_address_wrong": QT_TRANSLATE_NOOP(
        "errors", "{text} isn't a valid address. Enter HOST:PORT, such as 192.168.1.20:50052."
    ),
    "gpus_pretended_wrong": QT_TRANSLATE_NOOP(
        "errors", "{text} isn't a valid list of simulated GPUs. Enter the free GiB of each GPU, such as 24, or none."
    ),
    # Loads
    "plan_needs_more_ram": QT_TRANSLATE_NOOP(
        "errors",
        "{path} wasn't loaded because it needs {needed_bytes} of RAM and only {available_bytes} are "
        "free. Close other programs, or choose a smaller quantisation or a shorter context.",
    ),
    "plan_wish_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "The manual settings don't fit: {device} is short of {lacking_bytes}. Go back to automatic, or put less on it.",
    ),
    # Rehearsal and bench
    "engine_too_slow": QT_TRANSLATE_NOOP(
        "errors", "The engine was stopped because it was still {phase} after {seconds} s. Try again."
    ),
    "bench_context_too_small": QT_TRANSLATE_NOOP(
        "errors",
        "The speed test needs a context of {needed} tokens, but only {context} are loaded. Choose a longer context.",
    ),
}

VERDICT_SENTENCES: dict[str, str] = {
    "gpu_one": QT_TRANSLATE_NOOP("errors", "Fits on {device} with {context} context, {left} left."),
    "gpu_two": QT_TRANSLATE_NOOP("errors", "Fits on your two GPUs with {context} context, {left} left on {device}."),
    "gpu_many": QT_TRANSLATE_NOOP(
        "errors", "Fits on your {cards} GPUs with {context} context, {left} left on {device}."
    ),
    "experts_in_ram": QT_TRANSLATE_NOOP(
        "errors",
        "Runs with {context} context and the experts of {experts} of its {layers} layers in RAM "
        "({ram}), the rest on the GPU: about {speed} tokens/s.",
    ),
    "layers_in_ram": QT_TRANSLATE_NOOP(
        "errors",
        "Runs with {context} context and {on_devices} of its {layers} layers on the GPU, the rest in "
        "RAM ({ram}): about {speed} tokens/s.",
    ),
    "processor_alone": QT_TRANSLATE_NOOP(
        "errors",
        "Runs on the CPU with {context} context and uses {ram} of RAM: about {speed} tokens/s.",
    ),
    "ram_too_small": QT_TRANSLATE_NOOP(
        "errors",
        "Doesn't fit: it needs {ram} of RAM, and {available} are free. Close other programs, or choose "
        "a smaller quantisation or a shorter context.",
    ),
    "wish_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "Doesn't fit with the manual settings: {device} is short of {lacking}. Go back to automatic, "
        "or put less on it.",
    ),
}
"""One sentence for what becomes of a plan."""

REASON_SENTENCES: dict[str, str] = {
    "context_above_trained": QT_TRANSLATE_NOOP(
        "errors", "The context is limited to the length the model was trained with."
    ),
    "smaller_context_fits_gpu": QT_TRANSLATE_NOOP(
        "errors", "With a shorter context it would fit entirely on the GPU and answer faster."
    ),
    "q8_0_fits_all": QT_TRANSLATE_NOOP("errors", "An 8-bit KV cache makes everything fit."),
    "q8_0_keeps_more": QT_TRANSLATE_NOOP("errors", "An 8-bit KV cache keeps more of it on the GPU."),
    "kv_type_impossible": QT_TRANSLATE_NOOP("errors", "This model can't use the selected KV cache type."),
    "flash_attention_needed": QT_TRANSLATE_NOOP(
        "errors", "Flash attention stays on because the selected KV cache type requires it."
    ),
    "device_unused": QT_TRANSLATE_NOOP("errors", "One of the GPUs isn't used."),
    "too_many_devices": QT_TRANSLATE_NOOP("errors", "The engine uses at most 16 GPUs; the largest ones are selected."),
    "repacking_off": QT_TRANSLATE_NOOP(
        "errors",
        "There isn't enough RAM for a second, faster copy of the weights, so long prompts are processed more slowly.",
    ),
    "cache_estimated": QT_TRANSLATE_NOOP(
        "errors", "Memory use for this type of model is an estimate; the actual amount may differ slightly."
    ),
    "split_mode_estimated": QT_TRANSLATE_NOOP("errors", "Memory use for this split mode is an estimate."),
    "speed_guessed": QT_TRANSLATE_NOOP("errors", "The GPU speed is an estimate."),
    "not_rehearsed": QT_TRANSLATE_NOOP("errors", "The engine hasn't confirmed these figures yet."),
}
"""Sentences added to the verdict.  Other reasons are part of the verdict itself."""

SAID_BY_THE_VERDICT = frozenset({"ram_too_small", "wish_too_large", "no_gpu", "context_chosen"})

REPLANNED = QT_TRANSLATE_NOOP("errors", "Not enough memory. Trying a smaller plan. {plan}")
WITHOUT_SERVER = QT_TRANSLATE_NOOP(
    "errors", "{server} isn't available right now, so the model is loaded without it. {plan}"
)

RECOMMENDATION_SENTENCES: dict[str, str] = {
    "best_on_gpus": QT_TRANSLATE_NOOP("errors", "Best quality that fits entirely on the GPU."),
    "best_at_usable_speed": QT_TRANSLATE_NOOP("errors", "Best quality that is fast enough when partly in RAM."),
    "smallest": QT_TRANSLATE_NOOP("errors", "Smallest version; the others would be even slower."),
    "finer_fits": QT_TRANSLATE_NOOP("errors", "A higher quality also fits."),
    "too_slow": QT_TRANSLATE_NOOP("errors", "Runs, but slowly."),
    "does_not_fit": QT_TRANSLATE_NOOP("errors", "Doesn't fit on this computer."),
}
"""Why a quantisation is recommended or is not."""


def plan_sentence(plan: LoadPlan, translate: Callable[[str], str]) -> str:
    """What a plan means for a person, with what there is to know about it; ``translate`` gets each English text."""
    more = (
        translate(REASON_SENTENCES[code]) for code in plan.reasons if code in REASON_SENTENCES and _matters(code, plan)
    )
    reported = verdict_sentence(plan, translate)
    for sentence in more:
        # A full stop of Chinese brings its own space.
        reported += sentence if reported.endswith("。") else f" {sentence}"
    return reported


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
        left=size_text(max(0, tightest.left_bytes)) if tightest else "",
        lacking=size_text(max(0, -tightest.left_bytes)) if tightest else "",
        cards=len(used),
        context=_tokens(plan.context),
        experts=len(plan.experts_in_ram),
        layers=plan.n_layer,
        on_devices=min(plan.n_gpu_layers, plan.n_layer),
        ram=size_text(plan.host.used_bytes),
        available=size_text(plan.host.available_bytes),
        speed=rate_text(plan.tokens_per_second_estimate),
    )


def replanned_sentence(plan: LoadPlan, translate: Callable[[str], str], because: UserError | None = None) -> str:
    """Memory ran out, or an RPC server is missing, and this plan is tried now: one line."""
    reported = verdict_sentence(plan, translate)
    if because is not None and because.code.startswith("rpc_"):
        return translate(WITHOUT_SERVER).format(server=because.data.get("server", ""), plan=reported)
    return translate(REPLANNED).format(plan=reported)


def recommendation_sentence(reason: str, translate: Callable[[str], str]) -> str:
    """Why a quantisation is recommended or is not."""
    return translate(RECOMMENDATION_SENTENCES[reason])


def _matters(code: str, plan: LoadPlan) -> bool:
    # Where a plan does not fit, only what to do about it is worth a sentence.
    return plan.verdict != "does_not_fit" or code in ("smaller_context_fits_gpu", "context_above_trained")


def _tokens(count: int) -> str:
    thousands = count / 1024
    return f"{thousands:.0f}k" if thousands >= 1 and count % 1024 == 0 else f"{count}"
