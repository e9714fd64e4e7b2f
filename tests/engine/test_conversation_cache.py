"""The conversation cache: states in memory and on the disk, restored, shared, limited, damaged and forgotten."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine.cache_folder import CacheFolder
from app.engine.local_engine import LocalEngine
from app.engine.protocol import CacheOptions
from tests.engine.requests import Answer, ask, load

MIB = 1 << 20
FIRST = "Here is a list of words: " + " ".join(f"word{n}" for n in range(80))
OTHER = "Quite another text. " * 30
MORE = ("Which word came first?", 12)

LOGITS = """
import ctypes, hashlib, json, sys
from llama_cpp import llama_cpp as llama
from app.backend import PromptMessage
from app.conversation import Role
from app.sampling import Sampling
from app.engine.child.conversation_cache import cache_key
from app.engine.child.ggml import Ggml
from app.engine.child.loader import load
from app.engine.child.session import EngineContext
from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import CacheOptions, Generate
from model_manager.plan.load_spec import LoadSpec
from pathlib import Path

path, folder, spec = sys.argv[1], sys.argv[2], LoadSpec(threads=1, context=2048, **json.loads(sys.argv[3]))
silent = llama.llama_log_callback(lambda _level, _text, _data: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()

def session():
    stop = StopFlag()  # the context refers to it
    loaded = load(path, spec, Ggml(), stop, lambda _event: None)
    key = cache_key("engine", Path(path), spec, loaded, flash_attention=False)
    return EngineContext(loaded, spec, stop, lambda _event: None, key)

def logits(session, conversation, *texts):
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(PromptMessage(roles[place % 2], text) for place, text in enumerate(texts))
    options = CacheOptions(folder, 1 << 30, 1 << 30)
    command = Generate(messages, Sampling(temperature=0.0, max_tokens=1), conversation=conversation, cache=options)
    result = session.answer(command)
    row = ctypes.string_at(llama.llama_get_logits_ith(session.loaded.context, -1), session.vocabulary.size * 4)
    return hashlib.sha256(row).hexdigest(), result.read_tokens

one, turns, found = session(), ("Tell me of rivers. " * 20, "Yes.", "And of lakes?"), []
logits(one, "a", *turns[:1])
found.append(logits(one, "a", *turns))          # never displaced
logits(one, "b", "Something else. " * 9)
found.append(logits(one, "a", *turns))          # from memory
one.write_states(60)
one.close()
two = session()
found.append(logits(two, "a", *turns))          # from the disk
two.close()
import shutil; shutil.rmtree(folder)
three = session()
logits(three, "c", *turns[:1])
found.append(logits(three, "c", *turns))        # read again
three.close()
print(json.dumps(found))
"""


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "states")


def use(engine: LocalEngine, cache: CacheFolder, disk_bytes: int = 1 << 30, ram_bytes: int = 1 << 30) -> None:
    engine.cache_options = lambda: CacheOptions(str(cache.path), disk_bytes, ram_bytes)


def begin(engine: LocalEngine, conversation: str = "first", text: str = FIRST) -> Answer:
    return ask(engine, text, conversation=conversation, max_tokens=6)


def go_on(engine: LocalEngine, answer: Answer, conversation: str = "first", text: str = FIRST) -> Answer:
    return ask(engine, text, answer.text, MORE[0], conversation=conversation, max_tokens=MORE[1])


def reused(answer: Answer) -> int:
    return answer.reading[0].reused


def log_lines(engine: LocalEngine) -> list[str]:
    text = engine._log_path.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.startswith("conversation cache: ")]


@pytest.mark.parametrize("options", [{"flash_attention": False}, {"kv_type": "q8_0"}])
def test_logits_are_those_of_a_conversation_never_displaced(
    starter: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    command = [sys.executable, "-c", LOGITS, str(starter), str(tmp_path / "states"), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    logits, read = zip(*json.loads(done.stdout), strict=True)
    assert len(set(logits)) == 1
    # All but the last read the follow-up alone.
    assert max(read[:-1]) < 20


def test_a_conversation_continues_after_another_one_and_after_a_restart(
    engine: LocalEngine, tiny_model: Path, cache: CacheFolder
) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=2048)
    first = begin(engine)
    begin(engine, "second", OTHER)
    whole = go_on(engine, first)
    assert first.finished is not None
    assert reused(whole) >= first.finished.prompt_tokens
    engine.release()

    assert cache.usage().conversations == 2
    assert stat.S_IMODE(cache.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.path.iterdir()} == {0o600}
    load(engine, tiny_model, context=4096)
    after_restart = ask(
        engine, FIRST, first.text, MORE[0], whole.text, "Are you sure?", conversation="first", max_tokens=3
    )
    assert whole.finished is not None
    assert reused(after_restart) >= whole.finished.prompt_tokens
    assert log_lines(engine) == []


def test_a_common_beginning_is_read_once(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=2048)
    document = f"{FIRST}\n\nWhat is this, and what is the second word of it?"
    begin(engine, "first", document)
    begin(engine, "second", OTHER)
    again = begin(engine, "third", f"{FIRST}\n\nHow many words are there?")
    assert reused(again) > 200
    # The first conversation is still its own.
    assert reused(begin(engine, "first", document)) > reused(again)


def test_a_temporary_conversation_leaves_nothing(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=2048)
    temporary = begin(engine, "")
    begin(engine, "second", OTHER)
    assert reused(go_on(engine, temporary, "")) < 60
    engine.release()
    assert cache.files() == [cache.file("second")]


def test_forgotten_conversations_have_no_state(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=2048)
    first = begin(engine)
    begin(engine, "second", OTHER)
    engine.forget(["first"])
    assert reused(go_on(engine, first)) < 60
    # Of the one in the KV cache too.
    engine.forget(["first"])
    engine.release()
    assert cache.files() == [cache.file("second")]
    engine.forget(None)
    load(engine, tiny_model, context=2048)
    begin(engine, "third", OTHER)
    engine.forget(None)
    engine.release()
    assert cache.files() == []


def test_the_least_recently_used_is_dropped(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    load(engine, tiny_model, context=512)
    use(engine, cache)
    texts = {name: f"{name} " * 30 for name in ("aaa", "bbb", "ccc")}
    begin(engine, "aaa", texts["aaa"])
    engine.release()
    size = cache.usage().n_bytes
    use(engine, cache, disk_bytes=int(size * 2.5))
    load(engine, tiny_model, context=512)
    for name in ("bbb", "ccc", "aaa"):
        begin(engine, name, texts[name])
    engine.release()
    assert {path.name for path in cache.files()} == {cache.file(name).name for name in ("aaa", "ccc")}
    use(engine, cache, disk_bytes=size // 2)
    load(engine, tiny_model, context=512)
    begin(engine, "four", "four " * 30)
    engine.release()
    assert len(log_lines(engine)) == 1
    assert not cache.file("four").exists()


def flip(place: int) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)

    return change


DAMAGE: dict[str, Callable[[Path], object]] = {
    "state": flip(-1000),
    "head": flip(70),
    "tokens": flip(200),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-5000]),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_means_reading_again(engine: LocalEngine, tiny_model: Path, cache: CacheFolder, damage: str) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=2048)
    first = begin(engine)
    whole = go_on(engine, first)
    engine.release()
    DAMAGE[damage](cache.file("first"))
    load(engine, tiny_model, context=2048)
    again = go_on(engine, first)
    assert (reused(again), again.text) == (0, whole.text)
    assert len(log_lines(engine)) == 1


def test_a_state_deleted_underneath_is_read_again(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=512)
    begin(engine, text="some words " * 8)
    engine.release()
    load(engine, tiny_model, context=512)
    begin(engine, "second", "other text " * 8)
    cache.file("first").unlink()
    assert reused(begin(engine, text="some words " * 8)) < 40
    assert len(log_lines(engine)) == 1


@pytest.mark.parametrize("other", ["engine", "model", "parameters"])
def test_a_state_of_something_else_is_read_again(
    engine: LocalEngine, tiny_model: Path, cache: CacheFolder, other: str, tmp_path: Path
) -> None:
    from app.engine.child import conversation_cache

    use(engine, cache)
    model = tmp_path / "model.gguf"
    model.write_bytes(tiny_model.read_bytes())
    load(engine, model, context=512, flash_attention=False)
    begin(engine, text="some words " * 8)
    engine.release()
    if other == "engine":
        path, head = cache.file("first"), conversation_cache._HEAD
        data = path.read_bytes()
        fields = list(head.unpack(data[: head.size]))
        fields[1] = bytes(16)
        checked = head.pack(*fields)[:-4]
        path.write_bytes(checked + conversation_cache.zlib.crc32(checked).to_bytes(4, "little") + data[head.size :])
    elif other == "model":
        model.write_bytes(tiny_model.read_bytes())
    options = {"context": 512, "flash_attention": other == "parameters"}
    load(engine, model, **options)
    assert reused(begin(engine, text="some words " * 8)) == 0
    assert [other in line for line in log_lines(engine)] == [True]
    # The new state replaces it.
    engine.release()
    load(engine, model, **options)
    assert reused(begin(engine, text="some words " * 8)) > 40


def test_a_folder_that_cannot_be_written_is_logged(engine: LocalEngine, tiny_model: Path, cache: CacheFolder) -> None:
    use(engine, cache)
    load(engine, tiny_model, context=512)
    cache.path.write_text("a file in place of the folder")
    first = begin(engine, text="some words " * 8)
    begin(engine, "second", "other text " * 8)
    assert reused(ask(engine, "some words " * 8, first.text, "more", conversation="first", max_tokens=3)) > 80
    # Without memory for them nothing is kept.
    use(engine, cache, ram_bytes=1000)
    begin(engine, "third", "a third text " * 8)
    engine.release()
    assert [line.split()[2] for line in log_lines(engine)] == ["too", "the", "the"]
