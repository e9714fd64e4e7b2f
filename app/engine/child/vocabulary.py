"""Tokenisation with a loaded file's vocabulary."""

from __future__ import annotations

import ctypes
import hashlib
import re
from array import array
from functools import lru_cache

from llama_cpp import llama_cpp

from app.engine.child.template import CHATML_END

CACHED_TOKENS = 4 << 20
"""Cached tokens of prompt parts, of 4 bytes each: many times the longest contexts."""
_PLAIN_CONTROL = re.compile(r"[<\[]\S+[>\]]")


class Vocabulary:
    """The tokeniser of a loaded file."""

    def __init__(self, model: int) -> None:
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._buffer = ctypes.create_string_buffer(256)
        self.piece = lru_cache(maxsize=65536)(self._piece)
        """Text of a token as bytes; control tokens have none."""
        ends = self.tokens(CHATML_END, add_special=False)
        self._chatml_end = ends[0] if len(ends) == 1 else None
        self._parts: dict[bytes, array[int]] = {}
        self._cached = 0
        self._controls: re.Pattern[str] | None = None

    @property
    def bos(self) -> str:
        """Text of the token that begins a prompt, for chat templates."""
        return self._text(llama_cpp.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> str:
        """Text of the token that ends a turn, for chat templates."""
        return self._text(llama_cpp.llama_vocab_eos(self._vocab))

    def tokens(self, text: str, *, add_special: bool) -> list[int]:
        """Tokenise a text; special tokens in it become single tokens."""
        data = text.encode("utf-8", "replace")
        # A token is at least one byte, except for specials at both ends and a space that some vocabularies add.
        capacity = len(data) + 8
        array = (llama_cpp.llama_token * capacity)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), array, capacity, add_special, True)
        if count < 0:
            raise MemoryError(f"tokenising {len(data)} bytes needs {-count} tokens")
        return list(array[:count])

    def prompt_tokens(self, text: str) -> list[int]:
        """Tokenise a whole prompt, with the BOS token where the vocabulary requires it and the text lacks it.

        The result is that of the text in one piece.  No token spans a control token, so the text between two of them is
        tokenised separately and cached: a conversation of a thousand messages costs as much as its new ones.
        """
        bos = self.bos
        add_special = not (bos and text.startswith(bos))
        starts = [match.start() for match in self._control_tokens().finditer(text) if match.start()]
        if not starts or llama_cpp.llama_vocab_get_add_eos(self._vocab):
            return self.tokens(text, add_special=add_special)
        tokens = self.tokens(text[: starts[0]], add_special=add_special)
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            tokens.extend(self._part(text[start:end]))
        return tokens

    def count(self, text: str) -> int:
        """Count the tokens of a text on its own."""
        return len(self._part(text))

    def ends_answer(self, token: int) -> bool:
        """Whether this token ends an answer."""
        return token == self._chatml_end or bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def _part(self, text: str) -> array[int]:
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        part = self._parts.get(key)
        if part is None:
            if self._cached >= CACHED_TOKENS:
                self._parts.clear()
                self._cached = 0
            part = self._parts[key] = array("i", self.tokens(text, add_special=False))
            self._cached += len(part)
        return part

    def _control_tokens(self) -> re.Pattern[str]:
        """Pattern of the control tokens that are tokens in any context: ``<...>`` and ``[...]``.

        Those that include the white space before them are left out.
        """
        if self._controls is None:
            found = []
            for token in range(self.size):
                kind = llama_cpp.llama_vocab_get_attr(self._vocab, token)
                if kind & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL and not kind & llama_cpp.LLAMA_TOKEN_ATTR_LSTRIP:
                    text = self._text(token)
                    if _PLAIN_CONTROL.fullmatch(text):
                        found.append(re.escape(text))
            # An empty alternation would match everywhere.
            self._controls = re.compile("|".join(sorted(found, key=len, reverse=True)) or r"(?!)")
        return self._controls

    def _piece(self, token: int) -> bytes:
        length = llama_cpp.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, False)
        if length < 0:
            self._buffer = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, False)
        return self._buffer.raw[:length]

    def _text(self, token: int) -> str:
        if token < 0:
            return ""
        text: bytes = llama_cpp.llama_vocab_get_text(self._vocab, token) or b""
        return text.decode(errors="replace")
