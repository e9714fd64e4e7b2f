"""Text to tokens and back, with a loaded file's own vocabulary."""

from __future__ import annotations

import ctypes
from functools import lru_cache

import llama_cpp

from app.engine.child.template import CHATML_END


class Vocabulary:
    """The tokeniser of a loaded file."""

    def __init__(self, model: int) -> None:
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._buffer = ctypes.create_string_buffer(256)
        self.piece = lru_cache(maxsize=65536)(self._piece)
        """Bytes of a token that is shown; control tokens have none."""
        ends = self.tokens(CHATML_END, add_special=False)
        self._chatml_end = ends[0] if len(ends) == 1 else None

    @property
    def bos(self) -> str:
        """Text of the token that begins a prompt, for chat templates."""
        return self._text(llama_cpp.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> str:
        """Text of the token that ends a turn, for chat templates."""
        return self._text(llama_cpp.llama_vocab_eos(self._vocab))

    def tokens(self, text: str, *, add_special: bool) -> list[int]:
        """Tokenise; special tokens written in the text become single tokens."""
        data = text.encode("utf-8", "replace")
        # A token is at least one byte, but for the specials at both ends and a space that some vocabularies add.
        room = len(data) + 8
        array = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), array, room, add_special, True)
        if count < 0:
            raise MemoryError(f"tokenising {len(data)} bytes needs {-count} tokens")
        return list(array[:count])

    def prompt_tokens(self, text: str) -> list[int]:
        """Tokens of a whole prompt, with the beginning token where the vocabulary wants it and the text lacks it."""
        bos = self.bos
        return self.tokens(text, add_special=not (bos and text.startswith(bos)))

    def ends_answer(self, token: int) -> bool:
        """Whether this token is the end of an answer."""
        return token == self._chatml_end or bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

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
