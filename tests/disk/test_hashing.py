"""SHA-256 of a file, with progress and cancellation."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from model_manager.disk.hashing import STEP_BYTES, sha256_of
from model_manager.errors import Cancelled, UserError
from model_manager.hub.catalogue import STARTER
from model_manager.progress import Progress
from tests.rigs.cancel_after import CancelAfter


def test_the_starter_is_the_published_file(starter: Path) -> None:
    assert sha256_of(starter) == STARTER.sha256


@pytest.mark.parametrize("n_bytes", [0, 1, STEP_BYTES, STEP_BYTES + 1, 2 * STEP_BYTES + 12345])
def test_every_length_with_progress(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "file"
    content = bytes(range(251)) * (n_bytes // 251 + 1)
    path.write_bytes(content[:n_bytes])
    seen: list[Progress] = []
    assert sha256_of(path, seen.append) == hashlib.sha256(content[:n_bytes]).hexdigest()
    assert [each.done for each in seen] == [*range(STEP_BYTES, n_bytes, STEP_BYTES), *([n_bytes] if n_bytes else [])]
    assert all(each.total == n_bytes for each in seen)


def test_hashing_is_cancelled_between_two_pieces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(4 * STEP_BYTES))
    seen: list[int] = []
    with pytest.raises(Cancelled):
        sha256_of(path, lambda each: seen.append(each.done), CancelAfter(2))
    assert seen == [STEP_BYTES, 2 * STEP_BYTES]


def test_hashing_is_cancelled_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with pytest.raises(Cancelled):
        sha256_of(path, cancel=CancelAfter(0))


def test_a_growing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * STEP_BYTES))

    def append(progress: Progress) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(UserError) as caught:
        sha256_of(path, append)
    assert (caught.value.code, caught.value.data) == ("file_changed", {"path": path})


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * STEP_BYTES))

    def cut(_progress: Progress) -> None:
        with path.open("r+b") as file:
            file.truncate(100)

    with pytest.raises(UserError) as caught:
        sha256_of(path, cut)
    assert caught.value.code == "file_changed"


def test_unreadable_files_are_reported(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "gone", "file_missing"), (tmp_path, "is_a_folder")):
        with pytest.raises(UserError) as caught:
            sha256_of(path)
        assert caught.value.code == code
