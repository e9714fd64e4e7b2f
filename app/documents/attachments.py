"""Attachments: texts and documents read from files, with detection of the encoding.

Encodings are tried in the order of their certainty: byte order mark, UTF-8, UTF-16 by its zero bytes, Chinese encodings
by the share of common characters, Windows-1252.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from pathlib import Path

from app.bounds import MAX_PICTURE_FILE_BYTES
from app.conversation import Attachment
from app.picture_header import is_picture
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError

MAX_BYTES = 16 << 20
"""Text of one attachment: 2,000 pages have about 6 MB."""
MAX_DOCUMENT_BYTES = 300 << 20
LIMITS = {"text": MAX_BYTES, "document": MAX_DOCUMENT_BYTES, "picture": MAX_PICTURE_FILE_BYTES}
"""Sizes of files by their kinds."""
HEAD_BYTES = 1024
DOCUMENT_MARKS = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""In the first bytes of PDF files, of the archives that newer Office files and EPUB books are, and of older Office
files."""
HTML = (".html", ".htm", ".xhtml")
MAX_NAME_CHARACTERS = 120
SAMPLE_CHARACTERS = 64 << 10
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHINESE = (("gb18030", "gb2312"), ("big5", "big5"))
"""An encoding, and one that has only its common characters."""
COMMON_SHARE = 0.8


def read_attachment(
    path: Path, token: CancelToken = NEVER_CANCELLED, report: Callable[[float], object] = lambda _share: None
) -> Attachment:
    """Read a text file, a document or a picture.

    ``report`` is called with the share of a document that was read.

    Raises:
        UserError: ``attachment_too_large`` (name, bytes, limit_bytes), ``attachment_not_text``, ``attachment_empty``
            or ``attachment_is_a_folder`` (name), or ``file_unreadable`` (path, detail); as ``extract`` and
            ``PictureReader.read``.
        Cancelled: ``token`` was cancelled.
    """
    name = clean_name(path.name)
    try:
        if path.is_dir():
            raise UserError("attachment_is_a_folder", name=name)
        # A device or a pipe may never end.
        with path.open("rb") as file:
            content = file.read(HEAD_BYTES)
            kind = _kind(content, path.suffix.lower())
            limit = LIMITS[kind]
            if kind != "document":
                content += file.read(limit + 1 - len(content))
        size = max(path.stat().st_size, len(content))
    except OSError as error:
        raise UserError("file_unreadable", path=path, detail=error.strerror or str(error)) from error
    if size > limit:
        raise UserError("attachment_too_large", name=name, bytes=size, limit_bytes=limit)
    if kind == "picture":
        from app.documents.pictures import read_picture

        return read_picture(content, name, token)
    if kind == "document":
        # The module starts processes; its imports would delay the window.
        from app.documents.extraction import extract

        text: str | None = extract(path, name, MAX_BYTES, token, report)
    else:
        text = decode(content)
    if text is None:
        raise UserError("attachment_not_text", name=name)
    if not text.strip():
        raise UserError("attachment_empty", name=name)
    return Attachment(name, text)


def _kind(head: bytes, suffix: str) -> str:
    """Return a key of ``LIMITS`` for a file that begins so."""
    if is_picture(head):
        return "picture"
    return "document" if any(mark in head for mark in DOCUMENT_MARKS) or suffix in HTML else "text"


def attachment_from_paste(text: str, name: str) -> Attachment:
    """Return an attachment with a long paste.

    Raises:
        UserError: ``attachment_too_large`` (name, bytes, limit_bytes).
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise UserError("attachment_too_large", name=name, bytes=size, limit_bytes=MAX_BYTES)
    return Attachment(clean_name(name), normalise_line_ends(text))


def decode(content: bytes) -> str | None:
    """Decode bytes to text with ``\\n`` as line ends; return None where they are no text."""
    for mark, encoding in BYTE_ORDER_MARKS:
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
        if found is not None and (here := _common_share(found[:SAMPLE_CHARACTERS], common)) > share:
            best, share = found, here
    return best if best is not None else _decoded(content, "cp1252")


def clean_name(name: str) -> str:
    """Return a file name without control characters, such as line breaks and changes of direction."""
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip()
    return kept[:MAX_NAME_CHARACTERS] or "text"


def normalise_line_ends(text: str) -> str:
    """Return the text with ``\\n`` as line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_mark(content: bytes) -> str | None:
    """Decode UTF-16 without a mark: Latin text has a zero in every second byte, Chinese text at least in line ends."""
    even, odd = content[0:SAMPLE_CHARACTERS:2].count(0), content[1:SAMPLE_CHARACTERS:2].count(0)
    if len(content) % 2 or min(even, odd) * 8 > max(even, odd):
        return None
    return _decoded(content, "utf-16-le" if odd > even else "utf-16-be")


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeError:
        return None
    return normalise_line_ends(text) if _is_text(text) else None


def _is_text(text: str) -> bool:
    """Return whether a text has next to no control or unassigned characters."""
    strange = sum(
        1 for c in text[:SAMPLE_CHARACTERS] if c not in "\n\r\t\f\x1b" and unicodedata.category(c) in ("Cc", "Cn")
    )
    return "\0" not in text and strange * 200 <= len(text[:SAMPLE_CHARACTERS])


def _common_share(text: str, encoding: str) -> float:
    """Return the share of the non-ASCII characters that are common in the encoding, from 0 to 1."""
    beyond = [character for character in text if ord(character) > 127]
    common = sum(1 for character in beyond if len(character.encode(encoding, "ignore")) == 2)
    return common / len(beyond) if beyond else 0.0
