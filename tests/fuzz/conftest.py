"""Tiny models of every layout, and their headers to mutate."""

from pathlib import Path

import pytest

from tests.fuzz.gguf_cases import EditableHeader
from tests.rigs.arch_shapes import ARCHITECTURES, N_HEAD_KV, write_arch
from tests.rigs.model_fixtures import *  # noqa: F403


@pytest.fixture(scope="session")
def valid_files(tmp_path_factory: pytest.TempPathFactory, tiny: Path, tiny_moe: Path, tiny_legacy: Path) -> list[Path]:
    """One loadable file for each architecture and layout, and one of before April 2024."""
    folder = tmp_path_factory.mktemp("architectures")
    few = {
        "lfm2": {"attention.head_count_kv": [0, 0, N_HEAD_KV, 0]},
        "gemma4": {"attention.sliding_window_pattern": [True, True, False, True], "attention.shared_kv_layers": 1},
    }
    others = (write_arch(folder / f"{name}.gguf", name, n_layer=4, keys=few.get(name)) for name in ARCHITECTURES)
    return [tiny, tiny_moe, tiny_legacy, *others]


@pytest.fixture(scope="session")
def valid_headers(valid_files: list[Path]) -> list[EditableHeader]:
    """Their headers without the vocabularies, which make them long."""
    return [EditableHeader.read(path, vocabulary=False) for path in valid_files]
