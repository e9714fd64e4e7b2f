"""Reconstructed headers of the home model, compared with files of the same shape."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from model_manager.gguf.header import check_loadable, read_header
from model_manager.hub.catalogue import APUS, CATALOGUE, STARTER, CatalogueEntry, find_entry
from model_manager.hub.home_model import reconstructed_header
from tests.rigs import apus_shapes


@pytest.mark.parametrize("entry", APUS, ids=lambda entry: entry.id)
def test_reconstructed_header_equals_that_of_a_file(entry: CatalogueEntry, tmp_path: Path) -> None:
    path = tmp_path / apus_shapes.file_name(entry.quantisation)
    size = apus_shapes.write_shape(path, entry.quantisation)
    header = reconstructed_header(entry)
    there = read_header(path)
    assert header == replace(there, path=Path(entry.file_name))
    assert list(header.metadata) == list(there.metadata)
    assert header.file_bytes == header.end_of_data == size == entry.bytes
    check_loadable(header)


@pytest.mark.parametrize("entry", APUS, ids=lambda entry: entry.id)
def test_catalogue_entries_of_the_home_model(entry: CatalogueEntry) -> None:
    header = reconstructed_header(entry)
    assert header.quantisation == entry.quantisation
    assert (header.block_count, header.expert_count, header.context_length) == (60, 4, 32768)
    assert round(header.parameter_count / 1e9, 2) == 113.66
    assert header.chat_template is None
    assert entry.id == f"apus:{entry.quantisation}"
    assert find_entry(entry.id) is entry
    assert entry.sha256 is None
    assert entry.licence is None
    assert entry.file_name == apus_shapes.file_name(entry.quantisation)
    assert entry.system_prompt == "You are a helpful assistant named APUS-xDAN4.0 MoE."


def test_published_sizes() -> None:
    assert [round(entry.bytes / 1e9, 1) for entry in APUS] == [41.5, 43.7, 54.4, 69.0]
    assert [entry.bytes for entry in APUS] == sorted(entry.bytes for entry in APUS)
    assert [round(APUS[index].bytes / 2**30) for index in (0, -1)] == [39, 64]
    assert round(sum(math.prod(tensor.shape) for tensor in reconstructed_header(APUS[0]).tensors) / 1e9) == 114
    assert (STARTER, *APUS) == CATALOGUE


def test_other_models_are_not_reconstructed() -> None:
    with pytest.raises(ValueError, match="starter"):
        reconstructed_header(STARTER)
