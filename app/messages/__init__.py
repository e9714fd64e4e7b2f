"""Error messages in English by ``UserError`` code.

The command line prints them; the window translates each in the context ``errors`` before the data is filled in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.messages.context import CONTEXT
from app.messages.conversion import REPAIRS
from app.messages.general import GENERAL
from app.messages.model_files import MODEL_FILES
from app.messages.plans import PLANS
from app.messages.servers import SERVERS
from app.translation import QT_TRANSLATE_NOOP
from app.units import size_text
from model_manager.errors import UserError

SENTENCES: dict[str, str] = {**GENERAL, **CONTEXT, **MODEL_FILES, **PLANS, **REPAIRS, **SERVERS}

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
"""Phases of the engine, which follow "while" in a message."""

EXIT_CODE = QT_TRANSLATE_NOOP("errors", "exit code {code}")


def sentence(error: UserError) -> str:
    """Return the message of an error in English."""
    return word(error.code, error.data, str)


def word(code: str, data: Any, translate: Any) -> str:
    """Return the message of a code with its data; each string is passed through ``translate`` first."""
    values = {key: _value_text(key, value) for key, value in dict(data).items()}
    values["code"] = code
    if "phase" in values:
        values["phase"] = translate(PHASES.get(values["phase"], values["phase"]))
    ended_by_signal = dict(data).get("signal")
    reason = _engine_reason(str(dict(data).get("log", "")))
    # An engine that refuses a load has no exit code, but logs a reason.
    own_ending = translate(EXIT_CODE).format(code=values["returncode"]) if "returncode" in values else reason
    values["ending"] = ended_by_signal or own_ending or "?"
    values["reason"] = f" ({reason})" if reason else ""
    template = SENTENCES.get(code, UNKNOWN)
    return str(translate(template)).format_map(_Values(values))


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _value_text(key: str, value: object) -> str:
    if key.endswith("bytes") and isinstance(value, int):
        return size_text(value, 2)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Path):
        return str(value)
    return str(value)


def _engine_reason(log: str) -> str:
    """Return the last line of the engine's log that mentions an error, or else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    marks = ("error", "failed", "missing", "unable", "not found", "invalid")
    candidates = [line for line in lines if any(mark in line.lower() for mark in marks)] or lines
    return candidates[-1].split(": ", 1)[-1][:160] if candidates else ""
