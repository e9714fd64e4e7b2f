"""Texts read from files: their encodings, what is refused, names that could do harm."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.documents.attachments import MAX_BYTES, attachment_from_paste, clean_name, decode, read_attachment
from model_manager.errors import UserError

CHINESE = "海水为什么是咸的？因为河流把盐带到海里，水蒸发以后盐留了下来。\n第二行：还有火山。\n"
TRADITIONAL = "海水為什麼是鹹的？因為河流把鹽帶到海裡，水蒸發以後鹽留了下來。\n第二行：還有火山。\n"
MIXED = "# Notes\n盐度 35‰ at 25 °C — café\n"


@pytest.mark.parametrize("text", [CHINESE, MIXED, "plain ascii\n", "naïve café\n", "日本語のテキスト\n", "🌊 emoji\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_decoded_with_and_without_a_mark(text: str, encoding: str) -> None:
    if encoding in ("utf-16-le", "utf-16-be") and not text.isascii():
        text = "name,value\n" + text
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "gb2312"])
def test_chinese_encodings_are_decoded(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding)) == CHINESE
    assert decode(("name;海\n" * 3).encode(encoding)) == "name;海\n" * 3


def test_big5_and_western_encodings_are_decoded() -> None:
    assert decode(TRADITIONAL.encode("big5")) == TRADITIONAL
    assert decode("Müller, Zürich, 5 €\n".encode("cp1252")) == "Müller, Zürich, 5 €\n"
    assert decode("déjà vu à Orléans".encode("latin-1")) == "déjà vu à Orléans"


def test_line_ends_are_normalised() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"
    assert attachment_from_paste("a\r\nb", "Pasted").content == "a\nb"


def test_log_with_escape_sequences_is_text() -> None:
    assert decode(b"\x1b[31merror\x1b[0m: " + b"x" * 100 + b"\n") is not None


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0\\r\xa8f",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n\0\0\x01\x02\x03stream" + bytes(range(256)) * 4,
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0" + bytes(range(256)) * 3,
        b"\x7fELF\2\1\1\0" + b"\0" * 8 + b"\3\0>\0\1\0\0\0" * 20,
        b"GGUF\3\0\0\0" + b"\0" * 64,
        random.Random(1).randbytes(5000),
        bytes(1000),
        b"\xff\xfe\x00",
    ],
)
def test_binary_data_is_refused(content: bytes, tmp_path: Path) -> None:
    assert decode(content) is None
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"(attachment_not_text|attachment_damaged|picture_damaged)"):
        read_attachment(path)


def test_random_bytes_are_not_text() -> None:
    chance = random.Random(2)
    taken = [length for length in range(64, 4096, 64) if decode(chance.randbytes(length)) is not None]
    assert taken == []


def test_attachment_has_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "笔记 1.md"
    path.write_text(CHINESE, "utf-8")
    attachment = read_attachment(path)
    assert (attachment.name, attachment.content, attachment.tokens) == ("笔记 1.md", CHINESE, None)


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "attachment_empty"), (b" \n\t\n", "attachment_empty"), (b"x" * (MAX_BYTES + 1), "")]
)
def test_empty_and_too_large_files_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=code or "attachment_too_large"):
        read_attachment(path)


def test_file_of_the_maximum_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * MAX_BYTES)
    assert len(read_attachment(path).content) == MAX_BYTES


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="attachment_is_a_folder"):
        read_attachment(tmp_path)
    with pytest.raises(UserError, match="file_unreadable"):
        read_attachment(tmp_path / "gone.txt")


def test_control_characters_are_removed_from_names() -> None:
    assert clean_name("a\nb\u202etxt.exe\x00") == "abtxt.exe"
    assert clean_name("\n") == "text"
    assert len(clean_name("x" * 500)) == 120
