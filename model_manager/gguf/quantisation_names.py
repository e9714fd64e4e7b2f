"""The quantisation that a file's name speaks of: good enough for a list, never for a computation (headers are)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# llama.cpp's own names (``ggml_types.FILE_TYPES``, and types that are gone), K-quants whose outer tensors have another
# size (Q6_K_L, UD-Q4_K_XL), and 16 and 32 bits as their makers write them.
_NAME = re.compile(
    r"(?<![A-Z0-9])(UD-)?"
    r"(I?Q[1-8]_(?:K(?:_(?:XXS|XS|S|M|L|XL))?|NL(?:_[48]_[48])?|[01](?:_[48]_[48])?|XXS|XS|S|M|L|XL)"
    r"|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)"
    r"(?![A-Z0-9])",
    re.IGNORECASE,
)


def quantisation_in(name: str) -> str | None:
    """The last quantisation in ``name``, as people write it (``Q4_K_M``, ``UD-Q2_K_XL``); else that of its folder.

    ``name`` is a path inside a repository.  None where neither says one.
    """
    path = PurePosixPath(name)
    for text in (path.name, path.parent.name):
        if found := _NAME.findall(text):
            prefix, label = found[-1]
            return f"{prefix}{label}".upper().replace("FP16", "F16").replace("FP32", "F32")
    return None
