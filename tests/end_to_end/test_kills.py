"""Kills of the program and the engine at random moments: only the last second of an answer may be lost.

The suite kills 50 times, ``pytest -m kills`` 500 times; ``KILLS_SEED=2 pytest -m kills`` at other moments.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.config.settings import SettingsFile
from app.conversation import Status
from app.export.export import FORMATS, export_conversations
from app.store.store import ConversationStore
from model_manager.library.relocation import relocate_models, roll_back, unfinished_relocation
from tests.documents.builders import pdf, prose
from tests.imports.chatgpt_export import conversation
from tests.rigs.fake_hub import FakeHub
from tests.rigs.kill_zygote import LONGEST, new_cache, state_of
from tests.rigs.moves import content_of, other_disk
from tests.rigs.openai_server import openai_server
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
LOST_S = 1.0
"""Of a growing answer."""
SLACK_S = 1.0
"""For a loaded machine: how much later than it should a text may be stored."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows can't fork")


def kills(count: int) -> pytest.MarkDecorator:
    """Parametrise by the number of kills: ``count`` in the suite, ten times that by the marker."""
    return pytest.mark.parametrize("count", [count, pytest.param(10 * count, marks=pytest.mark.kills)])


class Zygote:
    """Starts processes, kills them at random moments, and waits for their ends."""

    def __init__(self, folder: Path) -> None:
        self.chance = random.Random(int(os.environ.get("KILLS_SEED", "1")))
        self._output = folder / "output"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rigs.kill_zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )

    def start(self, *task: str) -> psutil.Process:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._output.write_bytes(b"")
        print(json.dumps([task[0], str(self._output), *task[1:]]), file=self._process.stdin, flush=True)
        return psutil.Process(int(self._process.stdout.readline()))

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def kill(self, process: psutil.Process, within_s: float) -> bool:
        """Kill it at a random moment within this time; return whether it was still running."""
        try:
            process.wait(self.chance.uniform(0, within_s))
        except psutil.TimeoutExpired:
            # It may have ended since.
            with suppress(psutil.NoSuchProcess):
                process.kill()
                end(process)
                return True
        return False

    def run(self, *task: str) -> float:
        """Run it to its end, and return how long that took."""
        started = time.monotonic()
        end(self.start(*task))
        assert "Traceback" not in self.output(), self.output()
        return time.monotonic() - started

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE_S)


