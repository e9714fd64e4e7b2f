import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from app.conversation import ConversationTree, Status
from app.export.export import FORMATS, export_conversations
from app.export.file_names import file_name, name_key
from app.export.formats import FORMAT_NAMES, ExportFormat, ExportOptions
from app.store.store import ConversationStore
from model_manager.errors import UserError

ROOT = Path(__file__).parents[2]


def test_all_conversations_as_markdown_are_a_folder(store: ConversationStore, tmp_path: Path) -> None:
    for title in ("天空", "Sky", "sky", "", "a/b: c?", "天空"):
        store.create(title=title)
    out = tmp_path / "out"
    paths = export_conversations(store, None, FORMATS["md"], out)
    names = ["天空.md", "Sky.md", "sky (2).md", "Conversation.md", "a b c.md", "天空 (2).md"]
    assert paths == [out / name for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert (out / "天空 (2).md").read_text(encoding="utf-8") == "# 天空\n"


def test_files_in_a_folder_are_not_replaced(store: ConversationStore, tmp_path: Path) -> None:
    conversation = store.create(title="README")
    (tmp_path / "readme.MD").write_text("mine")
    assert export_conversations(store, None, FORMATS["md"], tmp_path) == [tmp_path / "README (2).md"]
    assert export_conversations(store, [conversation.id], FORMATS["md"], tmp_path) == [tmp_path / "README (3).md"]
    assert (tmp_path / "readme.MD").read_text() == "mine"


def test_all_conversations_as_json_are_one_file(store: ConversationStore, tmp_path: Path) -> None:
    first, second = store.create(title="1"), store.create(title="2")
    path = tmp_path / "all.json"
    path.write_text("old")
    assert export_conversations(store, None, FORMATS["json"], path) == [path]
    assert [each["id"] for each in json.loads(path.read_bytes())["conversations"]] == [first.id, second.id]
    assert export_conversations(store, [second.id], FORMATS["json"], path) == [path]
    assert [each["id"] for each in json.loads(path.read_bytes())["conversations"]] == [second.id]


def test_json_into_an_existing_folder(store: ConversationStore, tmp_path: Path) -> None:
    conversation = store.create(title="天空")
    out = tmp_path / "out"
    out.mkdir()
    assert export_conversations(store, [conversation.id], FORMATS["json"], out) == [out / "天空.json"]
    assert export_conversations(store, None, FORMATS["json"], out) == [out / "Conversation.json"]


def test_export_without_conversations(store: ConversationStore, tmp_path: Path) -> None:
    assert export_conversations(store, None, FORMATS["md"], tmp_path / "out") == []
    assert export_conversations(store, None, FORMATS["json"], tmp_path / "all.json") == [tmp_path / "all.json"]


def test_errors_of_an_export(store: ConversationStore, tmp_path: Path) -> None:
    store.create()
    (tmp_path / "file").write_text("mine")
    for code, data, act in (
        (
            "export_folder_needed",
            {"path": tmp_path / "file"},
            lambda: export_conversations(store, None, FORMATS["md"], tmp_path / "file"),
        ),
        (
            "conversation_missing",
            {"id": "no"},
            lambda: export_conversations(store, ["no"], FORMATS["md"], tmp_path / "x"),
        ),
    ):
        with pytest.raises(UserError) as raised:
            act()
        assert (raised.value.code, raised.value.data) == (code, data)
    with pytest.raises(UserError, match="file_not_writable"):
        export_conversations(store, None, FORMATS["json"], tmp_path / "file" / "all.json")
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "file").read_text() == "mine"


def test_names_of_the_formats() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES
    assert all(name == each.name for name, each in FORMATS.items())


def test_another_format(store: ConversationStore, tmp_path: Path) -> None:
    def parts(trees: Iterable[ConversationTree], options: ExportOptions) -> Iterator[bytes]:
        return (f"{tree.conversation.title}\n".encode() for tree in trees)

    store.create(title="one")
    store.create(title="two")
    export_conversations(store, None, ExportFormat("txt", "", "", parts, many_in_one_file=True), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("为什么天是蓝的?", "为什么天是蓝的.md"),
        ("为什么天是蓝的?!", "为什么天是蓝的 !.md"),
        ("../../etc/passwd", "etc passwd.md"),
        ("...", "untitled.md"),
        (" .hidden. ", "hidden.md"),
        ("CON", "_CON.md"),
        ("com1.notes", "_com1.notes.md"),
        ("Consul", "Consul.md"),
        ("a\0b\tc\nd\u202ee\u2028f", "a b c de f.md"),
        ('<>:"/\\|?*', "untitled.md"),
        ("e\u0301te\u0301", "été.md"),
        ("👩‍🚀 rocket \ud83d", "👩🚀 rocket.md"),
        ("天" * 100, "天" * 40 + ".md"),
    ],
)
def test_file_names_are_valid_on_all_systems(title: str, name: str) -> None:
    assert file_name(title, ".md", set(), untitled="untitled") == name


def test_equal_file_names_are_numbered() -> None:
    taken = {name_key(name) for name in ("Straße.md", "été.md")}
    assert file_name("STRASSE", ".md", taken, untitled="") == "STRASSE (2).md"
    assert file_name("E\u0301TE\u0301", ".md", taken, untitled="") == "ÉTÉ (2).md"
    assert file_name("", ".md", {name_key("Conversation.MD")}, untitled="?") == "conversation (2).md"


SMALL, LARGE = 8, 40
MEMORY = """
import resource, sys
from pathlib import Path
from app.export.export import FORMATS, export_conversations
from app.store.store import ConversationStore
with ConversationStore.open(Path(sys.argv[1])) as store:
    export_conversations(store, None, FORMATS[sys.argv[2]], Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
@pytest.mark.parametrize(("name", "is_one"), [("json", False), ("jsonl", False), ("json", True), ("md", True)])
def test_memory_does_not_grow_with_the_text_that_is_written(tmp_path: Path, name: str, is_one: bool) -> None:
    peaks = []
    for count in (SMALL, LARGE):
        with ConversationStore.open(tmp_path / str(count)) as store:
            conversation = store.create()
            for number in range(count):
                _, message = store.begin_turn((conversation if is_one else store.create()).id, "?")
                store.finish_answer(message.id, f"{number} 字 " * 80_000, Status.COMPLETE)
        command = [sys.executable, "-c", MEMORY, str(tmp_path / str(count)), name, str(tmp_path / f"out {count}")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 25, "MiB"
