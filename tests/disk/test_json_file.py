import base64
import math
import os
import sys
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from model_manager.disk.files import MAX_BYTES
from model_manager.disk.json_file import CompressedBytes, JsonError, JsonFile, from_json, from_plain, to_json
from model_manager.errors import UserError
from tests.fuzz.hostile import memory_limit


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Item:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Box:
    items: tuple[Item, ...] = ()
    colour: Colour | None = None
    path: Path | None = None
    made_at: datetime | None = None
    rate: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def test_values_survive_encoding_and_decoding() -> None:
    box = Box(
        (Item("盒"),),
        Colour.RED,
        Path("/a"),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        0.25,
        {"a": [1, {"b": None}]},
    )
    assert from_json(to_json(box), Box) == box
    assert to_json(Item("盒", 2)).decode() == '{"name":"盒","size":2}'


def test_missing_keys_take_defaults_and_unknown_keys_are_ignored() -> None:
    assert from_json(b'{"items": [{"name": "a", "weight": 3}], "smell": "none"}', Box) == Box((Item("a"),))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"items": [{"name": "a"}, {"name": 5}]}', "items[1].name"),
        (b'{"items": [{}]}', "items[0].name"),
        (b'{"colour": "blue"}', "colour"),
        (b"[]", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (b'"\\ud800"', ""),
    ],
)
def test_json_that_does_not_fit_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(JsonError) as raised:
        from_json(data, Box)
    assert raised.value.place == place


def test_lone_surrogates_and_numbers_that_are_not_finite() -> None:
    name = "caf\udce9"
    for indent in (0, 2):
        assert from_json(to_json(Item(name), indent=indent), Item) == Item(name)
    assert to_json([math.nan, math.inf]) == b"[null,null]"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_files_that_an_editor_has_encoded_otherwise(encoding: str) -> None:
    data = '{"name": "å"}'.encode(encoding)
    assert from_json(data, Item) == Item("å")
    assert from_json(data, dict[str, Any]) == {"name": "å"}


@pytest.mark.parametrize("data", ['{"a": "\ud83d\ude00"}', '{"a": "\ud83d\\ude00"}', '{"a": "\\ud83d\\ude00"}'])
@pytest.mark.parametrize("type_", [dict[str, str], dict[str, Any]])
def test_halves_of_a_character_are_joined(data: str, type_: type[object]) -> None:
    """As they are when they are written and read again, so that texts remain equal."""
    for text in (data, data.encode("utf-8", "surrogatepass"), data.encode("utf-16", "surrogatepass")):
        assert from_json(text, type_) == {"a": "😀"}


def test_parsed_json_is_converted() -> None:
    assert from_plain({"name": "a", "size": 1}, Item) == Item("a", 1)
    with pytest.raises(JsonError):
        from_plain({"name": 1}, Item)


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    file = JsonFile(tmp_path / "items.json", tuple[Item, ...], ())
    assert file.read() == ()
    file.write((Item("a"),))
    assert JsonFile(tmp_path / "items.json", tuple[Item, ...], ()).read() == (Item("a"),)
    assert file.problem is None
    assert [path.name for path in tmp_path.iterdir()] == ["items.json"]


@pytest.mark.parametrize("content", [b"{", b'{"name": 5}', b"", b"\x00" * 10, '{"name": "å"}'.encode("latin-1")])
def test_a_damaged_file_is_renamed_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "items.json"
    (tmp_path / "items.json.damaged").write_bytes(b"an earlier one")
    path.write_bytes(content)
    file = JsonFile(path, Item, Item("default"))
    assert file.read() == Item("default")
    assert file.problem is not None
    assert file.problem.code == "file_set_aside"
    aside = tmp_path / "items.json.damaged-1"
    assert file.problem.data == {"path": path, "aside": aside}
    file.write(Item("new"))
    assert aside.read_bytes() == content
    assert (tmp_path / "items.json.damaged").read_bytes() == b"an earlier one"
    assert file.read() == Item("new")
    assert file.problem is not None


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "huge"])
def test_what_never_ends_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "items.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, MAX_BYTES + 1)
    file = JsonFile(path, Item, Item("default"))
    assert file.read() == Item("default")
    with pytest.raises(UserError, match="file_unreadable"):
        file.write(Item("new"))


@dataclass(frozen=True)
class Packed:
    data: CompressedBytes


def test_compressed_bytes_are_unpacked_to_a_limit() -> None:
    packed = Packed(CompressedBytes(b"head" * 1000))
    assert from_json(to_json(packed), Packed) == packed
    bomb = zlib.compressobj()
    content = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(1 << 12)) + bomb.flush()
    with memory_limit(200 << 20), pytest.raises(JsonError, match="too large"):
        from_json(to_json({"data": base64.b64encode(content).decode()}), Packed)
    with pytest.raises(JsonError, match="Incomplete"):
        from_json(to_json({"data": base64.b64encode(content[:100]).decode()}), Packed)


def test_an_unreadable_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.mkdir()
    file = JsonFile(path, Item, Item("default"))
    assert file.read() == Item("default")
    for _ in range(2):
        with pytest.raises(UserError, match="file_unreadable"):
            file.write(Item("new"))
    path.rmdir()
    file.write(Item("new"))
    assert file.read() == Item("new")
    assert file.problem is None


@pytest.mark.skipif(sys.platform == "win32", reason="folder permissions of POSIX")
def test_a_damaged_file_that_cannot_be_renamed_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "items.json"
    path.write_bytes(b"{")

    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    file = JsonFile(path, Item, Item("default"))
    assert file.read() == Item("default")
    with pytest.raises(UserError, match="file_unreadable"):
        file.write(Item("new"))
    assert path.read_bytes() == b"{"


def test_errors_of_the_disk_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="folder_missing"):
        JsonFile(tmp_path / "none" / "items.json", Item, Item("default")).write(Item("new"))
