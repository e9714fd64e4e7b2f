"""Answers of the starter by the schemas of the public suite: all valid or marked as cut; speed against free text.

python -m tests.benchmarks.structured [--answers 1000] [--max-tokens 160] [--model PATH]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from app.engine.local_engine import LocalEngine
from model_manager.library.starter import find_starter
from tests.engine.requests import ask, load
from tests.structured.test_schema import SUITE, VALIDATORS


def check_answers(engine: LocalEngine, count: int, max_tokens: int) -> dict[str, Any]:
    """Ask for answers by each schema in turn; greedy ones first.  Returns their numbers and what is wrong."""
    schemas = [json.loads(line) for line in SUITE.read_text("utf-8").splitlines()]
    found: dict[str, Any] = {"valid": 0, "cut": 0, "problems": []}
    for number in range(count):
        draft, description, schema = schemas[number % len(schemas)]
        options = {"temperature": 0.0 if number < len(schemas) else 1.0, "seed": number, "max_tokens": max_tokens}
        answer = ask(engine, f"Write JSON for: {description}", json_schema=json.dumps(schema), **options)
        assert answer.finished is not None
        if answer.finished.finish_reason != "stop":
            found["cut"] += 1
        elif error := next(VALIDATORS[draft](schema).iter_errors(json.loads(answer.text)), None):
            found["problems"].append(f"{description}: {answer.text}: {error.message}")
        else:
            found["valid"] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--max-tokens", type=int, default=160)
    parser.add_argument("--model", type=Path, default=find_starter())
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {"json": [], "text": []}
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(Path(folder) / "engine.log", gpus=False)
        load(engine, arguments.model, context=2048)
        for _ in range(5):
            for kind, form in (("text", {}), ("json", {"json_schema": '{"type": "object"}'})):
                answer = ask(engine, "Tell me a long story.", max_tokens=128, **form)
                assert answer.finished is not None
                rates[kind].append(answer.finished.tokens_per_second or 0.0)
        begin = time.monotonic()
        found = check_answers(engine, arguments.answers, arguments.max_tokens)
        seconds = time.monotonic() - begin
        engine.release()
    ratio = max(rates["json"]) / max(rates["text"])
    print(json.dumps({**found, "seconds": seconds, "speed_ratio": ratio}, indent=1))


if __name__ == "__main__":
    main()
