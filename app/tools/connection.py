"""Connection to one MCP server: its process or HTTP session, the list of its tools, and calls.

Everything runs in the thread of one asyncio loop.  The package ``mcp`` takes a second to import, so this module is
imported with the first connection.  Servers are not trusted: what they send is bounded in time, number and size.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import psutil
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from app import __version__
from app.tools.server import Tool, ToolResult, ToolServer, clean_text
from app.units import grouped, size_text
from model_manager.errors import UserError
from model_manager.hub.access import host_of

STOP_S = 1.0
"""Time that a server gets to end before it is killed."""
MAX_MESSAGE_BYTES = 16 << 20
MAX_TOOLS = 256
MAX_PAGES = 100
MAX_TOOL_NAME_CHARACTERS = 128
MAX_DESCRIPTION_CHARACTERS = 4000
MAX_SCHEMA_CHARACTERS = 50_000
MAX_RESULT_CHARACTERS = 100_000
MAX_DETAIL_CHARACTERS = 300
_STDERR_BYTES = 4096
_DRAINED_BYTES = 1 << 16
_HTTP_TIMEOUT_S = 30.0

_TOOL_NAME = re.compile(r"[^\s\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_INHERITED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|XDG_\w+|DISPLAY|WAYLAND_DISPLAY|DOCKER_HOST|"
    r"(HTTPS?|ALL|NO)_PROXY|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|"
    r"APPDATA|LOCALAPPDATA|PROGRAM\w+(\(X86\))?|COMSPEC|PATHEXT|SYSTEM(ROOT|DRIVE)|WINDIR|USER(NAME|PROFILE)|HOME(DRIVE|PATH)",
    re.IGNORECASE,
)
"""Environment variables that a server's program gets.  Others may be secrets of other programs."""
_MORE_FOLDERS = ("~/.local/bin", "~/.cargo/bin", "~/.bun/bin", "/usr/local/bin", "/opt/homebrew/bin")
"""Folders of programs that are not in PATH where the desktop starts a program."""

_Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]

# The messages of the library contain what servers and conversations contain.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
_log = logging.getLogger(__name__)


