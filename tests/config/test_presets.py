"""Presets and drafts in their files: kept, laid over what came, damaged, foreign."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.config.drafts import Draft, Drafts
from app.config.presets import BUILT_IN, ConversationOverrides, Preset, Presets
from app.context import ContextPolicy
from app.conversation import Attachment
from app.sampling import Sampling
from model_manager.errors import UserError

OWN = ConversationOverrides(
    "Be brief.", Sampling(temperature=0.1, max_tokens=99, stop=("END",), seed=7), ContextPolicy.ROLL
)


def untranslated(_context: str, text: str) -> str:
    return text


def test_presets_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    added = Presets(path).add("  Mine\n  indeed ", OWN)
    assert added.name == "Mine indeed"
    again = Presets(path).list(untranslated)
    assert again[-1] == added
    assert [preset.id for preset in again[:-1]] == list(BUILT_IN)
    assert all(preset.is_built_in and not Presets(path).is_edited(preset.id) for preset in again[:-1])


def test_a_built_in_preset_can_be_reset(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    before = presets.list(untranslated)
    presets.save(Preset("code", "My code", **vars(OWN)))
    again = Presets(tmp_path / "presets.json")
    edited = next(preset for preset in again.list(untranslated) if preset.id == "code")
    assert (edited.name, edited.overrides, again.is_edited("code")) == ("My code", OWN, True)
    presets.remove("code")
    presets.remove("code")
    assert presets.list(untranslated) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"presets": 3}', b'{"presets": [{"id": "x"}]}', b"\xff\xfe\x00", b"{}"],
)
def test_a_damaged_presets_file_is_set_aside_and_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "presets.json"
    path.write_bytes(content)
    presets = Presets(path)
    assert presets.problem is not None
    assert presets.problem.code == "file_set_aside"
    aside = tmp_path / "presets.json.damaged"
    presets.add("New", OWN)
    assert Presets(path).problem is None
    assert aside.read_bytes() == content


def test_a_value_of_the_wrong_type_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    Presets(path).add("Mine", OWN)
    stored = json.loads(path.read_text("utf-8"))
    stored["presets"][0]["sampling"]["temperature"] = "warm"
    path.write_text(json.dumps(stored), "utf-8")
    assert Presets(path).problem is not None


def test_unknown_keys_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    Presets(path).add("Mine", OWN)
    stored = json.loads(path.read_text("utf-8"))
    stored["presets"][0]["sampling"]["of_a_later_version"] = 2
    stored["presets"][0]["colour"] = "red"
    path.write_text(json.dumps(stored), "utf-8")
    assert Presets(path).list(untranslated)[-1].overrides == OWN


def test_a_preset_that_cannot_be_saved_is_not_added(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "missing" / "presets.json")
    with pytest.raises(UserError, match="folder_missing"):
        presets.add("Mine", OWN)
    assert len(presets.list(untranslated)) == len(BUILT_IN)


def test_drafts_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    before = Draft("what stood there", (Attachment("a.txt", "text", 3),))
    editing = Draft("words 早", (), "question", before)
    drafts = Drafts(path)
    assert drafts.put("one", editing)
    assert drafts.put(None, Draft("new"))
    drafts.save()
    again = Drafts(path)
    assert again.get("one") == editing
    assert again.get("one").after() == before
    assert again.get(None) == Draft("new")
    assert again.get("two") == Draft()
    assert not again.put("one", editing)
    assert os.name == "nt" or path.stat().st_mode & 0o077 == 0


def test_an_empty_draft_is_not_saved(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts.json")
    drafts.put("one", Draft("x"))
    drafts.put("one", Draft("  \n"))
    drafts.save()
    assert not (tmp_path / "drafts.json").exists()


def test_drafts_of_deleted_conversations_are_dropped(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "drafts.json")
    for id_ in ("one", "two", None):
        drafts.put(id_, Draft("x"))
    drafts.save()
    drafts.keep_only(["two"])
    assert [drafts.get(id_).text for id_ in ("one", "two", None)] == ["", "x", "x"]
    drafts.erase()
    assert drafts.get("two") == Draft()
    assert json.loads((tmp_path / "drafts.json").read_text("utf-8"))["drafts"] == {}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"drafts": {"a": 1}}', b'{"drafts": {"a": {"text": 1}}}'])
def test_a_damaged_drafts_file_is_set_aside_and_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "drafts.json"
    path.write_bytes(content)
    drafts = Drafts(path)
    assert drafts.get("a") == Draft()
    assert drafts.problem is not None
    assert drafts.problem.code == "file_set_aside"
    drafts.put("a", Draft("new"))
    drafts.save()
    assert Drafts(path).get("a").text == "new"
    assert (tmp_path / "drafts.json.damaged").read_bytes() == content
