"""The tools of some servers as they are offered to a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from app.messages import sentence
from app.tool_calls import ToolCall, ToolDefinition
from app.tools.registry import ToolServers
from app.tools.server import Tool
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

MAX_NAME = 64
"""Letters of a name in OpenAI's API."""


class OfferedTools:
    """Connects servers, gives their tools names, and runs calls.  For one answer, in its thread."""

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers
        self._tools: dict[str, Tool] = {}

    def offer(self, servers: Sequence[str], token: CancelToken) -> tuple[ToolDefinition, ...]:
        """Connect the servers and return their tools.  Those that are switched off or gone are left out.

        Raises:
            UserError: as ``ToolServers.connect``.
            Cancelled: ``token`` was cancelled.
        """
        usable = [each.name for each in self._servers.list() if each.is_on and each.name in servers]
        found = [tool for name in usable for tool in self._servers.connect(name, token)]
        counts = Counter(tool.name for tool in found)
        for tool in found:
            name = tool.name if counts[tool.name] == 1 else f"{tool.server}_{tool.name}"
            self._tools[re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:MAX_NAME]] = tool
        return tuple(ToolDefinition(name, each.description, dict(each.schema)) for name, each in self._tools.items())

    def is_allowed(self, name: str) -> bool:
        """Return whether the user has allowed all calls of a tool."""
        return self._servers.is_allowed(self._tools[name])

    def allow(self, name: str) -> None:
        """Allow all calls of a tool from now on.  Raises as ``ToolServers.allow``."""
        self._servers.allow(self._tools[name])

    def run(self, call: ToolCall, token: CancelToken) -> ToolCall:
        """Return a call with its result, or with the error that the model gets.  Raises Cancelled."""
        try:
            result = self._servers.call(self._tools[call.name], call.arguments, token)
        except UserError as error:
            return replace(call, result=sentence(error), has_failed=True)
        return replace(call, result=result.text, has_failed=result.is_error)
