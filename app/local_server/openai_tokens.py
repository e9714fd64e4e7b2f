"""The tokens of OpenAI's embedding models, which LangChain sends in place of texts, whatever the model.

``resources/cl100k/tokens.xz`` is tiktoken's ``cl100k_base.tiktoken`` (MIT licence; SHA-256 223921b7...): the lengths
of all tokens, a byte each, followed by the tokens.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

from app.config.paths import resources

COUNT = 100_256
"""Without the special tokens, which aren't text."""


def text_of(tokens: Sequence[int]) -> str:
    """Return the text of tokens, each from 0 to ``COUNT`` - 1; a character that is cut at an end is replaced."""
    return b"".join(map(_pieces().__getitem__, tokens)).decode("utf-8", "replace")


@cache
def _pieces() -> list[bytes]:
    data = lzma.decompress((resources() / "cl100k" / "tokens.xz").read_bytes())
    return [data[start:end] for start, end in pairwise(accumulate(data[:COUNT], initial=COUNT))]
