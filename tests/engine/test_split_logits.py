"""A model split over two devices, with and without experts in RAM, computes the same logits as on one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

# A child, for an engine that aborts takes its process along.
LOGITS = """
import ctypes, hashlib, json, sys
import llama_cpp as llama
from app.engine.child.ggml import Ggml
from app.engine.child.loader import load
from app.engine.child.stop_flag import StopFlag
from model_manager.plan.load_spec import LoadSpec
silent = llama.llama_log_callback(lambda _level, _text, _data: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()
ggml, found = Ggml(), []
for options in json.loads(sys.argv[1]):
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    path = options.pop("path")
    loaded = load(path, LoadSpec(threads=1, **options), ggml, StopFlag(), lambda *_: None)
    n_vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(loaded.model))
    batch = llama.llama_batch_init(51, 0, 1)
    batch.n_tokens = 51
    for place in range(51):
        batch.token[place], batch.pos[place], batch.n_seq_id[place] = (place * 37 + 5) % n_vocab, place, 1
        batch.seq_id[place][0], batch.logits[place] = 0, 1
    assert llama.llama_decode(loaded.context, batch) == 0
    logits = ctypes.string_at(llama.llama_get_logits(loaded.context), 51 * n_vocab * 4)
    numbers = (ctypes.c_float * (51 * n_vocab)).from_buffer_copy(logits)
    found.append([hashlib.sha256(logits).hexdigest(), len(set(numbers))])
    loaded.free()
print(json.dumps(found))
"""


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_logits_are_independent_of_the_split(tmp_path: Path, kv_type: str) -> None:
    path = write_tiny_model(tmp_path / "experts.gguf", n_layer=6, n_expert=4, n_embd=256)
    with serving() as first, serving() as second:
        base = {
            "path": str(path),
            "context": 256,
            "n_gpu_layers": -1,
            "rpc_servers": (first, second),
            "kv_type": kv_type,
            "flash_attention": True,
            "output_rows": 0,
        }
        ways = [
            {**base, "devices": ("RPC0",)},
            {**base, "devices": ("RPC1",)},
            {**base, "tensor_split": (4, 3)},
            {**base, "tensor_split": (4, 3), "pipeline": False},
            {**base, "tensor_split": (2, 5), "experts_in_ram": (0, 3)},
            {**base, "tensor_split": (3, 4), "experts_in_ram": (0, 1, 2, 3, 4, 5)},
            {**base, "tensor_split": (2, 2), "n_gpu_layers": 4},
        ]
        done = subprocess.run(
            [sys.executable, "-c", LOGITS, json.dumps(ways)], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found) == len(ways)
    assert found[0][1] > 1000
    assert found == [found[0]] * len(ways)
