"""Stops inside the reading of a prompt, the worst of 20 on each kind of devices, with experts in RAM.

    python -m tests.benchmarks.stop [--devices vulkan] [--out FILE]     about three minutes for each kind

The simulated CUDA devices are slow: a micro-batch takes seconds.  The Vulkan devices are this CPU (Mesa's llvmpipe,
``tests.rigs.vulkan``); they are left out where the engine is built without Vulkan.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from app.backend import ChatRequest, PromptMessage, PromptProgress
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import Figure, at_most, report, reported
from tests.rigs import simulated_cuda, vulkan
from tests.rigs.tiny_model import write_tiny_model

STOPS = 20
MICRO_BATCH = 512
FIRST_S, STEP_S = 0.1, 0.15
"""Seconds of reading before the first stop, and how much later each one is than the one before."""
SLOW_US = 500


def stops(name: str, engine: LocalEngine, path: Path, devices: tuple[str, str]) -> Figure:
    spec = LoadSpec(
        context=8192,
        devices=devices,
        tensor_split=(3.0, 3.0),
        n_gpu_layers=-1,
        experts_in_ram=(1,),
        micro_batch=MICRO_BATCH,
        pipeline=False,
        mmap=False,
    )
    list(engine.load(path, spec))
    # Shaders are compiled when they are first used, which takes llvmpipe seconds for one.
    prompt = PromptMessage(Role.USER, "y" * 6 * MICRO_BATCH)
    list(engine.answer(ChatRequest((prompt,), Sampling(max_tokens=1))))
    waits = []
    for number in range(STOPS):
        # A different start each time, so that nothing is in the cache.
        request = ChatRequest((PromptMessage(Role.USER, f"{number} " + "x" * 6 * MICRO_BATCH),), Sampling(max_tokens=1))
        token, asked_at = CancelToken(), [0.0]

        def stop(token: CancelToken = token, asked_at: list[float] = asked_at) -> None:
            asked_at[0] = time.monotonic()
            token.cancel()

        timer = threading.Timer(FIRST_S + number * STEP_S, stop)
        try:
            for event in engine.answer(request, token):
                if isinstance(event, PromptProgress) and not timer.is_alive() and not asked_at[0]:
                    timer.start()
            raise SystemExit("the prompt is read too soon")
        except Cancelled:
            waits.append(time.monotonic() - asked_at[0])
    return at_most(f"stop inside reading, {name}, seconds", max(waits), 1.0, waits=[round(each, 3) for each in waits])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", choices=("cuda", "vulkan"))
    chosen = parser.parse_known_args()[0].devices
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        path = write_tiny_model(Path(folder) / "moe.gguf", n_layer=5, n_expert=4, n_embd=256, context_length=8192)
        kinds = {}
        if chosen != "vulkan":
            kinds["simulated CUDA"] = (simulated_cuda.environment(2, 2, slow=SLOW_US), ("CUDA0", "CUDA1"))
        if chosen != "cuda" and vulkan.lacking() is None:
            kinds["Vulkan"] = (vulkan.environment(), ("Vulkan0", "Vulkan1"))
        for name, (environment, devices) in kinds.items():
            os.environ.update(environment)
            engine = LocalEngine(Path(folder) / "engine.log")
            figures.append(reported(stops(name, engine, path, devices)))
            engine.release()
            for each in environment:
                del os.environ[each]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
