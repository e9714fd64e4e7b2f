"""Pictures of all formats, made by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

from app.conversation import Attachment, Picture


def picture_file(format_: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    content = io.BytesIO()
    image.convert(mode).save(content, format_, **options)
    return content.getvalue()


def attached(name: str = "cat.png", size: tuple[int, int] = (40, 20)) -> Attachment:
    """An attachment as the program makes it."""
    return Attachment(name, "", picture=Picture(name, picture_file(size=size), "image/png", *size))


def colours(data: bytes) -> tuple[tuple[int, int, int], ...]:
    """The colours of the top left and bottom right corners."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return tuple(image.getpixel(place) for place in ((1, 1), (image.width - 2, image.height - 2)))  # type: ignore[misc]


def is_red(colour: tuple[int, int, int]) -> bool:
    return colour[0] > 200 and colour[2] < 60


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int = 100_000) -> bytes:
    """A small file that says it has ``side`` squared pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
