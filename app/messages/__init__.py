"""Texts that both the command line and the window show, in English.

The window translates each text, in the empty context, before the data is filled in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from app.messages.errors import SENTENCES as ERRORS
from app.messages.tools import SENTENCES as TOOLS
from app.translation import QT_TR_NOOP
from app.units import size_text
from model_manager.errors import UserError

Translate = Callable[[str], str]
"""Returns an English text in another language."""

_NOT_SHOWN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""A message is one line; what files and servers contain doesn't control the terminal."""
_MAX_CHARACTERS = 5000

UNKNOWN = QT_TR_NOOP("Something went wrong ({code}). See the log for details.")

SENTENCES = {**ERRORS, **TOOLS}

PHASES: dict[str, str] = {
    "starting": QT_TR_NOOP("starting"),
    "probing": QT_TR_NOOP("looking for devices"),
    "rehearsing": QT_TR_NOOP("testing the load"),
    "loading": QT_TR_NOOP("loading the model"),
    "reading": QT_TR_NOOP("reading the conversation"),
    "generating": QT_TR_NOOP("answering"),
    "measuring": QT_TR_NOOP("measuring speed"),
    "lending": QT_TR_NOOP("lending this computer"),
}
"""Phases of the engine, which follow "while" in a message."""

DETAILS = frozenset(
    (
        QT_TR_NOOP("name not found"),
        QT_TR_NOOP("connection refused"),
        QT_TR_NOOP("connection reset"),
        QT_TR_NOOP("network unreachable"),
        QT_TR_NOOP("no answer"),
        QT_TR_NOOP("no secure connection"),
        QT_TR_NOOP("the response ended early"),
        QT_TR_NOOP("expired"),
        QT_TR_NOOP("self-signed"),
        QT_TR_NOOP("unknown issuer"),
        QT_TR_NOOP("for another host"),
        QT_TR_NOOP("not an address"),
        QT_TR_NOOP("too many redirects"),
        QT_TR_NOOP("a web page"),
        QT_TR_NOOP("no repository"),
        QT_TR_NOOP("Permission denied"),
        QT_TR_NOOP("No such file or directory"),
        QT_TR_NOOP("Read-only file system"),
        QT_TR_NOOP("Input/output error"),
        QT_TR_NOOP("Address already in use"),
    )
)
"""Details that are translated too: causes of ``HttpClient``, and the usual descriptions of errors of the system."""

EXIT_CODE = QT_TR_NOOP("exit code {code}")
LEFT_OUT = QT_TR_NOOP("The context of {context} tokens is full. The oldest messages are left out ({count}).")
SUMMARISED = QT_TR_NOOP("The context is full. The oldest messages are summarised ({count}).")

PASSAGES = QT_TR_NOOP(
    "The attachments don't fit in the context. The model was given the {given} of {total} passages that best match the "
    "question."
)
SPREAD = QT_TR_NOOP(
    "The attachments don't fit in the context, and the question names nothing in them. The model was given the "
    "beginning and passages spread over the rest ({given} of {total})."
)


def sentence(error: UserError) -> str:
    """Return the message of an error in English."""
    return error_message(error.code, error.data, str)


def passages_sentence(given: int, total: int, translate: Translate, *, is_spread: bool) -> str:
    """Return the notice that the model was given only some passages of the attachments."""
    return translate(SPREAD if is_spread else PASSAGES).format(given=given, total=total)


def error_message(code: str, data: Mapping[str, object], translate: Translate) -> str:
    """Return the message of a code with its data; each text is passed through ``translate`` first."""
    values = defaultdict(lambda: "?", {key: _value_text(key, value) for key, value in data.items()}, code=code)
    if "phase" in values:
        values["phase"] = translate(PHASES.get(values["phase"], values["phase"]))
    if values["detail"] in DETAILS:
        values["detail"] = translate(values["detail"])
    reason = _engine_reason(values.get("log", ""))
    # An engine that refuses a load has no exit code, but logs a reason.
    own_ending = translate(EXIT_CODE).format(code=values["returncode"]) if "returncode" in values else reason
    values["ending"] = str(data.get("signal") or own_ending or "?")
    values["reason"] = f" ({reason})" if reason else ""
    return translate(SENTENCES.get(code, UNKNOWN)).format_map(values)


def left_out_sentence(count: int, context: int, translate: Translate) -> str:
    """Return the notice that ``count`` messages are left out of a context of ``context`` tokens."""
    return translate(LEFT_OUT).format(count=count, context=context)


def summarised_sentence(count: int, translate: Translate) -> str:
    """Return the notice that ``count`` messages are summarised."""
    return translate(SUMMARISED).format(count=count)


def _value_text(key: str, value: object) -> str:
    if key.endswith("bytes") and isinstance(value, int):
        return size_text(value, 2)
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if key == "log" else _NOT_SHOWN.sub("\ufffd", text[:_MAX_CHARACTERS])


def _engine_reason(log: str) -> str:
    """Return the last line of the engine's log that mentions an error, or else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    marks = ("error", "failed", "missing", "unable", "not found", "invalid")
    candidates = [line for line in lines if any(mark in line.lower() for mark in marks)] or lines
    return candidates[-1].split(": ", 1)[-1][:160] if candidates else ""
