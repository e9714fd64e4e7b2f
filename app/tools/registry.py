"""The list of tool servers: those that are built in, and MCP servers with their connections."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from app.config.secrets import Secrets
from app.tools.server import BUILT_IN, Tool, ToolResult, ToolServer
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.json_file import JsonError, JsonFile, from_json, to_json
from model_manager.errors import Cancelled, UserError

if TYPE_CHECKING:
    import asyncio

    from app.tools.connection import Connection

CONNECT_S = 90.0
"""Limit of a start, in seconds; the first start of a server often downloads it."""
CALL_S = 60.0
"""Default limit of a call, in seconds."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class ServerStatus:
    """State of the connection to a server."""

    state: Literal["not_connected", "connecting", "connected", "failed"] = "not_connected"
    tools: tuple[Tool, ...] = ()
    left_out: int = 0
    """Tools that are not used: too many, too large, or without a valid name."""
    problem: UserError | None = None
    """Why it failed."""


class BuiltInTools(Protocol):
    """Tools that are a part of the program."""

    name: str

    @property
    def is_ready(self) -> bool:
        """Whether the user has set them up."""
        ...

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools."""
        ...

    @property
    def unasked(self) -> frozenset[str]:
        """Names of those that a setting lets be called without asking the user."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any], token: CancelToken) -> ToolResult:
        """Call a tool.  Raises UserError, Cancelled."""
        ...


