"""Damaged and hostile files and archives: what is sound is imported, the rest is reported."""

from __future__ import annotations

import gzip
import json
import os
import resource
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from app.conversation import ImportResult
from app.imports import json_stream, sources
from app.imports.importer import MAX_REFUSED, import_conversations, preview_import
from app.messages import sentence
from app.store.foreign_database import MAX_VALUE_BYTES
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.progress import Progress
from tests.imports.chatgpt_export import conversation, mapping, message
from tests.imports.exports import cherry_archive, cherry_database


def talk(title: str) -> str:
    nodes = mapping(("q", None, message("user", f"{title}?")), ("a", "q", message("assistant", f"{title}!")))
    return json.dumps(conversation(title, title=title, mapping=nodes, current_node="a"), ensure_ascii=False)


def file(path: Path, *elements: str | bytes) -> Path:
    path.write_bytes(b"[" + b",\n".join(e if isinstance(e, bytes) else e.encode() for e in elements) + b"]")
    return path


def imported(store: ConversationStore, path: Path) -> tuple[list[str], list[str]]:
    """Titles that were imported, and codes of what was refused."""
    result = import_conversations(store, path)
    assert all("\n" not in sentence(each.error) for each in result.refused)
    return sorted(each.title for each in store.list()), [each.error.code for each in result.refused]


