"""Pictures as models read them: upright, in sRGB, without metadata, with sides of at most ``PICTURE_SIDE``."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from app.bounds import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, PICTURE_SIDE
from app.documents.child.refusal import Refusal
from app.picture_header import JPEG, PNG

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "TIFF")
MAX_PNG_BYTES = 2 << 20
"""A larger picture becomes a JPEG file, as photos are."""
QUALITIES = (90, 75, 50)
"""Of JPEG; the first one that gives at most ``MAX_PICTURE_BYTES``."""
MAX_PROFILE_BYTES = 4 << 20
"""Of a colour profile."""


def prepare(data: bytes) -> dict[str, Any]:
    """Return a picture as ``{"data", "media_type", "width", "height"}``, the first one of an animation.

    Raises ``Refusal``: ``format`` or ``too_large``; anything for a damaged file.
    """
    # Checked below, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        # Of AVIF and HEIC, which have the same container, only the first is read.
        raise Refusal("format" if data[4:8] == b"ftyp" else "damaged") from error
    if image.width * image.height > MAX_PICTURE_PIXELS:
        raise Refusal("too_large")
    is_photo, profile = image.format == "JPEG", image.info.get("icc_profile")
    # A JPEG file can be decoded at a half, a quarter or an eighth of its size.
    image.draft("RGB", (PICTURE_SIDE, PICTURE_SIDE))
    image.load()
    has_colours = image.mode in ("RGB", "RGBA")
    image = _opaque(image)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = ImageOps.exif_transpose(image)
    if has_colours and profile and len(profile) <= MAX_PROFILE_BYTES:
        image = _in_srgb(image, profile)
    media_type, encoded = (JPEG, b"") if is_photo else (PNG, _encoded(image, "PNG"))
    if is_photo or len(encoded) > MAX_PNG_BYTES:
        tries = (_encoded(image, "JPEG", quality=quality, subsampling=0) for quality in QUALITIES)
        media_type, encoded = JPEG, next(each for each in tries if len(each) <= MAX_PICTURE_BYTES)
    text = base64.b64encode(encoded).decode()
    return {"data": text, "media_type": media_type, "width": image.width, "height": image.height}


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture with 8 bits for each colour, on white where it is transparent."""
    if image.mode.startswith("I"):
        # With 16 bits.
        return image.point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    coloured = image.convert("RGBA")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(coloured, mask=coloured.getchannel("A"))
    # With the orientation.
    ground.info = image.info
    return ground


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        # Only the colours are a little different.
        return image


def _encoded(image: Image.Image, name: str, **options: int) -> bytes:
    # A new image, because the file would get the metadata of this one.
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    content = io.BytesIO()
    bare.save(content, name, **options)
    return content.getvalue()
