"""Hostile answers of a hub: a listing is understood or refused in one line, and nothing absurd passes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from app.messages import sentence
from model_manager.errors import UserError
from model_manager.hub.client import MAX_ANSWER_BYTES, MAX_COUNT, parse_repository, parse_search
from model_manager.hub.listing import published_models, unavailable_models
from model_manager.layout.file_names import model_file_paths
from model_manager.published import MAX_FILE_BYTES, Repository
from tests.fuzz.hostile import Hostile, case_count, hostile_cases

MAX_SECONDS = 1.0
FOLDER = Path("/models")
ZONES = (timezone(timedelta(hours=23, minutes=59)), timezone(-timedelta(hours=23, minutes=59)), None)
STEMS = (
    "model",
    "model-Q4_K_M",
    "Model.IQ3_XXS",
    "mmproj-f16",
    "ggml-vocab-x",
    "imatrix",
    "q/model",
    "con",
    "a b",
    "ä",
)
ENDINGS = (
    ".gguf", ".GGUF", ".gguf.part1of2", ".gguf.part2of2", ".gguf-split-a", ".gguf-split-b", ".gguf-split-zz",
    ".gguf.part999999of999999", ".gguf.part0", ".gguf.001", ".gguf.part-a-of-3", "-00001-of-00002.gguf",
    "-00002-of-00002.gguf", "-00001-of-99999.gguf", "-99999-of-99999.gguf", "-00000-of-00000.gguf", ".safetensors",
    ".gguf.origin.json", ".gguf.part", ".gguf.bad", "",
)  # fmt: skip


def _name(dice: Hostile) -> str:
    name = dice.choice(STEMS) + dice.choice(ENDINGS)
    if dice.chance(0.1):
        place = dice.randrange(len(name) + 1)
        name = name[:place] + dice.text() + name[place:]
    return name


def _listing(dice: Hostile) -> dict[str, Any]:
    """Return a valid listing whose files have strange names."""
    files = []
    for _ in range(dice.randrange(12)):
        size, sha256 = dice.randrange(10**11), f"{dice.getrandbits(256):064x}"
        file = {"rfilename": _name(dice), "size": size}
        files.append(file | {"lfs": {"size": size, "sha256": sha256, "pointerSize": 135}} if dice.chance(0.8) else file)
    return {
        "id": "me/model-GGUF",
        "sha": f"{dice.getrandbits(160):040x}",
        "gated": dice.choice((False, "auto")),
        "downloads": dice.randrange(10**6),
        "lastModified": "2024-04-03T00:00:00.000Z",
        "cardData": {"license": dice.choice(("mit", "other", ["mit", "gpl-3.0"])), "license_name": "own-terms"},
        "tags": ["gguf", "license:mit"],
        "siblings": files,
    }


def _hostile_answer(dice: Hostile) -> tuple[bytes, bool]:
    """Return an answer of a hub, and whether it is one to a search."""
    listing = _listing(dice)
    if dice.chance(0.6):
        listing = dice.mutated(listing)
    if dice.chance(0.3):
        return _encoded(dice, [listing, _listing(dice)]), True
    return _encoded(dice, listing), False


def _encoded(dice: Hostile, value: object) -> bytes:
    return dice.json_bytes(value) if dice.chance(0.3) else json.dumps(value).encode()


def _check_text(text: str, longest: int) -> None:
    assert text.isprintable(), repr(text)
    assert len(text) <= longest


def _check(found: Repository) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", found.id, re.ASCII)
    _check_text(found.id, 201)
    _check_text(found.licence or "", 100)
    assert found.downloads is None or 0 <= found.downloads <= MAX_COUNT
    if found.updated_at is not None:
        assert abs(found.updated_at - datetime.now(UTC)) < timedelta(days=50 * 365)
        assert {found.updated_at.astimezone(zone) for zone in ZONES} == {found.updated_at}
    for file in found.files:
        _check_text(file.name, 1000)
        assert 0 <= file.bytes <= MAX_FILE_BYTES
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
    for model in published_models(found):
        _check_text(model.id, 1300)
        _check_text(model.commit, 100)
        for target in model.targets():
            assert target.parts
            paths = model_file_paths(FOLDER, target.file_name)
            for path in (
                paths.whole,
                paths.part,
                paths.journal,
                paths.lock,
                paths.bad,
                paths.bad_journal,
                paths.origin,
            ):
                assert Path(str(path).replace("\\", "/")).parent == FOLDER
                assert len(path.name.encode()) <= 255
    for unavailable in unavailable_models(found):
        _check_text(unavailable.name, 1000)
        _check_text(sentence(unavailable.problem), 10_000)


@case_count
def test_hostile_listings(count: int) -> None:
    ends: Counter[str] = Counter()
    for dice in hostile_cases(count):
        content, is_search = _hostile_answer(dice)
        content = content[:MAX_ANSWER_BYTES]
        begun = time.thread_time()
        try:
            found = parse_search(content, "hub.test") if is_search else (parse_repository(content, "hub.test"),)
        except UserError as problem:
            _check_text(sentence(problem), 1000)
            ends["refused"] += 1
        else:
            for each in found:
                _check(each)
                ends["models"] += len(published_models(each))
                ends["unavailable"] += len(unavailable_models(each))
        assert time.thread_time() - begun < MAX_SECONDS, dice
    assert min(ends["refused"], ends["models"], ends["unavailable"]) > count // 10, ends


@pytest.mark.parametrize(
    "names",
    [
        [f"m-{number:05}-of-99999.gguf" for number in range(1, 12_000)],
        [f"m.gguf.part{number}of999999" for number in range(1, 12_000)],
        [".gguf-split-" * 80] * 12_000,
        ["-00001-of-00002.gguf" * 45 + str(number) for number in range(12_000)],
    ],
    ids=["shards", "parts", "nested", "repeated"],
)
def test_listings_as_long_as_an_answer_may_be(names: list[str]) -> None:
    siblings = [{"rfilename": name, "size": 1} for name in names]
    content = json.dumps({"id": "a/b", "sha": "c" * 40, "siblings": siblings}).encode()
    begun = time.thread_time()
    _check(parse_repository(content, "hub.test"))
    assert time.thread_time() - begun < 3
