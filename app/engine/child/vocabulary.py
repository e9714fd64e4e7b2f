"""Tokenisation with a loaded file's vocabulary."""

from __future__ import annotations

import ctypes
import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from llama_cpp import llama_cpp

from app.engine.child.template import CHATML_END

CACHED_TOKENS = 4 << 20
"""Cached tokens of prompt parts, of 4 bytes each: many times the longest contexts."""
PLAIN, CUT = "\ufdd0", "\ufdd1"
"""Noncharacters after the first character of what would be a special token in the text of a message: removed before the
text is tokenised, or dividing it where the engine recognises the token in any text."""
_SPACE = " \t\n\v\f\r"
_SPECIAL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
_LOOKS_SPECIAL = re.compile(r"<[|｜]\S*>|<\S*[|｜]>|\[/?[A-Z_]+\]|<(start|end)_of_turn>|</?s>")
"""Tokens that separate messages, although files may declare them as user-defined."""


class _TokenTexts:
    """Finds the texts of some tokens."""

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self._tokens = {text: token for text, token in tokens.items() if text}
        self._lengths = sorted({len(text) for text in self._tokens}, reverse=True)
        first, second = ({re.escape(text[at : at + 1]) for text in self._tokens} for at in (0, 1))
        after = "" if "" in second else f"(?=[{''.join(second)}])"
        self._beginning = re.compile(f"[{''.join(first)}]{after}" if first else r"(?!)")

    def __contains__(self, text: str) -> bool:
        return text in self._tokens

    def find(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Yield start, end and token of each occurrence; of several at one place the longest."""
        end = 0
        for match in self._beginning.finditer(text):
            start = match.start()
            if start < end:
                continue
            for length in self._lengths:
                token = self._tokens.get(text[start : start + length])
                if token is not None:
                    end = min(start + length, len(text))
                    yield start, end, token
                    break


class Vocabulary:
    """The tokeniser of a loaded file."""

    def __init__(self, model: int) -> None:
        self._vocab = self.pointer = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._buffer = ctypes.create_string_buffer(256)
        self.piece = lru_cache(maxsize=65536)(self._piece)
        """Text of a token as bytes; control tokens have none, except for those in ``shown``."""
        self.shown: frozenset[int] = frozenset()
        """Control tokens that are part of an answer: the marks of thoughts."""
        ends = self.tokens(CHATML_END, special=True)
        self._chatml_end = ends[0] if len(ends) == 1 else None
        self._parts: dict[bytes, array[int]] = {}
        self._cached = 0

    @property
    def bos(self) -> str:
        """Text of the token that begins a prompt, for chat templates."""
        return self._text(llama_cpp.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> str:
        """Text of the token that ends a turn, for chat templates."""
        return self._text(llama_cpp.llama_vocab_eos(self._vocab))

    def tokens(self, text: str, *, special: bool, with_ends: bool = False) -> list[int]:
        """Tokenise a text; with ``special``, special tokens in it become single tokens.

        ``with_ends`` adds BOS and EOS where the vocabulary has them in a prompt.
        """
        data = text.encode("utf-8", "replace")
        # A token is at least one byte, except for a space that some vocabularies add.
        capacity = len(data) + 8
        array = (llama_cpp.llama_token * capacity)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), array, capacity, with_ends, special)
        if count < 0:
            raise MemoryError(f"tokenising {len(data)} bytes needs {-count} tokens")
        return list(array[:count])

    def plain(self, text: str) -> str:
        """Mark the text of a message, so that ``prompt_tokens`` finds no special tokens in it."""
        marked, position = [], 0
        special, in_messages = self._special
        for start, end, _ in in_messages.find(text):
            marked += [text[position : start + 1], PLAIN if text[start:end] in special else CUT]
            position = start + 1
        return "".join([*marked, text[position:]])

    def prompt_tokens(self, text: str, *, is_rest: bool = False) -> list[int]:
        """Tokenise a prompt, with the BOS token where the vocabulary requires it and the text lacks it.

        Special tokens become single tokens, except for those in texts of ``plain``.  No token spans a special one, so
        the text between two of them is tokenised separately and cached: a conversation of a thousand messages costs as
        much as its new ones.  ``is_rest``: the tokens of a prompt's beginning are known.
        """
        tokens: list[int] = []
        bos = self.bos
        if not (is_rest or (bos and text.startswith(bos))) and llama_cpp.llama_vocab_get_add_bos(self._vocab):
            tokens.append(llama_cpp.llama_vocab_bos(self._vocab))
        position = 0
        for start, end, token in self._special[0].find(text):
            before, attributes = text[position:start], llama_cpp.llama_vocab_get_attr(self._vocab, token)
            if attributes & llama_cpp.LLAMA_TOKEN_ATTR_LSTRIP:
                before = before.rstrip(_SPACE)
            if attributes & llama_cpp.LLAMA_TOKEN_ATTR_RSTRIP:
                end = next((at for at in range(end, len(text)) if text[at] not in _SPACE), len(text))
            self._extend(tokens, before)
            tokens.append(token)
            position = end
        self._extend(tokens, text[position:])
        return tokens

    def begins_special(self, text: str) -> bool:
        """Return whether a part of a prompt begins with a special token, so that no token spans its start."""
        return next(self._special[0].find(text), (-1,))[0] == 0

    def special_in(self, texts: Iterable[str]) -> frozenset[int]:
        """Return the special tokens in some texts."""
        return frozenset(token for text in texts for _, _, token in self._special[0].find(text))

    def count(self, text: str) -> int:
        """Count the tokens of a text on its own."""
        return len(self._part(text))

    def ends_answer(self, token: int) -> bool:
        """Whether this token ends an answer."""
        return token == self._chatml_end or bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def engine_end(self, token: int) -> int:
        """Return a token that ends an answer for the engine too, for one that ends it; -1 if there is none."""
        is_known = llama_cpp.llama_vocab_is_eog(self._vocab, token)
        return token if is_known else int(llama_cpp.llama_vocab_eos(self._vocab))

    @cached_property
    def by_piece(self) -> Mapping[bytes, int]:
        """Tokens by their text, without those that have none."""
        return {piece: token for token in range(self.size) if (piece := self._piece(token)) and token not in self.shown}

    def _extend(self, tokens: list[int], text: str) -> None:
        for part in filter(None, text.replace(PLAIN, "").split(CUT)):
            tokens.extend(self._part(part))

    def _part(self, text: str) -> array[int]:
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        part = self._parts.get(key)
        if part is None:
            if self._cached >= CACHED_TOKENS:
                self._parts.clear()
                self._cached = 0
            part = self._parts[key] = array("i", self.tokens(text, special=False))
            self._cached += len(part)
        return part

    @cached_property
    def _special(self) -> tuple[_TokenTexts, _TokenTexts]:
        """The tokens that the engine recognises only where it is asked to, and those that no message may contain."""
        special, in_messages = {}, {}
        for token in range(self.size):
            attributes = llama_cpp.llama_vocab_get_attr(self._vocab, token)
            if attributes & _SPECIAL:
                special[self._text(token)] = token
            elif attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED and _LOOKS_SPECIAL.fullmatch(self._text(token)):
                in_messages[self._text(token)] = token
        return _TokenTexts(special), _TokenTexts(special | in_messages)

    def _piece(self, token: int) -> bytes:
        if token in self.shown:
            return self._text(token).encode()
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
