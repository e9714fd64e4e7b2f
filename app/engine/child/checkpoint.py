"""Checkpoint of layers that cannot drop their newest tokens: those with sliding windows of their own size, and
recurrent ones.

Without it an answer that is generated again, or thoughts that are left out of the next prompt, would cost reading the
whole conversation.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from llama_cpp import llama_cpp

TAIL = 8
"""Tokens at the end of a prompt that come after its checkpoint: the opening of the answer, which later prompts may not
have (a template that opens the thoughts)."""
LEAST_TOKENS = 64
"""Tokens of the shortest prompt with a checkpoint: reading as many takes no time."""
_FLAGS = llama_cpp.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY


class Checkpoint:
    """State of these layers after ``tokens``, the beginning of a prompt; the other layers still have it."""

    def __init__(self, context: int) -> None:
        self._context = context
        self.tokens: list[int] = []
        self._end = 0
        self._data: ctypes.Array[ctypes.c_uint8] | None = None

    def take(self, tokens: Sequence[int], end: int) -> None:
        """Copy the state after ``tokens``, all that are in the KV cache now; ``end`` is the next position."""
        size = llama_cpp.llama_state_seq_get_size_ext(self._context, 0, _FLAGS)
        data = (ctypes.c_uint8 * size)()
        written = llama_cpp.llama_state_seq_get_data_ext(self._context, data, size, 0, _FLAGS)
        self.tokens, self._end, self._data = list(tokens) if written == size else [], end, data

    def restore(self) -> bool:
        """Return to the state after ``tokens``, which the caller's tokens begin with; False where that failed."""
        data = self._data
        if not self.tokens or data is None:
            return False
        read = llama_cpp.llama_state_seq_set_data_ext(self._context, data, len(data), 0, _FLAGS)
        memory = llama_cpp.llama_get_memory(self._context)
        return bool(read == len(data) and llama_cpp.llama_memory_seq_rm(memory, 0, self._end, -1))
