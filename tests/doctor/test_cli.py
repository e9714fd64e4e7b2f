"""``apus-chat doctor`` as a script and as a person call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.config.settings import SettingsFile
from tests.rigs.fake_hub import FakeHub

ROOT = Path(__file__).resolve().parents[2]


def doctor(data: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, "APUS_CHAT_DATA_DIR": str(data)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_json_keys(tmp_path: Path) -> None:
    with FakeHub() as hub:
        SettingsFile(tmp_path / "settings.json").change(endpoint=hub.url, authority=hub.url, proxy="none")
        results = json.loads(doctor(tmp_path, "--json", "--network"))
    assert all({"name", "ok", "value", "mend", "part", "id", "state", "command"} <= each.keys() for each in results)
    by_name = {each["name"]: each for each in results}
    assert {"program", "system", "memory", "processor", "data folder", "starter model", "engine"} <= by_name.keys()
    assert by_name["engine"]["ok"]
    assert by_name[f"hub {hub.url.removeprefix('http://')}"]["state"] == "ok"


def test_the_report_is_printed(tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    text = doctor(empty_home / "data", "--report")
    assert text.startswith("# APUS Chat")
    assert "~/data" in text
    assert str(empty_home) not in text
    assert "hf_very_secret" not in text


def test_text_output_has_remedies(tmp_path: Path) -> None:
    text = doctor(tmp_path)
    assert text.startswith("Program\n")
    assert "Engine and GPUs" in text
    assert "Network" not in text