class ToolServers:
    """The list of tool servers and the connections to them, which are kept between calls.  Thread-safe.

    Of built-in tools the file has only which may be called without asking the user; they are neither added nor removed.
    Nothing is started before ``connect`` or ``call``.  Both block, so they must not run on the window's thread.
    """

    def __init__(
        self,
        path: Path,
        secrets: Secrets,
        proxy: Callable[[], str | None] = lambda: None,
        *,
        built_in: Iterable[BuiltInTools] = (),
        connect_s: float = CONNECT_S,
    ) -> None:
        """``path`` is the file of the list; ``proxy`` returns the current proxy as in ``Access``."""
        self._built_in = {each.name: each for each in built_in}
        self._file = JsonFile(path, tuple[ToolServer, ...], (), private=True)
        self._secrets = secrets
        self._proxy = proxy
        self._connect_s = connect_s
        self._lock = threading.Lock()
        self._servers = self._read()
        self._connections: dict[str, Connection] = {}
        """Changed in the thread of the loop only."""
        self._waiting: set[concurrent.futures.Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def problem(self) -> UserError | None:
        """Why the file could not be read, if so."""
        return self._file.problem

    def list(self) -> tuple[ToolServer, ...]:
        """Return all servers, those built in first, then in the order in which they were added.

        Those with secrets have only the names of them.
        """
        stored = {each.name: each for each in self._servers if each.is_built_in}
        built_in = (
            replace(stored.get(name, ToolServer(name)), is_on=each.is_ready) for name, each in self._built_in.items()
        )
        return (*built_in, *(each for each in self._servers if not each.is_built_in))

    def get(self, name: str) -> ToolServer:
        """Return one server.

        Raises:
            UserError: ``tool_server_unknown`` (name).
        """
        return _get(self.list(), name)

    def add(self, *servers: ToolServer) -> None:
        """Add servers.  Their environment variables and headers go to the keyring where there is one.

        Raises:
            UserError: ``tool_server_exists`` (name), or as ``JsonFile.write`` does: nothing is added.
        """
        self._raise_if_taken(self.list(), servers)
        stored = [self._without_secrets(each) for each in servers]

        def change(before: tuple[ToolServer, ...]) -> tuple[ToolServer, ...]:
            self._raise_if_taken(before, servers)
            return (*before, *stored)

        self._change(change)

    def remove(self, name: str) -> ToolServer:
        """Disconnect and remove a server; return it with its secrets, for ``add``.

        Raises:
            UserError: ``tool_server_unknown`` or ``tool_server_built_in`` (name), ``secret_stays``, or as
                ``JsonFile.write`` does.
        """
        server = self._with_secrets(self.get(name))
        if server.is_built_in:
            raise UserError("tool_server_built_in", name=name)
        self._change(lambda servers: tuple(each for each in servers if each.name != name))
        self.disconnect(name)
        if server.env or server.headers:
            self._secrets.delete(_secret_name(name))
        return server

    def switch(self, name: str, is_on: bool) -> None:
        """Switch a server on or off; it is disconnected when off.

        Raises:
            UserError: ``tool_server_unknown`` (name), or as ``JsonFile.write`` does.
        """
        self._change_one(name, is_on=is_on)
        if not self.get(name).is_on:
            self.disconnect(name)

    def is_allowed(self, tool: Tool) -> bool:
        """Whether a tool is called without asking the user.  Raises as ``get``."""
        built_in = self._built_in.get(tool.server)
        unasked = built_in.unasked if built_in is not None else ()
        return tool.name in unasked or tool.name in self.get(tool.server).allowed

    def allow(self, tool: Tool) -> None:
        """Let a tool be called without asking the user.  Raises as ``switch``."""
        self._change_one(tool.server, allowed=(*self.get(tool.server).allowed, tool.name))

    def ask_again(self, name: str) -> None:
        """Let no tool of a server be called without asking the user.  Raises as ``switch``."""
        self._change_one(name, allowed=())

    def status(self, name: str) -> ServerStatus:
        """Return the state of the connection to a server.  Doesn't block."""
        if (built_in := self._built_in.get(name)) is not None:
            return ServerStatus("connected", built_in.tools)
        connection = self._connections.get(name)
        if connection is None:
            return ServerStatus()
        if connection.is_open:
            return ServerStatus("connected", connection.tools, connection.left_out)
        if connection.problem is not None:
            return ServerStatus("failed", problem=connection.problem)
        return ServerStatus() if connection.has_ended else ServerStatus("connecting")

    def connect(self, name: str, token: CancelToken = NEVER_CANCELLED) -> tuple[Tool, ...]:
        """Return the tools of a server; start it or connect to it first where it isn't connected.

        Raises:
            UserError: ``tool_server_unknown`` (name), or as ``Connection.open``.
            Cancelled: also after ``close``.
        """
        if (built_in := self._built_in.get(name)) is not None:
            return built_in.tools
        return self._open(name, token).tools

    def call(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        token: CancelToken = NEVER_CANCELLED,
        timeout_s: float = CALL_S,
    ) -> ToolResult:
        """Call a tool; connect first where its server isn't connected.

        Raises:
            UserError: as ``connect`` and ``Connection.call`` or ``BuiltInTools.call``; ``tool_server_off`` (name).
            Cancelled: also after ``close``.
        """
        if not self.get(tool.server).is_on:
            raise UserError("tool_server_off", name=tool.server)
        if (built_in := self._built_in.get(tool.server)) is not None:
            return built_in.call(tool.name, arguments, token)
        connection = self._open(tool.server, token)
        try:
            return self._wait(connection.call(tool.name, arguments, timeout_s), token)
        except UserError:
            if not connection.is_expired:
                raise
        # The server didn't run the tool.
        return self._wait(self._open(tool.server, token).call(tool.name, arguments, timeout_s), token)

    def disconnect(self, name: str) -> None:
        """End the connection to a server, if there is one.  Blocks up to two seconds."""
        if name in self._connections:
            self._wait(self._close_connections([name]), NEVER_CANCELLED)

    def close(self) -> None:
        """End all connections and their processes, within two seconds."""
        with self._lock:
            self._is_closed = True
            loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        import asyncio

        for each in [*self._waiting]:
            each.cancel()
        asyncio.run_coroutine_threadsafe(self._close_connections(self._connections), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    # Connections

    def _open(self, name: str, token: CancelToken) -> Connection:
        # Here, because it would block the loop for a second.
        import app.tools.connection  # noqa: F401

        token.raise_if_cancelled()
        server, connection = self.get(name), self._connections.get(name)
        if connection is None or connection.has_ended:
            # The keyring can wait for the user to unlock it.
            server = self._with_secrets(server)
        return self._wait(self._connected(server), token)

    async def _connected(self, server: ToolServer) -> Connection:
        import asyncio

        from app.tools.connection import Connection

        connection = self._connections.get(server.name)
        is_new = connection is None or connection.has_ended
        if connection is None or is_new:
            await self._close_connections([server.name])
            connection = self._connections[server.name] = Connection(server, self._proxy(), self._connect_s)
        try:
            await connection.open()
        except asyncio.CancelledError:
            if is_new and self._connections.get(server.name) is connection:
                await self._close_connections([server.name])
            raise
        return connection

    async def _close_connections(self, names: Iterable[str]) -> None:
        import asyncio

        connections = [self._connections.pop(name) for name in [*names] if name in self._connections]
        await asyncio.gather(*(each.close() for each in connections))

    def _wait(self, work: Coroutine[Any, Any, _T], token: CancelToken) -> _T:
        """Run a coroutine in the loop and wait for its end."""
        import asyncio

        with self._lock:
            if self._is_closed:
                work.close()
                raise Cancelled
            future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
            self._waiting.add(future)

        def cancel() -> None:
            future.cancel()

        try:
            with token.on_cancel(cancel):
                return future.result()
        except concurrent.futures.CancelledError as error:
            raise Cancelled from error
        finally:
            self._waiting.discard(future)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which starts with the first use.  Only while ``_lock`` is held."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="tools", daemon=True)
            self._thread.start()
        return self._loop

    # The file and the keyring

    def _read(self) -> tuple[ToolServer, ...]:
        # One without a command or an address is nothing but a wrong entry, unless it has the name of built-in tools.
        return tuple(each.renamed() for each in self._file.read() if not each.is_built_in or each.name in BUILT_IN)

    def _change(self, change: Callable[[tuple[ToolServer, ...]], tuple[ToolServer, ...]]) -> None:
        """Change the list as it is in the file: another process may have changed it."""
        with self._lock:
            before = self._read()
            after = change(before)
            if after != before:
                self._file.write(after)
            self._servers = after

    def _change_one(self, name: str, **values: Any) -> None:
        def change(servers: tuple[ToolServer, ...]) -> tuple[ToolServer, ...]:
            if name in self._built_in and all(each.name != name for each in servers):
                servers = (*servers, ToolServer(name))
            return tuple(replace(each, **values) if each.name == name else each for each in servers)

        self._change(change)

    @staticmethod
    def _raise_if_taken(servers: Iterable[ToolServer], new: Iterable[ToolServer]) -> None:
        names = {each.name for each in servers}
        for each in new:
            if each.name in names:
                raise UserError("tool_server_exists", name=each.name)
            names.add(each.name)

    def _without_secrets(self, server: ToolServer) -> ToolServer:
        """Move the secrets of a server to the keyring; without one they stay in the private file."""
        if not (server.env or server.headers):
            return server
        name = _secret_name(server.name)
        self._secrets.set(name, to_json({"env": server.env, "headers": server.headers}).decode())
        if self._secrets.is_session_only:
            return server
        return replace(server, env=dict.fromkeys(server.env, ""), headers=dict.fromkeys(server.headers, ""))

    def _with_secrets(self, server: ToolServer) -> ToolServer:
        if not any(text == "" for text in (*server.env.values(), *server.headers.values())):
            return server
        try:
            secrets = from_json(self._secrets.get(_secret_name(server.name)) or "{}", dict[str, dict[str, str]])
        except JsonError:
            secrets = {}
        env, headers = secrets.get("env", {}), secrets.get("headers", {})
        return replace(
            server,
            env={name: text or env.get(name, "") for name, text in server.env.items()},
            headers={name: text or headers.get(name, "") for name, text in server.headers.items()},
        )


def _get(servers: Iterable[ToolServer], name: str) -> ToolServer:
    for server in servers:
        if server.name == name:
            return server
    raise UserError("tool_server_unknown", name=name)


def _secret_name(name: str) -> str:
    before = name.removesuffix(" MCP")
    # Its name in versions without built-in tools.
    return f"tools:{before if before in BUILT_IN else name}"
