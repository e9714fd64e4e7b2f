"""Verification: whether a file is the published one, and where it is damaged."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.disk.hashing import sha256_of
from model_manager.errors import Cancelled
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin import origin_path, read_origin, write_origin
from model_manager.library.library import ModelLibrary
from model_manager.library.starter import find_starter
from model_manager.library.verification import (
    pieces_to_redownload,
    record_verification,
    verify,
    verify_all,
)
from model_manager.progress import Progress
from model_manager.published import HubFile, PublishedModel
from tests.rigs.cancel_after import CancelAfter
from tests.rigs.downloaded import PIECE_BYTES, code_of, damage, write_downloaded
from tests.rigs.tiny_model import write_tiny_model


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["plain", "stacked", "parts", "stacked parts"])
def downloaded(request: pytest.FixtureRequest, models: Path, tiny: Path, tiny_legacy: Path) -> tuple[Path, Path]:
    """A downloaded file of each layout, and what was published."""
    source = tiny_legacy if "stacked" in request.param else tiny
    cuts = (100_001, 70_000) if "parts" in request.param else ()
    return write_downloaded(models, source, cuts=cuts), source


def test_a_download_matches(downloaded: tuple[Path, Path]) -> None:
    path, source = downloaded
    reported: list[Progress] = []
    found = verify(path, reported.append)
    assert found.matches is True
    assert found.sha256 == sha256_of(path)
    assert (found.damaged_pieces, found.head_damaged) == ((), False)
    assert found.bytes == found.expected_bytes == path.stat().st_size
    assert found.published_id == "apus:Q2_K"
    published = source.read_bytes()
    place = 0
    for part, digest in zip(found.origin.parts, found.digests, strict=True):
        assert part.sha256 == digest == _sha256(published[place : place + part.bytes])
        place += part.bytes
    assert place == len(published)
    assert found.origin.published_sha256 == (_sha256(published) if len(found.digests) == 1 else None)
    assert reported[-1] == Progress(path.stat().st_size, path.stat().st_size)
    assert pieces_to_redownload(found, read_origin(path)) is None


def test_damage_is_traced_to_its_pieces(downloaded: tuple[Path, Path]) -> None:
    path, _ = downloaded
    origin = read_origin(path)
    assert origin is not None
    published_places = (origin.layout.segments[-1].source + 5, origin.layout.source_bytes - 1)
    expected = []
    for place in published_places:
        (segment,) = origin.layout.pieces(place, 1)
        damage(path, segment.target)
        before = 0
        for part in origin.parts:
            if place < part.bytes:
                expected.append(before + place // PIECE_BYTES)
                break
            place -= part.bytes
            before += -(-part.bytes // PIECE_BYTES)
    found = verify(path)
    assert found.matches is False
    assert found.damaged_pieces == tuple(sorted(set(expected)))
    assert found.pieces_known
    assert found.sha256 == (None if found.origin.stacked else sha256_of(path))
    assert pieces_to_redownload(found, origin) == found.damaged_pieces


def test_a_truncated_file_does_not_match(downloaded: tuple[Path, Path]) -> None:
    path, _ = downloaded
    origin = read_origin(path)
    assert origin is not None
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - PIECE_BYTES - 1)
    found = verify(path)
    assert (found.matches, found.pieces_known) == (False, True)
    assert len(origin.piece_crc32) - 1 in found.damaged_pieces
    assert len(found.damaged_pieces) < len(origin.piece_crc32)
    with path.open("r+b") as file:
        file.truncate(0)
    everything = verify(path)
    assert everything.matches is False
    assert len(everything.damaged_pieces) >= len(origin.piece_crc32) - 1


def test_an_extended_file_does_not_match(downloaded: tuple[Path, Path]) -> None:
    path, _ = downloaded
    with path.open("ab") as file:
        file.write(b"more")
    found = verify(path)
    assert (found.matches, found.damaged_pieces, found.pieces_known) == (False, (), True)
    assert pieces_to_redownload(found, read_origin(path)) == ()


def test_damage_in_the_head_of_a_stacked_file_is_found(models: Path, tiny_legacy: Path) -> None:
    path = write_downloaded(models, tiny_legacy)
    damage(path, 100)
    found = verify(path)
    # The published bytes are all there: they alone would not tell.
    assert list(found.digests) == [part.sha256 for part in found.origin.parts]
    assert (found.matches, found.head_damaged, found.damaged_pieces) == (False, True, ())
    assert pieces_to_redownload(found, read_origin(path)) == ()


def test_damage_without_piece_checksums_can_be_anywhere(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny, with_pieces=False)
    assert verify(path).matches is True
    damage(path, 200_000)
    found = verify(path)
    assert (found.matches, found.pieces_known) == (False, False)
    origin = read_origin(path)
    assert origin is not None
    assert pieces_to_redownload(found, origin) == tuple(range(len(origin.piece_lengths())))


def test_another_file_than_the_published_one_was_downloaded(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    origin = read_origin(path)
    assert origin is not None
    write_origin(path, replace(origin, parts=(replace(origin.parts[0], sha256="0" * 64),)))
    found = verify(path)
    # Every piece is as it was fetched, so that fetching single pieces again would not help.
    assert (found.matches, found.damaged_pieces, found.pieces_known) == (False, (), False)


def test_a_download_without_published_hashes(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny, with_hashes=False)
    found = verify(path)
    assert (found.matches, found.sha256) == (None, sha256_of(path))
    damage(path, 5)
    found = verify(path)
    assert (found.matches, found.damaged_pieces) == (False, (0,))


def test_a_file_without_origin_against_what_is_published(tmp_path: Path, tiny: Path) -> None:
    content = tiny.read_bytes()
    whole = HubFile("folder/tiny.gguf", len(content), _sha256(content))
    published = PublishedModel("OWNER/REPO:tiny.gguf", "OWNER/REPO", "c" * 40, "tiny.gguf", "file", (whole,))
    found = verify(tiny, expected=published)
    assert (found.matches, found.published_id) == (True, published.id)
    assert found.origin.published_sha256 == found.sha256 == whole.sha256
    other = tmp_path / "tiny.gguf"
    other.write_bytes(content)
    damage(other, 400_000)
    assert verify(other, expected=published).matches is False
    other.write_bytes(content[:-1])
    assert verify(other, expected=published).matches is False
    cut = 100_000
    parts = tuple(
        HubFile(f"tiny.gguf.part{i + 1}of2", len(each), _sha256(each))
        for i, each in enumerate((content[:cut], content[cut:]))
    )
    in_parts = replace(published, kind="parts", files=parts)
    assert verify(tiny, expected=in_parts).matches is True
    found = verify(other, expected=in_parts)
    assert found.matches is False
    assert found.digests == (parts[0].sha256, None)
    nothing_reported = replace(published, files=(replace(whole, sha256=None),))
    assert verify(tiny, expected=nothing_reported).matches is None


def test_an_unknown_file(tiny: Path) -> None:
    found = verify(tiny)
    assert (found.matches, found.published_id, found.sha256) == (None, None, sha256_of(tiny))
    assert pieces_to_redownload(found, None) is None


def test_the_starter_is_known_by_its_hash_and_by_its_name(tmp_path: Path, tiny: Path) -> None:
    starter = find_starter()
    assert starter is not None
    copy = tmp_path / "under-another-name.gguf"
    copy.symlink_to(starter)
    for path in (starter, copy):
        found = verify(path)
        assert (found.matches, found.published_id) == (True, "starter")
    fake = tmp_path / STARTER.file_name
    fake.write_bytes(tiny.read_bytes())
    assert (verify(fake).matches, verify(fake).published_id) == (False, "starter")


def test_a_change_of_the_published_file_is_reported(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    origin = read_origin(path)
    assert origin is not None
    now = PublishedModel("apus:Q2_K", "OWNER/REPO", "d" * 40, path.name, "file", origin.parts)
    found = verify(path, expected=now)
    assert (found.matches, found.published_changed) == (True, False)
    new = replace(now, files=(replace(origin.parts[0], sha256="0" * 64),))
    found = verify(path, expected=new)
    # It still is what was downloaded; that there is another one now is another matter.
    assert (found.matches, found.published_changed) == (True, True)
    assert verify(path, expected=replace(now, files=())).published_changed
    assert verify(path, expected=replace(now, files=(replace(origin.parts[0], bytes=1),))).published_changed
    assert not verify(path, expected=replace(now, files=(replace(origin.parts[0], sha256=None),))).published_changed


def test_an_inconsistent_origin_is_ignored(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    origin = read_origin(path)
    assert origin is not None
    for wrong in (
        replace(origin, parts=()),
        replace(origin, parts=(replace(origin.parts[0], bytes=1),)),
        replace(origin, piece_bytes=0),
    ):
        write_origin(path, wrong)
        assert verify(path).matches is None
    origin_path(path).write_bytes(b"{")
    assert verify(path).matches is None


def test_a_verified_hash_is_recorded(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    origin = read_origin(path)
    assert origin is not None
    assert origin.verified_at is not None
    write_origin(path, replace(origin, verified_at=None, sha256=None))
    assert library.list()[0].sha256 is None
    record_verification(verify(path), library)
    again = read_origin(path)
    assert again is not None
    assert again.sha256 == sha256_of(path)
    assert again.verified_at is not None
    assert again.verified_at > origin.verified_at
    assert library.list()[0].sha256 == again.sha256


def test_the_hash_of_a_damaged_file_is_recorded(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    good = library.list()[0].sha256
    damage(path, 9_000)
    assert library.list()[0].sha256 == good
    record_verification(verify(path), library)
    assert library.list()[0].sha256 == sha256_of(path) != good
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 == good


def test_every_file_of_a_split_model(tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "split.gguf", tensors_per_file=6)
    shards = sorted(tmp_path.glob("split-*.gguf"))
    total = sum(each.stat().st_size for each in shards)
    reported: list[Progress] = []
    found = verify_all(shards[1], reported.append)
    assert [each.path for each in found] == shards
    assert [each.sha256 for each in found] == [sha256_of(each) for each in shards]
    assert [each.done for each in reported] == sorted(each.done for each in reported)
    assert reported[-1] == Progress(total, total)
    files = tuple(HubFile(each.name, each.stat().st_size, sha256_of(each)) for each in shards)
    published = PublishedModel("O/R:split", "O/R", "c" * 40, first.name, "shards", files)
    assert [each.matches for each in verify_all(first, expected=published)] == [True] * len(shards)
    damage(shards[2], 5)
    assert [each.matches for each in verify_all(first, expected=published)] == [True, True, False, True]
    shards[3].unlink()
    assert code_of(lambda: verify_all(first)) == "file_missing"


def test_verification_can_be_cancelled(downloaded: tuple[Path, Path]) -> None:
    path, _ = downloaded
    with pytest.raises(Cancelled):
        verify(path, cancel=CancelAfter(0))


def test_a_file_that_changes_during_verification_is_refused(models: Path, tiny: Path, tmp_path: Path) -> None:
    for path in (write_downloaded(models, tiny), tmp_path / "other.gguf"):
        path.write_bytes(tiny.read_bytes())

        def touch(_progress: Progress, path: Path = path) -> None:
            os.utime(path, (1, 1))

        assert code_of(lambda path=path, touch=touch: verify(path, touch)) == "file_changed"


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    assert code_of(lambda: verify(tmp_path)) == "is_a_folder"
    assert code_of(lambda: verify(tmp_path / "gone.gguf")) == "file_missing"


def test_more_than_one_step_of_a_stacked_file(tmp_path: Path, models: Path) -> None:
    # Larger than a step, so that the two orders run side by side for a while.
    source = write_tiny_model(tmp_path / "old.gguf", n_expert=8, legacy=True, n_layer=16)
    assert source.stat().st_size > 12 << 20
    path = write_downloaded(models, source, cuts=(5_000_000,))
    steps: list[int] = []
    found = verify(path, lambda progress: steps.append(progress.done))
    assert (found.matches, found.origin.stacked, found.sha256) == (True, True, sha256_of(path))
    assert len(steps) == 2
