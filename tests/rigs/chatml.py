"""A byte-level vocabulary with the ChatML tokens."""

from __future__ import annotations

from typing import Any

UNKNOWN, BOS, EOS_OF_TEXT = 0, 1, 2
FIRST_BYTE = 3
FIRST_CHARACTER = FIRST_BYTE + 256
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6


def add_vocabulary(
    writer: Any, size: int | None = None, further: tuple[str, ...] = (), are_user_defined: bool = False
) -> list[bytes]:
    """Write a SentencePiece-like vocabulary; returns its tokens.

    256 byte tokens, the printable ASCII characters, made-up words up to ``size``, and last ``<|im_start|>`` and
    ``<|im_end|>``, the end of an answer.  ``further`` tokens are in front of these two, those in brackets as
    control tokens.  ``are_user_defined``: instead of control tokens there are user-defined ones.
    """
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
    types = [_UNKNOWN, _CONTROL, _CONTROL, *([_BYTE] * 256)]
    characters = [("\u2581" if code == 32 else chr(code)).encode() for code in range(32, 127)]
    words = [f"tok{number}".encode() for number in range(len(tokens) + len(characters), (size or 0) - 2)]
    ends = [*(text.encode() for text in further), b"<|im_start|>", b"<|im_end|>"]
    tokens += [*characters, *words, *ends]
    special = _USER_DEFINED if are_user_defined else _CONTROL
    types += [
        *([_NORMAL] * (len(characters) + len(words))),
        *(special if text[0] in b"<[" else _NORMAL for text in ends),
    ]
    if size is not None and size != len(tokens):
        raise ValueError(f"a vocabulary has at least {len(tokens)} tokens")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_token_types(types)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_unk_token_id(UNKNOWN)
    return tokens
