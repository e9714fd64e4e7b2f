import sys
from pathlib import Path

import pytest

from model_manager.disk.files import disk_errors, replacing, write_atomically
from model_manager.errors import UserError

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "设置.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_stays_as_it_was_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines([b"half of the n", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(UserError) as raised:
        write_atomically(path, b"")
    assert (raised.value.code, raised.value.data["path"]) == ("folder_missing", path.parent)


def test_a_folder_in_its_place_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(UserError, match="file_not_writable"):
        write_atomically(tmp_path / "folder", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_no_room_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised, disk_errors(tmp_path):
        Path("/dev/full").write_bytes(b"x")
    assert (raised.value.code, raised.value.data) == ("disk_full", {"path": tmp_path})


@posix
def test_permissions_are_those_of_a_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    usual, path, private = tmp_path / "usual", tmp_path / "file", tmp_path / "private"
    usual.write_bytes(b"")
    write_atomically(path, b"")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    write_atomically(path, b"")
    assert path.stat().st_mode & 0o777 == 0o640
    private.write_bytes(b"")
    write_atomically(private, b"", private=True)
    assert private.stat().st_mode & 0o777 == 0o600


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
