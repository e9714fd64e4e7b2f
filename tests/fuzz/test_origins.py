"""Hostile origins and journals beside model files: each is ignored, or its file can be verified."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from pathlib import Path

from model_manager.download.journal import JournalHeader, read_journal, write_journal
from model_manager.download.partial_files import PartialFile, partial_bytes, unfinished
from model_manager.layout.convert import stack_experts
from model_manager.layout.file_names import model_file_paths
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.library.verification import pieces_to_redownload, verify
from model_manager.published import HubFile, PublishedModel
from tests.fuzz.hostile import Hostile, case_count, hostile_cases, memory_limit, write

MAX_SECONDS = 3.0
NAME = "stacked.gguf"


def _write_valid(folder: Path, legacy: Path) -> Path:
    """Convert a file of known origin, and add a partial one of the same model with its journal."""
    path = folder / NAME
    shutil.copy(legacy, path)
    content = path.read_bytes()
    part = HubFile(f"a/{NAME}", len(content), hashlib.sha256(content).hexdigest())
    origin = Origin("apus:Q2_K", "a/b", "c" * 40, (part,), TensorLayout.identity(part.bytes), part.sha256)
    write_origin(path, origin)
    stack_experts(path)
    stored = read_origin(path)
    assert stored is not None
    published = PublishedModel("apus:Q2_K", "a/b", "c" * 40, NAME, "file", (part,))
    partial = model_file_paths(folder, NAME)
    write_journal(partial.journal, JournalHeader(published, NAME, stored.layout, 1 << 16), {0: (1 << 16, 5), 1: (9, 7)})
    partial.part.write_bytes(content[: 1 << 17])
    return path


def _use_origin(path: Path) -> str:
    found = verify(path)
    pieces = pieces_to_redownload(found, read_origin(path))
    assert pieces is None or len(pieces) < 1 << 24
    return str(found.matches) if read_origin(path) else "ignored"


def _use_journal(path: Path) -> str:
    files = model_file_paths(path.parent, path.name)
    for published in unfinished(path.parent):
        partial_bytes(published, path.parent)
    journal = read_journal(files.journal)
    if journal is None:
        return "ignored"
    file = PartialFile(files, journal.header)
    file.restore(journal.pieces)
    assert 0 <= file.bytes_done <= sum(part.bytes for part in journal.header.parts)
    return "read"


def _mutated(valid: bytes, dice: Hostile) -> bytes:
    """Change the JSON of the first line, and sometimes the others."""
    first, _, rest = valid.partition(b"\n")
    rest = dice.damaged(rest) if dice.chance(0.2) else rest
    if dice.chance(0.7):
        document = json.loads(first)
        # Most numbers are in the layout.
        kept = {"layout": document.pop("layout")} if dice.chance(0.5) else {}
        return json.dumps(dice.renumbered(document) | kept).encode() + b"\n" + rest
    return dice.json_bytes(dice.mutated(json.loads(first))) + b"\n" + rest


@case_count
def test_hostile_origins_and_journals(count: int, tiny_legacy: Path, tmp_path: Path) -> None:
    """A tenth of the cases, which take milliseconds each."""
    path = _write_valid(tmp_path, tiny_legacy)
    journal = model_file_paths(tmp_path, NAME).journal
    origin = json.dumps(json.loads(origin_path(path).read_bytes())).encode()
    valid = {origin_path(path): (origin, _use_origin), journal: (journal.read_bytes(), _use_journal)}
    ends: Counter[str] = Counter()
    with memory_limit():
        for dice in hostile_cases(count // 10):
            file = dice.choice(list(valid))
            content, use = valid[file]
            write(file, _mutated(content, dice))
            begin = time.thread_time()
            try:
                ends[use(path)] += 1
                assert time.thread_time() - begin < MAX_SECONDS
            except BaseException as error:
                error.add_note(f"{dice!r} {file.name}")
                raise
    assert min(ends[each] for each in ("ignored", "read", "True")) > count / 500, ends
