"""Quarantine: files that are not what was published are set aside, and come back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from model_manager.layout.origin import origin_path, read_origin
from model_manager.library.library import ModelLibrary
from model_manager.library.removal import (
    delete,
    quarantine,
    quarantined,
    release_from_quarantine,
    removal_of_quarantined,
)
from model_manager.library.verification import verify
from tests.rigs.downloaded import code_of, damage, write_downloaded

ROOT = Path(__file__).parents[2]


def test_a_file_is_quarantined_and_released(library: ModelLibrary, models: Path, tiny_legacy: Path) -> None:
    path = write_downloaded(models, tiny_legacy)
    damage(path, 500_000)
    content = path.read_bytes()
    found = verify(path)
    bad = quarantine(path, library)
    assert bad == models / f"{path.name}.bad"
    assert bad.read_bytes() == content
    assert library.list() == ()
    assert not path.exists()
    assert not origin_path(path).exists()
    (listed,) = quarantined(models)
    assert (listed.path, listed.name, listed.bytes) == (bad, path.name, len(content))
    assert listed.published is not None
    assert listed.published.model_id == "apus:Q2_K"
    # The origin went with it: where the damage is can still be found.
    assert verify(bad).damaged_pieces == found.damaged_pieces
    assert release_from_quarantine(bad) == path
    assert [each.id for each in library.list()] == ["apus:Q2_K"]
    assert read_origin(path) is not None
    assert quarantined(models) == ()
    assert {each.name for each in models.iterdir()} == {path.name, origin_path(path).name}


def test_an_older_quarantined_file_is_kept(models: Path, tiny: Path) -> None:
    for number in (1, 2, 3):
        path = write_downloaded(models, tiny)
        damage(path, number)
        quarantine(path)
    assert [each.path.name for each in quarantined(models)] == [
        "Model.Q4_K_M.gguf.2.bad",
        "Model.Q4_K_M.gguf.3.bad",
        "Model.Q4_K_M.gguf.bad",
    ]
    assert {each.name for each in quarantined(models)} == {"Model.Q4_K_M.gguf"}
    assert len({each.path.read_bytes() for each in quarantined(models)}) == 3
    write_downloaded(models, tiny)
    assert code_of(lambda: release_from_quarantine(quarantined(models)[0].path)) == "file_exists"
    assert len(quarantined(models)) == 3


def test_a_quarantined_file_is_removed_from_the_library(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny.read_bytes())
    library.register(path)
    bad = quarantine(path, library)
    assert library.list() == ()
    assert bad.read_bytes() == tiny.read_bytes()
    assert code_of(lambda: library.register(bad)) == "file_quarantined"


def test_links_and_missing_files_are_not_quarantined(tmp_path: Path, tiny: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(tiny)
    assert code_of(lambda: quarantine(link)) == "file_is_a_link"
    assert code_of(lambda: quarantine(tmp_path / "gone.gguf")) == "file_missing"
    assert code_of(lambda: release_from_quarantine(tiny)) == "not_in_quarantine"
    assert code_of(lambda: release_from_quarantine(tmp_path / "gone.gguf.bad")) == "file_missing"
    assert tiny.exists()


def test_a_crash_keeps_the_origin_beside_the_file(models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    code = """
import os, sys
from pathlib import Path
from model_manager.library import removal
calls = 0
def die(*_):
    os._exit(9)
removal.replace_durably = die if sys.argv[2] == "before" else lambda old, new: (old.replace(new), die())
removal.quarantine(Path(sys.argv[1]))
"""
    for moment, there in (("before", path), ("after", models / f"{path.name}.bad")):
        done = subprocess.run([sys.executable, "-c", code, str(path), moment], cwd=ROOT, timeout=60, check=False)
        assert done.returncode == 9
        assert read_origin(there) is not None
        assert there.exists()
        origin_path(models / f"{path.name}.bad").unlink()


def test_deleting_from_quarantine_lists_its_files(library: ModelLibrary, models: Path, tiny: Path) -> None:
    bad = quarantine(write_downloaded(models, tiny))
    (models / f"{bad.name}.json").write_text("the journal of a download")
    size = sum(each.stat().st_size for each in models.iterdir())
    removal = removal_of_quarantined(quarantined(models)[0])
    assert (removal.bytes, len(removal.paths)) == (size, 3)
    delete(removal, library)
    assert list(models.iterdir()) == []