def end(process: psutil.Process) -> None:
    process.wait(PATIENCE_S)


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    started = Zygote(tmp_path)
    yield started
    started.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with conversations."""
    with ConversationStore.open(tmp_path / "data" / "conversations") as store:
        fill(store, 20)
    return tmp_path / "data"


def fill(store: ConversationStore, count: int) -> None:
    for number in range(count):
        _, message = store.begin_turn(store.create(title=f"old {number}").id, f"question {number}")
        store.finish_answer(message.id, f"answer {number} 天 " * 100, Status.COMPLETE)


def stored(data: Path) -> dict[str, tuple[str, ...]]:
    """The contents of all conversations by their ids, after a check of the database and the folder."""
    with ConversationStore.open(data / "conversations") as store:
        trees = store.trees()
    connection = sqlite3.connect(data / "conversations" / "conversations.sqlite3")
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    assert [path.name for path in (data / "conversations").rglob(".*")] == []
    return {tree.conversation.id: tuple(each.content for each in tree.messages) for tree in trees}


@kills(6)
def test_import(zygote: Zygote, data: Path, tmp_path: Path, count: int) -> None:
    with ConversationStore.open(tmp_path / "other") as store:
        fill(store, 120)
        export_conversations(store, None, FORMATS["json"], tmp_path / "own.json")
    others = [conversation(f"{number:08}-0000-4000-8000-000000000001") for number in range(60)]
    with zipfile.ZipFile(tmp_path / "chatgpt.zip", "w") as archive:
        archive.writestr("conversations.json", json.dumps(others))
    tasks = [
        ("command", "conversations", "import", str(tmp_path / name), "--data-dir")
        for name in ("own.json", "chatgpt.zip")
    ]
    before = stored(data)
    usual_s = max(zygote.run(*task, str(tmp_path / "first")) for task in tasks)
    whole = stored(tmp_path / "first")
    assert len(whole) == 180
    for number in range(count):
        zygote.kill(zygote.start(*tasks[number % 2], str(data)), usual_s)
        after = stored(data)
        assert {**after, **before} == after
        assert all(whole[id_] == contents for id_, contents in after.items() if id_ not in before)
    for task in tasks:
        zygote.run(*task, str(data))
    assert stored(data) == {**before, **whole}


@kills(4)
def test_backup(zygote: Zygote, data: Path, tmp_path: Path, count: int) -> None:
    before = stored(data)
    path = tmp_path / "copy.sqlite3"
    task = ("command", "conversations", "backup", str(path), "--data-dir", str(data))
    usual_s = zygote.run(*task)
    path.unlink()
    for number in range(count):
        (tmp_path / "to").mkdir(exist_ok=True)
        zygote.kill(zygote.start(*task), usual_s)
        assert stored(data) == before
        if path.exists():
            copy = tmp_path / f"copied {number}"
            (copy / "conversations").mkdir(parents=True)
            path.rename(copy / "conversations" / "conversations.sqlite3")
            assert stored(copy) == before


@kills(6)
def test_restore(zygote: Zygote, data: Path, tmp_path: Path, count: int) -> None:
    path = tmp_path / "copy.sqlite3"
    with ConversationStore.open(data / "conversations") as store:
        store.backup(path)
        fill(store, 30)
    new = stored(data)
    old = dict(list(new.items())[:20])
    shutil.copytree(data, tmp_path / "first")
    task = ("command", "conversations", "restore", str(path), "--data-dir")
    usual_s = zygote.run(*task, str(tmp_path / "first"))
    for _ in range(count):
        shutil.copytree(data, tmp_path / "once")
        zygote.kill(zygote.start(*task, str(tmp_path / "once")), usual_s)
        assert stored(tmp_path / "once") in (old, new)
        shutil.rmtree(tmp_path / "once")


@kills(6)
def test_migration(zygote: Zygote, tmp_path: Path, count: int) -> None:
    folders = []
    for version in (1, 2):
        folder = tmp_path / f"version {version}"
        (folder / "conversations").mkdir(parents=True)
        source = ROOT / "tests" / "data" / f"conversations-v{version}.sqlite3"
        shutil.copy(source, folder / "conversations" / "conversations.sqlite3")
        folders.append(folder)
    task = ("command", "conversations", "list", "--data-dir")
    usual_s, whole = 0.0, []
    for folder in folders:
        shutil.copytree(folder, tmp_path / "once")
        usual_s = max(usual_s, zygote.run(*task, str(tmp_path / "once")))
        whole.append(stored(tmp_path / "once"))
        shutil.rmtree(tmp_path / "once")
    assert all(whole)
    for number in range(count):
        shutil.copytree(folders[number % 2], tmp_path / "once")
        zygote.kill(zygote.start(*task, str(tmp_path / "once")), usual_s)
        assert stored(tmp_path / "once") == whole[number % 2]
        shutil.rmtree(tmp_path / "once")


@kills(4)
def test_settings(zygote: Zygote, tmp_path: Path, count: int) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.change(theme="dark", proxy="http://chosen:1")
    for _ in range(count):
        assert zygote.kill(zygote.start("settings", str(tmp_path / "settings.json")), 0.1)
        after = SettingsFile(tmp_path / "settings.json")
        assert after.problem is None
        assert (after.current.theme, after.current.proxy) == ("dark", "http://chosen:1")
        words = after.current.system_prompt.split()
        assert (len(set(words)), len(words)) in ((0, 0), (1, 1000))


@kills(2)
def test_folders(zygote: Zygote, data: Path, count: int) -> None:
    contents = stored(data)
    for _ in range(count):
        process = zygote.start("folders", str(data))
        while not zygote.output():
            assert process.is_running()
        assert zygote.kill(process, 0.2)
        assert stored(data) == contents
        with ConversationStore.open(data / "conversations") as store:
            folders, trees = store.folders(), store.trees()
        ids = {folder.id for folder in folders}
        assert all(folder.parent_id in (None, *ids) for folder in folders)
        assert all(tree.conversation.folder_id in (None, *ids) for tree in trees)
        for parent_id in (None, *ids):
            positions = [folder.position for folder in folders if folder.parent_id == parent_id]
            assert sorted(positions) == [*range(len(positions))]


@kills(6)
def test_move(zygote: Zygote, tmp_path: Path, count: int) -> None:
    chance = random.Random(4)
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    for number in range(6):
        (old / f"model {number}.gguf").write_bytes(chance.randbytes(500_000))
        (old / f"model {number}.gguf.origin.json").write_text("{}")
    before = content_of(old)
    shutil.copytree(old, tmp_path / "first")
    usual_s = zygote.run("move", str(tmp_path / "first"), str(new))
    assert content_of(new) == before
    shutil.rmtree(new)
    for _ in range(count):
        zygote.kill(zygote.start("move", str(old), str(new)), usual_s)
        pending = unfinished_relocation(old) or unfinished_relocation(new)
        if pending is not None and pending.committed:
            relocate_models(pending.source, pending.target, rename=other_disk)
        elif pending is not None:
            roll_back(pending)
        where, other = (old, new) if old.exists() and content_of(old) else (new, old)
        assert content_of(where) == before
        shutil.rmtree(other, ignore_errors=True)
        old, new = where, other


@kills(4)
def test_download(zygote: Zygote, tmp_path: Path, count: int) -> None:
    source = write_tiny_model(tmp_path / "source.gguf", n_embd=256, n_layer=8)
    with FakeHub() as hub:
        hub.add_file("me/repo-GGUF", "model.gguf", source)
        folder = tmp_path / "data"
        folder.mkdir()
        SettingsFile(folder / "settings.json").change(endpoint=hub.url, authority=hub.url, proxy="none")
        task = ("command", "models", "download", "me/repo-GGUF:model.gguf", "--data-dir", str(folder))
        hub.fault("cdn", "trickle", rate=6_000_000, times=-1)
        for _ in range(count):
            zygote.kill(zygote.start(*task), 1.5)
            for path in (folder / "models").rglob("*.gguf"):
                assert path.read_bytes() == source.read_bytes()
                path.unlink()
        hub.reset()
        zygote.run(*task)
    (arrived,) = (folder / "models").rglob("*.gguf")
    assert arrived.read_bytes() == source.read_bytes()


class Shown:
    """What a process has shown, and when."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self.lengths: list[tuple[float, int]] = []

    def watch(self, process: psutil.Process, until: float) -> str:
        """Watch until this time, and return everything that it has shown."""
        tick = threading.Event()
        while time.monotonic() < until and process.is_running():
            self.lengths.append((time.monotonic(), len(self._zygote.output())))
            tick.wait(0.01)
        return self._zygote.output()

    def before(self, moment: float) -> int:
        """The number of characters shown before this time."""
        return max((length for at, length in self.lengths if at <= moment), default=0)


