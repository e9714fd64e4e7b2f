"""Pictures in prompts with real projectors: tokens, embeddings, the KV cache, stops."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.backend import AnswerFinished, ChatRequest, PromptMessage, PromptProgress, TextDelta, TokenControls
from app.conversation import Picture, Role
from app.engine.local_engine import LocalEngine
from app.engine.protocol import CacheOptions
from app.sampling import Sampling
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.plan.load_spec import LoadSpec
from tests.rigs.arch_shapes import N_EMBD as WIDE
from tests.rigs.arch_shapes import fill_weights, write_arch
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.tiny_vision import TOKENS, picture, write_projector

KINDS = ("mlp", "qwen2vl_merger", "gemma3")
Files = tuple[Path, Path]
"""A model and its projector."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    folder = tmp_path_factory.mktemp("vision")
    models = {
        "mlp": write_tiny_model(folder / "llava.gguf"),
        "qwen2vl_merger": fill_weights(write_arch(folder / "qwen.gguf", "qwen2vl", n_layer=4)),
        "gemma3": fill_weights(write_arch(folder / "gemma.gguf", "gemma3", n_layer=6)),
    }
    return {
        kind: (path, write_projector(folder / f"mmproj-{kind}.gguf", kind, 64 if kind == "mlp" else WIDE))
        for kind, path in models.items()
    }


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Answer:
    text: str
    reading: list[PromptProgress]
    finished: AnswerFinished
    logprobs: list[tuple[tuple[bytes, float], ...]]

    @property
    def read(self) -> int:
        """Tokens of the prompt that were not in the KV cache."""
        return self.finished.prompt_tokens - self.reading[0].reused


def load(engine: LocalEngine, model: Files, **options: object) -> None:
    path, projector = model
    values = {"context": 1024, "threads": 1, "projector": str(projector), **options}
    list(engine.load(path, LoadSpec(**values)))  # type: ignore[arg-type]


def question(text: str, *pictures: Picture) -> PromptMessage:
    return PromptMessage(Role.USER, text, pictures=pictures)


def ask(
    engine: LocalEngine, *messages: PromptMessage, token: CancelToken = NEVER_CANCELLED, conversation: str = ""
) -> Answer:
    sampling = Sampling(temperature=0.0, seed=1, max_tokens=8)
    controls = TokenControls(top_logprobs=20)
    request = ChatRequest(messages, sampling, controls=controls, conversation_id=conversation)
    text, reading, finished, logprobs = "", [], None, []
    for event in engine.answer(request, token):
        match event:
            case TextDelta():
                text += event.text
                logprobs += [tuple((each.data, each.logprob) for each in row) for row in event.probabilities]
            case PromptProgress():
                reading.append(event)
            case AnswerFinished():
                finished = event
    assert finished is not None
    return Answer(text, reading, finished, logprobs)


def test_answer_depends_on_the_picture(shared_engine: LocalEngine, files: dict[str, Files], kind: str) -> None:
    load(shared_engine, files[kind])
    first, second = picture(1), picture(2)
    one = ask(shared_engine, question("What is it?", first))
    other = ask(shared_engine, question("What is it?", second))
    again = ask(shared_engine, question("What is it?", first))
    none = ask(shared_engine, question("What is it?"))
    assert one.logprobs == again.logprobs
    assert one.logprobs[0] != other.logprobs[0]
    assert none.logprobs[0] not in (one.logprobs[0], other.logprobs[0])
    if kind in TOKENS:
        assert one.finished.prompt_tokens - none.finished.prompt_tokens >= TOKENS[kind]


def test_prompt_is_counted_as_it_is_read(shared_engine: LocalEngine, files: dict[str, Files], kind: str) -> None:
    load(shared_engine, files[kind])
    messages = question("Compare them.", picture(1), picture(2, 90, 200)), PromptMessage(Role.ASSISTANT, "Well")
    messages = *messages, question("And this?", picture(3, 33, 31))
    counted, _ = shared_engine.count(messages)
    assert ask(shared_engine, *messages).finished.prompt_tokens == counted