class Connection:
    """A session with a server.  All methods belong to the thread of the loop."""

    def __init__(self, server: ToolServer, proxy: str | None, connect_s: float) -> None:
        """``server`` has all its secrets; ``proxy`` as in ``Access``; ``connect_s`` limits a start, in seconds."""
        self.server = server
        self.tools: tuple[Tool, ...] = ()
        self.left_out = 0
        """Number of tools that the server lists and that are not used: too many, too large, or without a valid name."""
        self.is_outdated = False
        """Whether the server announced other tools."""
        self.problem: UserError | None = None
        """Why it ended, or why the last request failed."""
        self.is_expired = False
        """Whether the server forgot the session, as after a restart."""
        self._proxy = proxy
        self._connect_s = connect_s
        self._client: Client | None = None
        self._status = 0
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._task = asyncio.create_task(self._run())

    @property
    def is_open(self) -> bool:
        """Whether calls are possible."""
        return self._ready.is_set() and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Whether it ended, or is about to."""
        return self._task.done() or self._stop.is_set()

    async def open(self) -> tuple[Tool, ...]:
        """Wait for the connection and return the tools.

        Raises:
            UserError: ``tool_command_missing`` (server, command), ``tool_server_ended`` (server, log),
                ``tool_server_silent`` (server, seconds), ``tool_server_refused`` (server, status),
                ``tool_server_unreachable`` (server, host, detail), ``tool_server_flooding`` (server, limit_bytes),
                ``not_a_tool_server`` (server, detail).
        """
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._task.done():
            raise self._ended()
        if self.is_outdated and self._client is not None:
            self.is_outdated = False
            await self._within(self._list(self._client), self._connect_s)
        return self.tools

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolResult:
        """Call a tool.

        Raises:
            UserError: as ``open``; ``tool_silent`` (tool, server, seconds), ``tool_failed`` (tool, server, detail).
        """
        assert self._client is not None
        # Models also write lone surrogates, which have no UTF-8.
        valid = json.loads(json.dumps(dict(arguments), ensure_ascii=False).encode(errors="replace"))
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=valid))
        try:
            result = await self._within(
                # Not ``call_tool``, which evaluates a schema of the server that can take any time.
                self._client.session.send_request(request, types.CallToolResult),
                timeout_s,
            )
        except TimeoutError:
            raise UserError("tool_silent", tool=name, server=self.server.name, seconds=round(timeout_s)) from None
        except MCPError as error:
            if self._status in (401, 403):
                raise self._ended() from error
            if self._status == 404:
                self.is_expired = True
                self._stop.set()
                raise self._ended() from error
            return ToolResult(clean_text(error.message, MAX_RESULT_CHARACTERS), is_error=True)
        except ValidationError as error:
            detail = f"{error.error_count()} invalid values"
            raise UserError("tool_failed", tool=name, server=self.server.name, detail=detail) from error
        return ToolResult(_result_text(result), result.is_error)

    async def close(self) -> None:
        """End the session and the process, within ``2 * STOP_S``."""
        self._stop.set()
        if not self._ready.is_set():
            self._scope.cancel()
        _, pending = await asyncio.wait({self._task}, timeout=STOP_S)
        if pending:
            self._scope.cancel()
            await asyncio.wait({self._task}, timeout=STOP_S)

    async def _within(self, work: Any, limit_s: float) -> Any:
        """Await ``work``; raises TimeoutError, and as ``open`` where the connection ends meanwhile."""
        answer = asyncio.ensure_future(work)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait({answer, self._task}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not (self._task.done() or self._is_ending(answer)):
                return answer.result()
            if answer.done() or self._task.done():
                # The answer failed since the connection is ending, for a reason that is known at its end.
                await asyncio.wait({self._task}, timeout=2 * STOP_S)
                raise self._ended()
            raise TimeoutError
        finally:
            answer.cancel()

    @staticmethod
    def _is_ending(answer: asyncio.Future[Any]) -> bool:
        error = answer.exception()
        if isinstance(error, MCPError):
            return error.code == types.CONNECTION_CLOSED
        return isinstance(error, anyio.ClosedResourceError | anyio.BrokenResourceError | httpx2.TransportError)

    async def _run(self) -> None:
        """Connect, list the tools, and keep the session until ``close`` or the end of the server."""
        transport = self._http() if self.server.url else self._program()
        info = types.Implementation(name="APUS Chat", version=__version__)
        try:
            with self._scope, anyio.fail_after(self._connect_s) as limit:
                async with Client(transport, cache=None, client_info=info, message_handler=self._notice) as client:
                    self._client = client
                    await self._list(client)
                    limit.deadline = math.inf
                    self._ready.set()
                    await self._stop.wait()
        except Exception as error:  # of any type: those of the library, of the system, and groups of them
            self.problem = self.problem or self._problem(list(_leaves(error)))
            _log.info("tool server: %s", self.problem.code)

    async def _notice(self, message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.is_outdated = True

    async def _list(self, client: Client) -> None:
        tools: dict[str, Tool] = {}
        count, cursor = 0, None
        for _ in range(MAX_PAGES):
            page = await client.session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            for each in page.tools:
                count += 1
                tool = self._tool(each)
                if tool is not None and len(tools) < MAX_TOOLS:
                    tools.setdefault(tool.name, tool)
            cursor = page.next_cursor
            if not cursor:
                break
        self.tools, self.left_out = tuple(tools.values()), count - len(tools)

    def _tool(self, listed: types.Tool) -> Tool | None:
        name = listed.name
        if len(name) > MAX_TOOL_NAME_CHARACTERS or not _TOOL_NAME.fullmatch(name):
            return None
        if len(json.dumps(listed.input_schema)) > MAX_SCHEMA_CHARACTERS:
            return None
        description = clean_text(listed.description or listed.title or "", MAX_DESCRIPTION_CHARACTERS).strip()
        return Tool(self.server.name, name, description, listed.input_schema)

    # Errors

    def _ended(self) -> UserError:
        return self.problem or UserError("tool_server_ended", server=self.server.name, log="")

    def _problem(self, errors: list[BaseException]) -> UserError:
        server = self.server.name
        for error in errors:
            if isinstance(error, TimeoutError):
                return UserError("tool_server_silent", server=server, seconds=round(self._connect_s))
            if isinstance(error, httpx2.TransportError):
                detail = clean_text(str(error) or type(error).__name__, MAX_DETAIL_CHARACTERS)
                return UserError("tool_server_unreachable", server=server, host=host_of(self.server.url), detail=detail)
            if isinstance(error, UserError):
                return error
        texts = [error.message for error in errors if isinstance(error, MCPError)]
        detail = f"HTTP {self._status}" if self._status >= 400 else (texts or [str(errors[0])])[0]
        return UserError("not_a_tool_server", server=server, detail=clean_text(detail, MAX_DETAIL_CHARACTERS))

    def _flooding(self) -> UserError:
        return UserError("tool_server_flooding", server=self.server.name, limit_bytes=MAX_MESSAGE_BYTES)

    # Streamable HTTP

    @contextlib.asynccontextmanager
    async def _http(self) -> AsyncIterator[Any]:
        async with (
            httpx2.AsyncClient(
                headers=dict(self.server.headers),
                proxy=self._proxy or None,
                trust_env=self._proxy is None,
                # A tool may work as long as the caller waits.
                timeout=httpx2.Timeout(_HTTP_TIMEOUT_S, read=None),
                event_hooks={"response": [self._check]},
            ) as client,
            streamable_http_client(
                self.server.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES
            ) as streams,
        ):
            yield streams

    async def _check(self, response: httpx2.Response) -> None:
        if response.request.method == "POST":
            self._status = response.status_code
        if self._status in (401, 403):
            self.problem = UserError("tool_server_refused", server=self.server.name, status=self._status)
        if response.headers.get("Content-Type", "").lower().startswith("application/json"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _LimitedStream(response.stream, self)

    # A program

    @contextlib.asynccontextmanager
    async def _program(self) -> AsyncIterator[_Streams]:
        process = await self._start()
        to_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception]()
        outgoing, from_session = anyio.create_memory_object_stream[SessionMessage]()
        errors = bytearray()
        async with to_session, incoming, outgoing, from_session, anyio.create_task_group() as tasks:
            tasks.start_soon(self._read_errors, process, errors)
            tasks.start_soon(self._read, process, to_session, errors)
            tasks.start_soon(_write, process, from_session)
            try:
                yield incoming, outgoing
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(process)
                tasks.cancel_scope.cancel()

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {name: text for name, text in os.environ.items() if _INHERITED.fullmatch(name)}
        folders = [environment.get("PATH", os.defpath), *map(os.path.expanduser, _MORE_FOLDERS)]
        environment |= {"PATH": os.pathsep.join(folders), **self.server.env}
        command, *arguments = self.server.command
        program = shutil.which(os.path.expanduser(command), path=environment["PATH"])  # noqa: PTH111
        if program is None:
            raise UserError("tool_command_missing", server=self.server.name, command=command)
        try:
            return await asyncio.create_subprocess_exec(
                program,
                *arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                limit=MAX_MESSAGE_BYTES,
                env=environment,
                cwd=Path.home(),
                # In a separate process group, which is ended as a whole and which Ctrl+C in a terminal doesn't reach.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except (OSError, ValueError) as error:
            detail = getattr(error, "strerror", None) or str(error)
            raise UserError("tool_server_ended", server=self.server.name, log=detail) from error

    async def _read(
        self,
        process: asyncio.subprocess.Process,
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
        errors: bytearray,
    ) -> None:
        assert process.stdout is not None
        async with to_session:
            with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                try:
                    while line := await process.stdout.readline():
                        # Many servers also print other lines.
                        with contextlib.suppress(ValueError):
                            message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                            await to_session.send(SessionMessage(message))
                except ValueError:
                    self.problem = self._flooding()
            if not self.has_ended and self.problem is None:
                # The system notices the end of a process a little later than the end of its output.
                with anyio.move_on_after(STOP_S):
                    await process.wait()
                log = clean_text(errors.decode(errors="replace"), _STDERR_BYTES)
                self.problem = UserError("tool_server_ended", server=self.server.name, log=log)
        if self._ready.is_set():
            self._stop.set()
        # A process with a full pipe wouldn't end, nor would its end be noticed.
        while await process.stdout.read(_DRAINED_BYTES):
            pass

    @staticmethod
    async def _read_errors(process: asyncio.subprocess.Process, errors: bytearray) -> None:
        assert process.stderr is not None
        while data := await process.stderr.read(_STDERR_BYTES):
            errors += data
            del errors[:-_STDERR_BYTES]


class _LimitedStream(httpx2.AsyncByteStream):
    """Body of an answer that ends the connection once it is too large."""

    def __init__(self, stream: httpx2.AsyncByteStream, connection: Connection) -> None:
        self._stream = stream
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for data in self._stream:
            total += len(data)
            if total > MAX_MESSAGE_BYTES:
                self._connection.problem = self._connection._flooding()
                raise httpx2.ReadError("too large")
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _write(process: asyncio.subprocess.Process, from_session: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    # The reader notices a process that has ended.
    with contextlib.suppress(OSError, anyio.ClosedResourceError):
        async for each in from_session:
            process.stdin.write(each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await process.stdin.drain()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the input of a process, and end it with all processes that it started after ``STOP_S``."""
    assert process.stdin is not None
    others = [] if hasattr(os, "killpg") else _descendants(process.pid)
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_S)
    with contextlib.suppress(OSError):
        # Also processes whose parent has ended.
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    for each in others:
        with contextlib.suppress(psutil.Error):
            each.kill()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_S)


def _descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _leaves(error: BaseException) -> Iterable[BaseException]:
    """Yield the exceptions of nested groups."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _result_text(result: types.CallToolResult) -> str:
    text = "\n".join(map(_block_text, result.content))
    if not result.content and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    cut = clean_text(text, MAX_RESULT_CHARACTERS)
    if len(text) > MAX_RESULT_CHARACTERS:
        cut += f"\n[cut: {grouped(MAX_RESULT_CHARACTERS)} of {grouped(len(text))} characters]"
    return cut


def _block_text(block: types.ContentBlock) -> str:
    """Return the text of a part of a result, or a note of what it is."""
    match block:
        case types.TextContent():
            return block.text
        case types.ImageContent() | types.AudioContent():
            return f"[{block.type}: {block.mime_type}, {_size(block.data)}]"
        case types.ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case types.EmbeddedResource(resource=types.BlobResourceContents() as blob):
            return f"[{blob.uri}: {blob.mime_type or 'data'}, {_size(blob.blob)}]"
        case _:
            return f"[{block.type}]"


def _size(base64_text: str) -> str:
    return size_text(len(base64_text) * 3 // 4)