@kills(4)
def test_answer_of_a_stalled_server(zygote: Zygote, data: Path, count: int) -> None:
    before = stored(data)
    with openai_server(words=tuple(f"word{number} " for number in range(60)), waits_before=50) as server:
        for _ in range(count):
            task = ("command", "chat", "--endpoint", server.url, "--model", "apus", "--message", "hi", "--data-dir")
            process = zygote.start(*task, str(data))
            shown = Shown(zygote)
            until = time.monotonic() + zygote.chance.uniform(0, 2.5 * LOST_S)
            text = shown.watch(process, until)
            with suppress(psutil.NoSuchProcess):
                process.kill()
            killed_at = time.monotonic()
            end(process)
            after = stored(data)
            contents = {each for id_, each in after.items() if id_ not in before}
            assert {**after, **before} == after
            before = after
            safe = shown.before(killed_at - LOST_S - SLACK_S)
            if safe:
                ((question, answer),) = contents
                assert (question, answer[:safe]) == ("hi", text[:safe])


@kills(2)
def test_engine(zygote: Zygote, data: Path, tmp_path: Path, count: int) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    known = set(stored(data))
    for _ in range(count):
        task = ("command", "chat", "--model", str(model), "--message", "hi", "--data-dir", str(data))
        process = zygote.start(*task)
        deadline = time.monotonic() + PATIENCE_S
        while not zygote.output():
            assert time.monotonic() < deadline
            assert process.is_running()
        text = Shown(zygote).watch(process, time.monotonic() + zygote.chance.uniform(0, 0.5))
        for child in process.children(recursive=True):
            child.send_signal(signal.SIGKILL)
        end(process)
        (new,) = stored(data).keys() - known
        known.add(new)
        with ConversationStore.open(data / "conversations") as store:
            answer = store.branch(new)[1]
        assert answer.status is Status.INTERRUPTED
        assert answer.content.startswith(text)


@kills(2)
def test_document(zygote: Zygote, data: Path, tmp_path: Path, count: int) -> None:
    path = pdf(tmp_path / "long.pdf", [prose(f"page {number} " * 100) for number in range(30)])
    known = stored(data)
    with openai_server(words=("Read. ",)) as server:
        task = (
            "command",
            "chat",
            "--endpoint",
            server.url,
            "--model",
            "apus",
            "--message",
            "hi",
            "--attach",
            str(path),
        )
        usual_s = zygote.run(*task, "--data-dir", str(tmp_path / "first"))
        for _ in range(count):
            process = zygote.start(*task, "--data-dir", str(data))
            helpers: list[psutil.Process] = []
            deadline = time.monotonic() + zygote.chance.uniform(0, usual_s)
            with suppress(psutil.NoSuchProcess):
                while time.monotonic() < deadline:
                    helpers = process.children(recursive=True) or helpers
                process.kill()
            assert psutil.wait_procs([process, *helpers], PATIENCE_S)[1] == []
            after = stored(data)
            assert {**after, **known} == after
            assert all(contents[0] == "hi" for id_, contents in after.items() if id_ not in known)
            known = after


@kills(4)
def test_conversation_cache(zygote: Zygote, tmp_path: Path, count: int) -> None:
    """Of the states of a conversation, which are written one after the other, the last whole one is found."""
    folder = tmp_path / "states"
    for _ in range(count):
        process = zygote.start("states", str(folder))
        while not zygote.output():
            assert process.is_running()
        assert zygote.kill(process, 0.2)
        written = int(zygote.output().split()[-1])
        cache = new_cache(folder)
        found, number = cache.best(range(LONGEST), LONGEST)
        assert found is not None
        assert number in (written, written + 1)
        assert cache.data(found) == state_of(number)