SPOILERS: dict[str, str | bytes] = {
    "malformed": '{"title": "x", "mapping": {"a": [1,,]}}',
    "bad escape": r'{"title": "\q", "mapping": {}}',
    "nested deeply": '{"mapping": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    "nested lists": "[" * 100_000 + "]" * 100_000,
    "many digits": '{"mapping": {}, "n": ' + "9" * 10_000 + "}",
    "a number": "1e999",
    "a literal": "nul",
    "another layout": '{"title": "new", "nodes": []}',
    "no text": '{"title": "x", "mapping": {"a": {"message": null}}}',
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_conversations_around_a_damaged_one_are_imported(
    store: ConversationStore, tmp_path: Path, spoiler: str
) -> None:
    path = file(tmp_path / "conversations.json", talk("first"), SPOILERS[spoiler], talk("last"))
    titles, refused = imported(store, path)
    assert titles == ["first", "last"]
    assert len(refused) == 1


@pytest.mark.parametrize("size", [16, 4096])
def test_values_larger_than_the_buffer(
    store: ConversationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", size)
    monkeypatch.setattr(json_stream, "MAX_VALUE_CHARACTERS", 20_000)
    huge = '{"title": "\\"too large\\\\", "mapping": "' + "x]}\\\\" * 20_000 + '"}'
    path = file(tmp_path / "conversations.json", talk("first"), huge, talk("last"))
    assert imported(store, path) == (["first", "last"], ["import_unfit"])


def test_numbers_texts_and_bytes_out_of_range(store: ConversationStore, tmp_path: Path) -> None:
    values = json.loads(talk("times"))
    values |= {"create_time": float("nan"), "update_time": 10**400, "number": 10**30, "ratio": float("inf")}
    values["mapping"]["q"]["message"]["create_time"] = -1e300
    path = file(
        tmp_path / "conversations.json",
        json.dumps(values),
        talk("bytes").encode().replace(b"bytes!", b"\xff\xfe!"),
        talk("surrogate").replace("surrogate!", "\\ud83d!"),
    )
    titles, refused = imported(store, path)
    assert (titles, refused) == (["bytes", "surrogate", "times"], [])
    found = [message.content for tree in store.trees() for message in tree.messages]
    assert "\ufffd\ufffd!" in found
    assert "\ufffd!" in found


def test_doubled_ids_are_imported_once(store: ConversationStore, tmp_path: Path) -> None:
    path = file(tmp_path / "conversations.json", talk("same"), talk("same"), talk("other"))
    titles, refused = imported(store, path)
    assert (sorted(set(titles)), refused) == (["other", "same"], [])
    assert len(titles) == len(set(titles))
    ids = [message.id for tree in store.trees() for message in tree.messages]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_file_of_500_megabytes_takes_little_memory(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(b"[" + talk("first").encode() + b",")
    with path.open("r+b") as content:
        content.truncate(500 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    titles, refused = imported(store, path)
    assert (titles, len(refused)) == (["first"], 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 << 10


def test_truncated_and_endless_files(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    whole = file(path, talk("first"), talk("second"), talk("third")).read_bytes()
    path.write_bytes(whole[:-200])
    assert imported(store, path) == (["first", "second"], ["import_unfit"])
    path.write_bytes(b"[" + talk("more").encode() + b",1" * 100_000 + b"]")
    titles, refused = imported(store, path)
    assert "more" in titles
    assert len(refused) == MAX_REFUSED


def archive(path: Path, **entries: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def test_names_in_an_archive_lead_nowhere(store: ConversationStore, tmp_path: Path) -> None:
    names = ("../../evil.json", "/etc/evil.json", "C:\\evil.json", "a/../../b.json", "conversations.json")
    path = archive(tmp_path / "inner.zip", **{name: f"[{talk(name)}]" for name in names})
    before = sorted(tmp_path.rglob("*"))
    titles, refused = imported(store, path)
    assert (titles, refused) == (sorted(names), [])
    assert [each for each in sorted(tmp_path.rglob("*")) if "data" not in each.parts] == [
        each for each in before if "data" not in each.parts
    ]


def test_bombs_are_refused(store: ConversationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = b"[" + b" " * (20 << 20) + b"]"
    path = archive(tmp_path / "bomb.zip", **{"a.json": bomb, "conversations.json": f"[{talk('sound')}]"})
    assert imported(store, path) == (["sound"], ["import_bomb"])
    compressed = tmp_path / "bomb.json.gz"
    compressed.write_bytes(gzip.compress(bomb))
    monkeypatch.setattr(sources, "MAX_BYTES", 4 << 20)
    with pytest.raises(UserError, match="import_bomb"):
        import_conversations(store, compressed)
    monkeypatch.setattr(sources, "MAX_FILES", 1)
    with pytest.raises(UserError, match="import_too_many_files"):
        import_conversations(store, path)


def test_damaged_archives(store: ConversationStore, tmp_path: Path) -> None:
    entries = {"conversations-000.json": f"[{talk('first')}]", "conversations-001.json": f"[{talk('second')}]"}
    whole = archive(tmp_path / "export.zip", **entries).read_bytes()
    path = tmp_path / "damaged.zip"
    path.write_bytes(whole[:-30])
    with pytest.raises(UserError, match="import_archive_damaged"):
        import_conversations(store, path)
    at = whole.index(b"conversations-001.json") + 60
    path.write_bytes(whole[:at] + bytes(byte ^ 255 for byte in whole[at : at + 20]) + whole[at + 20 :])
    assert imported(store, path) == (["first"], ["import_archive_damaged"])
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = whole.index(signature) + offset
        whole = whole[:at] + bytes([whole[at] | 1]) + whole[at + 1 :]
    path.write_bytes(whole)
    assert imported(store, path) == (["first", "second"], ["import_encrypted"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")
def test_links_and_pipes_in_a_folder_are_not_followed(store: ConversationStore, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    file(folder / "conversations.json", talk("sound"))
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "link.json").symlink_to(folder / "conversations.json")
    os.mkfifo(folder / "pipe.json")
    assert imported(store, folder) == (["sound"], [])
    with pytest.raises(UserError, match="not_a_file"):
        import_conversations(store, folder / "pipe.json")


def test_many_versions_and_long_chains(store: ConversationStore, tmp_path: Path) -> None:
    nodes = [("0", None, message("user", "start"))]
    nodes += [(str(number), str(number - 1), message("assistant", f"step {number}")) for number in range(1, 1000)]
    nodes += [(f"v{number}", "0", message("assistant", f"version {number}")) for number in range(300)]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(mapping=mapping(*nodes), current_node="999")]))
    assert import_conversations(store, path) == ImportResult(1, 302)
    (tree,) = store.trees()
    assert tree.branch()[-1].content.endswith("step 999")


def test_cancelled_import_keeps_what_was_done(store: ConversationStore, tmp_path: Path) -> None:
    path = file(tmp_path / "conversations.json", *(talk(f"{number} " + "x" * 80_000) for number in range(60)))
    token, shares = CancelToken(), []

    def stop(progress: object) -> None:
        shares.append(progress)
        if len(shares) == 4:
            token.cancel()

    result = import_conversations(store, path, progress=stop, cancel=token)
    assert 0 < result.conversations_added < 60
    assert import_conversations(store, path).already_there == result.conversations_added
    with pytest.raises(Cancelled):
        preview_import(store, path, cancel=token)


def test_changed_layout_is_reported(store: ConversationStore, tmp_path: Path) -> None:
    entries = {"conversations.json": '{"version": 9, "items": []}', "users.json": "[1]", "projects.json": "{}"}
    with pytest.raises(UserError, match="import_layout"):
        import_conversations(store, archive(tmp_path / "new.zip", **entries))
    entries["conversations-001.json"] = f"[{talk('sound')}]"
    assert imported(store, archive(tmp_path / "mixed.zip", **entries)) == (["sound"], ["import_layout"])
    with pytest.raises(UserError, match="import_unreadable"):
        import_conversations(store, archive(tmp_path / "other.zip", **{"users.json": "[1]"}))
    # Version 6 has the databases of a browser.
    with pytest.raises(UserError, match="import_cherry_browser") as caught:
        import_conversations(store, cherry_archive(tmp_path / "cherry.zip", 6))
    assert "version 2" in sentence(caught.value)


def test_hostile_databases_are_refused(store: ConversationStore, tmp_path: Path) -> None:
    path = cherry_database(tmp_path / "whole.sqlite")
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(UserError, match="import_unreadable"):
        import_conversations(store, path)

    def changed(script: str) -> Path:
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(script)
        return path

    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS id FROM n"
    with pytest.raises(UserError, match="import_layout"):
        import_conversations(store, changed(f"DROP TABLE topic; CREATE VIEW topic AS {endless}"))
    with pytest.raises(UserError, match="import_layout"):
        import_conversations(store, changed("DROP TABLE topic; CREATE VIRTUAL TABLE topic USING fts5(id)"))
    huge = f"UPDATE message SET data = zeroblob({MAX_VALUE_BYTES + 1}) WHERE id = 'q'"
    with pytest.raises(UserError, match="import_unreadable"):
        import_conversations(store, changed(huge))
    odd = "UPDATE message SET data = CAST(x'ff7b' AS TEXT), created_at = 9e99, parent_id = 'b' WHERE id = 'q';"
    odd += "UPDATE topic SET name = 5, created_at = 'x'; ALTER TABLE topic DROP COLUMN is_pinned"
    assert import_conversations(store, changed(odd)).conversations_added == 1


def test_import_of_a_database_is_cancelled(store: ConversationStore, tmp_path: Path) -> None:
    path = cherry_database(tmp_path / "many.sqlite")
    with closing(sqlite3.connect(path)) as database:
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000)"
        database.execute(f"INSERT INTO message (id, topic_id, created_at) {numbers} SELECT x, 't-1', -x FROM n")
        database.commit()
    token = CancelToken()

    def stop(progress: Progress) -> None:
        # The copy is complete; the rows are being sorted.
        if progress.done == progress.total:
            token.cancel()

    with pytest.raises(Cancelled):
        preview_import(store, path, progress=stop, cancel=token)
