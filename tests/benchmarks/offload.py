"""Reading speed with experts in RAM on the Vulkan devices, against llama-bench of the same engine.

    python -m tests.benchmarks.offload --llama-bench PATH [--runs 3] [--out FILE]     two minutes for each run

The model is ``tests.rigs.big_moe`` with one layer and experts below the limit of llvmpipe's buffers.  Runs alternate.
llama-bench, which is not part of the engine's build, reads with several micro-batches; its best one counts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import string
import subprocess
import sys
import tempfile
from pathlib import Path

from app.backend import AnswerFinished, ChatRequest
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import Figure, at_least, median, report, reported, rounded
from tests.rigs import vulkan
from tests.rigs.big_moe import write_big_moe

TOKENS = 512
MICRO_BATCHES = (128, 256, 512)
DEVICES = ("Vulkan0", "Vulkan1")


def bench(program: Path, model: Path) -> dict[int, float]:
    """Return the tokens per second of llama-bench by micro-batch."""
    command = [str(program), "-m", str(model), "-dev", "/".join(DEVICES), "-ngl", "99", "-ot", "exps=CPU", "-n", "0"]
    command += ["-p", str(TOKENS), "-b", str(TOKENS), "-ub", ",".join(map(str, MICRO_BATCHES)), "-r", "1"]
    done = subprocess.run([*command, "-lm", "none", "-o", "json"], check=True, stdout=subprocess.PIPE)
    return {each["n_ubatch"]: each["avg_ts"] for each in json.loads(done.stdout)}


def read(engine: LocalEngine, number: int) -> float:
    # Another text each time, so that nothing is in the cache; a token for each letter.  Different letters need
    # different experts, as the random tokens of llama-bench do: only those that are needed are copied to a device.
    prompt = "".join(random.Random(number).choices(string.ascii_letters, k=TOKENS - 1))
    *_, finished = engine.answer(ChatRequest((), Sampling(max_tokens=1), prompt))
    assert isinstance(finished, AnswerFinished)
    assert finished.prompt_tokens_per_second is not None
    return finished.prompt_tokens_per_second


def compare(program: Path, folder: Path, runs: int) -> Figure:
    path = folder / "model.gguf"
    write_big_moe(path, n_layer=1, n_ff=4096)
    spec = LoadSpec(
        context=2 * TOKENS,
        devices=DEVICES,
        tensor_split=(1.0, 1.0),
        n_gpu_layers=-1,
        experts_in_ram=(0,),
        micro_batch=TOKENS,
        batch=TOKENS,
        pipeline=False,
        mmap=False,
    )
    engine = LocalEngine(folder / "engine.log")
    own, theirs = [], []
    for number in range(runs):
        theirs.append(bench(program, path))
        list(engine.load(path, spec))
        # The first prompt compiles shaders, as llama-bench's warm-up does.
        read(engine, 2 * number)
        own.append(read(engine, 2 * number + 1))
        engine.release()
    best = [max(each.values()) for each in theirs]
    ratios = [mine / other for mine, other in zip(own, best, strict=True)]
    name = "reading with experts in RAM, Vulkan, over llama-bench's best micro-batch"
    return at_least(name, median(ratios), 0.95, program=rounded(own), llama_bench=theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama-bench", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_known_args()[0]
    os.environ.update(vulkan.environment())
    with tempfile.TemporaryDirectory() as folder:
        return report([reported(compare(arguments.llama_bench, Path(folder), arguments.runs))])


if __name__ == "__main__":
    sys.exit(main())
