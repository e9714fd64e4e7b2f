"""Options stored per model, and their precedence."""

from __future__ import annotations

from pathlib import Path

from app.planning.saved_options import ModelOverrides
from model_manager.plan.load_spec import PlanOptions


def test_overrides_are_stored_and_removed(tmp_path: Path) -> None:
    overrides = ModelOverrides(tmp_path / "wishes.json")
    assert overrides.get("apus:Q2_K") == PlanOptions()
    fixed = PlanOptions(
        context=4096, kv_type="q8_0", devices=("CUDA0", "CUDA1"), tensor_split=(31, 30), experts_in_ram=()
    )
    overrides.set("apus:Q2_K", fixed)
    overrides.set("starter", PlanOptions(threads=3))
    again = ModelOverrides(tmp_path / "wishes.json")
    assert again.get("apus:Q2_K") == fixed
    assert again.get("starter") == PlanOptions(threads=3)
    again.set("apus:Q2_K", PlanOptions())
    assert overrides.get("apus:Q2_K") == PlanOptions()
    assert "apus" not in (tmp_path / "wishes.json").read_text()


def test_invalid_overrides_are_ignored(tmp_path: Path) -> None:
    values = ("3", '{"nonsense": 1}', '{"tensor_split": [1e-320]}', '{"tensor_split": [1, -1, 9]}', '{"context": -1}')
    for content in ("", "[]", *(f'{{"starter": {value}}}' for value in values)):
        (tmp_path / "wishes.json").write_text(content)
        assert ModelOverrides(tmp_path / "wishes.json").get("starter") == PlanOptions()


def test_options_of_one_load_take_precedence() -> None:
    kept = PlanOptions(context=4096, kv_type="q8_0", threads=3)
    assert PlanOptions(context=8192).over(kept) == PlanOptions(context=8192, kv_type="q8_0", threads=3)
    assert PlanOptions().over(kept) == kept
