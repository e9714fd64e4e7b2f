"""Speed of answers with guessed tokens against the same answers without: a repeated text, and ordinary chat.

    python -m tests.benchmarks.speculation [--model PATH] [--kv TYPE] [--runs 5] [--out FILE]    default: starter, f16
    python -m tests.benchmarks.speculation --model PATH --random ...    a model of ``tests.rigs.big_moe``

Runs alternate.  The limits hold for an engine whose batches are exact with this KV cache (``packaging/engine``); with
another one nothing is guessed, and the ratio is 1.  With ``--random`` a grammar lets the model write the copy, because
random weights copy nothing: every guess in the copy is right, and the routes to the experts are the model's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from app.backend import AnswerFinished, ChatRequest, PromptMessage, TextDelta, TokenControls
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.library.starter import find_starter
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import Figure, at_least, median, report, reported, rounded
from tests.rigs.chatml import FIRST_BYTE, FIRST_CHARACTER

TEXT = (
    "The harbour of Saint Mary lies at the end of a narrow valley. Every morning the boats leave before sunrise "
    "and return in the afternoon with herring, crab and sometimes a swordfish. The women of the village clean the "
    "nets on the stone steps while the children carry baskets of ice from the old warehouse. In winter the storms "
    "close the passage between the two islands, and nobody sails for weeks. Then the men repair the engines, "
    "paint the hulls blue and white, and tell each other stories about the great wave of 1911, which carried the "
    "church bell as far as the mill. The bell was found by a shepherd named Tomas, who kept it in his barn for "
    "nine years because he liked its sound. When the bishop learned of it, he sent three priests and a wagon with "
    "six horses to bring it home. On the way the wagon broke twice, one horse ran away, and the youngest priest "
    "fell in love with the daughter of an innkeeper. He never returned to the monastery. The bell hangs in the "
    "tower again today, but it has a crack on one side, and old people say that it sounds like a man who laughs "
    "and cries at the same time. Visitors who climb the tower see the whole coast, from the lighthouse on the "
    "cape to the salt works in the south, and on clear days even the mountains of the mainland. The keeper of the "
    "tower sells postcards, candles and small bottles of honey that his sister makes. He says that the best time "
    "to come is the first week of May, when the almond trees are in bloom and the boats are blessed."
)
WORD, ANOTHER = "herring", "salmon"
"""In the first sentences of TEXT: its copy goes on after the other word."""
TOKENS = 400
"""About those of TEXT."""
CHATS = ("Write a long story about the sea.", "Explain how a lighthouse works.", "Which books should I read, and why?")


def forced_copy() -> ChatRequest:
    """Return a request for the rest of a text whose tokens are letters, after another word in its first sentences."""
    begin = TEXT.index(WORD) + len(WORD)
    rest = TEXT[begin : begin + TOKENS]
    text = f"{TEXT[: begin + TOKENS]}\n\n{TEXT[: TEXT.index(WORD)]}{ANOTHER}"
    sampling = Sampling(temperature=0.0, seed=1, max_tokens=TOKENS, grammar=f"root ::= {json.dumps(rest)}")
    # The grammar allows the byte of each letter too, of which the prompt has none.
    letters = TokenControls(tuple((token, -1e9) for token in range(FIRST_BYTE, FIRST_CHARACTER)))
    return ChatRequest((), sampling, text, controls=letters)


def compare(
    engine: LocalEngine, record: Path, name: str, bound: float, requests: list[ChatRequest], runs: int
) -> Figure:
    speeds: dict[bool, list[float]] = {False: [], True: []}
    uses = []
    for _ in range(runs):
        for request in requests:
            texts = []
            # The two runs read only the last token of the prompt.
            list(engine.answer(replace(request, sampling=replace(request.sampling, max_tokens=1))))
            for guesses in (False, True):
                engine.exact_batches = lambda is_on=guesses: record if is_on else None  # type: ignore[misc]
                events = list(engine.answer(request))
                texts.append("".join(event.text for event in events if isinstance(event, TextDelta)))
                finished = events[-1]
                assert isinstance(finished, AnswerFinished)
                speeds[guesses].append(finished.tokens_per_second or 0.0)
            assert texts[0] == texts[1]
            uses.append(finished.speculation)
    ratios = [fast / slow for slow, fast in zip(speeds[False], speeds[True], strict=True)]
    copied = SequenceMatcher(None, texts[0], TEXT, autojunk=False).find_longest_match()
    figures: dict[str, object] = {"without": rounded(speeds[False]), "with_guesses": rounded(speeds[True])}
    figures["longest_copy"] = round(copied.size / len(TEXT), 2)
    return at_least(name, median(ratios), bound, **figures, guesses=[str(use) for use in uses[-len(requests) :]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--kv", default="f16")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_known_args()[0]
    model = arguments.model or find_starter()
    assert model is not None
    sampling = Sampling(temperature=0.0, seed=1, max_tokens=TOKENS)
    # The model has read the text twice; after one copy alone, the starter continues with other sentences.
    copied = f"{TEXT}\n\n{TEXT}\n\n{TEXT[: TEXT.index(WORD)]}{ANOTHER}"
    copy = forced_copy() if arguments.random else ChatRequest((), sampling, copied)
    chats = [
        ChatRequest((PromptMessage(Role.USER, text),), Sampling(temperature=0.7, seed=1, max_tokens=TOKENS))
        for text in CHATS
    ]
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "exact_batches.json"
        engine = LocalEngine(Path(folder) / "engine.log")
        flash_attention = arguments.kv != "f16"
        list(engine.load(model, LoadSpec(context=4096, kv_type=arguments.kv, flash_attention=flash_attention)))
        bound = 1.3 if arguments.random else 1.5
        figures = [
            reported(compare(engine, record, "repeated text", bound, [copy], arguments.runs)),
            reported(compare(engine, record, "ordinary chat", 0.98, chats, arguments.runs)),
        ]
        engine.release()
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
