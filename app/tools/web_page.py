"""Text of a web page or document at an address, as far as it answers a question."""

from __future__ import annotations

import html
import re
import tempfile
from pathlib import Path

from app.documents.attachments import read_attachment
from app.documents.ranking import index_of, rank, spread
from app.tools.search import MAX_TITLE_CHARACTERS, Source, line
from app.tools.web_request import request
from model_manager.cancellation import CancelToken
from model_manager.disk.files import disk_errors
from model_manager.errors import UserError
from model_manager.hub.access import host_of
from model_manager.hub.http import is_web_page

MAX_BYTES = 16 << 20
PAGE_S = 45.0
PASSAGES = 8
"""Passages of a long page that the model gets: about 2,000 tokens."""
WHOLE_CHARACTERS = 7000
"""A page up to this length is given as a whole."""
MAX_PASSAGE_CHARACTERS = 4 * WHOLE_CHARACTERS // PASSAGES
GAP = "[…]"
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,1000})</title", re.IGNORECASE)
_TITLE_BYTES = 256 << 10
_MEDIA = ("image/", "audio/", "video/", "font/")


def read_page(
    url: str, question: str, proxy: str | None, token: CancelToken, *, public_only: bool = True
) -> tuple[Source, str]:
    """Return the page and its text in Markdown; of a long one the passages that match ``question``.

    Raises:
        UserError: as ``request`` with ``page``; ``page_refused`` (host, status), ``page_not_text`` (host); as
            ``read_attachment`` for a damaged document.
        Cancelled: ``token`` was cancelled.
    """
    answer = request(url, proxy, token, limit_bytes=MAX_BYTES, limit_s=PAGE_S, public_only=public_only, kind="page")
    host = host_of(answer.url)
    if answer.status != 200:
        raise UserError("page_refused", host=host, status=answer.status)
    is_html = is_web_page(answer.headers)
    if answer.headers.get("Content-Type", "").lower().startswith(_MEDIA):
        raise UserError("page_not_text", host=host)
    with tempfile.TemporaryDirectory(prefix="apus-chat-") as folder:
        path = Path(folder) / (f"{host.replace(':', '_')}.html" if is_html else host.replace(":", "_"))
        with disk_errors(path):
            path.write_bytes(answer.body)
        text = read_attachment(path, token).content
    title = _title(answer.body) if is_html else ""
    return Source(title or host, answer.url), relevant(text, question)


def relevant(text: str, question: str) -> str:
    """Return a short text as a whole, of a long one the passages that match a question, in their order."""
    if len(text) <= WHOLE_CHARACTERS:
        return text.strip()
    index = index_of(text)
    places = sorted(place for _, place in (rank([index], question) or spread([index]))[:PASSAGES])
    parts, before = [], -1
    for place in places:
        if place != before + 1:
            parts.append(GAP)
        passage = index.passages[place]
        parts.append(text[passage.start : passage.end].strip()[:MAX_PASSAGE_CHARACTERS])
        before = place
    if before < len(index.passages) - 1:
        parts.append(GAP)
    return "\n\n".join(parts)


def _title(body: bytes) -> str:
    match = _TITLE.search(body[:_TITLE_BYTES])
    return line(html.unescape(match[1].decode("utf-8", "replace")), MAX_TITLE_CHARACTERS) if match else ""
