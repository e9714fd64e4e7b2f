"""Hyperparameters that no model has and that would abort the engine's process instead of being refused.

The engine asserts them; everything that it refuses with a message is left to it.  Missing keys are ignored: some
architectures have none of these.

Source: ``llama_model_base::load_hparams`` in ``src/llama-model.cpp``, ``src/llama-hparams.h`` and the operations of
``ggml-cpu`` of llama.cpp, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from model_manager.gguf.reader import Value

MAX_LAYERS = 512
MAX_EXPERTS = 1024
_BOUNDS = {
    "block_count": (1, MAX_LAYERS),
    "expert_count": (0, MAX_EXPERTS),
    "context_length": (16, 1 << 27),
    "embedding_length": (1, 1 << 20),
    "feed_forward_length": (0, 1 << 24),
    "expert_feed_forward_length": (0, 1 << 24),
    "attention.head_count": (0, 1 << 16),
    "attention.head_count_kv": (0, 1 << 16),
    "attention.key_length": (0, 1 << 16),
    "attention.value_length": (0, 1 << 16),
    "rope.dimension_count": (0, 1 << 16),
    "vocab_size": (0, 1 << 26),
}
"""Least and greatest value, also for each layer: what the engine asserts, and generous bounds for the rest."""
_EPSILONS = ("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "attention.group_norm_epsilon")
_ROPE_SCALING = ("none", "linear", "yarn", "longrope")


def find_invalid(architecture: str, metadata: Mapping[str, Value]) -> tuple[str, str] | None:
    """Return the first key with an invalid value, and the value as text; None where all are valid."""
    return next(_invalid(architecture, metadata), None)


def _invalid(architecture: str, metadata: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    def key(name: str) -> str:
        return f"{architecture}.{name}"

    def numbers(name: str) -> tuple[int, ...]:
        value = metadata.get(key(name))
        values = value if isinstance(value, tuple) else (value,)
        return tuple(each for each in values if isinstance(each, int) and not isinstance(each, bool))

    for name, (least, most) in _BOUNDS.items():
        for number in numbers(name):
            if not least <= number <= most:
                yield (key(name), str(number))
    layers = max(numbers("block_count"), default=0)
    for number in numbers("nextn_predict_layers"):
        if layers and number > layers:
            yield (key("nextn_predict_layers"), f"{number} of {layers}")
    for name in _EPSILONS:
        epsilon = metadata.get(key(name))
        if isinstance(epsilon, float) and not 0 <= epsilon < math.inf:
            yield (key(name), str(epsilon))
    scaling = metadata.get(key("rope.scaling.type"))
    if isinstance(scaling, str) and scaling not in _ROPE_SCALING:
        yield (key("rope.scaling.type"), scaling[:40])
    experts = max(numbers("expert_count"), default=0)
    if architecture.startswith("hunyuan") and experts <= 1:
        return  # dense for the engine
    used = max(numbers("expert_used_count"), default=0)
    if used > experts or (experts and not used):
        yield (key("expert_used_count"), f"{used} of {experts}")
    groups = max(numbers("expert_group_count"), default=0)
    if groups and (groups >= experts or (groups > 1 and experts % groups)):
        yield (key("expert_group_count"), f"{groups} for {experts}")
    used_groups = max(numbers("expert_group_used_count"), default=0)
    if groups > 1 and not 0 < used_groups < groups:
        yield (key("expert_group_used_count"), f"{used_groups} of {groups}")
