"""Generation, prompt processing, KV cache reuse and stop of the whole program against the bare loop.

    python -m tests.benchmarks.engine [--only PART ...] [--out FILE]     about fifteen minutes; close other programs

Parts: second, stop, reading, turns, generation.

Runs alternate with their baseline; a ratio is of medians, or the median of ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from app.backend import AnswerFinished, ChatRequest, PromptMessage, PromptProgress, TextDelta
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled
from model_manager.library.starter import find_starter
from model_manager.plan.load_spec import LoadSpec
from tests.benchmarks.figures import ROOT, Figure, at_least, at_most, busy_cores, median, report, reported, rounded

TOKENS = 200
TRIAL = 60
"""Tokens of the runs that find the bare loop's best number of threads."""
RUNS = 3
PARTS = ("second", "stop", "reading", "turns", "generation")
QUESTION = "Write a very long and detailed story about a lighthouse keeper, the sea and a lost ship."
PARAGRAPH_TOKENS = 23
PARAGRAPH = "The lighthouse keeper wrote down what the sea brought to the shore that day, and what it took away again. "
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def chatml(question: str) -> bytes:
    """Return the prompt in the starter's template."""
    turns = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return turns.encode()


class Machine:
    """The program and the bare loop with one model file."""

    def __init__(self, folder: Path) -> None:
        found = find_starter()
        assert found is not None
        self.model, self.folder = found, folder
        self.threads = range(1, (os.cpu_count() or 1) + 1)

    def bare(
        self, threads: int, question: str, tokens: int, seed: int, attention: tuple[int, int] = (-1, 1)
    ) -> dict[str, float]:
        """``attention``: flash attention and cache type, as ``bare_loop`` takes them."""
        prompt = self.folder / "prompt.txt"
        prompt.write_bytes(chatml(question))
        command = ["tests.benchmarks.bare_loop", self.model, threads, prompt, tokens, seed, *attention]
        return json.loads(self._run(["-m", *map(str, command)]))  # type: ignore[no-any-return]

    def program(self, question: str, tokens: int, seed: int) -> dict[str, Any]:
        command = ["-m", "app", "chat", "--model", "starter", "--message", question, "--max-tokens", str(tokens)]
        command += ["--temperature", "0.7", "--seed", str(seed), "--json", "--data-dir", str(self.folder / "data")]
        # The state of a saved conversation would be restored.
        command.append("--no-save")
        return json.loads(self._run(command))  # type: ignore[no-any-return]

    def seed_of_a_long_answer(self, question: str = QUESTION, tokens: int = TOKENS) -> int:
        return next(
            seed for seed in range(1, 100) if self.program(question, tokens, seed)["completion_tokens"] == tokens
        )

    def _run(self, arguments: list[str]) -> str:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        ).stdout


def generation(machine: Machine, seed: int, busy: int, bound: float, runs: int) -> Figure:
    """Run each answer of the program between two of the bare loop, because a shared machine's speed drifts."""
    with busy_cores(busy):
        counts = {
            threads: machine.bare(threads, QUESTION, TRIAL, seed)["tokens_per_second"] for threads in machine.threads
        }
        best = max(counts, key=lambda threads: counts[threads])
        bare = [machine.bare(best, QUESTION, TOKENS, seed)["tokens_per_second"]]
        ours = []
        for _ in range(runs):
            ours.append(machine.program(QUESTION, TOKENS, seed)["tokens_per_second"])
            bare.append(machine.bare(best, QUESTION, TOKENS, seed)["tokens_per_second"])
    ratios = [2 * each / (before + after) for each, before, after in zip(ours, bare, bare[1:], strict=False)]
    return at_least(
        f"generation, {busy} cores busy",
        median(ratios),
        bound,
        program=rounded(ours),
        bare=rounded(bare),
        best_threads=best,
        bare_by_threads={threads: round(value, 1) for threads, value in counts.items()},
    )


def reading(machine: Machine) -> Figure:
    question = PARAGRAPH * 70
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(machine.program(question, 2, 1)["prompt_tokens_per_second"])
        bare.append(machine.bare(max(machine.threads), question, 2, 1)["prompt_tokens_per_second"])
    return at_least("prompt reading", median(ours) / median(bare), 0.95, program=rounded(ours), bare=rounded(bare))


