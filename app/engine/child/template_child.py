"""The process that runs a file's chat template, and nothing else.

``python -m app.engine.child.template_child``: a template is untrusted code that may loop or ask for gigabytes.
No sandbox can stop ``'a' * 2000000000`` or ``9 ** 9 ** 9`` once they have begun, but a process can be ended, and
with it nothing is lost: the engine's own process keeps what is loaded.  Who starts, asks and ends it is ``rendering``.

The environment is that of ``Jinja2ChatFormatter`` in llama-cpp-python 0.3.36, built here because importing the engine
takes three times as long as Python and Jinja together.

One JSON object a line.  In: ``{"source", "bos", "eos"}`` once, then ``{"messages": [{"role", "content"}..]}`` for each
prompt.  Out: ``{"ready": true}`` once, then ``{"text"}``, ``{"refused": WHY}`` or ``{"costly": true}`` for each prompt.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.process.limited_child import limit_memory, send

LIMIT_S = 4.0
"""Seconds for one prompt.  Honest templates take milliseconds."""
LIMIT_BYTES = 512 << 20
"""Memory of this process."""
MAX_TEXT = 16 << 20
"""Characters of a prompt: several times what the longest contexts hold."""
_GRACE_S = 1.0
"""Who asks ends this process after LIMIT_S; where nobody is there to do so any more, it ends itself so much later."""


class IgnoreGenerationTags(jinja2.ext.Extension):
    """Reads over the ``{% generation %}`` tag, which marks the answers for training."""

    tags = {"generation"}  # noqa: RUF012 (a class variable by Jinja's declaration)

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        """What stands between the tags."""
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Template:
    """A compiled chat template with what it may ask for."""

    def __init__(self, source: str, bos: str, eos: str) -> None:
        """Raises whatever the template makes Jinja raise."""
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[IgnoreGenerationTags, jinja2.ext.loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        self._template = environment.from_string(source)
        self._names = {
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": True,
            "raise_exception": _refuse,
            "strftime_now": _strftime_now,
            "functions": None,
            "function_call": None,
            "tools": None,
            "tool_choice": None,
        }

    def render(self, messages: list[dict[str, str]]) -> str:
        """The prompt.  Raises whatever the template makes Python raise."""
        return self._template.render(messages=messages, **self._names)


class Renderer:
    """Answers the lines of one engine process."""

    def __init__(self) -> None:
        self._template: Template | None = None
        self._broken: dict[str, Any] = {"refused": "no template"}

    def obey(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to one line; none to the one that brings the template."""
        try:
            if "source" in request:
                self._template = Template(request["source"], request["bos"], request["eos"])
                return None
            if self._template is None:
                return self._broken
            text = self._template.render(request["messages"])
        except MemoryError:
            answer: dict[str, Any] = {"costly": True}
        except Exception as error:
            # Division by zero, a missing key, too deep a recursion: whatever a stranger's program can run into.
            answer = {"refused": str(error)[:500] or type(error).__name__}
        else:
            return {"text": text} if len(text) <= MAX_TEXT else {"costly": True}
        if "source" in request:
            self._broken = answer
            return None
        return answer


def main() -> None:
    """Serve until the engine's process closes the pipe or is gone."""
    # Ctrl+C in a terminal reaches the whole group; what it means is for the window's process to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(LIMIT_BYTES)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer line by line."""
    renderer = Renderer()
    send(answers, {"ready": True})
    with Path(os.devnull).open("w") as nowhere:
        for line in requests:
            # A watchdog that needs no lock of Python's: it ends this process even within one endless operation.
            faulthandler.dump_traceback_later(LIMIT_S + _GRACE_S, exit=True, file=nowhere)
            answer = renderer.obey(json.loads(line))
            faulthandler.cancel_dump_traceback_later()
            if answer is not None:
                send(answers, answer)


def _refuse(message: str) -> None:
    raise ValueError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


if __name__ == "__main__":
    main()
