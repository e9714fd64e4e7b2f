"""Quantisation in a file's name: sufficient for a list, never for a computation, which needs the header."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# The names of llama.cpp (``FILE_TYPES``, and removed types), K-quants whose outer tensors have another size (Q6_K_L,
# UD-Q4_K_XL), and spellings of 16 and 32 bits.
_NAME = re.compile(
    r"(?<![A-Z0-9])(UD-)?"
    r"(I?Q[1-8]_(?:K(?:_(?:XXS|XS|S|M|L|XL))?|NL(?:_[48]_[48])?|[01](?:_[48]_[48])?|XXS|XS|S|M|L|XL)"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)"
    r"(?![A-Z0-9])",
    re.IGNORECASE,
)


def quantisation_in(name: str) -> str | None:
    """Return the last quantisation in ``name``, a path in a repository, else in its folder (``UD-Q2_K_XL``).

    None where neither contains one.
    """
    path = PurePosixPath(name)
    for text in (path.name, path.parent.name):
        if found := _NAME.findall(text):
            prefix, label = found[-1]
            return f"{prefix}{label}".upper().replace("FP16", "F16").replace("FP32", "F32")
    return None
