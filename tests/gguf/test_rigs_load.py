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


# What the engine's own reader of headers says to the same damaged bytes as ours.
COMPARE = """
import ctypes, json, os, random, sys
from pathlib import Path
import llama_cpp
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
class Params(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p)]
ggml = ctypes.CDLL(str(Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so.0"))
ggml.gguf_init_from_file.restype = ctypes.c_void_p
ggml.gguf_init_from_file.argtypes = [ctypes.c_char_p, Params]
ggml.gguf_free.argtypes = [ctypes.c_void_p]
ggml.gguf_get_data_offset.restype = ctypes.c_size_t
ggml.gguf_get_data_offset.argtypes = [ctypes.c_void_p]
path = Path(sys.argv[1])
whole, end, dice, counts = path.read_bytes(), read_header(path).data_offset, random.Random(3), {}
with path.open("r+b", buffering=0) as file:
    for _ in range(2000):
        place = dice.randrange(end)
        file.seek(place)
        file.write(bytes([dice.randrange(256)]))
        context, theirs, ours = ggml.gguf_init_from_file(os.fsencode(path), Params(True, None)), None, None
        if context:
            theirs = ggml.gguf_get_data_offset(context)
            ggml.gguf_free(context)
        try:
            ours = read_header(path, whole=False).data_offset
        except UserError as error:
            # We are stricter about names, empty tensors and hyperparameters, which are read with the header.
            stricter = ("not UTF-8", "of 0 values", "alignment")
            if error.code == "hyperparameters_absurd" or any(each in error.data.get("detail", "") for each in stricter):
                theirs = None
        same = "both refuse" if ours is None else "both read"
        key = same if ours == theirs else f"{place}: {ours} {theirs}"
        counts[key] = counts.get(key, 0) + 1
        file.seek(place)
        file.write(whole[place : place + 1])
print(json.dumps(counts))
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


@pytest.mark.skipif(sys.platform != "linux", reason="opens the engine's library by its name on Linux")
def test_the_engine_reads_and_refuses_the_same_damaged_headers(tmp_path: Path, tiny_moe: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(tiny_moe.read_bytes())
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", COMPARE, str(path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    counts = json.loads(done.stdout)
    assert counts.keys() == {"both read", "both refuse"}
    assert min(counts.values()) > 200


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
