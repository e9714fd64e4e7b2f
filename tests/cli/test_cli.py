"""The command line as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.chat.titles import title_from
from app.config.settings import SettingsFile
from app.store.store import ConversationStore
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Run:
    def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**os.environ, "APUS_CHAT_DATA_DIR": str(data)},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run_program


def value(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def one_line(done: subprocess.CompletedProcess[str], returncode: int = 1) -> str:
    assert done.returncode == returncode
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


QUESTION = "What is the capital of France? Answer in one short sentence."
LIMIT = ("--max-tokens", "60")


def test_a_question_is_answered_kept_found_and_exported(run: Run, tmp_path: Path, starter: Path) -> None:
    asked = run("chat", "--model", "starter", "--message", QUESTION, "--seed", "1", "--temperature", "0", *LIMIT)
    assert asked.returncode == 0, asked.stderr
    assert "Paris" in asked.stdout
    (entry,) = value(run("conversations", "list", "--json"))
    assert entry["title"] == title_from(QUESTION)
    assert entry["message_count"] == 2
    shown = value(run("conversations", "show", entry["id"], "--json"))
    question, answer = shown["messages"]
    assert (question["role"], question["parent_id"], answer["role"]) == ("user", None, "assistant")
    assert answer["parent_id"] == question["id"]
    assert (answer["status"], answer["content"].strip()) == ("complete", asked.stdout.strip())
    assert answer["made_by"]["seed"] == 1
    assert answer["made_by"]["file_sha256"].startswith("b179c952")
    hits = value(run("conversations", "search", "paris", "--json"))
    assert {hit["message_id"] for hit in hits} == {answer["id"]}
    out = tmp_path / "out.md"
    assert run("conversations", "export", entry["id"], "--format", "md", "--out", str(out)).returncode == 0
    assert answer["content"].strip() in out.read_text(encoding="utf-8")


def test_a_search_with_more_results_says_so(run: Run, data: Path) -> None:
    with ConversationStore.open(data / "conversations") as store:
        for name in "ab":
            store.begin_turn(store.create(title=name).id, f"moon {name}")
    all_of_them, newest = (run("conversations", "search", "moon", "--limit", number) for number in "21")
    assert all_of_them.stderr == ""
    assert "only the newest 1 results are shown; --limit N shows more" in newest.stderr
    assert len(newest.stdout.splitlines()) == 1


def test_json_output_contains_the_measurements(run: Run, tiny_model: Path) -> None:
    answer = value(
        run("chat", "--model", str(tiny_model), "--message", "你好", "--max-tokens", "40", "--json", "--no-save")
    )
    assert set(answer) == {
        "text", "finish_reason", "prompt_tokens", "completion_tokens", "prompt_tokens_per_second",
        "tokens_per_second", "time_to_first_token_s", "load_s", "conversation_id", "plan", "documents",
        "speculation", "stop_string",
    }  # fmt: skip
    assert (answer["finish_reason"], answer["completion_tokens"]) == ("length", 40)
    assert answer["conversation_id"] is None
    assert answer["plan"]["context"] == 2048
    assert answer["plan"]["host"]["actual"]["weights_bytes"] > 0
    assert value(run("conversations", "list", "--json")) == []


def test_a_conversation_is_continued(run: Run, tiny_model: Path) -> None:
    common = ("chat", "--model", str(tiny_model), "--max-tokens", "4", "--json")
    first = value(run(*common, "--message", "one", "--system", "Be brief."))
    second = value(run(*common, "--message", "two", "--conversation", first["conversation_id"]))
    assert second["conversation_id"] == first["conversation_id"]
    assert second["prompt_tokens"] > first["prompt_tokens"]
    shown = value(run("conversations", "show", first["conversation_id"], "--json"))
    assert [message["content"] for message in shown["messages"]][::2] == ["one", "two"]
    assert shown["system_prompt"] == "Be brief."


def test_options_reach_the_engine(run: Run, tiny_model: Path) -> None:
    common = ("chat", "--model", str(tiny_model), "--message", "hi", "--max-tokens", "12", "--json", "--no-save")
    texts = [
        value(run(*common, "--temperature", "1.5", "--seed", seed, "--context", "512"))["text"]
        for seed in ("1", "1", "2")
    ]
    assert texts[0] == texts[1] != texts[2]
    assert value(run("conversations", "list", "--json")) == []


def test_the_default_model_is_the_one_used_last_or_the_starter(run: Run, data: Path, tiny_model: Path) -> None:
    models = []
    for _ in range(2):
        asked = value(run("chat", "--message", "hi", "--max-tokens", "2", "--json"))
        shown = value(run("conversations", "show", asked["conversation_id"], "--json"))
        models.append(shown["messages"][-1]["made_by"]["model_id"])
        SettingsFile(data / "settings.json").change(model_id=str(tiny_model))
    assert models == ["starter", str(tiny_model)]


def test_export_and_import_are_lossless_and_repeatable(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    run("chat", "--model", str(tiny_model), "--message", "大海 🌊", "--max-tokens", "4")
    out = tmp_path / "all.json"
    assert run("conversations", "export", "all", "--format", "json", "--out", str(out)).returncode == 0
    (entry,) = value(run("conversations", "list", "--json"))
    other = ("--data-dir", str(tmp_path / "other"))
    added = value(run("conversations", "import", str(out), "--json", *other))
    assert (added["conversations_added"], added["messages_added"]) == (1, 2)
    assert value(run("conversations", "list", "--json", *other)) == [entry]
    again = value(run("conversations", "import", str(out), "--json", *other))
    assert (again["conversations_added"], again["messages_added"]) == (0, 0)
    backup = tmp_path / "backup.sqlite3"
    assert run("conversations", "backup", str(backup)).returncode == 0
    assert backup.read_bytes()[:15] == b"SQLite format 3"
    assert (entry["pinned"], entry["archived"]) == (False, False)
    empty = ("--data-dir", str(tmp_path / "empty"))
    restored = value(run("conversations", "restore", str(backup), "--json", *empty))
    assert Path(restored["before"]).exists()
    assert value(run("conversations", "list", "--json", *empty)) == [entry]
    assert "choose another backup" in one_line(run("conversations", "restore", str(out), *empty))
    database = tmp_path / "empty" / "conversations" / "conversations.sqlite3"
    for content in (None, b"", b"damaged" * 1000):
        database.unlink(missing_ok=True)
        if content is not None:
            database.write_bytes(content)
        assert "conversations restore" in one_line(run("conversations", "list", *empty))
        restored = value(run("conversations", "restore", str(backup), "--json", *empty))
        assert (restored["before"] is None) == (content is None)
        assert value(run("conversations", "list", "--json", *empty)) == [entry]
    values = json.loads(out.read_text(encoding="utf-8"))
    values["conversations"] += ["spoilt"]
    out.write_text(json.dumps(values), encoding="utf-8")
    left_out = value(run("conversations", "import", str(out), "--json", "--data-dir", str(tmp_path / "third")))
    assert (left_out["conversations_added"], [each["what"] for each in left_out["refused"]]) == (
        1,
        ["conversations[1]"],
    )
    assert "was skipped" in run("conversations", "import", str(out)).stdout


def test_models_are_registered_in_place(run: Run, tiny_model: Path) -> None:
    added = value(run("models", "import", str(tiny_model), "--json"))
    assert (added["id"], added["path"], added["ready"]) == ("tiny", str(tiny_model), True)
    listed = value(run("models", "list", "--json"))
    assert [model["id"] for model in listed] == ["starter", "tiny"]
    assert set(listed[0]) >= {"id", "path", "bytes", "ready", "sha256", "verified_at"}
    assert run("chat", "--model", "tiny", "--message", "hi", "--max-tokens", "2").returncode == 0
    value(run("models", "remove", "tiny", "--json"))
    assert [model["id"] for model in value(run("models", "list", "--json"))] == ["starter"]
    assert tiny_model.exists()


def test_devices_and_doctor_describe_the_machine(run: Run) -> None:
    devices = value(run("devices", "--json"))
    assert {"name", "kind", "total_bytes", "free_bytes", "backend"} <= set(devices[0])
    findings = value(run("doctor", "--json"))
    by_name = {finding["name"]: finding for finding in findings}
    assert by_name["engine"]["ok"]
    assert by_name["starter model"]["ok"]
    assert "memory" in by_name


def test_version_and_wrong_usage(run: Run) -> None:
    assert run("--version").stdout.startswith("apus-chat 0.")
    assert run("chat").returncode == 2
    assert run("unheard-of").returncode == 2
    assert run("chat", "--message", "x", "--max-tokens", "0").returncode == 2


def test_what_cannot_be_loaded_is_one_line(run: Run, tmp_path: Path) -> None:
    not_gguf = tmp_path / "text.gguf"
    not_gguf.write_text("hello " * 100)
    whole = write_tiny_model(tmp_path / "whole.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    old = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    ask = ("chat", "--message", "hi", "--model")
    assert "isn't a GGUF file" in one_line(run(*ask, str(not_gguf)))
    assert "is incomplete" in one_line(run(*ask, str(cut)))
    assert "April 2024" in one_line(run(*ask, str(old)))
    assert "doesn't exist" in one_line(run(*ask, str(tmp_path / "none.gguf")))
    assert "folder" in one_line(run(*ask, str(tmp_path)))
    assert "starter" in one_line(run(*ask, "unheard-of"))
    assert value(run("conversations", "list", "--json")) == [], "nothing was begun"


def test_a_prompt_longer_than_the_context_is_one_line(run: Run, tiny_model: Path) -> None:
    done = run("chat", "--model", str(tiny_model), "--context", "256", "--message", "x" * 2000)
    assert "the context holds 256" in one_line(done)


def test_a_damaged_and_a_newer_database_are_one_line_and_stay_as_they_are(run: Run, data: Path) -> None:
    run("conversations", "list")
    database = data / "conversations" / "conversations.sqlite3"
    database.write_bytes(b"SQLite format 3\0" + b"\x5a" * 5000)
    before = database.read_bytes()
    assert "damaged" in one_line(run("conversations", "list"))
    assert database.read_bytes() == before


def test_a_data_folder_that_cannot_be_created_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "data folder" in one_line(run("conversations", "list", "--data-dir", str(tmp_path / "file" / "inside")))


def test_damaged_files_of_the_data_folder_are_reported(run: Run, data: Path, tiny_model: Path) -> None:
    names = ("settings.json", "presets.json", "servers.json", "wishes.json", "plans.json")
    data.mkdir()
    for name in names:
        (data / name).write_text("{")
    done = run("chat", "--model", str(tiny_model), "--message", "hi", "--max-tokens", "2", "--no-save")
    assert done.returncode == 0, done.stderr
    assert [line.split(" ", 1)[0] for line in done.stderr.splitlines()] == ["apus-chat:"] * len(names)
    assert all(name in done.stderr for name in names)
    for name, command in (("settings.json", ("models", "list")), ("wishes.json", ("plan", "starter"))):
        (data / name).write_text("{")
        assert name in run(*command).stderr
        assert (data / f"{name}.damaged-1").read_text() == "{"


def start_chat(data: Path, model: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "chat", "--model", str(model), "--message", "hello", "--seed", "1"],
        cwd=ROOT,
        env={**os.environ, "APUS_CHAT_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.read(200), "pieces come as they are made, into a pipe too"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_a_terminal_gets_no_control_characters_and_a_pipe_gets_all(run: Run, data: Path) -> None:
    text = "a\x1b]0;b\x07c\x9bd\x7f中"
    with ConversationStore.open(data / "conversations") as store:
        conversation = store.create(title=text)
        store.begin_turn(conversation.id, f"rewritten\r{text}")
    assert text in run("conversations", "list").stdout
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "app", "--data-dir", str(data), "conversations"]
    for words in (["list"], ["show", conversation.id]):
        subprocess.run([*command, *words], cwd=ROOT, stdout=theirs, stderr=theirs, check=True)
    os.close(theirs)
    got = b""
    # EIO is the end of what a terminal got.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 4096):
            got += part
    os.close(ours)
    shown = got.decode()
    safe = "a\ufffd]0;b\ufffdc\ufffdd\ufffd中"
    assert f"{safe}\r\n" in shown
    assert f"rewritten\ufffd{safe}\r\n" in shown


def test_commands_work_without_a_log(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "logs").write_bytes(b"")
    for command in (["devices"], ["plan", "starter"], ["chat", "--model", "starter", "--message", "hi", *LIMIT]):
        done = run(*command)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl+C to one process")
def test_ctrl_c_stops_and_keeps_the_answer(data: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    process = start_chat(data, model)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    with ConversationStore.open(data / "conversations") as store:
        answer = store.branch(store.list()[0].id)[-1]
    assert answer.status == "stopped"
    assert answer.content.endswith(output.rstrip("\n")[-20:])


def test_a_killed_program_leaves_the_answer_marked_as_interrupted(data: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    process = start_chat(data, model)
    assert process.stdout is not None
    until = time.monotonic() + 2  # longer than the time between two saves
    while time.monotonic() < until:
        seen = process.stdout.read(50)
    process.kill()
    process.communicate(timeout=60)
    with ConversationStore.open(data / "conversations") as store:
        answer = store.branch(store.list()[0].id)[-1]
    assert answer.status == "interrupted"
    assert answer.content
    assert seen
