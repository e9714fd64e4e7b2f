"""The rigs' files in the real engine: what the header reader calls loadable loads, and what it refuses is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rigs.rpc_device import library_folder, serving
from tests.rigs.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="the engine is not installed")

# A child, for an engine that aborts takes its process along.
ANSWER = """
import json, sys
import llama_cpp
path, end = sys.argv[1:]
try:
    model = llama_cpp.Llama(path, n_ctx=256, n_threads=1, verbose=False)
except ValueError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit()
answers = [
    model.create_chat_completion(
        [{"role": "user", "content": "Hello, 你好?"}], max_tokens=int(end), temperature=0.8, seed=seed
    )["choices"][0]
    for seed in range(5)
]
print(json.dumps({
    "texts": [each["message"]["content"] for each in answers],
    "reasons": [each["finish_reason"] for each in answers],
    "trained": model.metadata["llama.context_length"],
}))
"""


def _answer(path: Path, max_tokens: int = 40) -> dict[str, list[str]]:
    command = [sys.executable, "-c", ANSWER, str(path), str(max_tokens)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("n_expert", [0, 4])
def test_tiny_models_answer_with_letters(tmp_path: Path, n_expert: int) -> None:
    before = time.process_time()
    path = write_tiny_model(tmp_path / "tiny.gguf", n_expert=n_expert, context_length=512)
    assert time.process_time() - before < 1
    answer = _answer(path)
    assert answer["trained"] == "512"
    assert answer["reasons"] == ["length"] * 5
    for text in answer["texts"]:
        assert text.strip()
        assert text.isascii()
        assert text.isprintable()
    assert len(set(answer["texts"])) > 1


def test_answers_that_end_when_asked_to(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "ends.gguf", end_bias=3.0)
    assert set(_answer(path, 200)["reasons"]) == {"stop"}


def test_a_model_in_four_files(tiny_split: Path, tiny: Path) -> None:
    assert _answer(tiny_split)["texts"] == _answer(tiny)["texts"]


def test_one_tensor_per_expert_is_refused(tiny_legacy: Path) -> None:
    assert "refused" in _answer(tiny_legacy)


def test_the_starter_answers(starter_file: Path) -> None:
    answer = _answer(starter_file, 8)
    assert all(text.strip() for text in answer["texts"])


@pytest.mark.skipif(library_folder() is None, reason="the engine was built without RPC")
def test_two_rpc_devices_hold_a_model(tiny_moe: Path) -> None:
    code = """
import ctypes, json, sys
from pathlib import Path
import llama_cpp
lib = Path(llama_cpp.__file__).parent / "lib"
rpc, ggml = ctypes.CDLL(str(lib / "libggml-rpc.so.0")), ctypes.CDLL(str(lib / "libggml.so.0"))
rpc.ggml_backend_rpc_add_server.restype = ctypes.c_void_p
rpc.ggml_backend_rpc_add_server.argtypes = [ctypes.c_char_p]
ggml.ggml_backend_register.argtypes = [ctypes.c_void_p]
for endpoint in sys.argv[2:]:
    ggml.ggml_backend_register(rpc.ggml_backend_rpc_add_server(endpoint.encode()))
model = llama_cpp.Llama(sys.argv[1], n_ctx=256, n_gpu_layers=-1, verbose=True)
print(model.create_completion("hello", max_tokens=5)["choices"][0]["text"])
"""
    with serving() as first, serving() as second:
        command = [sys.executable, "-c", code, str(tiny_moe), first, second]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for endpoint in (first, second):
        assert f"[{endpoint}]" in done.stderr
    assert done.stdout.strip()
