"""A context that is full on the command line: refused by default, rolled where that was asked for, never silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.config.paths import DataFolder
from app.config.settings import SettingsFile
from app.conversation import Attachment, Speculation
from app.export.export import FORMATS
from app.export.formats import ExportOptions
from app.imports.importer import import_conversations
from app.sampling import Sampling
from app.store.store import ConversationStore
from tests.documents.builders import docx, pdf, prose, w_p
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]


def chat(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "chat", "--context", "256", "--max-tokens", "4", "--json", *arguments],
        cwd=ROOT,
        env={**os.environ, "APUS_CHAT_DATA_DIR": str(data)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_sampling_and_attachments_are_options(tmp_path: Path) -> None:
    template = "{{ messages[-1].content }}{{ 'x' if enable_thinking }}>"
    model = write_tiny_model(tmp_path / "told.gguf", chat_template=template, script=("one", "two", "three"))
    note = tmp_path / "note.txt"
    note.write_text("Some words.\n", "utf-8")
    report = docx(tmp_path / "report.docx", w_p("Title", style="1") + w_p("Told."))
    options = ("--top-p", "0.5", "--top-k", "7", "--min-p", "0.2", "--stop", "never", "three", "--thinking", "off")
    options += ("--dry-multiplier", "0.8", "--dry-sequence-breakers", ".", "--dynatemp-range", "0.5", "--seed", "1")
    done = chat(
        tmp_path / "data", "--model", str(model), "--message", "go", *options, "--attach", str(note), str(report)
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["text"], said["finish_reason"]) == ("onetwo", "stop")
    with ConversationStore.open(tmp_path / "data" / "conversations") as store:
        question, answer = store.branch(said["conversation_id"])
    assert [each.content for each in question.attachments] == ["Some words.\n", "# Title\n\nTold.\n"]
    assert answer.provenance is not None
    sampling = answer.provenance.sampling
    assert (sampling.top_p, sampling.top_k, sampling.min_p, sampling.thinking) == (0.5, 7, 0.2, "off")
    assert sampling.stop == ("never", "three")
    assert (sampling.dry_multiplier, sampling.dry_sequence_breakers, sampling.dynatemp_range) == (0.8, (".",), 0.5)
    again = chat(tmp_path / "data", "--model", str(model), "--message", "go", "--thinking", "high")
    assert again.stderr == "apus-chat: --thinking high has no effect on this model; its choices are: off, on\n"
    missing = chat(tmp_path / "data", "--model", str(model), "--message", "go", "--attach", str(tmp_path / "gone.txt"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "gone.txt" in missing.stderr


def test_full_context_stops_or_rolls(tmp_path: Path) -> None:
    data = tmp_path / "data"
    model = ("--model", str(write_tiny_model(tmp_path / "endless.gguf")))
    first = json.loads(chat(data, *model, "--message", "x" * 100).stdout)
    going_on = (*model, "--conversation", first["conversation_id"])
    refused = chat(data, *going_on, "--message", "y" * 120)
    assert refused.returncode == 1
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert "The context is full" in line
    assert "256" in line
    rolled = chat(data, *going_on, "--message", "y" * 120, "--context-policy", "roll")
    assert rolled.returncode == 0
    assert json.loads(rolled.stdout)["finish_reason"] == "length"
    (line,) = rolled.stderr.splitlines()
    assert line == "apus-chat: The context of 256 tokens is full. The oldest messages are left out (2)."
    with ConversationStore.open(data / "conversations") as store:
        branch = store.branch(first["conversation_id"])
    assert [message.content[0] for message in branch if message.role == "user"] == ["x", "y", "y"]
    assert branch[-1].provenance is not None
    assert branch[-1].provenance.left_out == tuple(message.id for message in branch[:2])


def test_full_context_is_summarised_and_the_export_marks_the_summary(tmp_path: Path) -> None:
    data = tmp_path / "data"
    model = ("--model", str(write_tiny_model(tmp_path / "endless.gguf")))
    first = json.loads(chat(data, *model, "--context", "1024", "--message", "x" * 600).stdout)
    going_on = (
        *model,
        "--conversation",
        first["conversation_id"],
        "--context-policy",
        "summarise",
        "--context",
        "1024",
    )
    done = chat(data, *going_on, "--message", "y" * 400)
    assert (done.returncode, json.loads(done.stdout)["finish_reason"]) == (0, "length")
    assert done.stderr == "apus-chat: The context is full. The oldest messages are summarised (2).\n"
    with ConversationStore.open(data / "conversations") as store:
        tree = store.trees()[0]
        summary = tree.branch()[1].summary
        assert summary
        assert [each.content[:1] for each in tree.branch() if each.role == "user"] == ["x", "y"]
        assert [
            each.summary for each in store.branch(store.fork(first["conversation_id"], tree.branch()[-1].id).id)
        ] == [each.summary for each in tree.branch()], "a copy has it too"
    for name in ("md", "txt", "html"):
        text = FORMATS[name].write([tree], ExportOptions()).decode()
        assert text.count("Summary of the messages above, which the model gets instead of them") == 1
    with ConversationStore.in_memory() as copy:
        exported = tmp_path / "all.json"
        exported.write_bytes(FORMATS["json"].write([tree], ExportOptions()))
        import_conversations(copy, exported)
        assert copy.trees() == [tree]


def test_passages_of_a_long_document_are_reported(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf")
    pages = [prose(f"Nothing but weather on day {number}. " * 9) for number in range(30)]
    pages[20] = prose("The lighthouse was painted red. " * 9)
    report = pdf(tmp_path / "station.pdf", pages)
    options = ("--model", str(model), "--context", "2048", "--attach", str(report), "--message")
    done = chat(tmp_path / "data", *options, "Who painted the lighthouse?")
    assert done.returncode == 0
    assert "passages that best match the question" in done.stderr
    documents = json.loads(done.stdout)["documents"]
    (excerpt,) = documents["excerpts"]
    assert (excerpt["name"], documents["is_spread"]) == ("station.pdf", False)
    assert 21 in [passage["page"] for passage in excerpt["passages"]]
    done = chat(tmp_path / "data", *options, "Summarise this")
    assert "names nothing in them" in done.stderr
    assert json.loads(done.stdout)["documents"]["is_spread"]


def test_chat_uses_the_sampling_of_the_conversation(tmp_path: Path) -> None:
    data = tmp_path / "data"
    model = ("--model", str(write_tiny_model(tmp_path / "endless.gguf")))
    with ConversationStore.open(data / "conversations") as store:
        conversation = store.create(title="own sampling")
        store.update(conversation.id, sampling=Sampling(temperature=0.25, seed=11, max_tokens=100))
    answer = json.loads(chat(data, *model, "--conversation", conversation.id, "--message", "hello").stdout)
    assert answer["completion_tokens"] == 4, "an option precedes the conversation's sampling"
    with ConversationStore.open(data / "conversations") as store:
        provenance = store.branch(conversation.id)[-1].provenance
    assert provenance is not None
    assert provenance.sampling == Sampling(temperature=0.25, seed=11, max_tokens=4)


def test_chat_begins_in_a_folder_with_its_model_instructions_and_documents(tmp_path: Path) -> None:
    data = tmp_path / "data"
    model = write_tiny_model(tmp_path / "told.gguf", chat_template="{{ messages[0].content }}>", script=("one",))
    with ConversationStore.open(data / "conversations") as store:
        inner = store.add_folder("Reports", store.add_folder("Work").id)
        store.update_folder(inner.id, instructions="Be brief.", model_id=str(model))
        store.add_documents(inner.id, [Attachment("hours.txt", "The shop opens at nine.\n", 6)])
    said = json.loads(chat(data, "--folder", "Work/Reports", "--message", "go").stdout)
    assert said["text"] == "one"
    # Instructions and document alone are in the prompt of this template.
    assert said["prompt_tokens"] > len("Be brief.")
    with ConversationStore.open(data / "conversations") as store:
        assert store.get(said["conversation_id"]).folder_id == inner.id
    missing = chat(data, "--folder", "Nowhere", "--message", "go")
    assert (missing.returncode, "no folder Nowhere" in missing.stderr) == (1, True)
    unsaved = chat(data, "--folder", "Work", "--no-save", "--model", str(model), "--message", "go")
    assert (unsaved.returncode, "is in no folder" in unsaved.stderr) == (0, True)
    both = chat(data, "--folder", "Work", "--conversation", said["conversation_id"], "--message", "go")
    assert both.returncode == 2


def test_chat_tells_how_many_guesses_were_right(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "model.gguf", n_embd=128, tensor_type="Q4_1")
    options = (
        "--model",
        str(path),
        "--kv",
        "q8_0",
        "--max-tokens",
        "60",
        "--temperature",
        "0",
        "--message",
        "ab " * 30,
    )
    guessed = json.loads(chat(tmp_path / "data", *options, "--speculation", "auto").stdout)
    assert guessed["speculation"]["guessed"] >= guessed["speculation"]["accepted"] > 0
    plain = json.loads(chat(tmp_path / "data", *options, "--speculation", "off").stdout)
    assert plain["speculation"] is None
    assert plain["text"] == guessed["text"]
    with ConversationStore.open(tmp_path / "data" / "conversations") as store:
        provenance = store.branch(guessed["conversation_id"])[-1].provenance
    assert provenance is not None
    assert provenance.speculation == Speculation(**guessed["speculation"])
    SettingsFile(DataFolder(tmp_path / "data").settings_file).change(speculation=False)
    assert json.loads(chat(tmp_path / "data", *options).stdout)["speculation"] is None
