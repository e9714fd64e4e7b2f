"""Texts that a question brings along: read from files, their encoding found, what is no text refused.

Encodings are tried in the order of how surely they can be told: a byte order mark, UTF-8, UTF-16 by its zero bytes,
then the Chinese ones by how common the characters are that they would give, then Western single bytes.
"""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path

from app.conversation import Attachment
from model_manager.errors import UserError

LARGEST_BYTES = 2 << 20
LONG_PASTE = 4000
"""Characters; a longer paste becomes an attachment."""
LONGEST_NAME = 120
SAMPLE = 64 << 10
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHINESE = (("gb18030", "gb2312"), ("big5", "big5"))
"""An encoding, and the one that holds only its common characters."""
COMMON_SHARE = 0.8


def read_attachment(path: Path) -> Attachment:
    """The text of a file under its name.

    Raises:
        UserError: ``attachment_too_large`` (name, bytes, limit_bytes), ``attachment_not_text``, ``attachment_empty``
            or ``attachment_is_a_folder`` (name), or ``file_not_readable`` (path, detail).
    """
    name = clean_name(path.name)
    try:
        if path.is_dir():
            raise UserError("attachment_is_a_folder", name=name)
        # A device or a pipe may never end; nothing beyond the limit is read.
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        size = max(path.stat().st_size, len(content))
    except OSError as error:
        raise UserError("file_not_readable", path=path, detail=error.strerror or str(error)) from error
    if size > LARGEST_BYTES:
        raise UserError("attachment_too_large", name=name, bytes=size, limit_bytes=LARGEST_BYTES)
    text = decode(content)
    if text is None:
        raise UserError("attachment_not_text", name=name)
    if not text.strip():
        raise UserError("attachment_empty", name=name)
    return Attachment(name, text)


def pasted(text: str, name: str) -> Attachment:
    """A long paste as an attachment.

    Raises:
        UserError: ``attachment_too_large`` (name, bytes, limit_bytes).
    """
    size = len(text.encode("utf-8", "replace"))
    if size > LARGEST_BYTES:
        raise UserError("attachment_too_large", name=name, bytes=size, limit_bytes=LARGEST_BYTES)
    return Attachment(clean_name(name), normal_lines(text))


def decode(content: bytes) -> str | None:
    """The text that the bytes hold, with line ends as ``\\n``; None where they hold no text."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding)
    text = _decoded(content, "utf-8")
    if text is not None:
        return text
    if b"\0" in content:
        return _without_mark(content)
    best, share = None, COMMON_SHARE
    for encoding, common in CHINESE:
        found = _decoded(content, encoding)
        if found is not None and (here := _common_share(found[:SAMPLE], common)) > share:
            best, share = found, here
    return best if best is not None else _decoded(content, "cp1252")


def clean_name(name: str) -> str:
    """A file's name without what could break a line or turn the direction of writing."""
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip()
    return kept[:LONGEST_NAME] or "text"


def normal_lines(text: str) -> str:
    """The text with line ends as ``\\n``."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_mark(content: bytes) -> str | None:
    """UTF-16 that does not say so: in Latin text every second byte is zero, in Chinese text the line ends have one."""
    even, odd = content[0:SAMPLE:2].count(0), content[1:SAMPLE:2].count(0)
    if len(content) % 2 or min(even, odd) * 8 > max(even, odd):
        return None
    return _decoded(content, "utf-16-le" if odd > even else "utf-16-be")


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeError:
        return None
    return normal_lines(text) if _is_written(text) else None


def _is_written(text: str) -> bool:
    """Whether a person could have written it: next to no control or unassigned characters."""
    strange = sum(1 for c in text[:SAMPLE] if c not in "\n\r\t\f\x1b" and unicodedata.category(c) in ("Cc", "Cn"))
    return "\0" not in text and strange * 200 <= len(text[:SAMPLE])


def _common_share(text: str, encoding: str) -> float:
    """How many of the characters beyond ASCII are common ones of the encoding, from 0 to 1."""
    beyond = [character for character in text if ord(character) > 127]
    common = sum(1 for character in beyond if len(character.encode(encoding, "ignore")) == 2)
    return common / len(beyond) if beyond else 0.0
