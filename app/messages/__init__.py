"""The sentences for what can go wrong, in English: one for each UserError code, with what to do next.

The one package of ``app`` with sentences in it.  The command line prints them as they are; the window looks each up in
its translations, under the context ``errors``, before the facts are filled in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.messages.composer import WRITING
from app.messages.context import CONTEXT
from app.messages.conversion import REPAIRS
from app.messages.general import GENERAL
from app.messages.model_files import MODEL_FILES
from app.messages.plans import PLANS
from app.messages.servers import SERVERS
from app.translation import QT_TRANSLATE_NOOP
from model_manager.errors import UserError

SENTENCES: dict[str, str] = {**GENERAL, **CONTEXT, **MODEL_FILES, **PLANS, **REPAIRS, **SERVERS, **WRITING}

UNKNOWN = QT_TRANSLATE_NOOP("errors", "Something went wrong ({code}). See the log for details.")

PHASES: dict[str, str] = {
    "starting": QT_TRANSLATE_NOOP("errors", "starting"),
    "probing": QT_TRANSLATE_NOOP("errors", "looking for devices"),
    "rehearsing": QT_TRANSLATE_NOOP("errors", "testing the load"),
    "loading": QT_TRANSLATE_NOOP("errors", "loading the model"),
    "reading": QT_TRANSLATE_NOOP("errors", "reading the conversation"),
    "generating": QT_TRANSLATE_NOOP("errors", "answering"),
    "measuring": QT_TRANSLATE_NOOP("errors", "measuring speed"),
}
"""What the engine was doing, to stand after "while"."""

EXIT_CODE = QT_TRANSLATE_NOOP("errors", "exit code {code}")


def sentence(error: UserError) -> str:
    """What happened and what to do, in English."""
    return word(error.code, error.data, str)


def word(code: str, data: Any, translate: Any) -> str:
    """The sentence of a code with its facts, each text first sent through ``translate`` (a function of one text)."""
    facts = {key: _fact(key, value) for key, value in dict(data).items()}
    facts["code"] = code
    if "phase" in facts:
        facts["phase"] = translate(PHASES.get(facts["phase"], facts["phase"]))
    ended_by_signal = dict(data).get("signal")
    reason = _engine_reason(str(dict(data).get("log", "")))
    # An engine that refuses and lives on has no exit code, but says why.
    by_itself = translate(EXIT_CODE).format(code=facts["returncode"]) if "returncode" in facts else reason
    facts["ending"] = ended_by_signal or by_itself or "?"
    facts["reason"] = f" ({reason})" if reason else ""
    template = SENTENCES.get(code, UNKNOWN)
    return str(translate(template)).format_map(_Facts(facts))


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _fact(key: str, value: object) -> str:
    if key.endswith("bytes") and isinstance(value, int):
        return f"{value / (1 << 30):.2f} GiB" if value >= 1 << 30 else f"{value / (1 << 20):.1f} MiB"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Path):
        return str(value)
    return str(value)


def _engine_reason(log: str) -> str:
    """The line of the engine's log that names the cause best: the last that speaks of an error, or the last."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    marks = ("error", "failed", "missing", "unable", "not found", "invalid")
    telling = [line for line in lines if any(mark in line.lower() for mark in marks)] or lines
    return telling[-1].split(": ", 1)[-1][:160] if telling else ""
