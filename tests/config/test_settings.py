"""Settings after a restart, a damaged file and invalid values."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.config.drafts import Draft
from app.config.paths import data_folder
from app.config.presets import ConversationOverrides
from app.config.settings import PARAMETERS, Settings, SettingsFile
from app.services import Services


def test_a_change_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    SettingsFile(path).change(language="zh_CN", temperature=0.2, model_id="/m/x.gguf")
    again = SettingsFile(path).current
    assert (again.language, again.temperature, again.model_id) == ("zh_CN", 0.2, "/m/x.gguf")
    assert again.top_p == Settings().top_p


def test_changes_of_two_programs_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    window, command = SettingsFile(path), SettingsFile(path)
    window.change(language="zh_CN", theme="dark")
    assert command.change(theme="light") == Settings(language="zh_CN", theme="light")
    assert SettingsFile(path).current == command.current


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "[" * 100_000, '{"theme": "dark"\0}', "\udcdc"])
def test_a_damaged_file_is_set_aside_and_reported_once(tmp_path: Path, content: str) -> None:
    path, aside = tmp_path / "settings.json", tmp_path / "settings.json.damaged"
    path.write_text(content, "utf-8", "surrogateescape")
    settings = SettingsFile(path)
    assert settings.current == Settings()
    assert settings.problem is not None
    assert (settings.problem.code, settings.problem.data) == ("file_set_aside", {"path": path, "aside": aside})
    settings.change(theme="dark")
    assert aside.read_text("utf-8", "surrogateescape") == content
    again = SettingsFile(path)
    assert (again.current.theme, again.problem) == ("dark", None)


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
        ("models_folder", "/a\0b"),
    ],
)
def test_an_invalid_value_is_replaced_by_its_default(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({key: value, "idle_release_minutes": 5}))
    settings = SettingsFile(path)
    assert settings.current == Settings(idle_release_minutes=5)
    settings.change(idle_release_minutes=6)
    assert json.loads(path.read_text())[key] == value
    again = SettingsFile(path)
    assert again.current == Settings(idle_release_minutes=6)
    if key in PARAMETERS:
        for problem in (settings.problem, again.problem):
            assert problem is not None
            assert (problem.code, problem.data) == ("settings_invalid", {"path": path, "names": key})
        again.change(**{key: PARAMETERS[key].default})
    assert again.problem is None
    assert SettingsFile(path).problem is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_files_with_personal_data_are_private(tmp_path: Path) -> None:
    folder = data_folder(str(tmp_path / "new" / "data"))
    assert folder.root.stat().st_mode & 0o777 == 0o700
    files = [folder.settings_file, folder.presets_file, folder.drafts_file, folder.servers_file]
    for path in files:
        # As earlier versions wrote them.
        path.write_text("[]" if path == folder.servers_file else "{}")
        path.chmod(0o644)

    def readable() -> list[str]:
        return [path.name for path in files if path.exists() and path.stat().st_mode & 0o077]

    for _ in range(2):
        services = Services(folder)
        assert readable() == []
        services.settings.change(proxy="http://user:password@127.0.0.1:9")
        services.presets.add("preset", ConversationOverrides("prompt"))
        services.drafts.put(None, Draft("draft"))
        services.drafts.save()
        services.servers.add("http://127.0.0.1:9/v1")
        services.close()
        assert readable() == []
        for path in files:
            path.unlink()


def test_declarations_accept_the_defaults() -> None:
    for name, declared in PARAMETERS.items():
        assert declared.accepts(getattr(Settings(), name)), name


def test_the_sampling_of_the_settings(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    assert file.current.sampling().max_tokens is None
    assert file.change(max_tokens=100).sampling().max_tokens == 100


@pytest.mark.parametrize("value", [[1], {"a": 1}], ids=["list", "object"])
def test_lists_and_objects_are_not_values_of_settings(tmp_path: Path, value: object) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(dict.fromkeys(PARAMETERS, value)))
    assert SettingsFile(tmp_path / "settings.json").current == Settings()
