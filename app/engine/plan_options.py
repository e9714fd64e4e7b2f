"""A plan as the engine's load options: the same for its rehearsal, its load and its measurement."""

from __future__ import annotations

from pathlib import Path

from app.engine.protocol import LoadOptions
from model_manager.plan.values import LoadPlan

PROCESSOR = "CPU"
"""Named as the only device it keeps every other one out, with what its backend would take for itself."""


def load_options(plan: LoadPlan, path: Path, rpc_servers: tuple[str, ...] = ()) -> LoadOptions:
    """How to load ``path`` as planned.  Devices that nothing lies on are not given to the engine.

    ``rpc_servers`` are those of the device list that the plan was made from, in the same order: their devices are
    numbered by it.
    """
    shares = dict(zip((device.name for device in plan.devices), plan.tensor_split, strict=True))
    used = {name: share for name, share in shares.items() if share > 0}
    return LoadOptions(
        path=str(path),
        context=plan.context,
        batch=plan.batch,
        micro_batch=plan.micro_batch,
        gpu_layers=plan.n_gpu_layers if used else 0,
        tensor_split=tuple(used.values()),
        experts_in_ram=plan.experts_in_ram,
        devices=tuple(used) or (PROCESSOR,),
        rpc_servers=rpc_servers,
        kv_type=plan.kv_type,
        flash_attention=plan.flash_attention,
        threads=plan.threads,
        split_mode=plan.split_mode,
        main_gpu=plan.main_gpu if plan.main_gpu in used else None,
        mmap=plan.mmap,
        pipeline=plan.pipeline,
        repack=plan.repack,
        full_windows=plan.full_windows,
        output_rows=plan.output_rows,
    )