def turn(machine: Machine, read: int, written: int, busy: int, bound: float) -> Figure:
    """Compare whole turns with the best configuration of the bare loop: its attention, cache type and threads.

    Other programs keep ``busy`` cores busy meanwhile.
    """
    question = f"{PARAGRAPH * (read // PARAGRAPH_TOKENS)}{QUESTION}"
    seed = machine.seed_of_a_long_answer(question, written)

    def seconds(result: dict[str, Any]) -> float:
        return float(read / result["prompt_tokens_per_second"] + written / result["tokens_per_second"])

    attentions = {"on, f16": (1, 1), "off, f16": (0, 1), "on, q8_0": (1, 8)}
    counts = machine.threads if busy else (max(machine.threads),)
    ways = {f"{name}, {count} threads": (count, each) for name, each in attentions.items() for count in counts}
    trials = {name: seconds(machine.bare(count, question, written, seed, each)) for name, (count, each) in ways.items()}
    best = min(trials, key=lambda name: trials[name])
    threads, attention = ways[best]
    bare, ours = [], []
    for _ in range(3):
        bare.append(seconds(machine.bare(threads, question, written, seed, attention)))
        ours.append(seconds(machine.program(question, written, seed)))
    return at_least(
        f"turn of {read} tokens read and {written} written, {busy} cores busy",
        median(bare) / median(ours),
        bound,
        program_s=rounded(ours),
        bare_s=rounded(bare),
        best=best,
        trials_s={name: round(value, 2) for name, value in trials.items()},
    )


def second_turn(engine: LocalEngine) -> Figure:
    """Return the time to the first token of a follow-up to 1,500 tokens, and that of reading everything again."""
    opening = PARAGRAPH * 66
    kept, again = [], []
    prompt_tokens = 0
    for number in range(RUNS):
        # A different start each time, so that nothing is in the cache.
        first = PromptMessage(Role.USER, f"Day {number}. {opening}")
        answer = "".join(e.text for e in _answer(engine, (first,), 40) if isinstance(e, TextDelta))
        messages = (first, PromptMessage(Role.ASSISTANT, answer), PromptMessage(Role.USER, "And the next day?"))
        kept.append(_first_token_s(engine, messages))
        _first_token_s(engine, (PromptMessage(Role.USER, "Something else."),))
        again.append(_first_token_s(engine, messages))
        prompt_tokens = next(e for e in _answer(engine, messages, 1) if isinstance(e, AnswerFinished)).prompt_tokens
    ratio = median(kept) / median(again)
    return at_most("second turn, time to first token", ratio, 0.15, kept=kept, again=again, tokens=prompt_tokens)


def stop_while_generating(engine: LocalEngine) -> Figure:
    waits = []
    for _ in range(RUNS * 2):
        asked_at, token = 0.0, CancelToken()
        for event in _stream(engine, (PromptMessage(Role.USER, QUESTION),), 2000, token):
            if isinstance(event, TextDelta) and event.tokens > 20 and not asked_at:
                asked_at = time.monotonic()
                token.cancel()
        waits.append(time.monotonic() - asked_at)
    return at_most("stop while generating, seconds", max(waits), 0.2, waits=waits)


def stop_while_reading(engine: LocalEngine) -> Figure:
    waits = []
    for number in range(RUNS):
        asked_at, token = 0.0, CancelToken()
        try:
            for event in _stream(engine, (PromptMessage(Role.USER, f"{number} " + PARAGRAPH * 300),), 10, token):
                if isinstance(event, PromptProgress) and event.read > event.reused and not asked_at:
                    asked_at = time.monotonic()
                    token.cancel()
        except Cancelled:
            waits.append(time.monotonic() - asked_at)
    return at_most("stop while reading a prompt, seconds", max(waits), 1.0, waits=waits)


def _stream(
    engine: LocalEngine, messages: tuple[PromptMessage, ...], tokens: int, token: CancelToken = NEVER_CANCELLED
) -> Any:
    assert engine.state is not None
    list(engine.load(engine.state.path, engine.state.spec))
    return engine.answer(ChatRequest(messages, Sampling(seed=1, max_tokens=tokens)), token)


def _answer(engine: LocalEngine, messages: tuple[PromptMessage, ...], tokens: int) -> list[Any]:
    return list(_stream(engine, messages, tokens))


def _first_token_s(engine: LocalEngine, messages: tuple[PromptMessage, ...]) -> float:
    finished = next(event for event in _answer(engine, messages, 2) if isinstance(event, AnswerFinished))
    assert finished.time_to_first_token_s is not None
    return finished.time_to_first_token_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    only = parser.parse_known_args()[0].only
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        engine = LocalEngine(Path(folder) / "engine.log")
        list(engine.load(machine.model, LoadSpec()))
        in_process = {"second": (second_turn,), "stop": (stop_while_generating, stop_while_reading)}
        for part, measures in in_process.items():
            figures += [reported(measure(engine)) for measure in measures if part in only]
        engine.release()
        if "reading" in only:
            figures.append(reported(reading(machine)))
        if "turns" in only:
            for busy, bound in ((0, 0.95), (1, 0.88)):
                with busy_cores(busy):
                    figures += [reported(turn(machine, *each, busy, bound)) for each in ((400, 450), (2600, 400))]
        if "generation" in only:
            seed = machine.seed_of_a_long_answer()
            for busy, bound in ((0, 0.95), (1, 0.88), (2, 0.6)):
                figures.append(reported(generation(machine, seed, busy, bound, RUNS)))
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
