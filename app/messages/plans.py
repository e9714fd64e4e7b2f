"""Sentences about plans: verdict, reasons and recommendation."""

from __future__ import annotations

from app.messages import Translate
from app.translation import QT_TR_NOOP
from app.units import rate_text, size_text
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan

VERDICT_SENTENCES: dict[str, str] = {
    "gpu_one": QT_TR_NOOP("Fits on {device} with {context} context, {left} left."),
    "gpu_two": QT_TR_NOOP("Fits on your two GPUs with {context} context, {left} left on {device}."),
    "gpu_many": QT_TR_NOOP("Fits on your {count} GPUs with {context} context, {left} left on {device}."),
    "experts_in_ram": QT_TR_NOOP(
        "About {speed} tokens/s with {context} context. The experts of {experts} of its {layers} layers are in RAM "
        "({ram}), the rest is on the GPU; it reads prompts at {reading} tokens/s."
    ),
    "layers_in_ram": QT_TR_NOOP(
        "About {speed} tokens/s with {context} context. {on_devices} of its {layers} layers are on the GPU, the rest "
        "is in RAM ({ram}); it reads prompts at {reading} tokens/s."
    ),
    "processor_alone": QT_TR_NOOP(
        "About {speed} tokens/s with {context} context. It runs on the CPU and uses {ram} of RAM; it reads prompts at "
        "{reading} tokens/s."
    ),
    "ram_too_small": QT_TR_NOOP(
        "Doesn't fit: it needs {ram} of RAM, and {available} are free; other programs use the rest. What doesn't fit "
        "would be read from the disk again for every token, which is very slow. Close other programs, or choose a "
        "smaller model or a shorter context."
    ),
    "larger_than_ram": QT_TR_NOOP(
        "Doesn't fit: it needs {ram} of RAM, and this computer has {total}. What doesn't fit would be read from the "
        "disk again for every token, which is very slow. Choose a smaller model, or use a server."
    ),
    "wish_too_large": QT_TR_NOOP(
        "Doesn't fit: {device} needs {lacking} more memory for the manual settings. Reset to automatic, or place "
        "fewer layers on it."
    ),
}
"""Sentences for the verdicts."""

REASON_SENTENCES: dict[str, str] = {
    "context_above_trained": QT_TR_NOOP("The context is limited to the length the model was trained with."),
    "smaller_context_fits_gpu": QT_TR_NOOP(
        "With a shorter context it would fit entirely on the GPU and answer faster."
    ),
    "q8_0_fits_all": QT_TR_NOOP("An 8-bit KV cache makes everything fit."),
    "q8_0_keeps_more": QT_TR_NOOP("An 8-bit KV cache keeps more of it on the GPU."),
    "own_windows": QT_TR_NOOP(
        "Its sliding windows keep only what they need; editing an early message means processing the conversation "
        "again."
    ),
    "kv_type_impossible": QT_TR_NOOP("This model can't use the selected KV cache type."),
    "flash_attention_needed": QT_TR_NOOP("Flash attention stays on because the selected KV cache type requires it."),
    "device_unused": QT_TR_NOOP("One of the GPUs isn't used."),
    "too_many_devices": QT_TR_NOOP("The engine uses at most 16 GPUs; the largest ones are selected."),
    "repacking_off": QT_TR_NOOP(
        "There isn't enough RAM for a second, faster copy of the weights, so long prompts are processed more slowly."
    ),
    "no_offload": QT_TR_NOOP("The GPU doesn't compute with weights in RAM, so the CPU processes that part of prompts."),
    "not_pinned": QT_TR_NOOP("The driver couldn't lock the RAM for copies to the GPU, so prompts take longer."),
    "cache_estimated": QT_TR_NOOP(
        "Memory use for this type of model is an estimate; the actual amount may differ slightly."
    ),
    "split_mode_estimated": QT_TR_NOOP("Memory use for this split mode is an estimate."),
    "speed_measured": QT_TR_NOOP("The speed was measured on this computer."),
    "speed_guessed": QT_TR_NOOP("The GPU speed is an estimate."),
    "not_rehearsed": QT_TR_NOOP("The program checks these figures when it loads the model."),
}
"""Sentences added to the verdict.  Other reasons are part of the verdict itself."""

