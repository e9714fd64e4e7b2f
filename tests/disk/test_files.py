"""Atomic writes, disk errors and the file lock."""

import sys
from pathlib import Path

import pytest

from model_manager.disk.files import FileLock, disk_errors, remove_temporary_files, replacing, write_atomically
from model_manager.errors import UserError

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "设置.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines([b"half of the n", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(UserError) as raised:
        write_atomically(path, b"")
    assert (raised.value.code, raised.value.data["path"]) == ("folder_missing", path.parent)


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(UserError, match="file_not_writable"):
        write_atomically(tmp_path / "folder", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised, disk_errors(tmp_path):
        Path("/dev/full").write_bytes(b"x")
    assert (raised.value.code, raised.value.data) == ("disk_full", {"path": tmp_path})


@posix
def test_permissions_of_new_and_replaced_files(tmp_path: Path) -> None:
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


def test_a_lock_is_exclusive_and_its_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with FileLock(path, UserError("busy", path=path)):
        with pytest.raises(UserError) as raised, FileLock(path, UserError("busy", path=path)):
            pytest.fail("the lock was taken twice")
        assert raised.value.code == "busy"
    assert not path.exists()
    with FileLock(path, UserError("busy"), remove=False):
        pass
    assert path.exists()


def test_a_lock_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised, FileLock(tmp_path / "none" / "x.lock", UserError("busy")):
        pytest.fail("the lock was taken")
    assert (raised.value.code, raised.value.data["path"]) == ("folder_missing", tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="255 bytes are a limit of POSIX systems")
def test_a_name_of_maximum_length_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("中" * 85)
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_files_of_a_crash_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as temporary:
        (tmp_path / f"{temporary.name[:-12]}deadbeef.new").write_bytes(b"left by a crash")
    assert len(list(tmp_path.iterdir())) == 2
    remove_temporary_files(path)
    assert list(tmp_path.iterdir()) == [path]
