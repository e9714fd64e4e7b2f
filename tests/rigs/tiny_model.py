"""A tiny random chat model that the engine loads and answers with.

    python -m tests.rigs.tiny_model OUT.gguf [--experts 4] [--legacy] [--type Q8_0] [--context 2048] [--template FILE]

The answers are readable noise.  Dimension 0 of every token embedding is large and no layer changes it, so the output
weights of that dimension act as a bias: letters and spaces are likely, raw bytes and control tokens never occur, and
the end of an answer has a configurable probability.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from tests.rigs.chatml import FIRST_CHARACTER, add_vocabulary

N_EMBD, N_HEAD, N_HEAD_KV, N_USED = 64, 4, 2, 2
QT = gguf.GGMLQuantizationType
SCALES_AT = {QT.Q2_K: (80, 82), QT.Q3_K: (108,), QT.Q4_K: (0, 2), QT.Q5_K: (0, 2), QT.Q6_K: (208,), QT.IQ4_XS: (0,)}
"""Offsets of the f16 scales in a block of 256 values; the other bytes are arbitrary."""
NEVER = -40.0
_CONSTANT = 8.0
_LOGIT_NOISE = 3.0

Weights = npt.NDArray[np.float32]


def write_tiny_model(
    path: Path,
    *,
    n_layer: int = 2,
    n_expert: int = 0,
    legacy: bool = False,
    context_length: int = 2048,
    chat_template: str | None = None,
    name: str = "Tiny random",
    file_type: int | None = 0,
    end_bias: float = NEVER,
    tensors_per_file: int = 0,
    seed: int = 0,
    tensor_type: str = "F32",
    n_embd: int = N_EMBD,
    alignment: int | None = None,
    script: tuple[str, ...] = (),
    reply: tuple[str, ...] = (),
    are_user_defined: bool = False,
) -> Path:
    """Write a model with F32 weights (about 0.5 MB); return the path for the engine.

    ``n_expert=0`` is dense, 4 a Mixture of Experts with 2 used; ``legacy`` writes one tensor per expert (refused by
    the engine).  ``chat_template=None`` and ``file_type=None`` leave out the key.  ``end_bias`` is
    the advantage of the end of the answer over a letter, in logits: by default it never occurs, at 3 answers
    end after about four tokens.  ``tensors_per_file`` splits the model into ``PATH-00001-of-0000N.gguf``.

    ``tensor_type`` is the type of all matrices except the router's.  Types with blocks of 256 values need
    ``n_embd=256``.  ``alignment`` is in bytes; a large one leaves gaps between experts.

    ``script`` is what the model answers to a prompt that ends with ``>``: different tokens, of which those in brackets
    are control tokens.  ``reply`` is the same for ``:``.
    """
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=tensors_per_file)
    if alignment is not None:
        writer.add_custom_alignment(alignment)
    writer.add_type("model")
    writer.add_name(name)
    writer.add_context_length(context_length)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(2 * n_embd)
    writer.add_rope_dimension_count(n_embd // N_HEAD)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_layer_norm_rms_eps(1e-5)
    if n_expert:
        writer.add_expert_count(n_expert)
        writer.add_expert_used_count(min(N_USED, n_expert))
    if file_type is not None:
        writer.add_file_type(file_type)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    tokens = add_vocabulary(writer, further=(*script, *reply), are_user_defined=are_user_defined)
    tensors = _tensors(len(tokens), n_layer, n_expert, legacy, end_bias, seed, n_embd)
    for tensor_name, values in _scripted(dict(tensors), len(tokens), script, reply).items() if script else tensors:
        kind = QT[tensor_type] if values.ndim > 1 and "gate_inp" not in tensor_name else QT.F32
        writer.add_tensor(tensor_name, _stored(np.ascontiguousarray(values, dtype=np.float32), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(path.parent.glob(f"{path.stem}-*-of-*.gguf"))[0] if tensors_per_file else path


def _stored(values: Weights, kind: QT) -> npt.NDArray[Any]:
    """Return the encoded values of a tensor, row by row."""
    if kind not in SCALES_AT:
        return gguf.quantize(values, kind)
    n_values, n_bytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = np.ascontiguousarray(values.view(np.uint8).reshape(-1, n_values * 4)[:, :n_bytes])
    for place in SCALES_AT[kind]:
        blocks[:, place : place + 2] = np.frombuffer(np.float16(1e-4).tobytes(), np.uint8)
    return blocks.reshape(*values.shape[:-1], values.shape[-1] // n_values * n_bytes)


def _tensors(
    n_vocab: int, n_layer: int, n_expert: int, legacy: bool, end_bias: float, seed: int, n_embd: int
) -> Iterator[tuple[str, Weights]]:
    n_ff = 2 * n_embd
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> Weights:
        return (rng.standard_normal(shape) * shape[-1] ** -0.5).astype(np.float32)

    def back_to_the_stream(*shape: int) -> Weights:
        weights = random(*shape) * 2  # large enough that earlier words matter
        weights[..., 0, :] = 0  # leaves dimension 0 unchanged
        return weights

    embedding = rng.standard_normal((n_vocab, n_embd)).astype(np.float32)
    embedding[:, 0] = _CONSTANT
    yield "token_embd.weight", embedding
    n_kv = N_HEAD_KV * (n_embd // N_HEAD)
    ones = np.ones(n_embd, np.float32)
    for layer in range(n_layer):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", ones
        yield block + "ffn_norm.weight", ones
        yield block + "attn_q.weight", random(n_embd, n_embd)
        yield block + "attn_k.weight", random(n_kv, n_embd)
        yield block + "attn_v.weight", random(n_kv, n_embd)
        yield block + "attn_output.weight", back_to_the_stream(n_embd, n_embd)
        if not n_expert:
            yield block + "ffn_gate.weight", random(n_ff, n_embd)
            yield block + "ffn_down.weight", back_to_the_stream(n_embd, n_ff)
            yield block + "ffn_up.weight", random(n_ff, n_embd)
            continue
        yield block + "ffn_gate_inp.weight", random(n_expert, n_embd)
        stacked = {
            "gate": random(n_expert, n_ff, n_embd),
            "down": back_to_the_stream(n_expert, n_embd, n_ff),
            "up": random(n_expert, n_ff, n_embd),
        }
        if legacy:
            for expert in range(n_expert):
                for kind, weights in stacked.items():
                    yield f"{block}ffn_{kind}.{expert}.weight", weights[expert]
        else:
            for kind, weights in stacked.items():
                yield f"{block}ffn_{kind}_exps.weight", weights
    yield "output_norm.weight", ones
    output = _output(rng, n_vocab, end_bias, n_embd)
    output[:, 1:] -= 0.1 * embedding[:, 1:]  # no token follows itself, or greedy answers would be one letter
    yield "output.weight", output


def _scripted(
    tensors: dict[str, Weights], n_vocab: int, script: tuple[str, ...], reply: tuple[str, ...]
) -> dict[str, Weights]:
    """Make each token of the script, and then the end, the most likely one after the one before."""
    embedding, output = tensors["token_embd.weight"], tensors["output.weight"]
    for name, weights in tensors.items():
        if name.endswith(("attn_output.weight", "ffn_down.weight")):
            weights[:] = 0
    first, end = n_vocab - 2 - len(script) - len(reply), n_vocab - 1
    output[end] = 0
    for letter, count in ((">", len(script)), (":", len(reply))):
        before = FIRST_CHARACTER + ord(letter) - 32
        for token in range(first, first + count):
            output[token] = 10 * embedding[before]
            output[token, 0] = 0
            before = token
        if count:
            output[end] += 10 * embedding[before]
        first += count
    output[end, 0] = 0
    return tensors


def _output(rng: np.random.Generator, n_vocab: int, end_bias: float, n_embd: int) -> Weights:
    weights = (rng.standard_normal((n_vocab, n_embd)) * _LOGIT_NOISE * n_embd**-0.5).astype(np.float32)
    bias = np.full(n_vocab, NEVER, np.float32)
    bias[FIRST_CHARACTER + 1 : FIRST_CHARACTER + 95] = -8.0
    bias[FIRST_CHARACTER + ord("a") - 32 : FIRST_CHARACTER + ord("z") - 31] = 0.0
    bias[FIRST_CHARACTER] = 2.0  # spaces, so that there are words to wrap
    bias[n_vocab - 1] = end_bias
    # Approximate size of dimension 0 after the last norm.
    weights[:, 0] = bias / (_CONSTANT / np.sqrt((_CONSTANT**2 + n_embd) / n_embd))
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description="A tiny chat model with random weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--experts", type=int, default=0)
    parser.add_argument("--legacy", action="store_true", help="one tensor per expert")
    parser.add_argument("--type", default="F32", help="of the matrices")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--template", type=Path, help="a file with a Jinja chat template")
    args = parser.parse_args()
    template = args.template.read_text(encoding="utf-8") if args.template else None
    path = write_tiny_model(
        args.out,
        n_layer=args.layers,
        n_expert=args.experts,
        legacy=args.legacy,
        context_length=args.context,
        tensor_type=args.type,
        n_embd=256 if args.type.endswith(("_K", "_XS")) else N_EMBD,
        chat_template=template,
    )
    print(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
