"""Insufficient space, full, read-only and limited disks, and offsets beyond 4 GiB."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from model_manager.disk.files import disk_error
from model_manager.disk.json_file import to_json
from model_manager.disk.space import check_space, reserve
from model_manager.download.download import DownloadOptions
from model_manager.download.journal import JournalHeader, write_journal
from model_manager.errors import UserError
from model_manager.layout.layout import TensorLayout
from tests.download.download_helpers import PIECE, QUICK, Fetch, Shelf, names_in
from tests.rigs.download_child import ROOT, start_download
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf

SIZE = 30 * PIECE + 5
GIB = 1 << 30
UNSHARE = ("unshare", "--map-root-user", "--mount")


@pytest.fixture
def source(shelf: Shelf) -> Path:
    return shelf.put("model.gguf", SIZE)


def test_insufficient_space_is_reported_after_the_header(
    tmp_path: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    huge = shutil.disk_usage(tmp_path).free * 2
    shelf.put_file("model.gguf", write_plain_gguf(tmp_path / "huge.gguf", huge, sparse=True), sha256="0" * 64)

    error = fetch.refused(shelf.published())

    assert error.code == "disk_too_small"
    assert error.data["path"] == models
    needed, free = error.data["needed_bytes"], error.data["free_bytes"]
    assert isinstance(needed, int)
    assert isinstance(free, int)
    assert needed >= huge > free > 0
    assert names_in(models) == []
    assert hub.bytes_sent() <= 2 << 20, "the header alone"


@pytest.mark.parametrize("suffix", [".part", ".part.json", ".part.lock", ".origin.json", ".bad", ".bad.json"])
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
@pytest.mark.parametrize("is_resumed", [False, True])
def test_links_to_other_files_are_not_followed(
    source: Path,
    tmp_path: Path,
    shelf: Shelf,
    fetch: Fetch,
    models: Path,
    hub: FakeHub,
    suffix: str,
    link: Callable[[Path, Path], None],
    is_resumed: bool,
) -> None:
    victim = tmp_path / "mine"
    victim.write_bytes(b"precious")
    if is_resumed:
        hub.fault("cdn", "trickle", rate=500_000, times=-1, skip=1)
        running = fetch.start(shelf.published())
        running.until(lambda status: status.progress.done > 2 * PIECE)
        running.cancel()
        hub.reset()
    models.mkdir(exist_ok=True)
    (models / f"model.gguf{suffix}").unlink(missing_ok=True)
    link(models / f"model.gguf{suffix}", victim)
    if suffix.startswith(".bad"):
        hub.fault("cdn", "corrupt", offset=SIZE - 1, times=-1)
        assert fetch.refused(shelf.published()).code == "download_damaged"
    elif suffix == ".part.lock" and link is Path.symlink_to:
        assert fetch.refused(shelf.published()).code == "file_not_writable"
    else:
        fetch(shelf.published())
    assert victim.read_bytes() == b"precious"
    assert victim.stat().st_mode & 0o777 == source.stat().st_mode & 0o777


def test_check_space_counts_reserved_space(tmp_path: Path) -> None:
    part = tmp_path / "model.gguf.part"
    with part.open("wb", buffering=0) as file:
        reserve(file, 64 << 20)
    assert part.stat().st_size == 64 << 20
    free = shutil.disk_usage(tmp_path).free
    check_space(tmp_path, {part: 64 << 20})
    with pytest.raises(UserError, match="disk_too_small") as caught:
        check_space(tmp_path, {part: (64 << 20) + 2 * free})
    assert caught.value.data["needed_bytes"] <= 2 * free + (32 << 20)


def test_reserve_allocates_without_writing(tmp_path: Path) -> None:
    with (tmp_path / "room").open("wb", buffering=0) as file:
        reserve(file, 256 << 20)
        status = os.fstat(file.fileno())
    assert status.st_size == 256 << 20
    if hasattr(os, "posix_fallocate"):
        assert status.st_blocks * 512 >= 256 << 20


def may_mount() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([*UNSHARE, "true"], check=False).returncode == 0


def test_disk_fills_during_the_download(shelf: Shelf, models: Path, hub: FakeHub) -> None:
    if not may_mount():
        pytest.skip("no file system may be mounted here")
    shelf.put("model.gguf", 20 << 20)
    published = to_json(shelf.published()).decode()
    command = [*UNSHARE, sys.executable, "-m", "tests.rigs.full_disk_child", hub.url, str(models), published]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    code, here, names = done.stdout.splitlines()
    assert code == "disk_full_while_downloading"
    assert 0 < int(here) < 20 << 20
    assert names == "model.gguf model.gguf.origin.json"


def test_file_system_with_a_size_limit(source: Path, shelf: Shelf, models: Path, hub: FakeHub) -> None:
    child = start_download(hub.url, models, shelf.published(), file_limit=SIZE - 1)
    output, _ = child.communicate(timeout=60)
    assert output == "file_too_large\n"
    assert child.returncode == 1
    assert sum(entry.sent for entry in hub.log) <= SIZE, "the header alone"


def test_read_only_folder(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    models.mkdir()
    models.chmod(0o500)
    try:
        if os.access(models, os.W_OK):
            pytest.skip("this user may write everywhere")
        error = fetch.refused(shelf.published())
    finally:
        models.chmod(0o700)
    assert error.code == "file_not_writable"


def test_folder_is_a_file(source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub) -> None:
    models.write_bytes(b"no folder")
    error = fetch.refused(shelf.published())
    assert error.code == "file_not_writable"
    assert hub.log == []


def test_folder_is_deleted_during_the_download(
    source: Path, shelf: Shelf, fetch: Fetch, models: Path, hub: FakeHub
) -> None:
    hub.fault("cdn", "trickle", rate=200_000, times=-1, skip=1)
    running = fetch.start(shelf.published())
    running.until(lambda status: status.progress.done > 0)
    shutil.rmtree(models)
    running.join()
    assert isinstance(running.error, UserError)
    assert running.error.code in ("folder_missing", "disk_failed")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EFBIG, "file_too_large"),
        (errno.EROFS, "file_not_writable"),
        (errno.EACCES, "file_not_writable"),
        (errno.ENOENT, "folder_missing"),
        (errno.EIO, "disk_failed"),
    ],
)
def test_disk_error_codes(tmp_path: Path, number: int, code: str) -> None:
    error = disk_error(OSError(number, os.strerror(number)), tmp_path / "model.gguf.part")
    assert error.code == code
    assert error.data["path"] in (tmp_path, tmp_path / "model.gguf.part")


def resume_beyond(tmp_path: Path, shelf: Shelf, fetch: Fetch, size: int, here: int) -> None:
    """Resume a download whose journal lists all pieces before ``here``; their data is a hole."""
    piece = 16 << 20
    source = write_plain_gguf(tmp_path / "source.gguf", size, sparse=True)
    end = b"the last bytes"
    with source.open("r+b") as file:
        file.seek(size - len(end))
        file.write(end)
    shelf.put_file("model.gguf", source)
    published = shelf.published()
    fetch.models.mkdir()
    part = fetch.models / "model.gguf.part"
    with source.open("rb") as file, part.open("wb") as partial:
        head = file.read(piece)
        partial.write(head)
        partial.truncate(size)
    hole = zlib.crc32(bytes(piece))
    states = {0: (piece, zlib.crc32(head)), **dict.fromkeys(range(1, here // piece), (piece, hole))}
    opening = JournalHeader(published, "model.gguf", TensorLayout.identity(size), piece)
    write_journal(fetch.models / "model.gguf.part.json", opening, states)

    # Without reservation, so that the hole stays.
    (path,) = fetch(published, options=DownloadOptions(piece, QUICK.retry, lambda _file, _size: None))

    assert path.stat().st_size == size
    with path.open("rb") as file:
        file.seek(size - len(end))
        assert file.read() == end
    ranges = [entry.range for entry in shelf.hub.log if entry.where == "cdn"]
    starts = [int((each or "=-").partition("=")[2].partition("-")[0]) for each in ranges]
    assert min(starts) == here // piece * piece
    assert sum(entry.sent for entry in shelf.hub.log) == size - here // piece * piece


@pytest.mark.slow
def test_resume_beyond_four_gibibytes(tmp_path: Path, shelf: Shelf, fetch: Fetch) -> None:
    resume_beyond(tmp_path, shelf, fetch, size=4 * GIB + 50_000_001, here=4 * GIB + (10 << 20))
