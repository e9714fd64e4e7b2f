"""What llama.cpp receives for a ``LoadSpec``: as values, and as the command line of its ``llama-server``.

Names of the options: ``common/arg.cpp`` of llama.cpp (as in llama-cpp-python 0.3.36).
"""

from __future__ import annotations

import re
import shlex

from model_manager.plan.load_spec import CPU, LoadSpec

EXPERTS_PATTERN = r"blk\.({layers})\.ffn_(up|down|gate|gate_up)_(ch|)exps"
STACK_PATTERN = r"blk\.{layer}\.ffn_{matrix}_(ch|)exps"
LOAD_MODE_NAMES = {None: "auto", False: "none", True: "mmap"}
"""Names of enum llama_load_mode by ``LoadSpec.mmap``."""
OFFLOAD_VARIABLE = "GGML_OP_OFFLOAD_MIN_BATCH"
"""Environment variable with the tokens from which an operation is offloaded, read once by the engine's backends."""
_NO_TENSOR = "no tensor has this name"
_STACK = re.compile(r"([0-9]{1,5})\.(up|down|gate|gate_up)=(.+)")


def tensor_overrides(spec: LoadSpec) -> tuple[tuple[str, str], ...]:
    """Return patterns of tensor names with the device that holds these tensors; the first that matches counts.

    Without experts in RAM, a pattern that matches nothing turns pipeline parallelism off, as any override does.
    """
    found = [
        (STACK_PATTERN.format(layer=layer, matrix=matrix), device)
        for (layer, matrix), device in stacks_on_devices(spec).items()
    ]
    if spec.experts_in_ram:
        found.append((EXPERTS_PATTERN.format(layers="|".join(map(str, spec.experts_in_ram))), CPU))
    return tuple(found) or (((_NO_TENSOR, CPU),) if spec.pipeline is False else ())


def stacks_on_devices(spec: LoadSpec) -> dict[tuple[int, str], str]:
    """Return the devices of the matrices that ``spec.stacks_on_devices`` names, by layer and matrix."""
    found = {}
    for each in spec.stacks_on_devices or ():
        if (match := _STACK.fullmatch(each)) and match[3] in spec.devices:
            found[int(match[1]), match[2]] = match[3]
    return found


def flash_attention(spec: LoadSpec) -> bool | None:
    """Return whether flash attention is on; None: the engine decides.  A quantised cache needs it."""
    return True if spec.kv_type != "f16" else spec.flash_attention


def engine_values(spec: LoadSpec) -> dict[str, object]:
    """Return the parameters that the engine receives, by llama.cpp's names."""
    return {
        "n_ctx": spec.context,
        "n_batch": spec.n_batch,
        "n_ubatch": spec.n_ubatch,
        "n_gpu_layers": spec.n_gpu_layers,
        "devices": list(spec.devices),
        "tensor_split": list(spec.tensor_split),
        "split_mode": spec.split_mode,
        "tensor_buft_overrides": [list(each) for each in tensor_overrides(spec)],
        "flash_attn": flash_attention(spec),
        "kv_type": spec.kv_type,
        "swa_full": spec.full_windows is not False,
        "n_outputs_max": spec.output_rows,
        "pipeline": spec.pipeline,
        "load_mode": LOAD_MODE_NAMES[spec.mmap],
        "repack": spec.repack,
        "n_threads": spec.threads,
        "op_offload_min_batch": spec.offload_min_batch,
        "mmproj": spec.projector or None,
        "mmproj_device": spec.projector_device,
    }


def llama_server_command(spec: LoadSpec, path: str) -> str:
    """Return a shell command that starts ``llama-server`` with the same load.

    The engine itself has no option for the number of rows with logits (``n_outputs_max``); its compute buffers are
    larger by those of all rows.
    """
    on_devices = [name for name in spec.devices if name != CPU]
    attention = {None: "auto", False: "off", True: "on"}[flash_attention(spec)]
    words: list[object] = ["llama-server", "--model", path, "--ctx-size", spec.context, "--parallel", 1, "--fit", "off"]
    words += ["--n-gpu-layers", spec.n_gpu_layers or 0, "--device", ",".join(on_devices) or "none"]
    if len(on_devices) > 1:
        shares = ",".join(f"{each:g}" for each in spec.tensor_split)
        words += ["--split-mode", spec.split_mode, "--tensor-split", shares]
    if spec.main_gpu in on_devices:
        words += ["--main-gpu", on_devices.index(spec.main_gpu)]
    for pattern, buffer in tensor_overrides(spec):
        words += ["--override-tensor", f"{pattern}={buffer}"]
    words += ["--batch-size", spec.n_batch, "--ubatch-size", spec.n_ubatch, "--flash-attn", attention]
    words += ["--cache-type-k", spec.kv_type, "--cache-type-v", spec.kv_type, "--load-mode", LOAD_MODE_NAMES[spec.mmap]]
    words += ["--threads", spec.threads] if spec.threads else []
    words += ["--swa-full"] if spec.full_windows is not False else []
    words += [] if spec.repack else ["--no-repack"]
    words += ["--mmproj", spec.projector] if spec.projector else []
    words += ["--no-mmproj-offload"] if spec.projector and spec.projector_device in (None, CPU) else []
    words += ["--rpc", ",".join(spec.rpc_servers)] if spec.rpc_servers else []
    offload = [f"{OFFLOAD_VARIABLE}={spec.offload_min_batch}"] if spec.offload_min_batch else []
    return " ".join([*offload, shlex.join(map(str, words))])
