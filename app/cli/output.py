"""Output of the command line: JSON for programs, columns and notes for people, and what a terminal gets of them."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from typing import Any, TextIO, cast

from app.messages import sentence
from model_manager.errors import UserError

_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if code not in b"\t\n"}


class _Terminal:
    """Text stream that replaces control characters, so that foreign text can't send commands to the terminal."""

    def __init__(self, stream: TextIO, *, rewrites_lines: bool) -> None:
        """``rewrites_lines``: a text that begins with a carriage return replaces the last line, as progress does."""
        self._stream, self._start = stream, "\r" if rewrites_lines else ""

    def write(self, text: str) -> int:
        start = self._start if text.startswith("\r") else ""
        return self._stream.write(start + text[len(start) :].replace("\r\n", "\n").translate(_CONTROLS))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe_output() -> Iterator[None]:
    """Write to terminals without control characters, and lone surrogates as question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    output, errors = (
        cast("TextIO", _Terminal(stream, rewrites_lines=stream is sys.stderr)) if stream.isatty() else stream
        for stream in (sys.stdout, sys.stderr)
    )
    with redirect_stdout(output), redirect_stderr(errors):
        yield


def print_result(as_json: bool, value: object, rows: Iterable[Sequence[str]]) -> None:
    """Print ``value`` as JSON, or ``rows`` in columns."""
    if as_json:
        print_json(value)
    else:
        print_columns(list(rows))


def print_json(value: object) -> None:
    """Print one JSON value."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")
    sys.stdout.flush()


def attributes(value: Any, *names: str) -> dict[str, Any]:
    """Return the attributes of these names; without names all fields of a dataclass."""
    return {name: getattr(value, name) for name in names or [each.name for each in dataclasses.fields(value)]}


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text in columns two spaces apart; the last column is not padded."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[-1]]).rstrip() + "\n")
    sys.stdout.flush()


def print_note(text: str | UserError) -> None:
    """Print a line, or the sentence of an error, on standard error."""
    sys.stderr.write(f"apus-chat: {sentence(text) if isinstance(text, UserError) else text}\n")


def _plain(value: object) -> object:
    """Convert a dataclass, mapping, time or path for ``json``."""
    if dataclasses.is_dataclass(value):
        return attributes(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
