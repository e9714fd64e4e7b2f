"""The findings in words, for the window and for the terminal, and the report to hand on."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from app.doctor.diagnostic import Finding, Said, State, Text
from app.messages import word
from app.messages.doctor import CONTEXT, MINUTES, NAMES, PARTS, SECONDS, TEXTS
from model_manager.errors import UserError

Translate = Callable[[str, str], str]
"""From a context and an English text to the text in the language of now."""
MINUTES_FROM_S = 120
LEAST_NAME = 3
"""A user's name that is shorter would be found in other words."""


def english(_context: str, text: str) -> str:
    """The language of the terminal."""
    return text


def name_text(finding: Finding, translate: Translate = english) -> str:
    """What was looked at; of a part that could not be looked at, which one."""
    name = translate(CONTEXT, NAMES[finding.id])
    if finding.id == "trouble":
        return f"{name}: {part_text(finding.subject, translate)}"
    return f"{name} {finding.subject}".strip()


def part_text(part: str, translate: Translate = english) -> str:
    """The title of a group of findings."""
    return translate(CONTEXT, PARTS[part])


def value_text(finding: Finding, translate: Translate = english) -> str:
    """What was found."""
    return _say(finding.value, translate)


def remedy_text(finding: Finding, translate: Translate = english) -> str:
    """What to do about it; empty where nothing is to be done, or the value says it already."""
    return _say(finding.remedy, translate) if finding.remedy is not None else ""


def report(groups: Mapping[str, Iterable[Finding]], translate: Translate = english) -> str:
    """Everything as Markdown, without the name of the user and of the home folder.  No text of a conversation is in it.

    ``groups`` are findings by their part.
    """
    lines = ["# APUS Chat: report about this machine", ""]
    marks = {State.OK: "ok", State.WARNING: "warning", State.BAD: "**bad**"}
    for part, findings in groups.items():
        lines += [f"## {part_text(part, translate)}", ""]
        for finding in findings:
            lines.append(f"- {marks[finding.state]}: {name_text(finding, translate)}: {value_text(finding, translate)}")
            remedy = remedy_text(finding, translate)
            command = f" `{finding.command}`" if finding.command else ""
            if remedy or command:
                lines.append(f"  - {remedy}{command}")
        lines.append("")
    return private("\n".join(lines))


def private(text: str, home: Path | None = None, user: str | None = None) -> str:
    """The text with ``~`` for the home folder and for the name of its owner."""
    home = home or Path.home()
    user = user if user is not None else _user()
    for form in {str(home), home.as_posix()}:
        if len(form) > 1:
            text = text.replace(form, "~")
    if len(user) >= LEAST_NAME and user != "root":
        text = re.sub(rf"(?<!\w){re.escape(user)}(?!\w)", "~", text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _say(said: Said, translate: Translate) -> str:
    if isinstance(said, UserError):
        return word(said.code, said.data, lambda text: translate("errors", text))
    return _worded(said, translate)


def _worded(text: Text, translate: Translate) -> str:
    template = TEXTS[text.code]
    facts = {key: _fact(key, value, translate) for key, value in text.data.items()}
    return (translate(CONTEXT, template) if text.code != "plain" else template).format(**facts)


def _fact(key: str, value: object, translate: Translate) -> str:
    if key.endswith("bytes") and isinstance(value, int):
        for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
            if value >= size:
                return f"{value / size:.1f} {unit}"
        return f"{value / (1 << 10):.0f} KiB"
    if key == "duration_s" and isinstance(value, float):
        if value < MINUTES_FROM_S:
            return translate(CONTEXT, SECONDS).format(count=max(1, round(value)))
        return translate(CONTEXT, MINUTES).format(count=round(value / 60))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)