REFERENCE = """
import ctypes, json, sys
from llama_cpp import llama_cpp as l, mtmd_cpp as m
from pathlib import Path
model_path, projector, context, prompt, *pictures = sys.argv[1:]
l.llama_backend_init()
model = l.llama_model_load_from_file(model_path.encode(), l.llama_model_default_params())
params = l.llama_context_default_params()
params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = int(context), 512, 1, 1
params.swa_full = True
lctx = l.llama_init_from_model(model, params)
options = m.mtmd_context_params_default()
options.use_gpu, options.n_threads, options.image_max_tokens = False, 1, int(context) // 4
mctx = m.mtmd_init_from_file(projector.encode(), model, options)
bitmaps = []
for path in pictures:
    data = Path(path).read_bytes()
    buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
    bitmaps.append(m.mtmd_helper_bitmap_init_from_buf(mctx, buffer, len(data), False))
chunks = m.mtmd_input_chunks_init()
text = m.mtmd_input_text(prompt.encode(), len(prompt.encode()), True, True)
assert m.mtmd_tokenize(mctx, chunks, ctypes.byref(text), (ctypes.c_void_p * len(bitmaps))(*bitmaps), len(bitmaps)) == 0
end = l.llama_pos(0)
assert m.mtmd_helper_eval_chunks(mctx, lctx, chunks, 0, 0, 512, True, ctypes.byref(end)) == 0
size = l.llama_vocab_n_tokens(l.llama_model_get_vocab(model))
tokens = m.mtmd_helper_get_n_tokens(chunks)
print("RESULT", json.dumps([tokens, l.llama_get_logits_ith(lctx, -1)[:size]]))
"""


