"""GGUF header of a file on a hub, read by range requests before anything else is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, parse_header
from model_manager.gguf.reader import MAX_HEADER_BYTES
from model_manager.published import HubFile, TargetFile

SMALLEST_FIRST_BYTES = 64 << 10
FIRST_BYTES = 2 << 20
"""A vocabulary of 64,000 tokens with 1,300 tensors takes 1.6 MB."""

_OTHER_CONTENT = {"is_web_page": "web_page_instead", "is_lfs_pointer": "lfs_pointer_instead"}


def read_remote_header(target: TargetFile, read_part: Callable[[HubFile, int, int], bytes]) -> tuple[GgufHeader, bytes]:
    """Return the header of a published file and its bytes from 0 to ``data_offset``.

    ``read_part(part, start, length)`` fetches exactly these bytes of one of the ``target.parts``.  Most files take one
    request of 2 MiB; each further one doubles that, up to ``MAX_HEADER_BYTES`` whatever the header claims.

    Raises ``UserError``: web_page_instead(name), lfs_pointer_instead(name), published_shorter(name, bytes,
    expected_bytes), as ``parse_header``, and as ``read_part``.
    """
    path = Path(target.file_name)
    limit = min(target.bytes, MAX_HEADER_BYTES)
    head = b""
    # Of a small file a part, so that most of it is downloaded with progress and several connections.
    needed = min(FIRST_BYTES, max(SMALLEST_FIRST_BYTES, limit // 8), limit)
    while True:
        head += _read(target, read_part, len(head), needed)
        window = _Window(head)
        try:
            header = parse_header(window, target.bytes, path)
        except UserError as error:
            if error.code in _OTHER_CONTENT:
                raise UserError(_OTHER_CONTENT[error.code], name=target.file_name) from error
            # The last read ended at the end of the window: with more bytes the header may be valid.
            if error.code != "gguf_damaged" or not window.is_short or len(head) >= limit:
                raise
            needed = min(limit, max(2 * len(head), window.needed))
            continue
        if header.data_offset > limit or header.end_of_data > target.bytes:
            sizes = {"bytes": target.bytes, "expected_bytes": max(header.data_offset, header.end_of_data)}
            raise UserError("published_shorter", name=target.file_name, **sizes)
        if header.data_offset <= len(head):
            return header, head[: header.data_offset]
        needed = header.data_offset


def _read(target: TargetFile, read_part: Callable[[HubFile, int, int], bytes], start: int, end: int) -> bytes:
    content, part_start = b"", 0
    for part in target.parts:
        first, last = max(start, part_start), min(end, part_start + part.bytes)
        if first < last:
            content += read_part(part, first - part_start, last - first)
        part_start += part.bytes
    return content


class _Window(BytesIO):
    """Beginning of a file; records whether the last read went beyond it."""

    is_short = False
    needed = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes."""
        assert size is not None
        start = self.tell()
        content = super().read(size)
        self.is_short = len(content) < size
        # The parser's buffer asks for more than it needs: 64 KiB of what follows suffice.
        self.needed = min(start + size, max(start, self.getbuffer().nbytes) + (1 << 16))
        return content
