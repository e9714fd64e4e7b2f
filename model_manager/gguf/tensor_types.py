"""Tensor types of ggml and names of quantisations, by their numbers in a GGUF file and in the names of files.

Source: ``ggml/include/ggml.h`` (``enum ggml_type``), ``ggml/src/ggml-common.h`` (the blocks), ``include/llama.h``
(``enum llama_ftype``) and ``src/llama-model-loader.cpp`` of llama.cpp, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class TensorType:
    """Storage of a tensor's values: each ``block_values`` neighbours of a row take ``block_bytes`` bytes."""

    name: str
    block_values: int
    block_bytes: int


TENSOR_TYPES: dict[int, TensorType] = {
    number: TensorType(name, values, n_bytes)
    for number, name, values, n_bytes in (
        (0, "F32", 1, 4),
        (1, "F16", 1, 2),
        (2, "Q4_0", 32, 18),
        (3, "Q4_1", 32, 20),
        (6, "Q5_0", 32, 22),
        (7, "Q5_1", 32, 24),
        (8, "Q8_0", 32, 34),
        (9, "Q8_1", 32, 36),
        (10, "Q2_K", 256, 84),
        (11, "Q3_K", 256, 110),
        (12, "Q4_K", 256, 144),
        (13, "Q5_K", 256, 176),
        (14, "Q6_K", 256, 210),
        (15, "Q8_K", 256, 292),
        (16, "IQ2_XXS", 256, 66),
        (17, "IQ2_XS", 256, 74),
        (18, "IQ3_XXS", 256, 98),
        (19, "IQ1_S", 256, 50),
        (20, "IQ4_NL", 32, 18),
        (21, "IQ3_S", 256, 110),
        (22, "IQ2_S", 256, 82),
        (23, "IQ4_XS", 256, 136),
        (24, "I8", 1, 1),
        (25, "I16", 1, 2),
        (26, "I32", 1, 4),
        (27, "I64", 1, 8),
        (28, "F64", 1, 8),
        (29, "IQ1_M", 256, 56),
        (30, "BF16", 1, 2),
        (34, "TQ1_0", 256, 54),
        (35, "TQ2_0", 256, 66),
        (39, "MXFP4", 32, 17),
        (40, "NVFP4", 64, 36),
        (41, "Q1_0", 128, 18),
        (42, "Q2_0", 64, 18),
    )
}

NO_WEIGHTS = frozenset(("Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"))
"""Types that the engine can't multiply with: it would crash."""

REMOVED_TENSOR_TYPES: dict[int, str] = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}
"""Types in files of 2023 and 2024 that the engine no longer reads."""

FILE_TYPES: dict[int, str] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}
"""Names of ``general.file_type``: the mix of tensor types that a file was quantised to."""

# The names of llama.cpp (``FILE_TYPES``, and removed types), K-quants whose outer tensors have another size (Q6_K_L,
# UD-Q4_K_XL), and spellings of 16 and 32 bits.
_QUANTISATION = re.compile(
    r"(?<![A-Z0-9])(UD-)?"
    r"(I?Q[1-8]_(?:K(?:_(?:XXS|XS|S|M|L|XL))?|NL(?:_[48]_[48])?|[01](?:_[48]_[48])?|XXS|XS|S|M|L|XL)"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)"
    r"(?![A-Z0-9])",
    re.IGNORECASE,
)


def quantisation_in(name: str) -> str | None:
    """Return the last quantisation in ``name``, a path in a repository, else in its folder (``UD-Q2_K_XL``).

    None where neither contains one.  Sufficient for a list, never for a computation, which needs the header.
    """
    path = PurePosixPath(name)
    for text in (path.name, path.parent.name):
        if found := _QUANTISATION.findall(text):
            prefix, label = found[-1]
            return f"{prefix}{label}".upper().replace("FP16", "F16").replace("FP32", "F32")
    return None
