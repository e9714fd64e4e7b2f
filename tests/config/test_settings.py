"""Settings survive a restart, a damaged file and values that no longer fit."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from app.config.settings import BOUNDS, CHOICES, Settings, SettingsFile


def test_a_change_is_there_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    SettingsFile(path).change(language="zh_CN", temperature=0.2, model_id="/m/x.gguf")
    again = SettingsFile(path).now
    assert (again.language, again.temperature, again.model_id) == ("zh_CN", 0.2, "/m/x.gguf")
    assert again.top_p == Settings().top_p


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_damaged_file_gives_the_defaults(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    assert SettingsFile(path).now == Settings()
    caplog.clear()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("theme", "pink"),
        ("temperature", 99),
        ("temperature", True),
        ("top_k", 1.5),
        ("language", 3),
        ("sidebar_shown", "yes"),
        ("unheard_of", 1),
        ("model_id", 7),
    ],
)
def test_a_value_that_does_not_fit_gives_its_default_alone(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({key: value, "idle_release_minutes": 5}))
    now = SettingsFile(path).now
    assert now == Settings(idle_release_minutes=5)


def test_bounds_and_choices_name_real_settings_and_admit_the_defaults() -> None:
    names = {field.name for field in fields(Settings)}
    assert set(BOUNDS) | set(CHOICES) <= names
    for key, (least, most) in BOUNDS.items():
        assert least <= getattr(Settings(), key) <= most


def test_the_sampling_of_the_settings(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    assert file.now.sampling().max_tokens is None
    assert file.change(max_tokens=100).sampling().max_tokens == 100
