"""Projectors of models that read pictures: found beside a model, published, downloaded and deleted with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.gguf.header import read_header
from model_manager.gguf.projector import (
    matching_projectors,
    projector_for,
    projectors_beside,
    read_projector,
    usable_projector,
)
from model_manager.hub.listing import published_models
from model_manager.layout.origin import origin_path
from model_manager.library.library import ModelLibrary
from model_manager.library.removal import delete, removal_of
from model_manager.library.scan import inspect_paths
from model_manager.published import HubFile, Repository
from tests.rigs.downloaded import code_of
from tests.rigs.tiny_vision import WIDTH, write_projector


def test_header_of_a_projector(tmp_path: Path) -> None:
    path = write_projector(tmp_path / "mmproj.gguf", "gemma3", 512)
    projector = read_projector(path)
    assert (projector.path, projector.kind, projector.layers, projector.sees_at_once) == (path, "gemma3", 3, True)
    assert projector.weights_bytes == sum(each.n_bytes for each in read_header(path).tensors)
    assert projector.total_bytes > projector.weights_bytes


HOSTILE = {
    "patch_size": (0, 257, -1),
    "image_size": (0, 1 << 20, 1 << 31),
    "block_count": (1 << 20, 161),
    "embedding_length": (0, 1 << 20),
    "attention.head_count": (0, 3),
    "spatial_merge_size": (0, 1 << 20),
    "image_max_pixels": (1 << 30,),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in HOSTILE.items() for value in values])
def test_hostile_numbers_are_refused(tmp_path: Path, key: str, value: int) -> None:
    path = write_projector(tmp_path / "mmproj.gguf", keys={f"clip.vision.{key}": value % (1 << 32)})
    assert code_of(lambda: read_projector(path)) == "hyperparameters_absurd"


def test_others_are_no_projectors(tmp_path: Path, tiny: Path) -> None:
    assert code_of(lambda: read_projector(tiny)) == "not_a_projector"
    audio = write_projector(tmp_path / "audio.gguf", keys={"clip.has_vision_encoder": False})
    assert code_of(lambda: read_projector(audio)) == "not_a_projector"
    other = write_projector(tmp_path / "other.gguf", keys={"clip.projector_type": "deepseek4v"})
    assert code_of(lambda: read_projector(other)) == "projector_unsupported"
    whole = write_projector(tmp_path / "whole.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for end in (0, 10, 500, len(whole) - 1):
        cut.write_bytes(whole[:end])
        assert code_of(lambda: read_projector(cut)) in ("not_gguf", "gguf_damaged", "gguf_incomplete")


def test_projector_of_another_model_is_not_used(tmp_path: Path, tiny: Path) -> None:
    wide = write_projector(tmp_path / "mmproj.gguf", n_embd=48)
    assert 64 not in (WIDTH, 3 * WIDTH, 48)
    assert code_of(lambda: projector_for(wide, read_header(tiny))) == "projector_of_other_model"
    assert usable_projector(read_header(tiny), wide) is None


@pytest.mark.parametrize(
    ("own", "names", "found"),
    [
        ("m-Q4_K_M.gguf", ["mmproj-F32.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"], "mmproj-F16.gguf"),
        (
            "gemma-3-4b-it-Q4_K_M.gguf",
            ["mmproj-gemma-3-4b-it-f16.gguf", "mmproj-other-f16.gguf"],
            "mmproj-gemma-3-4b-it-f16.gguf",
        ),
        (
            "gemma-3-4b-it-UD-Q4_K_XL.gguf",
            ["mmproj-gemma-3-4b-it-f16.gguf", "mmproj-gemma-3-4b-it-UD-Q4_K_XL.gguf"],
            "mmproj-gemma-3-4b-it-UD-Q4_K_XL.gguf",
        ),
        ("m-Q4_K_M.gguf", ["m-Q8_0.gguf", "mmproj-model-f16.gguf"], "mmproj-model-f16.gguf"),
        # Of two models in one folder, whose is it?
        ("m-Q4_K_M.gguf", ["n-Q4_K_M.gguf", "mmproj-F16.gguf"], ""),
        ("m-Q4_K_M.gguf", ["n.gguf"], ""),
        ("m-BF16-00001-of-00002.gguf", ["m-BF16-00002-of-00002.gguf", "mmproj-m-BF16.gguf"], "mmproj-m-BF16.gguf"),
    ],
)
def test_projector_is_found_by_its_name(own: str, names: list[str], found: str) -> None:
    assert [*matching_projectors(own, [own, *names]), ""][0] == found


def test_library_remembers_the_projector(library: ModelLibrary, models: Path, tiny: Path) -> None:
    model = models / "see-Q4_K_M.gguf"
    model.write_bytes(tiny.read_bytes())
    assert [(each.id, each.reads_pictures) for each in library.list()] == [("see-Q4_K_M", False)]
    projector = write_projector(models / "mmproj-see-f16.gguf")
    assert [(each.id, each.projector) for each in library.list()] == [("see-Q4_K_M", projector)]
    assert projectors_beside(model) == (projector,)
    write_projector(projector, n_embd=48)
    assert not library.resolve("see-Q4_K_M").reads_pictures
    projector.write_bytes(b"GGUF")
    assert not library.resolve("see-Q4_K_M").reads_pictures
    projector.unlink()
    assert not library.resolve("see-Q4_K_M").reads_pictures


def test_registered_model_has_the_projector_beside_it(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "lm-studio"
    folder.mkdir()
    model = folder / "see-Q4_K_M.gguf"
    model.write_bytes(tiny.read_bytes())
    projector = write_projector(folder / "mmproj-model-f16.gguf")
    assert library.register(model).projector == projector
    candidates = inspect_paths([folder])
    assert [(each.paths, each.action) for each in candidates] == [((model,), "register")]
    (alone,) = inspect_paths([projector])
    assert alone.problem is not None
    assert alone.problem.code == "not_a_chat_model"


def test_projector_of_a_download_is_deleted_with_the_model(library: ModelLibrary, models: Path, tiny: Path) -> None:
    model = models / "see-Q4_K_M.gguf"
    model.write_bytes(tiny.read_bytes())
    own = write_projector(models / "mmproj-see-Q4_K_M.gguf")
    shared = write_projector(models / "mmproj-see.gguf")
    removal = removal_of(library.resolve("see-Q4_K_M"))
    assert removal.paths == (own, model)
    assert removal.path == model
    delete(removal, library)
    assert [each.name for each in models.iterdir()] == [shared.name]
    assert not origin_path(model).exists()


def test_published_models_have_their_projectors() -> None:
    names = ("m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", "README.md")
    files = tuple(HubFile(name, 10 + at) for at, name in enumerate(names))
    small, large = published_models(Repository("me/see", "c0ffee", files=files))
    assert small.projector == large.projector == files[3]
    assert small.bytes == 10 + 13
    assert [(each.file_name, each.parts) for each in small.targets()] == [
        ("m-Q4_K_M.gguf", files[:1]),
        ("mmproj-m-Q4_K_M.gguf", files[3:4]),
    ]
    folders = ("Q8/m-Q8_0-00001-of-00002.gguf", "Q8/m-Q8_0-00002-of-00002.gguf", "mmproj-m-f16.gguf")
    files = tuple(HubFile(name, 10) for name in folders)
    (split,) = published_models(Repository("me/see", "c0ffee", files=files))
    assert [each.file_name for each in split.targets()] == [*(n[3:] for n in folders[:2]), "mmproj-m-Q8_0.gguf"]


def test_hostile_projector_is_refused_quickly_and_in_little_memory(tmp_path: Path) -> None:
    """Counts beyond any file are refused before anything is sized by them."""
    path = write_projector(tmp_path / "mmproj.gguf")
    data = bytearray(path.read_bytes())
    data[8:16] = (1 << 60).to_bytes(8, "little")
    path.write_bytes(data)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (3, 3))\n"
        "from model_manager.gguf.projector import read_projector\n"
        "from model_manager.errors import UserError\n"
        "try: read_projector(Path(sys.argv[1]))\n"
        "except UserError as error: print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gguf_damaged"]
