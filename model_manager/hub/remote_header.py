"""The header of a GGUF file that lies on a hub, read by Range before anything else of it is fetched.

Where the bytes come from is the caller's business; here is decided how many of them are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, parse_header
from model_manager.gguf.reader import MAX_HEADER_BYTES

FIRST_BYTES = 2 << 20
"""A vocabulary of 64,000 tokens with 1300 tensors takes 1.6 MB."""

_INSTEAD = {"is_web_page": "web_page_instead", "is_lfs_pointer": "lfs_pointer_instead"}


def read_remote_head(read_range: Callable[[int, int], bytes], file_bytes: int, name: str) -> tuple[GgufHeader, bytes]:
    """The header of a published file, and its raw bytes from 0 to ``data_offset``.

    ``read_range(start, length)`` fetches exactly those bytes of a file of ``file_bytes`` bytes; ``name`` stands for the
    path in the header and in errors.  One request of 2 MiB for most files, twice as much at each further one, never
    beyond ``MAX_HEADER_BYTES``, however long the header says that it is.

    Raises ``UserError``: web_page_instead(name), lfs_pointer_instead(name), and as ``parse_header`` does; and whatever
    ``read_range`` raises.
    """
    path = Path(name)
    limit = min(file_bytes, MAX_HEADER_BYTES)
    head = read_range(0, min(FIRST_BYTES, limit)) if limit else b""
    while True:
        window = _Window(head)
        try:
            header = parse_header(cast(BinaryIO, window), file_bytes, path)
        except UserError as error:
            if error.code in _INSTEAD:
                raise UserError(_INSTEAD[error.code], name=name) from error
            # A read that ended at what was fetched so far: with more of the file it may be a good header.
            if error.code != "gguf_damaged" or not window.ended_early or len(head) >= limit:
                raise
            head = _more(read_range, head, min(limit, max(2 * len(head), window.wanted)))
            continue
        break
    if header.data_offset > limit:
        raise UserError("gguf_damaged", path=path, detail=f"data from byte {header.data_offset} on")
    return header, _more(read_range, head, header.data_offset)[: header.data_offset]


def _more(read_range: Callable[[int, int], bytes], head: bytes, wanted: int) -> bytes:
    missing = wanted - len(head)
    return head + read_range(len(head), missing) if missing > 0 else head


class _Window:
    """The fetched beginning of a file: remembers whether the last read wanted more than there is."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._file = BytesIO(content)
        self.ended_early = False
        self.wanted = 0

    def seek(self, offset: int) -> int:
        """Go to a byte."""
        return self._file.seek(offset)

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes."""
        start = self._file.tell()
        content = self._file.read(count)
        self.ended_early = len(content) < count
        # The reader asks for more than it needs: some bytes of what comes next are enough to find out.
        self.wanted = min(start + count, max(start, len(self._content)) + (1 << 16))
        return content
