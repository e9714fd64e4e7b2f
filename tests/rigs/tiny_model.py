"""Write a tiny chat model that the engine really loads and answers with, in a fraction of a second.

    python -m tests.rigs.tiny_model OUT.gguf [--experts 4] [--legacy] [--context 2048] [--template FILE]

Random weights: the answers are noise, but noise that can be shown.  Dimension 0 of every token's embedding is large and
no layer changes it, so that the output's weights for that dimension act as a bias: letters and spaces are likely, raw
bytes (half a character each) and control tokens never come, and the end of an answer comes as often as asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from tests.rigs.chatml import FIRST_CHARACTER, add_vocabulary

N_EMBD, N_FF, N_HEAD, N_HEAD_KV, N_USED = 64, 128, 4, 2, 2
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
) -> Path:
    """Write one model of F32 weights (about 0.5 MB); return the path to give to the engine.

    ``n_expert=0`` is dense, 4 a Mixture of Experts of which 2 are used; ``legacy`` gives each expert tensors of its own
    (refused by the engine).  ``chat_template=None`` writes none, ``file_type=None`` no quantisation.  ``end_bias`` is
    the advantage of the end of the answer over a letter, in logits: by default it never comes, at 3 answers end
    after about four tokens.  ``tensors_per_file`` cuts the model into ``PATH-00001-of-0000N.gguf``.
    """
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=tensors_per_file)
    writer.add_type("model")
    writer.add_name(name)
    writer.add_context_length(context_length)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(N_FF)
    writer.add_rope_dimension_count(N_EMBD // N_HEAD)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_layer_norm_rms_eps(1e-5)
    if n_expert:
        writer.add_expert_count(n_expert)
        writer.add_expert_used_count(N_USED)
    if file_type is not None:
        writer.add_file_type(file_type)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    tokens = add_vocabulary(writer)
    for tensor_name, values in _tensors(len(tokens), n_layer, n_expert, legacy, end_bias, seed):
        writer.add_tensor(tensor_name, np.ascontiguousarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(path.parent.glob(f"{path.stem}-*-of-*.gguf"))[0] if tensors_per_file else path


def _tensors(
    n_vocab: int, n_layer: int, n_expert: int, legacy: bool, end_bias: float, seed: int
) -> Iterator[tuple[str, Weights]]:
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> Weights:
        return (rng.standard_normal(shape) * shape[-1] ** -0.5).astype(np.float32)

    def back_to_the_stream(*shape: int) -> Weights:
        weights = random(*shape) * 2  # so much that the words before the last one matter, too
        weights[..., 0, :] = 0  # leaves dimension 0 as it is
        return weights

    embedding = rng.standard_normal((n_vocab, N_EMBD)).astype(np.float32)
    embedding[:, 0] = _CONSTANT
    yield "token_embd.weight", embedding
    n_kv = N_HEAD_KV * (N_EMBD // N_HEAD)
    ones = np.ones(N_EMBD, np.float32)
    for layer in range(n_layer):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", ones
        yield block + "ffn_norm.weight", ones
        yield block + "attn_q.weight", random(N_EMBD, N_EMBD)
        yield block + "attn_k.weight", random(n_kv, N_EMBD)
        yield block + "attn_v.weight", random(n_kv, N_EMBD)
        yield block + "attn_output.weight", back_to_the_stream(N_EMBD, N_EMBD)
        if not n_expert:
            yield block + "ffn_gate.weight", random(N_FF, N_EMBD)
            yield block + "ffn_down.weight", back_to_the_stream(N_EMBD, N_FF)
            yield block + "ffn_up.weight", random(N_FF, N_EMBD)
            continue
        yield block + "ffn_gate_inp.weight", random(n_expert, N_EMBD)
        stacked = {
            "gate": random(n_expert, N_FF, N_EMBD),
            "down": back_to_the_stream(n_expert, N_EMBD, N_FF),
            "up": random(n_expert, N_FF, N_EMBD),
        }
        if legacy:
            for expert in range(n_expert):
                for kind, weights in stacked.items():
                    yield f"{block}ffn_{kind}.{expert}.weight", weights[expert]
        else:
            for kind, weights in stacked.items():
                yield f"{block}ffn_{kind}_exps.weight", weights
    yield "output_norm.weight", ones
    output = _output(rng, n_vocab, end_bias)
    output[:, 1:] -= 0.1 * embedding[:, 1:]  # a token does not follow itself, or greedy answers are one letter
    yield "output.weight", output


def _output(rng: np.random.Generator, n_vocab: int, end_bias: float) -> Weights:
    weights = (rng.standard_normal((n_vocab, N_EMBD)) * _LOGIT_NOISE * N_EMBD**-0.5).astype(np.float32)
    bias = np.full(n_vocab, NEVER, np.float32)
    bias[FIRST_CHARACTER + 1 : n_vocab - 2] = -8.0
    bias[FIRST_CHARACTER + ord("a") - 32 : FIRST_CHARACTER + ord("z") - 31] = 0.0
    bias[FIRST_CHARACTER] = 2.0  # a space, so that there are words to wrap
    bias[n_vocab - 1] = end_bias
    # After the last norm dimension 0 is about this large; what is left of the deviation is part of the noise.
    weights[:, 0] = bias / (_CONSTANT / np.sqrt((_CONSTANT**2 + N_EMBD) / N_EMBD))
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description="A tiny chat model with random weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--experts", type=int, default=0)
    parser.add_argument("--legacy", action="store_true", help="one tensor per expert")
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
        chat_template=template,
    )
    print(f"{path}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
