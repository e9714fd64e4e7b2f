"""``apus-chat models`` as a real process with a hub on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.fake_hub import FakeHub
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
REPO = "someone/some-models"
Done = subprocess.CompletedProcess[str]
NOBODY = "http://127.0.0.1:9"
"""No server listens on the discard port."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl+C to one process")


class Program:
    """The program with a separate data folder and the hub on loopback."""

    def __init__(self, data: Path, hub: FakeHub) -> None:
        self.data = data
        self.hub = hub
        self.models = data / "models"
        self.environment = {"APUS_CHAT_DATA_DIR": str(data)}
        self.started: list[subprocess.Popen[str]] = []
        data.mkdir()
        self.settings(endpoint=hub.url, authority=hub.url)

    def settings(self, **values: object) -> None:
        (self.data / "settings.json").write_text(json.dumps(values))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**environment, **self.environment},
            encoding="utf-8",
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options},
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left behind."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *arguments: str) -> Done:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def value(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    def problem(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("apus-chat: ")
        return line


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def program(tmp_path: Path, hub: FakeHub) -> Iterator[Program]:
    made = Program(tmp_path / "data", hub)
    yield made
    made.close()


@pytest.fixture
def publish(tmp_path: Path, hub: FakeHub) -> Callable[..., Path]:
    """Publishes a tiny model, with so many random bytes behind its data as to take a while."""
    folder = tmp_path / "published"
    folder.mkdir()

    def publish_one(name: str, extra: int = 0, **options: Any) -> Path:
        path = write_tiny_model(folder / name, **options)
        with path.open("ab") as file:
            file.write(os.urandom(extra))
        hub.add_file(REPO, name, path)
        return path

    return publish_one


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wait_until(process: subprocess.Popen[str], percent: int) -> None:
    """Read progress lines until so much is here."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("download: ") and int(line.split()[1]) >= percent:
            return
    raise AssertionError(f"ended before {percent} %")


def test_search_and_show_tell_what_there_is(program: Program, publish: Callable[..., Path], hub: FakeHub) -> None:
    path = publish("Tiny.Q4_K_M.gguf")
    publish("Tiny.Q2_K.gguf", seed=1)
    hub.licences[REPO] = "mit"
    (found,) = program.value("models", "search", "some models")
    assert (found["id"], found["licence"], found["gated"]) == (REPO, "mit", False)
    repository = program.value("models", "show", REPO)
    assert [each["quantisation"] for each in repository["models"]] == ["Q2_K", "Q4_K_M"]
    one = program.value("models", "show", f"{REPO}:Tiny.Q4_K_M.gguf")
    assert one["files"] == [{"name": "Tiny.Q4_K_M.gguf", "bytes": path.stat().st_size, "sha256": sha256(path)}]
    assert (one["licence"], one["gated"], one["bytes"]) == ("mit", False, path.stat().st_size)
    assert "Tiny.Q2_K.gguf" in program.run("models", "show", REPO).stdout
    (apus,) = program.value("models", "search", "apus")
    assert apus["id"] == "xDAN-AI/APUS-xDAN-4.0-MOE"


def test_a_model_arrives_verified_and_is_listed(program: Program, publish: Callable[..., Path]) -> None:
    path = publish("Tiny.Q4_K_M.gguf", 1 << 20)
    model_id = f"{REPO}:Tiny.Q4_K_M.gguf"
    entry = program.value("models", "download", model_id)
    assert (entry["id"], entry["ready"], entry["sha256"]) == (model_id, True, sha256(path))
    assert entry["verified_at"]
    assert Path(entry["path"]).read_bytes() == path.read_bytes()
    assert entry in program.value("models", "list")
    fetched = program.hub.bytes_sent()
    assert program.value("models", "download", model_id) == entry
    assert program.hub.bytes_sent() == fetched, "what is here is not fetched again"
    checked = program.value("models", "verify", model_id)
    assert (checked["matches"], checked["published_sha256"]) == (True, sha256(path))


def test_progress_is_a_line_for_each_tenth(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf", 2 << 20)
    done = program.run("models", "download", f"{REPO}:Tiny.gguf", "--limit", "1500")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("download: ")]
    percents = [int(line.split()[1]) for line in lines]
    assert percents == sorted(percents)
    assert len({percent // 10 for percent in percents}) == len(percents) >= 3
    assert "MB/s" in lines[-1]
    assert done.stdout.split()[0] == f"{REPO}:Tiny.gguf"


@posix
def test_progress_in_a_terminal_is_one_line(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf", 2 << 20)
    ours, theirs = os.openpty()
    process = program.start("models", "download", f"{REPO}:Tiny.gguf", "--limit", "1500", stderr=theirs)
    os.close(theirs)
    shown = b""
    # The other end is closed when the program has ended: Linux tells it as an error, others as an end.
    while select.select([ours], [], [], 30)[0]:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, shown
    assert f"{REPO}:Tiny.gguf" in output
    (line, rest) = shown.decode().split("\r\n")
    assert rest == ""
    steps = [step for step in line.split("\r") if step.strip()]
    assert len(steps) >= 3
    assert "100 %" in steps[-1]


@posix
def test_ctrl_c_keeps_what_is_here_and_the_next_call_goes_on(program: Program, publish: Callable[..., Path]) -> None:
    path = publish("Tiny.gguf", 3 << 20)
    process = program.start("models", "download", f"{REPO}:Tiny.gguf", "--limit", "1000")
    wait_until(process, 30)
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in errors
    assert time.monotonic() - before < 2
    assert not list(program.models.glob("*.gguf"))
    sent = program.hub.bytes_sent()
    entry = program.value("models", "download", f"{REPO}:Tiny.gguf")
    assert entry["sha256"] == sha256(path)
    assert program.hub.bytes_sent() - sent < path.stat().st_size * 0.85


def test_a_killed_download_goes_on(program: Program, publish: Callable[..., Path]) -> None:
    path = publish("Tiny.gguf", 3 << 20)
    process = program.start("models", "download", f"{REPO}:Tiny.gguf", "--limit", "1000")
    wait_until(process, 50)
    process.kill()
    process.communicate(timeout=30)
    assert [each["id"] for each in program.value("models", "list")] == ["starter"]
    entry = program.value("models", "download", f"{REPO}:Tiny.gguf")
    assert entry["sha256"] == sha256(path)
    assert sorted(each.name for each in program.models.glob("Tiny*")) == ["Tiny.gguf", "Tiny.gguf.origin.json"]


def test_an_unfinished_download_can_be_given_up(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf", 3 << 20)
    process = program.start("models", "download", f"{REPO}:Tiny.gguf", "--limit", "1000")
    wait_until(process, 50)
    process.kill()
    process.communicate(timeout=30)
    assert "--yes" in program.problem("models", "remove", f"{REPO}:Tiny.gguf", "--delete")
    removed = program.value("models", "remove", f"{REPO}:Tiny.gguf", "--delete", "--yes")
    assert removed["bytes"] > 1 << 20
    assert list(program.models.glob("Tiny*.part*")) == []


def test_another_endpoint_for_one_call(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf")
    program.settings(endpoint=NOBODY, authority=NOBODY)
    line = program.problem("models", "download", f"{REPO}:Tiny.gguf")
    assert "connect to 127.0.0.1:9" in line
    shown = program.value("models", "show", f"{REPO}:Tiny.gguf", "--endpoint", program.hub.url)
    assert shown["checksums_from"] in program.hub.url, "the authority does not answer: the endpoint's own word is taken"
    assert program.value("models", "download", f"{REPO}:Tiny.gguf", "--endpoint", program.hub.url)["ready"]


def test_what_a_hub_refuses_is_one_line(program: Program, publish: Callable[..., Path], hub: FakeHub) -> None:
    publish("Tiny.gguf")
    hub.gated[REPO] = "hf_right"
    gated = program.problem("models", "download", f"{REPO}:Tiny.gguf")
    assert "token" in gated
    program.environment["HF_TOKEN"] = "hf_wrong"
    refused = program.problem("models", "download", f"{REPO}:Tiny.gguf")
    assert refused != gated
    assert "hf_wrong" not in refused
    program.environment["HF_TOKEN"] = "hf_right"
    assert program.value("models", "download", f"{REPO}:Tiny.gguf")["ready"]
    log = "".join(each.read_text() for each in (program.data / "logs").glob("*.log"))
    assert "hf_right" not in log
    assert "nobody/nothing" in program.problem("models", "download", "nobody/nothing:a.gguf")
    assert "None.gguf" in program.problem("models", "download", f"{REPO}:None.gguf")
    assert "OWNER/REPO:FILE" in program.problem("models", "download", "no such id")


def test_a_file_in_place_of_the_models_folder(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf")
    program.models.write_text("mine")
    assert [each["id"] for each in program.value("models", "list")] == ["starter"]
    assert str(program.models) in program.problem("models", "download", f"{REPO}:Tiny.gguf")
    assert program.models.read_text() == "mine"


def test_a_flipped_byte_is_reported_and_set_aside(program: Program, publish: Callable[..., Path], hub: FakeHub) -> None:
    path = publish("Tiny.gguf", 1 << 20)
    hub.fault("cdn", "corrupt", offset=path.stat().st_size - 1000, times=-1)
    done = program.run("models", "download", f"{REPO}:Tiny.gguf")
    assert done.returncode == 1
    assert "Tiny.gguf.bad" in done.stderr.splitlines()[-1]
    assert not list(program.models.glob("*.gguf"))


def test_giving_up_after_a_while_without_a_byte(program: Program, publish: Callable[..., Path], hub: FakeHub) -> None:
    publish("Tiny.gguf", 1 << 20)
    hub.fault("cdn", "status", code=503, times=-1)
    done = program.run("models", "download", f"{REPO}:Tiny.gguf", "--patience", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("apus-chat: ")


def test_verify_tells_right_from_wrong_and_mends(program: Program, publish: Callable[..., Path]) -> None:
    path = publish("Tiny.gguf", 1 << 20)
    model_id = f"{REPO}:Tiny.gguf"
    here = Path(program.value("models", "download", model_id)["path"])
    with here.open("r+b") as file:
        file.seek(-5000, os.SEEK_END)
        file.write(bytes(100))
    done = program.run("models", "verify", model_id, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["matches"], found["files"][0]["damaged_pieces"]) == (False, [0])
    assert "published" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    repaired = program.value("models", "verify", model_id, "--mend")
    assert repaired["matches"] is True
    assert here.read_bytes() == path.read_bytes()


def test_verify_against_what_is_named(program: Program, publish: Callable[..., Path], tmp_path: Path) -> None:
    path = publish("Tiny.gguf")
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(path.read_bytes())
    unknown = program.value("models", "verify", str(mine))
    assert (unknown["matches"], unknown["sha256"]) == (None, sha256(mine))
    assert program.value("models", "verify", str(mine), "--against", f"{REPO}:Tiny.gguf")["matches"] is True
    with mine.open("ab") as file:
        file.write(b"more")
    assert "published" in program.problem("models", "verify", str(mine), "--against", f"{REPO}:Tiny.gguf")


def test_a_file_of_before_april_2024_is_repaired_and_answers(
    program: Program, publish: Callable[..., Path], tmp_path: Path
) -> None:
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    assert "models repair" in program.problem("models", "import", str(old))
    assert program.value("models", "show", str(old))["layout"] == "legacy"
    copy = tmp_path / "new.gguf"
    assert program.value("models", "repair", str(old), "--out", str(copy)) == {"path": str(copy)}
    assert program.value("models", "show", str(old))["layout"] == "legacy", "the old file stays as it was"
    done = program.run("models", "repair", str(old))
    assert done.stdout == f"{old}\n"
    assert old.read_bytes() == copy.read_bytes()
    shown = program.value("models", "show", str(old))
    assert (shown["layout"], shown["experts"], shown["experts_used"], shown["layers"]) == ("stacked", 4, 2, 2)
    answer = program.value("chat", "--model", str(old), "--message", "hi", "--max-tokens", "3", "--no-save")
    assert answer["completion_tokens"] == 3
    published = publish("Old.Q2_K.gguf", n_expert=4, legacy=True)
    entry = program.value("models", "download", f"{REPO}:Old.Q2_K.gguf")
    assert (entry["ready"], entry["stacked"]) == (True, True), "stacked while it came"
    checked = program.value("models", "verify", entry["id"])
    assert (checked["matches"], checked["published_sha256"]) == (True, sha256(published))


def test_parts_are_joined_and_a_folder_is_taken_whole(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    whole = write_tiny_model(tmp_path / "whole.gguf").read_bytes()
    (folder / "cut.gguf.part1of2").write_bytes(whole[:200_000])
    (folder / "cut.gguf.part2of2").write_bytes(whole[200_000:])
    write_tiny_model(folder / "a.gguf", seed=1)
    write_tiny_model(folder / "b.gguf", seed=2)
    (folder / "page.gguf").write_text("<html>")
    done = program.run("models", "import", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert [each["id"] for each in json.loads(done.stdout)] == ["a", "b"]
    assert len(done.stderr.splitlines()) == 2
    assert "2 split parts" in program.problem("models", "import", str(folder / "cut.gguf.part2of2"))
    joined = program.value("models", "repair", str(folder / "cut.gguf.part1of2"))["path"]
    assert Path(joined).read_bytes() == whole
    assert program.value("models", "import", joined)["id"] == "cut"


def test_remove_forgets_and_deletes_only_with_the_option(program: Program, tmp_path: Path) -> None:
    mine = write_tiny_model(tmp_path / "mine.gguf")
    program.value("models", "import", str(mine))
    assert program.value("models", "remove", "mine") == {"id": "mine", "deleted": [], "bytes": 0}
    assert mine.exists()
    program.value("models", "import", str(mine))
    n_bytes = mine.stat().st_size
    assert "--yes" in program.problem("models", "remove", "mine", "--delete")
    assert mine.exists()
    removed = program.value("models", "remove", "mine", "--delete", "--yes")
    assert removed == {"id": "mine", "deleted": [str(mine)], "bytes": n_bytes}
    assert not mine.exists()
    assert [each["id"] for each in program.value("models", "list")] == ["starter"]
    assert "be removed" in program.problem("models", "remove", "starter", "--delete", "--yes")


def test_a_downloaded_model_is_removed_by_deleting_it(program: Program, publish: Callable[..., Path]) -> None:
    publish("Tiny.gguf")
    model_id = f"{REPO}:Tiny.gguf"
    program.value("models", "download", model_id)
    assert "--delete --yes" in program.problem("models", "remove", model_id)
    program.value("models", "remove", model_id, "--delete", "--yes")
    assert list(program.models.glob("Tiny*")) == []


def test_show_tells_what_a_header_says(program: Program, tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    mine = write_tiny_model(tmp_path / "mine.gguf", chat_template=template)
    shown = program.value("models", "show", str(mine))
    assert (shown["architecture"], shown["context"], shown["layout"]) == ("llama", 2048, "dense")
    assert (shown["chat_template"], shown["tensor_types"]) == (template, {"F32": shown["tensors"]})
    assert "characters" in program.run("models", "show", str(mine)).stdout
    assert "unheard-of" in program.problem("models", "show", "unheard-of")


def test_a_magnet_link_that_is_none_is_one_line(program: Program) -> None:
    done = program.run("models", "download", "magnet:?xt=urn:btih:nonsense")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Copy the whole link" in line


def test_wrong_usage(program: Program) -> None:
    assert program.run("models").returncode == 2
    assert program.run("models", "download").returncode == 2
    assert program.run("models", "download", "x", "--limit", "0").returncode == 2


@pytest.mark.parametrize("in_place", ["file", "link to a folder", "link to nothing"])
def test_a_file_or_a_link_in_place_of_the_models_folder(
    program: Program, publish: Callable[..., Path], tmp_path: Path, in_place: str
) -> None:
    publish("Tiny.gguf", 1 << 20)
    target = tmp_path / "elsewhere"
    if in_place == "file":
        program.models.write_text("mine")
    else:
        program.models.symlink_to(target)
    if in_place == "link to a folder":
        target.mkdir()
    done = program.run("models", "download", f"{REPO}:Tiny.gguf")
    assert [model["id"] for model in program.value("models", "list")][:1] == ["starter"]
    if in_place == "link to a folder":
        assert done.returncode == 0
        assert (target / "Tiny.gguf").is_file()
        assert program.models.is_symlink()
    else:
        assert done.returncode == 1
        assert len([line for line in done.stderr.splitlines() if line.startswith("apus-chat: ")]) == 1
        assert "Traceback" not in done.stderr
        assert program.models.is_symlink() or program.models.read_text() == "mine"
