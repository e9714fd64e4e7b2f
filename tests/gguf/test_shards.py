"""Models in several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, read_header
from model_manager.gguf.shards import first_shard, model_stem, named_shards, read_model, shard_paths
from tests.rigs.gguf_bytes import U16, header, key, padded
from tests.rigs.tiny_model import write_tiny_model


def test_a_model_in_one_piece(tiny: Path) -> None:
    assert shard_paths(read_header(tiny)) == (tiny,)
    assert len(read_model(tiny)) == 1


def test_all_files_of_a_split_model(tiny_split: Path, tiny: Path) -> None:
    assert tiny_split.name == "split-00001-of-00004.gguf"
    expected = tuple(tiny_split.with_name(f"split-0000{number}-of-00004.gguf") for number in (1, 2, 3, 4))
    first = read_header(tiny_split)
    assert (first.split_count, first.split_number) == (4, 0)
    assert shard_paths(first) == expected
    headers = read_model(tiny_split)
    check_loadable(*headers)
    assert tuple(each.path for each in headers) == expected
    assert sum(each.parameter_count for each in headers) == read_header(tiny).parameter_count


def test_any_shard_leads_to_the_whole_model(tiny_split: Path) -> None:
    third = tiny_split.with_name("split-00003-of-00004.gguf")
    assert read_model(third) == read_model(tiny_split)
    assert first_shard(third) == tiny_split
    assert model_stem(third) == "split"


def test_a_missing_shard_is_named(tiny_split: Path) -> None:
    second = tiny_split.with_name("split-00002-of-00004.gguf")
    second.unlink()
    with pytest.raises(UserError) as caught:
        read_model(tiny_split)
    assert (caught.value.code, caught.value.data) == ("shard_missing", {"path": second})


def test_a_missing_first_shard_is_reported(tiny_split: Path) -> None:
    third = tiny_split.with_name("split-00003-of-00004.gguf")
    tiny_split.unlink()
    assert first_shard(third) == third
    with pytest.raises(UserError) as caught:
        read_model(third)
    assert (caught.value.code, caught.value.data) == ("shard_missing", {"path": tiny_split})


def test_a_truncated_later_shard_is_reported(tiny_split: Path) -> None:
    last = tiny_split.with_name("split-00004-of-00004.gguf")
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(UserError) as caught:
        read_model(tiny_split)
    assert (caught.value.code, caught.value.data["path"]) == ("gguf_incomplete", last)
    assert len(read_model(tiny_split, whole=False)) == 4


@pytest.mark.parametrize("name", ["renamed.gguf", "split-00002-of-00004.gguf", "split-00001-of-00005.gguf"])
def test_a_shard_with_a_wrong_name_is_refused(tiny_split: Path, name: str) -> None:
    renamed = tiny_split.replace(tiny_split.with_name(name))
    with pytest.raises(UserError) as caught:
        read_model(renamed)
    assert caught.value.code == "shard_misnamed"
    assert caught.value.data == {"path": renamed, "number": 1, "count": 4}


def test_swapped_shards_are_refused(tiny_split: Path) -> None:
    second, third = (tiny_split.with_name(f"split-0000{number}-of-00004.gguf") for number in (2, 3))
    third.write_bytes(second.read_bytes())
    with pytest.raises(UserError) as caught:
        read_model(tiny_split)
    assert (caught.value.code, caught.value.data["path"]) == ("gguf_damaged", third)


def test_a_shard_of_another_model_is_refused(tiny_split: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = write_tiny_model(tmp_path / "other" / "split.gguf", n_expert=4, tensors_per_file=7)
    assert other.name == tiny_split.name
    third = tiny_split.with_name("split-00003-of-00004.gguf")
    third.write_bytes(other.with_name(third.name).read_bytes())
    with pytest.raises(UserError) as caught:
        read_model(tiny_split)
    assert caught.value.code == "gguf_damaged"


def test_the_old_layout_in_a_later_file(tmp_path: Path) -> None:
    headers = read_model(write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True, tensors_per_file=6))
    assert not headers[0].experts_in_separate_tensors
    with pytest.raises(UserError) as caught:
        check_loadable(*headers)
    assert caught.value.code == "experts_in_separate_tensors"


@pytest.mark.parametrize(
    ("count", "code", "named"),
    [(1000, "shard_missing", "many-00002-of-01000.gguf"), (65535, "shard_misnamed", "many-00001-of-65535.gguf")],
)
def test_a_hostile_number_of_files(tmp_path: Path, count: int, code: str, named: str) -> None:
    path = tmp_path / f"many-00001-of-{count:05}.gguf"
    path.write_bytes(padded(header([key("split.count", U16, count), key("split.no", U16, 0)], [])))
    with pytest.raises(UserError) as caught:
        read_model(path)
    assert (caught.value.code, caught.value.data["path"]) == (code, tmp_path / named)
    assert len(named_shards(path)) in (1, 1000)


def test_names_that_resemble_shards() -> None:
    for name in ("a-00000-of-00002.gguf", "a-00003-of-00002.gguf", "a-1-of-2.gguf", "a-00001-of-00002.bin"):
        assert named_shards(Path(name)) == (Path(name),)
    assert model_stem(Path("APUS.Q2_K.gguf")) == "APUS.Q2_K"
