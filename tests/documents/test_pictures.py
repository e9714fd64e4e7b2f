"""Pictures that are attached: formats, orientation, metadata, size, damaged and hostile files."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from app.bounds import MAX_PICTURE_BYTES, MAX_PICTURE_FILE_BYTES, PICTURE_SIDE, within_bounds
from app.conversation import Attachment, Picture
from app.documents.attachments import read_attachment
from app.documents.pictures import PictureReader, read_picture
from app.picture_header import is_picture, read_header
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.rigs.pictures import attached, colours, is_red, picture_file, png_bomb, png_chunk


def made(attachment: Attachment) -> Picture:
    assert attachment.picture is not None
    return attachment.picture


@pytest.fixture(scope="module")
def reader() -> PictureReader:
    with PictureReader() as reader:
        yield reader


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/png"),
        ("GIF", "image/png"),
        ("BMP", "image/png"),
        ("TIFF", "image/png"),
        ("AVIF", "image/png"),
    ],
)
def test_formats(tmp_path: Path, format_: str, media_type: str) -> None:
    path = tmp_path / f"two colours.{format_.lower()}"
    path.write_bytes(picture_file(format_))
    attachment = read_attachment(path)
    picture = made(attachment)
    assert (attachment.name, attachment.content, attachment.tokens) == (path.name, "", None)
    assert (picture.name, picture.media_type, picture.width, picture.height) == (path.name, media_type, 40, 20)
    assert read_header(picture.data) == (media_type, 40, 20)
    left, right = colours(picture.data)
    assert is_red(left)
    assert not is_red(right)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "YCbCr"])
def test_colour_modes(reader: PictureReader, mode: str) -> None:
    format_ = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    picture = made(reader.read(picture_file(format_, mode=mode), "x"))
    left, right = colours(picture.data)
    assert left != right
    assert Image.open(io.BytesIO(picture.data)).mode == "RGB"


def test_sixteen_bits_keep_their_brightness(reader: PictureReader) -> None:
    content = io.BytesIO()
    Image.new("I;16", (4, 4), 32768).save(content, "PNG")
    assert colours(made(reader.read(content.getvalue(), "x")).data)[0] == (127, 127, 127)


def test_first_picture_of_an_animation(reader: PictureReader) -> None:
    content = io.BytesIO()
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    first.save(content, "GIF", save_all=True, append_images=[second], duration=10)
    assert all(map(is_red, colours(made(reader.read(content.getvalue(), "x")).data)))


def test_transparent_pixels_are_white(reader: PictureReader) -> None:
    content = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(content, "PNG")
    assert colours(made(reader.read(content.getvalue(), "x")).data)[0] == (255, 255, 255)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))])
def test_turned_upright(reader: PictureReader, format_: str, orientation: int, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = made(reader.read(picture_file(format_, exif=exif), "x"))
    assert (picture.width, picture.height) == size
    first, last = colours(picture.data)
    # Red is at the left, the right, the top and the bottom.
    assert is_red(first) == (orientation in (1, 6))
    assert is_red(last) == (orientation in (3, 8))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_removed(reader: PictureReader, format_: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Taken at home"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    data = picture_file(format_, exif=exif)
    assert b"Taken at home" in data
    picture = made(reader.read(data, "x"))
    assert b"Taken at home" not in picture.data
    image = Image.open(io.BytesIO(picture.data))
    assert not image.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & image.info.keys()


@pytest.mark.parametrize(
    ("size", "scaled"), [((4096, 1024), (2048, 512)), ((100, 6000), (34, 2048)), ((2048, 30), (2048, 30))]
)
def test_scaled_down(reader: PictureReader, size: tuple[int, int], scaled: tuple[int, int]) -> None:
    for format_ in ("PNG", "JPEG"):
        picture = made(reader.read(picture_file(format_, size), "x"))
        assert (picture.width, picture.height) == scaled
        assert max(scaled) <= PICTURE_SIDE


def test_photo_in_a_lossless_format_becomes_jpeg(reader: PictureReader) -> None:
    content = io.BytesIO()
    Image.frombytes("RGB", (1600, 1600), random.Random(1).randbytes(1600 * 1600 * 3)).save(content, "PNG")
    picture = made(reader.read(content.getvalue(), "x"))
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) <= MAX_PICTURE_BYTES


def refusal(data: bytes, name: str = "x.png") -> str:
    with pytest.raises(UserError) as raised:
        read_picture(data, name)
    assert raised.value.data["name"] == name
    return raised.value.code


def test_decompression_bomb_is_refused_at_once() -> None:
    start = time.monotonic()
    assert refusal(png_bomb()) == "picture_too_large"
    assert time.monotonic() - start < 10


def test_text_chunks_that_unpack_without_end() -> None:
    bomb = zlib.compress(bytes(300 << 20), 9)
    head, tail = picture_file()[:33], picture_file()[33:]
    code = refusal(head + png_chunk(b"zTXt", b"Comment\0\0" + bomb) + tail)
    assert code == "picture_damaged"


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_cut_file(format_: str) -> None:
    data = picture_file(format_, (400, 300))
    assert refusal(data[: len(data) * 2 // 3]) in ("picture_damaged", "picture_format")


def test_changed_bytes_never_end_the_program(reader: PictureReader) -> None:
    chance = random.Random(7)
    for format_ in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        original = picture_file(format_, (64, 64))
        for _ in range(40):
            data = bytearray(original)
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            # Another error fails the test.
            with suppress(UserError):
                picture = made(reader.read(bytes(data), "x"))
                assert read_header(picture.data) == (picture.media_type, picture.width, picture.height)


def test_unreadable_format(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(1000))
    with pytest.raises(UserError) as raised:
        read_attachment(path)
    assert (raised.value.code, raised.value.data) == ("picture_format", {"name": "photo.heic"})


def test_file_with_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "long.bmp"
    with path.open("wb") as file:
        file.write(picture_file("BMP"))
        file.truncate(MAX_PICTURE_FILE_BYTES + 1)
    with pytest.raises(UserError) as raised:
        read_attachment(path)
    limits = {"bytes": MAX_PICTURE_FILE_BYTES + 1, "limit_bytes": MAX_PICTURE_FILE_BYTES}
    assert (raised.value.code, raised.value.data) == ("attachment_too_large", {"name": "long.bmp", **limits})


def test_cancelled(reader: PictureReader) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        PictureReader().read(picture_file("PNG", (3000, 3000)), "x", token)


def test_texts_are_no_pictures(tmp_path: Path) -> None:
    assert not is_picture(b"BM is a text.")
    path = tmp_path / "notes.png"
    path.write_text("Only a name")
    assert read_attachment(path).content == "Only a name"


def test_stored_pictures_are_what_they_say() -> None:
    attachment = attached()
    assert within_bounds(attachment) == attachment
    picture = made(attachment)
    wrong = [
        Picture("x", picture.data, "image/png", 41, 20),
        Picture("x", picture.data, "image/jpeg", 40, 20),
        Picture("x", b"<svg/>", "image/svg+xml", 40, 20),
        Picture("x", picture.data + bytes(MAX_PICTURE_BYTES), "image/png", 40, 20),
        Picture("x", png_bomb(), "image/png", 100_000, 100_000),
        Picture("x", b"", "image/png", 0, 0),
    ]
    for each in wrong:
        assert within_bounds(Attachment("x", "", picture=each)).picture is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\0" + bytes(100),
        b"\xff\xd8" + b"\xff" * 1000,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff\xe0" + struct.pack(">H", 65535),
    ],
)
def test_damaged_headers(data: bytes) -> None:
    assert read_header(data) is None