def reference(model: Files, tmp_path: Path, prompt: str, *pictures: Picture) -> tuple[int, list[float]]:
    """Return the tokens of a prompt, and the logarithms of probabilities behind it, by llama.cpp's own loop."""
    paths = []
    for each in pictures:
        paths.append(tmp_path / each.name)
        paths[-1].write_bytes(each.data)
    command = [sys.executable, "-c", REFERENCE, *map(str, model), "1024", prompt, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    tokens, logits = json.loads(done.stdout.rpartition("RESULT ")[2])
    import numpy as np

    values = np.array(logits, np.float64)
    return tokens, list(values - values.max() - np.log(np.exp(values - values.max()).sum()))


def test_logits_are_those_of_the_engines_own_loop(
    shared_engine: LocalEngine, files: dict[str, Files], kind: str, tmp_path: Path
) -> None:
    load(shared_engine, files[kind])
    pictures = picture(1), picture(2, 70, 130)
    answer = ask(shared_engine, question("Which is which?", *pictures))
    prompt = "<|im_start|>user\n<__media__><__media__>Which is which?<|im_end|>\n<|im_start|>assistant\n"
    tokens, expected = reference(files[kind], tmp_path, prompt, *pictures)
    assert answer.finished.prompt_tokens == tokens
    best = sorted(expected, reverse=True)[: len(answer.logprobs[0]) - 1]
    assert [value for _, value in answer.logprobs[0][1:]] == pytest.approx(best, abs=1e-4)


def test_picture_in_the_cache_is_not_read_again(shared_engine: LocalEngine, files: dict[str, Files], kind: str) -> None:
    load(shared_engine, files[kind])
    shared_engine.forget(None)
    first = question("What is on it?", picture(1)), PromptMessage(Role.ASSISTANT, "A thing.")
    whole = ask(shared_engine, *first, question("Sure?", picture(2)))
    # The second question is another one: its picture is read, the first stays.
    other = ask(shared_engine, *first, question("Sure?", picture(3)))
    again = ask(shared_engine, *first, question("Sure?", picture(2)))
    reused = [each.reading[0].reused for each in (other, again)]
    assert reused[0] == reused[1] > whole.finished.prompt_tokens // 3
    assert again.logprobs[0] == whole.logprobs[0] != other.logprobs[0]
    shared_engine.forget(None)
    fresh = ask(shared_engine, *first, question("Sure?", picture(3)))
    assert fresh.reading[0].reused < reused[0]
    for one, two in zip(fresh.logprobs[0], other.logprobs[0], strict=True):
        assert one[1] == pytest.approx(two[1], abs=0.1)


def test_answer_goes_on_after_a_picture(shared_engine: LocalEngine, files: dict[str, Files], kind: str) -> None:
    """The tokens of an answer have the positions behind the picture, not those of its embeddings."""
    load(shared_engine, files[kind])
    first = question("What is it?", picture(1, 100, 60))
    answer = ask(shared_engine, first)
    follow = first, PromptMessage(Role.ASSISTANT, answer.text), question("And?")
    reused = ask(shared_engine, *follow)
    assert reused.reading[0].reused >= answer.finished.prompt_tokens
    shared_engine.forget(None)
    load(shared_engine, files[kind], context=1056)
    fresh = ask(shared_engine, *follow)
    assert fresh.reading[0].reused == 0
    # Batches of other sizes are rounded otherwise, in texts without pictures too.
    for one, two in zip(fresh.logprobs[0], reused.logprobs[0], strict=True):
        assert one[1] == pytest.approx(two[1], abs=0.1)


def test_state_of_a_conversation_with_pictures_is_restored(
    engine: LocalEngine, files: dict[str, Files], kind: str, tmp_path: Path
) -> None:
    engine.cache_options = lambda: CacheOptions(str(tmp_path / "cache"), 1 << 30, 1 << 30)
    load(engine, files[kind])
    text = "What is the meaning of this picture, which I have found in an old book? "
    ask(engine, question(text, picture(1)), conversation="one")
    first = ask(engine, question(text, picture(1)), conversation="one")
    ask(engine, question("Something else entirely.", picture(2)), conversation="two")
    restored = ask(engine, question(text, picture(1)), conversation="one")
    other = ask(engine, question(text, picture(4)), conversation="three")
    assert restored.read <= 1
    assert restored.logprobs[0] == first.logprobs[0] != other.logprobs[0]
    # Another process, with the file.
    engine.release()
    load(engine, files[kind])
    reread = ask(engine, question(text, picture(1)), conversation="one")
    assert reread.read <= 1
    assert reread.logprobs[0] == first.logprobs[0]


def test_stop_inside_a_picture(shared_engine: LocalEngine, files: dict[str, Files], tmp_path: Path) -> None:
    """A projector that takes seconds is stopped between its layers, and the next answer is the right one."""
    slow = write_projector(tmp_path / "mmproj-m.gguf", "gemma3", WIDE, n_layer=60, image=384)
    model = files["gemma3"][0], slow
    load(shared_engine, model)
    expected = ask(shared_engine, question("What?", picture(1)))
    token = CancelToken()
    messages = question("What?", picture(2))
    controls = TokenControls()
    request = ChatRequest((messages,), Sampling(temperature=0.0, seed=1, max_tokens=8), controls=controls)
    seen: list[PromptProgress] = []

    def stop_in_the_picture() -> None:
        for event in shared_engine.answer(request, token):
            assert isinstance(event, PromptProgress)
            seen.append(event)
            if len(seen) == 3:
                token.cancel()

    with pytest.raises(Cancelled):
        stop_in_the_picture()
    assert seen[-1].read < seen[-1].total
    again = ask(shared_engine, question("What?", picture(1)))
    assert again.logprobs == expected.logprobs


def test_picture_may_be_anywhere_in_a_conversation(shared_engine: LocalEngine, files: dict[str, Files]) -> None:
    load(shared_engine, files["mlp"])
    seven = [
        each
        for number in range(7)
        for each in (question(f"Number {number}", picture(number)), PromptMessage(Role.ASSISTANT, "Yes."))
    ]
    answer = ask(shared_engine, *seven, question("How many?"))
    assert answer.finished.prompt_tokens > 7 * TOKENS["mlp"]
    # Its marks in a text are no pictures.
    mark = "\ufdd2"
    same = ask(shared_engine, question(f"{mark}{'00' * 16}{mark}"))
    assert same.text


def test_refusals(shared_engine: LocalEngine, files: dict[str, Files], tmp_path: Path) -> None:
    path, projector = files["mlp"]
    wide = write_projector(tmp_path / "wide.gguf", n_embd=96)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(projector.read_bytes()[:5000])

    def code(name: Path | str, shown: Picture) -> str:
        load(shared_engine, (path, Path(name)) if name else (path, ""))  # type: ignore[arg-type]
        # Messages without pictures are still answered.
        assert ask(shared_engine, question("What?")).text
        with pytest.raises(UserError) as raised:
            ask(shared_engine, question("What?", shown))
        return raised.value.code

    good = picture(1)
    assert code("", good) == "model_reads_no_pictures"
    assert code(wide, good) == "projector_of_other_model"
    assert code(broken, good) == "gguf_incomplete"
    assert code(path, good) == "not_a_projector"
    assert code(tmp_path / "none.gguf", good) == "file_missing"
    assert code(projector, replace(good, data=b"no picture" * 20)) == "picture_damaged"
    assert code(projector, replace(good, width=49)) == "picture_damaged"
    assert code(projector, replace(good, data=good.data[:300])) == "picture_damaged"


def test_engine_without_its_image_reader(engine: LocalEngine, files: dict[str, Files], monkeypatch: Any) -> None:
    monkeypatch.setenv("MTMD_CPP_LIB", "/nowhere")
    load(engine, files["mlp"])
    assert ask(engine, question("What?")).text
    with pytest.raises(UserError) as raised:
        ask(engine, question("What?", picture(1)))
    assert raised.value.code == "pictures_not_in_build"


TYPED = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% elif part.type == 'image' %}<image>{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_template_that_takes_parts(shared_engine: LocalEngine, files: dict[str, Files], tmp_path: Path) -> None:
    typed = write_tiny_model(tmp_path / "typed.gguf", chat_template=TYPED)
    load(shared_engine, files["mlp"])
    expected = ask(shared_engine, question("What?", picture(1)), PromptMessage(Role.ASSISTANT, "."), question("Now?"))
    load(shared_engine, (typed, files["mlp"][1]))
    answer = ask(shared_engine, question("What?", picture(1)), PromptMessage(Role.ASSISTANT, "."), question("Now?"))
    assert answer.logprobs == expected.logprobs


def test_answer_may_be_cut_and_guessed_after_pictures(
    shared_engine: LocalEngine, files: dict[str, Files], kind: str, tmp_path: Path
) -> None:
    """Guesses of tokens work on texts with pictures too, where positions are others than the tokens' places."""
    load(shared_engine, files[kind], threads=1)
    message = question("one two three one two three one two three", picture(1))
    sampling = Sampling(temperature=0.0, seed=1, max_tokens=60)

    def text() -> str:
        shared_engine.forget(None)
        request = ChatRequest((message,), sampling)
        return "".join(each.text for each in shared_engine.answer(request) if isinstance(each, TextDelta))

    plain = text()
    shared_engine.exact_batches = lambda: tmp_path / "exact.json"
    try:
        assert text() == plain
    finally:
        shared_engine.exact_batches = lambda: None


def test_checkpoint_of_a_recurrent_model_after_pictures(
    engine: LocalEngine, files: dict[str, Files], tmp_path: Path
) -> None:
    """Recurrent layers can't drop a part: the state before the opening of the answer is restored instead."""
    recurrent = fill_weights(write_arch(tmp_path / "recurrent.gguf", "qwen35", n_layer=4))
    model = recurrent, files["qwen2vl_merger"][1]
    load(engine, model)
    first = question("What is it? Some more words here please.", picture(1, 100, 60))
    answer = ask(engine, first)
    follow = first, PromptMessage(Role.ASSISTANT, answer.text), question("And?", picture(2))
    reused = ask(engine, *follow)
    assert reused.reading[0].reused > 64
    engine.release()
    load(engine, model)
    fresh = ask(engine, *follow)
    assert fresh.reading[0].reused == 0
    for one, two in zip(fresh.logprobs[0], reused.logprobs[0], strict=True):
        assert one[1] == pytest.approx(two[1], abs=1e-3)
