"""Models among the files of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_manager.gguf.shards import named_shards
from model_manager.gguf.tensor_types import FILE_TYPES, quantisation_in
from model_manager.hub.listing import published_models, unavailable_models
from model_manager.published import HubFile, PublishedModel, Repository


def repository(*names: str) -> Repository:
    return Repository("me/repo", "c0ffee", files=tuple(HubFile(name, 10 + at) for at, name in enumerate(names)))


def listed(*names: str) -> list[tuple[str, str, list[str]]]:
    models = published_models(repository(*names))
    return [(each.id.partition(":")[2], each.kind, [file.name for file in each.files]) for each in models]


def reasons(*names: str) -> dict[str, str]:
    return {each.name: each.problem.code for each in unavailable_models(repository(*names))}


def test_single_files_are_sorted_by_size() -> None:
    files = (HubFile("m-Q8_0.gguf", 30, "a" * 64), HubFile("sub/m-Q2_K.gguf", 10), HubFile("README.md", 1))
    found = published_models(Repository("me/repo", "c0ffee", files=files))
    assert found == (
        PublishedModel("me/repo:sub/m-Q2_K.gguf", "me/repo", "c0ffee", "m-Q2_K.gguf", "file", files[1:2], "Q2_K"),
        PublishedModel("me/repo:m-Q8_0.gguf", "me/repo", "c0ffee", "m-Q8_0.gguf", "file", files[:1], "Q8_0"),
    )


def test_shards_form_one_model() -> None:
    names = ("q/m-00002-of-00003.gguf", "q/m-00003-of-00003.gguf", "q/m-00001-of-00003.gguf")
    assert listed(*names) == [("q/m-00001-of-00003.gguf", "shards", sorted(names))]
    (model,) = published_models(repository(*names))
    assert model.bytes == 10 + 11 + 12
    assert model.file_name == "m-00001-of-00003.gguf"
    assert [target.file_name for target in model.targets()] == [name.partition("/")[2] for name in sorted(names)]


@pytest.mark.parametrize(
    "name", ["m-00002-of-00003.gguf", "m-00001-of-00001.gguf", "m-00004-of-00003.gguf", "m-0001-of-0003.gguf", "m.gguf"]
)
def test_shard_names_match_those_on_disk(name: str) -> None:
    names = [path.name for path in named_shards(Path(name))]
    ((_, kind, files),) = listed(*names)
    assert (kind, files) == ("shards" if len(names) > 1 else "file", names)


def test_equal_shards_in_two_folders_are_two_models() -> None:
    names = [f"{folder}/m-0000{number}-of-00002.gguf" for folder in ("Q2_K", "Q8_0") for number in (1, 2)]
    assert listed(*names) == [(names[0], "shards", names[:2]), (names[2], "shards", names[2:])]
    assert [each.quantisation for each in published_models(repository(*names))] == ["Q2_K", "Q8_0"]


@pytest.mark.parametrize(
    "parts",
    [
        ("x/m-Q3_K_M_Matrix.gguf-split-a", "x/m-Q3_K_M_Matrix.gguf-split-b"),
        ("x/m-Q3_K_M_Matrix.gguf.part1of2", "x/m-Q3_K_M_Matrix.gguf.part2of2"),
        ("x/m-Q3_K_M_Matrix.gguf.001", "x/m-Q3_K_M_Matrix.gguf.002"),
    ],
)
def test_raw_parts_form_one_model(parts: tuple[str, str]) -> None:
    assert listed(*reversed(parts)) == [("x/m-Q3_K_M_Matrix.gguf", "parts", list(parts))]
    (model,) = published_models(repository(*parts))
    assert (model.file_name, model.quantisation, model.bytes) == ("m-Q3_K_M_Matrix.gguf", "Q3_K_M", 21)
    assert len(model.targets()) == 1


def test_complete_file_is_preferred_to_its_parts() -> None:
    assert listed("m.gguf.part1", "m.gguf.part2", "m.gguf") == [("m.gguf", "file", ["m.gguf"])]


def test_incomplete_sets_are_unavailable() -> None:
    names = ("m-00001-of-00003.gguf", "n.gguf-split-a", "n.gguf-split-c", "whole.gguf")
    assert [each[0] for each in listed(*names)] == ["whole.gguf"]
    assert reasons(*names) == {"m-00001-of-00003.gguf": "published_incomplete", "n.gguf": "published_incomplete"}
    (shards, parts) = unavailable_models(repository(*names))
    assert shards.problem.data["missing"] == ["m-00002-of-00003.gguf", "m-00003-of-00003.gguf"]
    assert parts.problem.data["missing"] == ["n.gguf-split-b"]


def test_long_list_of_missing_shards_is_shortened() -> None:
    (each,) = unavailable_models(repository("m-00001-of-90000.gguf"))
    assert each.problem.data["missing"] == [f"m-{number:05}-of-90000.gguf" for number in range(2, 7)] + ["..."]


def test_parts_numbered_in_two_ways() -> None:
    assert reasons("m.gguf.1", "m.gguf.part1", "m.gguf.part01") == {"m.gguf": "published_parts_unclear"}


def test_files_that_are_not_models_are_ignored() -> None:
    names = (
        "mmproj-m-F16.gguf",
        "sub/m.mmproj-Q8_0.gguf",
        "imatrix.gguf",
        "m.imatrix.gguf",
        "m-BF16-imatrix.gguf",
        "imatrix.dat",
        "ggml-vocab-llama.gguf",
        "config.json",
    )
    assert listed(*names) == []
    assert reasons(*names) == {}


def test_models_named_after_an_importance_matrix_are_kept() -> None:
    names = ("m-IQ3_XXS-imatrix.gguf", "APUS-xDAN4.0-MoE-0402.Q3_K_M_Matrix.gguf")
    assert [each[0] for each in listed(*names)] == list(names)


@pytest.mark.parametrize(
    "name",
    ["../m.gguf", "a/../m.gguf", "./m.gguf", "con.gguf", "a:b.gguf", "a\\b.gguf", "m\n.gguf", "x" * 300 + ".gguf"],
)
def test_unsafe_names(name: str) -> None:
    assert listed(name, "good.gguf") == [("good.gguf", "file", ["good.gguf"])]
    assert reasons(name) == {name: "name_not_allowed"}


def test_unsafe_shard_names() -> None:
    names = ("../m-00001-of-00002.gguf", "../m-00002-of-00002.gguf")
    assert listed(*names) == []
    assert reasons(*names) == {names[0]: "name_not_allowed"}


@pytest.mark.parametrize("name", FILE_TYPES.values())
def test_every_quantisation_is_recognised(name: str) -> None:
    for written in (f"m-{name}.gguf", f"m.{name.lower()}.gguf", f"{name}/m-00001-of-00002.gguf", f"m_x-{name}-v2.gguf"):
        assert quantisation_in(written) == name


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("m-UD-Q2_K_XL-00001-of-00003.gguf", "UD-Q2_K_XL"),
        ("UD-IQ1_S/m-UD-IQ1_S.gguf", "UD-IQ1_S"),
        ("m.i1-IQ2_M.gguf", "IQ2_M"),
        ("m-Q6_K_L.gguf", "Q6_K_L"),
        ("m-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("m.fp16.gguf", "F16"),
        ("m.f16.q5_k_m.gguf", "Q5_K_M"),
        ("Qwen2.5-7B.gguf", None),
        ("Q-model.gguf", None),
        ("m-Q4_KILO.gguf", None),
    ],
)
def test_other_spellings_of_quantisations(name: str, quantisation: str | None) -> None:
    assert quantisation_in(name) == quantisation
