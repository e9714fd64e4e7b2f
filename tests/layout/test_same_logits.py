"""In the real engine a repaired file gives the same logits, bit for bit, as the same weights stacked from the start."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.layout.convert import stack_experts
from tests.rigs.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="the engine is not installed")

# A child, for an engine that aborts takes its process along.
LOGITS = """
import ctypes, hashlib, json, math, sys
import llama_cpp as llama
silent = llama.llama_log_callback(lambda _level, _text, _data: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()
found = []
for path in sys.argv[1:]:
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    if not model:
        found.append(None)
        continue
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = 128, 1, 1
    context = llama.llama_init_from_model(model, params)
    n_vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    batch = llama.llama_batch_init(51, 0, 1)
    batch.n_tokens = 51
    for place in range(51):
        batch.token[place], batch.pos[place], batch.n_seq_id[place] = (place * 37 + 5) % n_vocab, place, 1
        batch.seq_id[place][0], batch.logits[place] = 0, 1
    assert llama.llama_decode(context, batch) == 0
    logits = ctypes.string_at(llama.llama_get_logits(context), 51 * n_vocab * 4)
    numbers = (ctypes.c_float * (51 * n_vocab)).from_buffer_copy(logits)
    found.append([hashlib.sha256(logits).hexdigest(), all(map(math.isfinite, numbers)), len(set(numbers))])
    llama.llama_free(context)
    llama.llama_model_free(model)
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("tensor_type", "n_expert"),
    [
        ("F32", 2),
        ("F16", 16),
        ("Q8_0", 3),
        ("Q4_0", 8),
        ("Q5_1", 5),
        ("Q2_K", 4),
        ("Q3_K", 4),
        ("Q4_K", 4),
        ("Q5_K", 2),
        ("Q6_K", 8),
        ("IQ4_XS", 4),
    ],
)
def test_the_same_logits(tmp_path: Path, tensor_type: str, n_expert: int) -> None:
    wide = tensor_type.endswith(("_K", "_XS"))
    options = {
        "n_expert": n_expert,
        "tensor_type": tensor_type,
        "n_embd": 256 if wide else 64,
        "n_layer": 1 + (not wide),
    }
    old = write_tiny_model(tmp_path / "old.gguf", legacy=True, **options)  # type: ignore[arg-type]
    twin = write_tiny_model(tmp_path / "twin.gguf", **options)  # type: ignore[arg-type]
    copied = stack_experts(old, tmp_path / "copied.gguf")
    in_place = tmp_path / "in_place.gguf"
    in_place.write_bytes(old.read_bytes())
    stack_experts(in_place, in_place=True)
    command = [sys.executable, "-c", LOGITS, *map(str, (old, twin, copied, in_place))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    refused, expected, *found = json.loads(done.stdout)
    assert refused is None
    digest, finite, different = expected
    assert len(digest) == 64
    assert finite
    assert different > 1000
    assert found == [expected, expected]
