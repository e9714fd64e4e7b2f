"""The process that renders a file's chat template.

``python -m app.engine.child.template_child``: a template is untrusted code that may loop or allocate gigabytes.  No
sandbox can interrupt ``'a' * 2000000000`` or ``9 ** 9 ** 9``, but a separate process can be killed while the engine
child keeps its loaded file.  ``app.engine.child.template`` starts and kills it.

The environment is that of ``Jinja2ChatFormatter`` in llama-cpp-python 0.3.36, built here because importing the engine
takes three times as long as Python and Jinja together.

Protocol: one JSON object per line.

* Requests: ``{"source", "bos", "eos"}`` once, then ``{"messages": [{"role", "content"}..]}`` for each prompt.
* Responses: ``{"ready": true}`` once, then ``{"text"}``, ``{"refused": WHY}`` or ``{"costly": true}`` for each prompt.
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
"""Seconds for one prompt.  Usual templates take milliseconds."""
LIMIT_BYTES = 512 << 20
"""Memory of this process."""
MAX_TEXT = 16 << 20
"""Characters of a prompt: several times the longest contexts."""
_GRACE_S = 1.0
"""The parent ends this process after LIMIT_S; without a parent it ends this many seconds later."""


class IgnoreGenerationTags(jinja2.ext.Extension):
    """Ignores the ``{% generation %}`` tag, which marks the answers for training."""

    tags = {"generation"}  # noqa: RUF012 (a class variable by Jinja's declaration)

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        """Return the nodes between the tags."""
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Template:
    """A compiled chat template with its variables and functions."""

    def __init__(self, source: str, bos: str, eos: str) -> None:
        """Compile ``source``.  Raises any error of Jinja."""
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[IgnoreGenerationTags, jinja2.ext.loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        self._template = environment.from_string(source)
        self._names = {
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": True,
            "raise_exception": _raise_exception,
            "strftime_now": _strftime_now,
            "functions": None,
            "function_call": None,
            "tools": None,
            "tool_choice": None,
        }

    def render(self, messages: list[dict[str, str]]) -> str:
        """Render the prompt.  Raises any error of the template."""
        return self._template.render(messages=messages, **self._names)


class Renderer:
    """Answers the requests of one engine child, all with the same template."""

    def __init__(self) -> None:
        self._template: Template | None = None
        self._broken: dict[str, Any] = {"refused": "no template"}

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the response to a request; None for the request that sets the template."""
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
            # Division by zero, a missing key, deep recursion: any error of untrusted code.
            answer = {"refused": str(error)[:500] or type(error).__name__}
        else:
            return {"text": text} if len(text) <= MAX_TEXT else {"costly": True}
        if "source" in request:
            self._broken = answer
            return None
        return answer


def main() -> None:
    """Serve until the engine's process closes the pipe or ends."""
    # Ctrl+C in a terminal reaches the whole process group; the window's process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(LIMIT_BYTES)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Read requests and write responses until the end of the input."""
    renderer = Renderer()
    send(answers, {"ready": True})
    with Path(os.devnull).open("w") as null:
        for line in requests:
            # A watchdog that does not need the GIL: it ends this process even within one endless operation.
            faulthandler.dump_traceback_later(LIMIT_S + _GRACE_S, exit=True, file=null)
            answer = renderer.handle(json.loads(line))
            faulthandler.cancel_dump_traceback_later()
            if answer is not None:
                send(answers, answer)


def _raise_exception(message: str) -> None:
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