REPLANNED = QT_TR_NOOP("Not enough memory. Trying a smaller plan. {plan}")
WITHOUT_SERVER = QT_TR_NOOP("{server} isn't available right now, so the model is loaded without it. {plan}")

RECOMMENDATION_SENTENCES: dict[str, str] = {
    "best_on_gpus": QT_TR_NOOP("Best quality that fits entirely on the GPU."),
    "best_at_usable_speed": QT_TR_NOOP("Best quality that is fast enough when partly in RAM."),
    "smallest": QT_TR_NOOP("Smallest version; the others would be even slower."),
    "finer_fits": QT_TR_NOOP("A higher quality also fits."),
    "too_slow": QT_TR_NOOP("Runs, but slowly."),
    "does_not_fit": QT_TR_NOOP("Doesn't fit on this computer."),
}
"""Why a quantisation is recommended or is not."""


def plan_sentence(plan: LoadPlan, translate: Translate) -> str:
    """Return the verdict of a plan and its reasons."""
    text = verdict_sentence(plan, translate)
    for code in plan.reasons:
        # Where a plan does not fit, only possible remedies are of interest.
        is_relevant = plan.verdict != "does_not_fit" or code in {"smaller_context_fits_gpu", "context_above_trained"}
        if code in REASON_SENTENCES and is_relevant:
            # A Chinese full stop includes a space.
            text += ("" if text.endswith("。") else " ") + translate(REASON_SENTENCES[code])
    return text


def verdict_sentence(plan: LoadPlan, translate: Translate) -> str:
    """Return the verdict of a plan."""
    used = plan.used_devices
    match plan.verdict:
        case "gpu":
            code = {1: "gpu_one", 2: "gpu_two"}.get(len(used), "gpu_many")
        case "does_not_fit":
            is_hopeless = 0 < plan.host.total_bytes < plan.host.used_bytes
            code = "larger_than_ram" if is_hopeless else "ram_too_small"
            code = "wish_too_large" if "wish_too_large" in plan.reasons else code
        case "layers_in_ram" if not used:
            code = "processor_alone"
        case verdict:
            code = verdict
    tightest = min(used, key=lambda device: device.left_bytes, default=None)
    return translate(VERDICT_SENTENCES[code]).format(
        device=tightest.name if tightest else "",
        left=size_text(max(0, tightest.left_bytes)) if tightest else "",
        lacking=size_text(max(0, -tightest.left_bytes)) if tightest else "",
        count=len(used),
        context=_tokens(plan.context),
        experts=len(plan.experts_in_ram),
        layers=plan.n_layer,
        on_devices=min(plan.n_gpu_layers, plan.n_layer),
        ram=size_text(plan.host.used_bytes),
        available=size_text(plan.host.available_bytes),
        total=size_text(plan.host.total_bytes),
        speed=rate_text(plan.tokens_per_second_estimate),
        reading=rate_text(plan.prompt_tokens_per_second_estimate),
    )


def replanned_sentence(plan: LoadPlan, translate: Translate, because: UserError | None = None) -> str:
    """Return the notice, of one line, of ``PlanChanged``."""
    verdict = verdict_sentence(plan, translate)
    if because is not None and because.code == "memory_not_pinned":
        return translate(REASON_SENTENCES["not_pinned"])
    if because is not None and because.code.startswith("rpc_"):
        return translate(WITHOUT_SERVER).format(server=because.data.get("server", ""), plan=verdict)
    return translate(REPLANNED).format(plan=verdict)


def recommendation_sentence(reason: str, translate: Translate) -> str:
    """Return why a quantisation is recommended or is not."""
    return translate(RECOMMENDATION_SENTENCES[reason])


def _tokens(count: int) -> str:
    thousands = count / 1024
    return f"{thousands:.0f}k" if thousands >= 1 and count % 1024 == 0 else f"{count}"
