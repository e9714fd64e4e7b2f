"""The process that renders a file's chat template.

``python -m app.engine.child.template_child``: a template is untrusted code that may loop or allocate gigabytes.  No
sandbox can interrupt ``'a' * 2000000000`` or ``9 ** 9 ** 9``, but a separate process can be killed while the engine
child keeps its loaded file.  ``app.engine.child.template`` starts and kills it.

The environment is that of ``Jinja2ChatFormatter`` in llama-cpp-python 0.3.36, built here because importing the engine
takes three times as long as Python and Jinja together.

Protocol: one JSON object per line.

* Requests: ``{"messages": [{"role", "content"}..], "variables": {}}`` for each prompt, the first one of a template also
  with ``source``, ``bos`` and ``eos``.
* Responses: ``{"ready": true}`` once, then ``{"text"}``, ``{"refused": WHY}`` or ``{"costly": true}`` for each prompt.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.process.limited_child import serve

TIME_LIMIT_S = 4.0
"""Seconds for one prompt.  Usual templates take milliseconds."""
MEMORY_LIMIT_BYTES = 512 << 20
"""Memory of this process."""
MAX_PROMPT_CHARACTERS = 16 << 20
"""Several times the longest contexts."""


class IgnoreGenerationTags(jinja2.ext.Extension):
    """Ignores the ``{% generation %}`` tag, which marks the answers for training."""

    tags = {"generation"}  # noqa: RUF012 (a class variable by Jinja's declaration)

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        """Return the nodes between the tags."""
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class TemplateRenderer:
    """Answers the requests of one engine child, with a template that is compiled for its first prompt."""

    def __init__(self) -> None:
        self._source = {"source": "", "bos": "", "eos": ""}
        self._template: jinja2.Template | None = None

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response to a request."""
        if "source" in request:
            self._source, self._template = {name: request[name] for name in self._source}, None
        try:
            if self._template is None:
                self._template = _compile(**self._source)
            text = self._template.render(messages=request["messages"], **request.get("variables", {}))
        except MemoryError:
            return {"costly": True}
        except Exception as error:
            # Division by zero, a missing key, deep recursion: any error of untrusted code.
            return {"refused": _detail(error)}
        return {"text": text} if len(text) <= MAX_PROMPT_CHARACTERS else {"costly": True}


def _detail(error: Exception) -> str:
    # Some errors have no text: of a number with thousands of digits, or of lists in lists.
    with contextlib.suppress(Exception):
        return str(error)[:500] or type(error).__name__
    return type(error).__name__


def _compile(source: str, bos: str, eos: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[IgnoreGenerationTags, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {
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
    return environment.from_string(source)


def main() -> None:
    """Serve until the engine's process closes the pipe or ends."""
    serve(TemplateRenderer().handle, MEMORY_LIMIT_BYTES, TIME_LIMIT_S)


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
