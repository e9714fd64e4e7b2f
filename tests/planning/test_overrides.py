"""What was fixed for a model is there at the next start, and yields to what is said for one load."""

from __future__ import annotations

from pathlib import Path

from app.planning.overrides import WishedLoads, over
from model_manager.plan import Wishes


def test_kept_read_and_taken_back(tmp_path: Path) -> None:
    wished = WishedLoads(tmp_path / "wishes.json")
    assert wished.of("apus:Q2_K") == Wishes()
    fixed = Wishes(context=4096, kv_type="q8_0", devices=("CUDA0", "CUDA1"), tensor_split=(31, 30), experts_in_ram=())
    wished.keep("apus:Q2_K", fixed)
    wished.keep("starter", Wishes(threads=3))
    again = WishedLoads(tmp_path / "wishes.json")
    assert again.of("apus:Q2_K") == fixed
    assert again.of("starter") == Wishes(threads=3)
    again.keep("apus:Q2_K", Wishes())
    assert wished.of("apus:Q2_K") == Wishes()
    assert "apus" not in (tmp_path / "wishes.json").read_text()


def test_a_file_that_makes_no_sense_fixes_nothing(tmp_path: Path) -> None:
    for content in ("", "[]", '{"starter": 3}', '{"starter": {"nonsense": 1}}'):
        (tmp_path / "wishes.json").write_text(content)
        assert WishedLoads(tmp_path / "wishes.json").of("starter") == Wishes()


def test_what_is_said_for_one_load_stands_before_what_was_kept() -> None:
    kept = Wishes(context=4096, kv_type="q8_0", threads=3)
    assert over(Wishes(context=8192), kept) == Wishes(context=8192, kv_type="q8_0", threads=3)
    assert over(Wishes(), kept) == kept
