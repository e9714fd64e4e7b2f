"""Result of a check, its texts for window and terminal, and the report for sharing."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from app.messages import Translate, error_message
from app.messages.doctor import MARKS, MINUTES, NAMES, PARTS, REPORT, SECONDS, SEPARATOR, TEXTS
from app.units import size_text
from model_manager.errors import UserError

MINUTES_FROM_S = 120
MIN_USER_NAME = 3
"""Shorter user names also occur inside longer ones."""


class Severity(StrEnum):
    """Severity of a result."""

    OK = "ok"
    WARNING = "warning"
    """It works but could be improved."""
    BAD = "bad"
    """It does not work."""


@dataclass(frozen=True)
class Diagnostic:
    """Result of one check.

    ``id`` is a key of ``app.messages.doctor.NAMES``; ``subject`` is the checked device or host, if there are several.
    ``value`` and ``remedy`` (what to do, empty if nothing) are keys of ``app.messages.doctor.TEXTS`` that are filled in
    from ``data``; ``command`` is a shell command for the remedy.
    """

    id: str
    state: Severity
    value: str | UserError
    data: Mapping[str, object] = field(default_factory=dict)
    subject: str = ""
    remedy: str = ""
    command: str = ""

    @property
    def name(self) -> str:
        """Name in JSON output: ``data folder``, ``device Vulkan0``."""
        return f"{self.id.replace('_', ' ')} {self.subject}".strip()

    def warning_if(self, is_problem: bool, remedy: str) -> Diagnostic:
        """Return this result, as a warning with a remedy if there is a problem."""
        return replace(self, state=Severity.WARNING, remedy=remedy) if is_problem else self


def name_text(result: Diagnostic, translate: Translate = str) -> str:
    """Return the name of the check."""
    name = translate(NAMES[result.id])
    if result.id == "trouble":
        return f"{name}: {part_text(result.subject, translate)}"
    return f"{name} {result.subject}".strip()


def part_text(part: str, translate: Translate = str) -> str:
    """Return the title of a part."""
    return translate(PARTS[part])


def value_text(result: Diagnostic, translate: Translate = str) -> str:
    """Return the text of the result."""
    if isinstance(result.value, UserError):
        return error_message(result.value.code, result.value.data, translate)
    return _filled_in(result.value, result, translate)


def remedy_text(result: Diagnostic, translate: Translate = str) -> str:
    """Return the text of the remedy, empty if there is none."""
    return _filled_in(result.remedy, result, translate) if result.remedy else ""


def report(groups: Mapping[str, Iterable[Diagnostic]], translate: Translate = str) -> str:
    """Return all results as Markdown, without user name, home folder and conversation text.

    ``groups`` are the results by part.
    """
    lines = [f"# {translate(REPORT)}", ""]
    marks = {state: translate(MARKS[state]) for state in Severity}
    marks[Severity.BAD] = f"**{marks[Severity.BAD]}**"
    for part, results in groups.items():
        lines += [f"## {part_text(part, translate)}", ""]
        for result in results:
            lines.append(f"- {marks[result.state]}: {name_text(result, translate)}: {value_text(result, translate)}")
            remedy = remedy_text(result, translate)
            command = f" `{result.command}`" if result.command else ""
            if remedy or command:
                lines.append(f"  - {remedy}{command}")
        lines.append("")
    return anonymise("\n".join(lines))


def anonymise(text: str, home: Path | None = None, user: str | None = None) -> str:
    """Replace the home folder and the user name by ``~``."""
    home = home or Path.home()
    user = user if user is not None else _user()
    for form in {str(home), home.as_posix()}:
        if len(form) > 1:
            text = text.replace(form, "~")
    if len(user) >= MIN_USER_NAME and user != "root":
        text = re.sub(rf"(?<!\w){re.escape(user)}(?!\w)", "~", text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _filled_in(code: str, result: Diagnostic, translate: Translate) -> str:
    template = TEXTS[code] if code == "plain" else translate(TEXTS[code])
    return template.format(**{key: _value(key, value, translate) for key, value in result.data.items()})


def _value(key: str, value: object, translate: Translate) -> str:
    if key.endswith("bytes") and isinstance(value, int):
        return size_text(value)
    if key == "duration_s" and isinstance(value, float):
        if value < MINUTES_FROM_S:
            return translate(SECONDS).format(count=max(1, round(value)))
        return translate(MINUTES).format(count=round(value / 60))
    if isinstance(value, list | tuple):
        return translate(SEPARATOR).join(map(str, value))
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)
