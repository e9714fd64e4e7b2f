"""The real program quits cleanly at any time, and its logs contain no conversation text."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.config.settings import SettingsFile
from app.conversation import Provenance, Status
from app.log import LOG_BYTES, LOG_NAME, start_log
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.gguf.header import read_header
from model_manager.layout.convert import stack_experts
from tests.rigs.fake_hub import FakeHub
from tests.rigs.openai_server import openai_server
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
OFFSCREEN = "This plugin does not support"
"""What the offscreen platform says of every dialog."""
DRIVER = """
import os, signal, sys
from pathlib import Path
import psutil
from PySide6.QtCore import QTimer
import ui.start.application
import ui.window.controller
from app.config.drafts import Draft

FOLDER, WAY, *WORDS = sys.argv[1:]

class Driven(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        self.window = window
        self.play = self.steps()
        self.wanted = lambda: True
        self.watch = QTimer(self)
        self.watch.timeout.connect(self.go_on)
        self.watch.start(5)
    def go_on(self):
        while self.wanted():
            self.wanted = next(self.play, None)
            if self.wanted is None:
                self.watch.stop()
                children = psutil.Process().children(recursive=True)
                print("there", *(child.pid for child in children), flush=True)
                if WAY == "close":
                    QTimer.singleShot(0, self.window, self.window.close)
                return
    def ask(self, model_id, text):
        self.models.use(model_id)
        self.conversation.send(Draft(text))
    def idle(self):
        return not self.conversation.session.answers
    def steps(self):
STEPS

ui.window.controller.WindowController = Driven
sys.exit(ui.start.application.run(FOLDER))
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to one process")


@contextmanager
def program(steps: str, data: Path, way: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    indented = "\n".join(f"        {line}" for line in steps.strip().splitlines())
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER.replace("STEPS", indented), str(data), way, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


def leaves_well(steps: str, data: Path, way: str, *words: str) -> None:
    """Let it come to the end of the steps, end it, and see that nothing of it is left."""
    with program(steps, data, way, *words) as process:
        assert process.stdout is not None
        there, *pids = process.stdout.readline().split() or [""]
        assert there == "there", process.communicate(timeout=PATIENCE_S)[1]
        children = [psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]
        if way == "signal":
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        reported = [line for line in errors.splitlines() if OFFSCREEN not in line]
        assert (process.returncode, reported) == (0, [])
        _, alive = psutil.wait_procs(children, timeout=5)
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
    left = {path.name for path in (data / "conversations" / "running").iterdir()}
    assert left <= {"opening.lock"}, "no sign of a writer that died"
    logs = "".join(path.read_text(errors="replace") for path in (data / "logs").glob("apus-chat.log*"))
    assert "not caught" not in logs


def last_answer(data: Path) -> tuple[str, str, Status]:
    """Question, answer and how it ended."""
    with ConversationStore.open(data / "conversations") as store:
        question, answer = store.branch(store.list()[0].id)[-2:]
    return question.content, answer.content, answer.status


LOADING = """
self.ask(WORDS[0], "hello")
yield lambda: self.services.engine.pid is not None
# Held where it is: this load will never end by itself.
os.kill(self.services.engine.pid, signal.SIGSTOP)
yield lambda: not self.idle()
"""


@POSIX
@pytest.mark.parametrize("grace_s", [2, 60])
def test_while_it_loads(tmp_path: Path, grace_s: int) -> None:
    """The answer is saved as well where the load takes longer to stop than the services wait for it."""
    steps = f"import app.engine.local_engine\napp.engine.local_engine.STOP_GRACE_S = {grace_s}{LOADING}"
    leaves_well(steps, tmp_path, "signal", "starter")
    question, _, status = last_answer(tmp_path)
    assert (question, status) == ("hello", Status.STOPPED)


READING = """
self.ask(WORDS[0], "word " * 6000)
yield lambda: self.conversation.session.running is not None and self.conversation.session.running.prompt is not None
"""


def test_while_it_reads(tmp_path: Path) -> None:
    leaves_well(READING, tmp_path, "close", "starter")
    question, _, status = last_answer(tmp_path)
    assert (len(question), status) == (len("word " * 6000), Status.STOPPED)


GENERATING = """
self.ask(WORDS[0], "hello")
yield lambda: self.conversation.session.running is not None and len(self.conversation.session.running.text) > 200
self.window.composer.field.setPlainText("half a thought")
"""


@POSIX
@pytest.mark.parametrize("way", ["close", "signal"])
def test_while_it_answers(tmp_path: Path, way: str) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    leaves_well(GENERATING, tmp_path / "data", way, str(model))
    _, answer, status = last_answer(tmp_path / "data")
    assert status is Status.STOPPED
    assert len(answer) > 200
    assert "half a thought" in (tmp_path / "data" / "drafts.json").read_text(encoding="utf-8")


DOWNLOADING = """
queue = self.services.downloads.queue
queue.add(WORDS[0])
yield lambda: any(each.progress.done > 50_000 for each in queue.statuses())
"""


@POSIX
def test_while_it_downloads(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    model = write_tiny_model(tmp_path / "model.gguf", n_embd=256, n_layer=4)
    with FakeHub() as hub:
        hub.add_file("me/repo-GGUF", "model.gguf", model)
        hub.fault("cdn", "trickle", times=-1, rate=1_000_000)
        SettingsFile(data / "settings.json").change(endpoint=hub.url, authority=hub.url, proxy="none")
        leaves_well(DOWNLOADING, data, "signal", "me/repo-GGUF:model.gguf")
        parts = list((data / "models").rglob("*.part"))
        assert parts, "what was fetched is kept"
        hub.reset()
        leaves_well(WHOLE, data, "signal", "me/repo-GGUF:model.gguf")
    (arrived,) = (path for path in (data / "models").rglob("*.gguf") if path.is_file())
    assert arrived.read_bytes() == model.read_bytes(), "it went on by itself at the next start"


WHOLE = """
yield lambda: [each.state for each in self.services.downloads.queue.statuses()] == ["done"]
"""

EXPORTING = """
from ui.export.dialog import ExportDialog
self.show_export(())
dialog = self.window.findChild(ExportDialog)
dialog.options.format_box.setCurrentIndex(dialog.options.format_box.findData("pdf"))
dialog.path.setText(WORDS[0])
dialog.export.click()
yield lambda: dialog.progress.value() > 0
assert dialog._is_busy()
"""


def test_while_it_exports_a_pdf(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    out.mkdir()
    with ConversationStore.open(data / "conversations") as store:
        for number in range(3):
            conversation = store.create(title=f"Long {number}")
            for _ in range(40):
                _, message = store.begin_turn(conversation.id, "Question")
                text = "\n\n".join([f"Text with **bold** words {number}, $x^2$ and 四个专家。"] * 30)
                store.finish_answer(
                    message.id, text, Status.COMPLETE, Provenance("starter", Sampling(), 1, 1, 1, "stop")
                )
    leaves_well(EXPORTING, data, "close", str(out))
    with ConversationStore.open(data / "conversations") as store:
        assert len(store.list()) == 3
    assert not list(out.rglob("*.part")), "no half file"


CONVERTING = """
from ui.models.jobs import convert_model
from ui.models.item import ModelJob
path = Path(WORDS[0])
self.models.show_page()
jobs = self.models._jobs
jobs.start(ModelJob("old", "convert", path), lambda report, token: convert_model(
    self.services.library, path, None, report, token))
yield lambda: not jobs.running() or jobs.running()[0].progress.done > 0
"""


@POSIX
def test_while_it_converts(tmp_path: Path) -> None:
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, n_layer=12, n_embd=256, legacy=True)
    leaves_well(CONVERTING, tmp_path / "data", "signal", str(old))
    stack_experts(old)
    names = {tensor.name for tensor in read_header(old).tensors}
    assert "blk.11.ffn_up_exps.weight" in names, "what was begun can be finished"


MEASURING = """
from ui.plan.model_plan import ModelPlan
self.models.use(WORDS[0])
self.models.show_plan(WORDS[0])
yield lambda: self.window.findChild(ModelPlan) is not None
dialog = self.window.findChild(ModelPlan)
yield lambda: dialog.measure.measure.isEnabled()
dialog.measure.sizes = {"prompt_tokens": 64, "generated_tokens": 1000, "repetitions": 1000}
dialog.measure.measure.click()
yield lambda: dialog.measure._progress is not None
assert dialog.measure.is_busy
"""


def test_while_it_measures(tmp_path: Path) -> None:
    leaves_well(MEASURING, tmp_path, "close", "starter")


CHECKING = """
from ui.doctor.dialog import DoctorDialog
self.show_diagnostics()
dialog = self.window.findChild(DoctorDialog)
yield lambda: "memory" in dialog.results
assert dialog.is_checking()
"""


@POSIX
def test_while_it_checks_the_machine(tmp_path: Path) -> None:
    leaves_well(CHECKING, tmp_path, "signal")
    assert not list(tmp_path.glob(".speed-*"))


WAITING = """
import threading
from PySide6.QtCore import QThreadPool
ui.start.application.BACKGROUND_MS = 200
begun = threading.Event()
QThreadPool.globalInstance().start(lambda: (begun.set(), threading.Event().wait()))
yield begun.is_set
"""


@POSIX
def test_a_job_that_never_ends_does_not_block_closing(tmp_path: Path) -> None:
    leaves_well(WAITING, tmp_path, "close")
    assert "did not end" in (tmp_path / "logs" / "apus-chat.log").read_text(encoding="utf-8")


@contextmanager
def log_in(folder: Path) -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    handler = start_log(folder)
    assert handler is not None
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def test_the_log_stays_small_and_holds_no_address_that_was_asked(tmp_path: Path) -> None:
    with log_in(tmp_path):
        logging.getLogger("httpx2").info("GET https://cdn/x?signature=1")
        for _ in range(5 * LOG_BYTES // 1000):
            logging.getLogger("test").info("x" * 1000)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 3
    assert max(sizes) <= LOG_BYTES
    assert not any("signature" in path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_drops_log_records(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / LOG_NAME).symlink_to("/dev/full")
    with log_in(tmp_path):
        logging.getLogger("test").info("x")
    assert capfd.readouterr().err == ""


SAYING = """
from app.servers.protocol import ServedModel
url, other_url, hub_id = WORDS
self.services.settings.change(max_tokens=24, system_prompt="Speak of heliotropes.")
self.ask("starter", "Tell of xylophones and of zeppelins.")
yield self.idle
self.ask("starter", "Once more, of quetzalcoatlus.")
yield self.idle
# A title, an answer that fails, a model that is none.
for model_id in ("no-such-model", FOLDER + "/broken.gguf"):
    self.ask(model_id, "Ask of kumquats.")
    yield self.idle
self.ask("starter", "archaeopteryx " * 9000)
yield self.idle
# The engine dies in the middle of a word.
self.services.settings.change(max_tokens=0)
self.ask(FOLDER + "/endless.gguf", "Speak on of brontosaurs.")
yield lambda: self.conversation.session.running is not None and len(self.conversation.session.running.text) > 20
os.kill(self.services.engine.pid, signal.SIGKILL)
yield self.idle
# A server with its key, and one that refuses it and repeats what it was asked.
known = self.services.servers
for address in (url, other_url):
    server = known.add(address, key="sk-ours-very-secret", models=[ServedModel("apus", "chat", None)])
    self.ask(server.model_id("apus"), "Ask the server of pterodactyls.")
    yield self.idle
self.services.secrets.set("hub_token", "hf_ours_very_secret")
queue = self.services.downloads.queue
for each in (hub_id, "me/missing-GGUF:none.gguf"):
    queue.add(each)
yield lambda: {each.state for each in queue.statuses()} <= {"done", "failed"}
self.show_export(())
from ui.export.dialog import ExportDialog
self.window.findChild(ExportDialog).reject()
"""
WORDS = (
    "heliotrope",
    "xylophone",
    "zeppelin",
    "quetzalcoatlus",
    "kumquat",
    "archaeopteryx",
    "brontosaur",
    "pterodactyl",
)
SECRETS = ("sk-ours-very-secret", "hf_ours_very_secret", "Bearer", "/cdn/")
"""Where the bytes lie is a secret too: a hub signs those addresses."""


@POSIX
def test_no_log_holds_what_was_said_nor_a_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    model = write_tiny_model(tmp_path / "model.gguf")
    data.mkdir()
    write_tiny_model(data / "endless.gguf", context_length=16384)
    (data / "broken.gguf").write_bytes(model.read_bytes()[:4000])
    echo = b'{"error": {"message": "invalid key sk-ours-very-secret for: Ask the server of pterodactyls."}}'
    with (
        FakeHub() as hub,
        openai_server(key="sk-ours-very-secret", words=("Tyrannosaurs", " and", " stegosaurs.")) as server,
        openai_server(status=418, body=echo) as other,
    ):
        hub.add_file("me/gated-GGUF", "model.gguf", model)
        hub.gated["me/gated-GGUF"] = "hf_ours_very_secret"
        host = hub.url.removeprefix("http://")
        SettingsFile(data / "settings.json").change(
            endpoint=hub.url, authority=hub.url, proxy="none", token_hosts=host, language="en"
        )
        leaves_well(SAYING, data, "close", server.url, other.url, "me/gated-GGUF:model.gguf")
        assert any(entry.auth for entry in hub.log), "the token was used"
        assert any("sk-ours" in seen.headers.get("authorization", "") for seen in server.seen), "and so was the key"
    with ConversationStore.open(data / "conversations") as store:
        messages = [each for one in store.list() for each in store.messages(one.id)]
    answers = [each.content for each in messages if each.role == "assistant" and len(each.content) > 12]
    assert any("Tyrannosaurs" in each for each in answers)
    assert len(answers) >= 4
    logs = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in (data / "logs").iterdir()}
    assert {"apus-chat.log", "engine.log"} <= logs.keys()
    assert logs["engine.log"], "the engine says something, of itself"
    said = [*WORDS, *SECRETS, "Tyrannosaurs", "stegosaurs", *(each[:24].strip() for each in answers)]
    found = [(name, word) for name, text in logs.items() for word in said if word.lower() in text.lower()]
    assert found == []


WATCHER = """
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto") and not isinstance(arguments[1], (str, bytes)) or event in (
            "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {arguments[1:2]}\\n")
sys.addaudithook(note)
with open(os.environ["WATCHED"], "a") as file:
    file.write("process\\n")
"""
BY_ITSELF = """
self.services.settings.change(max_tokens=8)
self.ask("starter", "Tell me a story.")
yield self.idle
self.show_settings()
self.show_diagnostics()
from ui.doctor.dialog import DoctorDialog
yield lambda: not self.window.findChild(DoctorDialog).is_checking()
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
"""


@POSIX
def test_nothing_is_sent_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, account or update check: neither the window nor its child processes open a connection."""
    watched = tmp_path / "watched.txt"
    (tmp_path / "sitecustomize.py").write_text(WATCHER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("WATCHED", str(watched))
    (tmp_path / "data").mkdir()
    # not the first start, whose page asks the hub for models to recommend
    SettingsFile(tmp_path / "data" / "settings.json").change(model_id="starter")
    leaves_well(BY_ITSELF, tmp_path / "data", "close")
    lines = watched.read_text().splitlines()
    assert lines.count("process") >= 2, "the engine's process is watched too"
    events = [line.partition(" ")[0] for line in lines if line != "process"]
    assert events == ["socket.getaddrinfo", "socket.connect"], "the test's own connection"
