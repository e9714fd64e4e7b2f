"""Tool servers, built in and MCP, their tools and results, and the texts from which one is added.  No connections."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from app.sampling import MEMORY_TOOLS
from model_manager.errors import UserError
from model_manager.hub.access import host_of, split_url

WEB, MEMORY = "web", MEMORY_TOOLS
"""Names of the built-in servers."""
BUILT_IN = (WEB, MEMORY)
MAX_NAME_CHARACTERS = 64
MAX_TEXT_CHARACTERS = 100_000
"""Of a text from which servers are added."""

_CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffc\ud800-\udfff]")
_FENCE = re.compile(r"^```\w*\s*\n|\n\s*```$")
_JSON_START = re.compile(r'[{[]|"[^"]*"\s*:')
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_RUNNERS = {"npx", "bunx", "pnpx", "uvx", "pipx", "uv", "docker", "podman", "node", "bun", "deno", "python", "python3"}
"""Programs after which a server is not named."""
_RUNNER_WORDS = {"run", "dlx", "exec", "x"}


@dataclass(frozen=True)
class ToolServer:
    """An MCP server: a program that is started, or the address of one (streamable HTTP); or built-in tools."""

    name: str
    command: tuple[str, ...] = ()
    """Program and arguments; empty for a server with an address."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the program."""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers of each request."""
    is_on: bool = True
    """Whether conversations may use it."""
    allowed: tuple[str, ...] = ()
    """Names of tools that may be called without asking the user."""

    @property
    def is_built_in(self) -> bool:
        """Whether its tools are a part of the program."""
        return not (self.command or self.url)

    def renamed(self) -> ToolServer:
        """Return it with another name where its name is that of built-in tools."""
        is_taken = self.name in BUILT_IN and not self.is_built_in
        return replace(self, name=f"{self.name} MCP") if is_taken else self

    @property
    def address(self) -> str:
        """Command line or address, for display."""
        return self.url or shlex.join(self.command)


@dataclass(frozen=True)
class Tool:
    """A tool of a server."""

    server: str
    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON schema of its arguments."""


@dataclass(frozen=True)
class ToolResult:
    """Result of a call, as the model reads it."""

    text: str
    is_error: bool = False
    """Whether the tool reports an error, which ``text`` describes."""


def clean_text(text: str, max_characters: int) -> str:
    """Return the text without control characters other than tabs and line ends, cut to a length."""
    return _CONTROLS.sub("", text[: 2 * max_characters])[:max_characters]


def parse_servers(text: str) -> tuple[ToolServer, ...]:
    """Return the servers that a text describes.

    It is JSON as in the README of an MCP server (``{"mcpServers": {NAME: {"command": ..., "args": [...]}}}``, or one
    entry of it), a command line, or a URL.

    Raises:
        UserError: ``tool_text_invalid`` (log): where JSON is malformed, or which entry has neither a command nor a
            URL; ``tool_transport_unsupported`` (name); ``tool_program_unknown`` (name): a text that is neither JSON, a
            URL nor the command of a program on this computer.
    """
    text = _FENCE.sub("", text.strip("\ufeff \t\r\n")[:MAX_TEXT_CHARACTERS]).strip()
    if _JSON_START.match(text):
        return tuple(_from_json(text))
    if _is_url(text):
        return (_server(_host_name(text), url=text),)
    if not text or "\n" in text:
        raise UserError("tool_text_invalid", log="")
    words = _split(text)
    env = {}
    while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
        env[assignment[1]] = assignment[2]
        del words[0]
    if not words:
        raise UserError("tool_text_invalid", log="")
    if not _is_program(words[0]):
        raise UserError("tool_program_unknown", name=clean_text(words[0], MAX_NAME_CHARACTERS))
    return (_server(_program_name(words), command=tuple(words), env=env),)


def _from_json(text: str) -> Iterator[ToolServer]:
    for name, entry in _entries(_loads(text)):
        if not isinstance(entry, dict):
            raise UserError("tool_text_invalid", log=name)
        if entry.get("type") == "sse":
            raise UserError("tool_transport_unsupported", name=name)
        url = entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl") or ""
        command, args = entry.get("command"), entry.get("args")
        words = [command] if isinstance(command, str) and command else command if isinstance(command, list) else []
        words = [*words, *map(str, args)] if isinstance(args, list) else _split(" ".join(map(str, words)))
        if not words and not (isinstance(url, str) and _is_url(url)):
            raise UserError("tool_text_invalid", log=name)
        yield _server(
            name or (_program_name(words) if words else _host_name(url)),
            command=tuple(map(str, words)),
            env=_texts(entry.get("env")),
            url="" if words else url,
            headers=_texts(entry.get("headers")),
            is_on=entry.get("disabled") is not True,
        )


def _loads(text: str) -> dict[str, Any]:
    """Parse a JSON object, or a part ``"NAME": {...}`` of one."""
    try:
        value = json.loads(text if text.startswith("{") else f"{{{text.rstrip().rstrip(',')}}}")
    except (ValueError, RecursionError) as error:
        raise UserError("tool_text_invalid", log=str(error)) from error
    assert isinstance(value, dict)
    return value


def _entries(document: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return names and entries; the name of a single entry without one is empty."""
    inner: Any = document
    for key in ("mcp", "mcpServers", "servers", "context_servers"):
        inner = inner.get(key, inner) if isinstance(inner, dict) else inner
    if not isinstance(inner, dict) or not inner:
        raise UserError("tool_text_invalid", log="")
    if isinstance(inner.get("command"), str) or any(isinstance(inner.get(key), str) for key in ("url", "httpUrl")):
        name = inner.get("name")
        return [(name if isinstance(name, str) else "", inner)]
    return list(inner.items())


def _texts(value: object) -> dict[str, str]:
    return {key: _text(each) for key, each in value.items()} if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _server(name: str, **parts: Any) -> ToolServer:
    return ToolServer(clean_text(name, MAX_NAME_CHARACTERS).strip() or "server", **parts).renamed()


def _split(line: str) -> list[str]:
    """Split a command line.  Backslashes are kept, as in paths of Windows."""
    splitter = shlex.shlex(line, posix=True, punctuation_chars=False)
    splitter.whitespace_split, splitter.commenters, splitter.escape = True, "", ""
    try:
        return list(splitter)
    except ValueError as error:
        raise UserError("tool_text_invalid", log=str(error)) from error


def _is_program(name: str) -> bool:
    """Return whether a program is here, or one of those that run servers, whose absence has its own message."""
    is_runner = PurePath(name.replace("\\", "/")).stem.lower() in _RUNNERS
    return is_runner or shutil.which(str(Path(name).expanduser())) is not None


def _is_url(text: str) -> bool:
    return " " not in text and split_url(text).scheme.lower() in ("http", "https") and bool(split_url(text).hostname)


def _host_name(url: str) -> str:
    return host_of(url).removeprefix("www.").removeprefix("mcp.").rpartition("@")[2]


def _program_name(words: list[str]) -> str:
    """Return the name of the package, image or script that a command runs, without its version."""
    first = PurePath(words[0].replace("\\", "/")).stem
    others = [word for word in words[1:] if not word.startswith("-") and word not in _RUNNER_WORDS]
    named = others[0] if first.lower() in _RUNNERS and others else first
    base = named.rstrip("/").rpartition("/")[2]
    return re.sub(r"(?<=.)[@:=].*|\.(py|js|mjs|ts)$", "", base) or first
