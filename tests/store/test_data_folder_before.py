"""Tests that a data folder written by version 0.1.0 opens with everything in it.

``tests/data/data-v0`` was written by that version: its stores, its engine and a download that was stopped half-way.
Most checks use the command line and the JSON it prints, which are a contract; what it does not cover is read through
the services that the window uses.  Database migrations from older schema versions are covered by ``test_migrations``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from app.config.paths import DataFolder
from app.context import ContextPolicy
from app.conversation import Attachment
from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.saved_options import RememberedPlans
from app.sampling import Sampling
from app.services import Services
from model_manager.devices.devices import Device, HostMemory
from model_manager.hub.catalogue import APUS
from model_manager.hub.home_model import reconstructed_header
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf

DATA = Path(__file__).parents[1] / "data" / "data-v0"
ROOT = Path(app.__file__).parents[1]
GIB = 1 << 30

SKY = "Why is the sky blue? 天空为什么是蓝的？"
TINY = "someone/tiny-moe:Tiny-MoE.Q8_0.gguf"
HALF = "someone/half-model:Half.Q4_K_M.gguf"
LATER = "someone/later-model:Later.Q4_K_M.gguf"
PIECE = 64 << 10
HALF_BYTES = 12 * PIECE + 321
HALF_BYTES_DONE = 6 * PIECE + 40_000

SETTINGS: dict[str, object] = {
    "language": "zh_CN",
    "theme": "dark",
    "model_id": TINY,
    "context": 1024,
    "gpu_layers": 0,
    "idle_release_minutes": 5,
    "system_prompt": "You are a careful assistant. 请简短回答。",
    "temperature": 0.4,
    "top_p": 0.9,
    "top_k": 30,
    "min_p": 0.02,
    "repeat_penalty": 1.1,
    "max_tokens": 24,
    "context_policy": "roll",
    "titles_by_model": False,
    "rpc_servers": "workstation.invalid:50052 shelf.invalid:50053",
    "export_format": "html",
    "export_metadata": False,
    "export_thoughts": "drop",
    "export_folder": "/home/user/Documents/chats",
    "models_folder": "",
    "endpoint": "https://mirror.invalid",
    "authority": "https://hub.invalid",
    "proxy": "http://proxy.invalid:3128",
    "token_hosts": "mirror.invalid files.invalid",
    "download_limit": 2048,
    "downloads_in_background": True,
    "sidebar_width": 320,
    "sidebar_shown": False,
}

Shown = dict[str, dict[str, Any]]


class Program:
    """The command line with a copy of the data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def value(self, *arguments: str) -> Any:
        """Run a command and return the JSON that it prints."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments, "--json", "--data-dir", str(self.data)],
            cwd=ROOT,
            env=environment,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def conversations(self) -> Shown:
        """The listed and archived conversations by their titles."""
        return {each["title"]: each for each in self.value("conversations", "list")}

    def conversation(self, title: str) -> dict[str, Any]:
        """A conversation with all its messages."""
        shown: dict[str, Any] = self.value("conversations", "show", self.conversations()[title]["id"])
        return shown


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.fixture
def program(data: Path) -> Program:
    return Program(data)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """All conversations with their messages by their titles, for the tests that only read."""
    program = Program(Path(shutil.copytree(DATA, tmp_path_factory.mktemp("shown") / "data")))
    return {title: program.conversation(title) for title in program.conversations()}


@pytest.fixture
def services(data: Path) -> Iterator[Services]:
    built = Services(DataFolder(data))
    yield built
    built.close()


@pytest.fixture
def hub(data: Path, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub at another address than the one the download began at, named in the settings."""
    published = tmp_path / "published"
    published.mkdir()
    with FakeHub() as running:
        for model_id, n_bytes, seed in ((HALF, HALF_BYTES, 1), (LATER, 50_000, 2)):
            repository, name = model_id.split(":")
            running.add_file(repository, name, write_plain_gguf(published / name, n_bytes, seed=seed))
        settings = json.loads((data / "settings.json").read_bytes())
        settings |= {"endpoint": "", "authority": running.url, "proxy": "none"}
        (data / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        yield running


def message_with(conversation: dict[str, Any], content: str) -> dict[str, Any]:
    """The only message whose content begins so."""
    (found,) = [each for each in conversation["messages"] if each["content"].startswith(content)]
    return dict(found)


def branch_of(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The shown messages, from the first to the leaf."""
    by_id = {each["id"]: each for each in conversation["messages"]}
    branch, at = [], conversation["leaf_id"]
    while at is not None:
        branch.append(by_id[at])
        at = by_id[at]["parent_id"]
    return branch[::-1]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Conversations


def test_conversations_are_listed(program: Program) -> None:
    listed = program.value("conversations", "list")
    assert listed[0]["title"] == SKY, "a pinned conversation comes first"
    assert {each["title"]: (each["message_count"], each["pinned"], each["archived"]) for each in listed} == {
        SKY: (8, True, False),
        "窗户": (2, False, False),
        "A title made by the program": (0, False, False),
        "Answers that failed": (4, False, False),
        "A long talk": (10, False, False),
        "Sunset, forked": (4, False, False),
        "Packing list": (2, False, True),
    }
    models = {each["title"]: each["model_id"] for each in listed}
    assert (models[SKY], models["窗户"], models["A title made by the program"]) == (TINY, "starter", None)
    assert models["Packing list"].startswith("server:")


def test_a_conversation_keeps_its_own_overrides(shown: Shown) -> None:
    sky = shown[SKY]
    assert sky["system_prompt"] == "请简短回答。"
    assert sky["title_is_chosen"]
    assert sky["context_policy"] == "stop"
    stored = {
        "temperature": 0.2,
        "top_k": 10,
        "top_p": 0.95,
        "min_p": 0.05,
        "repeat_penalty": 1.0,
        "seed": 7,
        "max_tokens": 16,
        "stop": ["###"],
    }
    assert {**sky["sampling"], **stored} == sky["sampling"], "samplers added since have their defaults"
    automatic = shown["A title made by the program"]
    assert not automatic["title_is_chosen"]
    assert (automatic["sampling"], automatic["context_policy"]) == (None, None)
    assert automatic["system_prompt"] == "No messages yet"
    assert shown["A long talk"]["context_policy"] == "roll"


def test_branches_and_versions_of_answers(shown: Shown) -> None:
    sky = shown[SKY]
    question = message_with(sky, "Why is the sky blue?")
    versions = [each for each in sky["messages"] if each["parent_id"] == question["id"]]
    assert [each["status"] for each in versions] == ["complete", "complete", "stopped"]
    assert all(each["role"] == "assistant" and each["content"] for each in versions)
    branch = branch_of(sky)
    assert branch[:2] == [question, versions[1]]
    assert [each["content"] for each in branch[2:]] == ["And at sunrise?", "The same as at sunset."]
    first_wording = message_with(sky, "And at sunset?")
    assert first_wording["parent_id"] == branch[2]["parent_id"] == versions[1]["id"]
    (other_answer,) = [each for each in sky["messages"] if each["parent_id"] == first_wording["id"]]
    assert other_answer["content"] == "At sunset the path is longer."
    assert [each["id"] for each in sky["messages"] if each["is_pinned"]] == [question["id"], other_answer["id"]]
    forked = branch_of(shown["Sunset, forked"])
    assert [each["content"] for each in forked] == [
        each["content"] for each in (question, versions[1], first_wording, other_answer)
    ]


def test_attachments_keep_their_text(shown: Shown) -> None:
    for title in (SKY, "Sunset, forked"):
        question = message_with(shown[title], "Why is the sky blue?")
        assert question["attachments"] == [
            {"name": "光.txt", "content": "瑞利散射：短波长散射更强。\n第二行\n", "tokens": 21, "picture": None},
            {
                "name": "measured.csv",
                "content": "wavelength,intensity\n450,1.0\n650,0.23\n",
                "tokens": None,
                "picture": None,
            },
        ]


def test_provenance_of_an_answer_of_a_local_model(shown: Shown) -> None:
    sky = shown[SKY]
    question = message_with(sky, "Why is the sky blue?")
    answer = next(each for each in sky["messages"] if each["parent_id"] == question["id"])
    provenance = answer["made_by"]
    assert provenance["model_id"] == TINY
    assert provenance["file_sha256"] == sha256_of(DATA / "models" / "Tiny-MoE.Q8_0.gguf")
    assert (provenance["quantisation"], provenance["endpoint"], provenance["program"]) == (
        "Q8_0",
        None,
        "APUS Chat 0.1.0",
    )
    assert provenance["engine"].startswith("llama.cpp (llama-cpp-python ")
    assert (provenance["seed"], provenance["sampling"]) == (7, sky["sampling"])
    assert (provenance["prompt_tokens"], provenance["completion_tokens"]) == (241, 16)
    assert provenance["finish_reason"] == "length"
    assert provenance["tokens_per_second"] > 0
    assert provenance["prompt_tokens_per_second"] > 0
    assert provenance["time_to_first_token_s"] > 0
    assert (provenance["plan"]["context"], provenance["plan"]["kv_type"]) == (768, "f16")
    assert provenance["plan"]["host"]["actual"]["weights_bytes"] == 167712


def test_provenance_of_an_answer_of_a_server(shown: Shown) -> None:
    answer = message_with(shown[SKY], "<think>")
    assert answer["content"] == (
        "<think>\nShort waves scatter more.\n</think>\n\nBecause blue light is scattered most. 蓝光散射最强。"
    )
    provenance = answer["made_by"]
    assert provenance["model_id"].startswith("server:")
    assert provenance["model_id"].endswith("/apus")
    assert (provenance["endpoint"], provenance["engine"]) == ("http://127.0.0.1:8000/v1", "vLLM")
    assert (provenance["prompt_tokens"], provenance["completion_tokens"]) == (152, 12)
    assert (provenance["finish_reason"], provenance["file_sha256"], provenance["plan"]) == ("stop", None, {})
    assert provenance["thought_s"] > 0


def test_provenance_names_the_messages_left_out_of_a_full_context(shown: Shown) -> None:
    branch = branch_of(shown["A long talk"])
    pinned = [each["id"] for each in branch if each["is_pinned"]]
    assert pinned == [branch[2]["id"]]
    left_out = branch[-1]["made_by"]["left_out"]
    assert len(left_out) == 6
    assert set(left_out) <= {each["id"] for each in branch[:-2]} - set(pinned)


def test_answers_that_were_interrupted_or_failed(shown: Shown) -> None:
    interrupted, failed = branch_of(shown["Answers that failed"])[1::2]
    assert (interrupted["status"], interrupted["content"]) == ("interrupted", "It breaks here")
    assert interrupted["error"] == {"code": "server_lost", "host": "127.0.0.1:8000"}
    assert interrupted["made_by"]["finish_reason"] == "died"
    assert (failed["status"], failed["content"]) == ("failed", "")
    assert failed["error"] == {"code": "server_model_missing", "model": "unknown-model", "host": "127.0.0.1:8000"}


def test_an_answer_of_a_killed_program_is_an_interrupted_one(program: Program) -> None:
    question, answer = program.conversation("窗户")["messages"]
    assert (question["content"], question["status"]) == ("为什么窗户是透明的？", "complete")
    assert (answer["content"], answer["status"]) == ("因为可见光 passes through the", "interrupted")
    assert not [path for path in (program.data / "conversations" / "running").iterdir() if path.name != "opening.lock"]


def test_archive_and_bin(program: Program, services: Services) -> None:
    assert program.conversation("Packing list")["archived_at"]
    (deleted,) = services.store.trash()
    assert (deleted.title, deleted.deleted_at is None) == ("To be thrown away", False)
    services.store.restore(deleted.id)
    question, answer = program.conversation("To be thrown away")["messages"]
    assert (question["content"], answer["role"]) == ("A question in the bin", "assistant")


def test_search_finds_what_was_said_and_not_what_was_deleted(program: Program) -> None:
    hits = program.value("conversations", "search", "蓝光散射")
    assert {each["title"] for each in hits} == {SKY, "Sunset, forked"}
    assert program.value("conversations", "search", "This question was deleted") == []


def test_a_backup_can_be_restored(program: Program) -> None:
    (backup,) = (program.data / "conversations" / "backups").glob("conversations-asked-*.sqlite3")
    program.value("conversations", "restore", str(backup))
    assert list(program.conversations()) == [SKY]
    assert branch_of(program.conversation(SKY))[-1]["content"] == "The same as at sunset."


def test_a_conversation_goes_on_with_its_model(program: Program) -> None:
    """Load the model chosen in the settings with what was fixed for it, and answer with the settings' sampling."""
    conversation = program.conversations()["Packing list"]["id"]
    report = program.value("chat", "--conversation", conversation, "--message", "What else?")
    assert (report["finish_reason"], report["completion_tokens"]) == ("length", SETTINGS["max_tokens"])
    assert report["plan"]["context"] == 768
    branch = branch_of(program.conversation("Packing list"))
    assert [each["content"] for each in branch] == ["What do I pack?", "Socks.", "What else?", report["text"]]
    assert branch[-1]["made_by"]["model_id"] == TINY
    assert branch[-1]["made_by"]["sampling"]["top_k"] == SETTINGS["top_k"]


# Settings and lists


def test_settings(shown: Shown, services: Services) -> None:
    settings = services.settings.current
    assert {name: getattr(settings, name) for name in SETTINGS} == SETTINGS
    assert settings.conversation_id == shown[SKY]["id"]
    assert settings.window_geometry.startswith("AdnQywADAAAAAAAo")
    assert settings.sampling() == Sampling(
        temperature=0.4, top_k=30, top_p=0.9, min_p=0.02, repeat_penalty=1.1, max_tokens=24
    )


def test_devices_left_out_ceilings_and_reserves(services: Services) -> None:
    options = services.settings.current.device_preferences()
    assert options.rpc_servers == ("workstation.invalid:50052", "shelf.invalid:50053")
    found = {
        key: (options.of(key).use, options.of(key).ceiling_gib, options.of(key).reserve_gib)
        for key in ("CUDA 0000:01:00.0", "Vulkan 0000:06:00.0", "rpc workstation.invalid:50052/0", "CUDA0")
    }
    assert found == {
        "CUDA 0000:01:00.0": (True, 20.0, 1.5),
        "Vulkan 0000:06:00.0": (False, None, None),
        "rpc workstation.invalid:50052/0": (True, None, 0.5),
        "CUDA0": (True, None, None),
    }


def test_presets(services: Services) -> None:
    presets = services.presets.list(lambda _context, _text: "as it came")
    assert services.presets.problem is None
    assert [each.name for each in presets] == [
        "as it came", "as it came", "Code, my way", "as it came", "Proofreader", "Only a prompt",
    ]  # fmt: skip
    code, proofreader, prompt = presets[2], presets[4], presets[5]
    assert (code.id, code.is_built_in, services.presets.is_edited("code")) == ("code", True, True)
    assert (code.overrides.system_prompt, code.overrides.sampling) == ("Write Python 3.12.", Sampling(temperature=0.15))
    assert proofreader.id == services.settings.current.preset_id
    assert proofreader.overrides.system_prompt == "Correct the spelling. 保留原意。"
    assert proofreader.overrides.sampling == Sampling(temperature=0.1, top_k=20, seed=11, max_tokens=500, stop=("###",))
    assert proofreader.overrides.context_policy is ContextPolicy.STOP
    assert (prompt.overrides.system_prompt, prompt.overrides.sampling) == ("Answer with one word.", None)


def test_servers(services: Services) -> None:
    example, lab = services.servers.list()
    assert (example.title, example.url, example.models) == (
        "Example",
        "https://llm.example.org/v1",
        ("large", "small"),
    )
    assert (lab.title, lab.url, lab.models) == ("Lab", "http://127.0.0.1:8000/v1", ("apus", "apus-small"))
    (archived,) = services.store.list(archived=True)
    assert archived.model_id == lab.model_id("apus")


def test_drafts(shown: Shown, services: Services) -> None:
    sky = shown[SKY]
    draft = services.drafts.get(sky["id"])
    assert draft.text == "Why is the sky *really* blue?"
    assert draft.attachments == (Attachment("draft.txt", "kept with the draft\n", 5),)
    assert draft.instead_of == message_with(sky, "Why is the sky blue?")["id"]
    assert draft.after().text == "A thought before the edit"
    assert services.drafts.get(None).text == "还没有发送的问题"


# Models


def test_the_library_lists_its_models(program: Program, services: Services) -> None:
    path = program.data / "models" / "Tiny-MoE.Q8_0.gguf"
    # A checkout gives the file another time of change; a person's copy keeps the old one, and the hash with it.
    os.utime(path, (1_700_000_000, 1_700_000_000))
    entries = {each["id"]: each for each in program.value("models", "list")}
    assert [each for each in entries if each != "starter"] == ["Registered.Q4_0", TINY, "Watched.Q8_0"]
    found = {
        model_id: (Path(each["path"]), each["bytes"], each["quantisation"], each["name"], each["problem"])
        for model_id, each in entries.items()
        if model_id != "starter"
    }
    assert found == {
        "Registered.Q4_0": (
            Path("/home/user/models/Registered.Q4_0.gguf"), 56064, "Q4_0", "Registered model", "file_missing",
        ),
        TINY: (path, 176832, "Q8_0", "Tiny random", None),
        "Watched.Q8_0": (
            Path("/home/user/other-program/models/Watched.Q8_0.gguf"), 97280, "Q8_0", "Watched model", "file_missing",
        ),
    }  # fmt: skip
    tiny = entries[TINY]
    assert (tiny["ready"], tiny["published_id"], tiny["stacked"]) == (True, TINY, True)
    assert (tiny["sha256"], tiny["verified_at"] is None) == (sha256_of(path), False)
    assert services.library.folders() == (Path("/home/user/other-program/models"),)


def test_a_downloaded_model_is_still_the_published_one(program: Program) -> None:
    report = program.value("models", "verify", TINY)
    assert (report["matches"], report["published_id"], report["stacked"]) == (True, TINY, True)
    assert report["published_sha256"] == "9c65b6e823634250eb52ae3f0e8e56c126bc6c7170999cfe405a01fc8d959fe4"


def test_what_was_fixed_for_a_model(services: Services) -> None:
    overrides = services.planning.overrides
    assert overrides.get(TINY) == PlanOptions(context=768, batch=128, micro_batch=64, threads=1)
    assert overrides.get("apus:Q2_K") == PlanOptions(
        context=16384,
        kv_type="q8_0",
        flash_attention=True,
        devices=("CUDA0", "CUDA1"),
        tensor_split=(3.0, 1.0),
        n_gpu_layers=20,
        experts_in_ram=(0, 1, 5),
        split_mode="row",
        main_gpu="CUDA1",
        pipeline=False,
        output_rows=0,
        full_windows=False,
        margin_bytes=GIB // 2,
    )
    assert overrides.get("starter") == PlanOptions()


def test_a_plan_that_worked_is_remembered(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the note by the same file, devices and wishes: its key must not depend on names in the code."""
    monkeypatch.chdir(tmp_path)
    path = Path("APUS-xDAN-4.0-MOE.Q2_K.gguf")
    path.write_bytes(b"GGUF")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    devices = tuple(
        Device(f"CUDA{number}", gib * GIB, 24 * GIB, backend="CUDA", description="NVIDIA GeForce RTX 4090")
        for number, gib in enumerate((23, 20))
    )
    machine = Machine(devices)
    header = replace(reconstructed_header(APUS[0]), path=path)
    basis = PlanBasis((header,), machine, HostMemory(64 * GIB))
    noted = RememberedPlans(data / "plans.json").find(basis, PlanOptions(context=4096))
    assert noted == PlanOptions(
        context=4096,
        kv_type="f16",
        devices=("CUDA0", "CUDA1"),
        tensor_split=(29.0, 32.0),
        n_gpu_layers=61,
        experts_in_ram=(0, 1, 2, 27, 28, *range(49, 60)),
        batch=512,
        micro_batch=512,
        pipeline=False,
        output_rows=1,
        full_windows=True,
    )


# Downloads


def sent_by(hub: FakeHub) -> int:
    return sum(entry.sent for entry in hub.log if entry.where == "cdn")


def test_a_half_finished_download_goes_on_from_its_bytes(program: Program, hub: FakeHub) -> None:
    part = program.data / "models" / "Half.Q4_K_M.gguf.part"
    assert part.exists()
    entry = program.value("models", "download", HALF)
    path = program.data / "models" / "Half.Q4_K_M.gguf"
    assert Path(entry["path"]) == path
    published = hub.repos["someone/half-model"][path.name]
    assert entry["sha256"] == sha256_of(path) == published.sha256
    assert entry["verified_at"]
    assert sent_by(hub) == HALF_BYTES - HALF_BYTES_DONE, "only the missing bytes are fetched"
    assert not part.exists()
    assert program.value("models", "verify", HALF)["matches"] is True


def test_the_queue_goes_on_and_a_paused_download_waits(hub: FakeHub, services: Services, data: Path) -> None:
    queue = services.downloads.queue
    changed = threading.Event()
    queue.subscribe(changed.set)

    def state_of(model_id: str) -> str | None:
        return next((each.state for each in queue.statuses() if each.id == model_id), None)

    def wait_for(happened: Callable[[], bool]) -> None:
        for _ in range(300):
            if happened():
                return
            changed.wait(0.1)
            changed.clear()
        raise AssertionError(queue.statuses())

    services.downloads.start()
    wait_for(lambda: state_of(LATER) == "done")
    half, later = queue.statuses()
    assert (half.id, half.state, half.progress.done, half.progress.total) == (
        HALF,
        "paused",
        HALF_BYTES_DONE,
        HALF_BYTES,
    )
    assert later.id == LATER
    before = sent_by(hub)
    queue.resume(HALF)
    wait_for(lambda: state_of(HALF) == "done")
    assert sent_by(hub) - before == HALF_BYTES - HALF_BYTES_DONE
    path = data / "models" / "Half.Q4_K_M.gguf"
    assert sha256_of(path) == hub.repos["someone/half-model"][path.name].sha256
