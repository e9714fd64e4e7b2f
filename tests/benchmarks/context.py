"""Cost of fitting a long conversation into the context: token counts of 1,000 messages, first and repeated.

python -m tests.benchmarks.context [--out FILE]     about ten seconds
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from app.backend import ChatRequest, PromptMessage
from app.chat.context import context_use, fit, horizon
from app.context import ContextPolicy
from app.conversation import Message, Role, Status
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.library.starter import find_starter
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import Figure, at_most, median, report, reported

MESSAGES, MANY = 1001, 10_000
TEXT = "some words of a message, 一些汉字和标点。 " * 12
ROLES = (Role.USER, Role.ASSISTANT)


def counting(engine: LocalEngine, run: int) -> tuple[float, float, float]:
    """Return the seconds for an uncounted conversation, the same again, and a turn with the rolling policy."""
    messages = tuple(PromptMessage(ROLES[n % 2], f"{run} {n} {TEXT}", str(n)) for n in range(MESSAGES))
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        engine.count(messages, texts=[message.content for message in messages])
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    fit(ChatRequest(messages, Sampling(), context_policy=ContextPolicy.ROLL), 8192, engine.count)
    return seconds[0], seconds[1], time.perf_counter() - begin


def showing() -> Figure:
    """Return the seconds to estimate the context of a conversation of 10,000 messages."""
    now = datetime.now(UTC)
    branch = [Message(str(n), "c", None, ROLES[n % 2], Status.COMPLETE, TEXT, now) for n in range(MANY)]
    left_out = tuple(str(n) for n in range(MANY - 20))
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        context_use(branch, "", 8192)
        horizon(branch, left_out)
        seconds.append(time.perf_counter() - begin)
    return at_most("gauge_and_line_of_10000_messages_ms", median(seconds) * 1000, 100)


def main() -> int:
    starter = find_starter()
    assert starter is not None
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(Path(folder) / "engine.log")
        list(engine.load(starter, LoadSpec()))
        runs = [counting(engine, run) for run in range(5)]
        engine.release()
    first, again, rolling = (median(values) for values in zip(*runs, strict=True))
    figures = [
        reported(at_most("count_1000_new_messages_ms", first * 1000, 1000)),
        reported(at_most("count_them_again_over_first", again / first, 0.5)),
        reported(at_most("rolling_turn_over_first", rolling / first, 0.5)),
        reported(showing()),
    ]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
