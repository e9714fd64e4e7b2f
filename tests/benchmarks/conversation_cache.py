"""Reopening a conversation of 8,000 tokens: first token with its state from memory and from the disk, against reading.

python -m tests.benchmarks.conversation_cache [--out FILE]     about a minute
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from app.backend import AnswerFinished, ChatRequest, PromptMessage
from app.conversation import Role
from app.engine.cache_folder import CacheFolder
from app.engine.local_engine import LocalEngine
from app.engine.protocol import CacheOptions
from app.sampling import Sampling
from model_manager.library.starter import find_starter
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import at_least, at_most, median, report, reported

SENTENCES, ROUNDS = 660, 3
LONG = " ".join(f"Sentence {n} is about river number {n}." for n in range(SENTENCES))
SPEC = LoadSpec(context=9216, flash_attention=False)
ROLES = (Role.USER, Role.ASSISTANT)


def first_token_s(engine: LocalEngine, conversation: str, *texts: str) -> tuple[float, int]:
    """Return the seconds to the first token of an answer, and the tokens of its prompt."""
    messages = tuple(PromptMessage(ROLES[place % 2], text) for place, text in enumerate(texts))
    request = ChatRequest(messages, Sampling(temperature=0.0, seed=1, max_tokens=4), conversation_id=conversation)
    *_, finished = engine.answer(request)
    assert isinstance(finished, AnswerFinished)
    assert finished.time_to_first_token_s
    return finished.time_to_first_token_s, finished.prompt_tokens


def main() -> int:
    starter = find_starter()
    assert starter is not None
    with tempfile.TemporaryDirectory() as folder:
        cache, turns = CacheFolder(Path(folder) / "states"), (LONG, "Yes.", "Of which river was the third?")
        engine = LocalEngine(Path(folder) / "engine.log")
        engine.cache_options = lambda: CacheOptions(str(cache.path), 8 << 30, 2 << 30)
        list(engine.load(starter, SPEC))
        first_token_s(engine, "other", "Hello?")
        reading_s, tokens = first_token_s(engine, "long", LONG)
        # The state of the long conversation is copied first.
        switching, _ = first_token_s(engine, "other", "Hello?", "Yes.", "And now?")
        plain, _ = first_token_s(engine, "third", "Hello again?")
        from_memory = []
        for _ in range(ROUNDS):
            from_memory.append(first_token_s(engine, "long", *turns)[0])
            first_token_s(engine, "third", "Hello again?")
        from_disk = []
        for _ in range(ROUNDS):
            engine.release()
            list(engine.load(starter, SPEC))
            first_token_s(engine, "third", "Hello again?")
            from_disk.append(first_token_s(engine, "long", *turns)[0])
        n_bytes = cache.file("long").stat().st_size
        engine.release()
    details = {"tokens": tokens, "state_bytes": n_bytes, "read_s": round(reading_s, 2)}
    return report(
        [
            reported(at_least("reading_over_state_from_memory", reading_s / median(from_memory), 100, **details)),
            reported(at_least("reading_over_state_from_disk", reading_s / median(from_disk), 50, **details)),
            reported(at_most("delay_of_a_switch_right_after_an_answer_s", switching - plain, 0.5, **details)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
