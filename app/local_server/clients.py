"""Programs that use the local server: who they are and how often they asked, in memory only."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

MAX_CLIENTS = 50
MAX_NAME = 60


@dataclass(frozen=True)
class Client:
    """A program.  ``last_at`` is the time of its last request on the monotonic clock."""

    address: str
    program: str
    """Name and version, as it calls itself."""
    requests: int
    last_at: float


class Clients:
    """The programs, the most recent first.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Client] = {}
        self.requests = 0
        """Of all programs."""

    def note(self, address: str, user_agent: str) -> None:
        """Note a request."""
        program = "".join(each for each in user_agent if each.isprintable())[:MAX_NAME]
        with self._lock:
            before = self._clients.pop((address, program), None)
            requests = before.requests + 1 if before else 1
            self._clients[address, program] = Client(address, program, requests, time.monotonic())
            self.requests += 1
            while len(self._clients) > MAX_CLIENTS:
                del self._clients[next(iter(self._clients))]

    def list(self) -> tuple[Client, ...]:
        """Return the programs."""
        with self._lock:
            return tuple(reversed(self._clients.values()))
