"""The way of an answer's pieces from the worker's thread to the loop of the server."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from app.backend import PromptProgress, TextDelta
from app.local_server.request_queue import Outcome

GATHER_S = 0.04
"""For which pieces after the first one are gathered: a program that wakes up for each token slows down an engine that
uses all cores."""


class Outcomes:
    """Outcomes of one request.  ``put`` is for any thread, ``get`` for the loop in which this was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._new: deque[Outcome] = deque()
        self._wake = asyncio.Event()
        self._is_gathering = False

    def put(self, outcome: Outcome) -> None:
        """Add an outcome."""
        self._new.append(outcome)
        if not (self._is_gathering and isinstance(outcome, TextDelta | PromptProgress)):
            # The loop is closed when the server was stopped.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake.set)

    async def get(self) -> list[Outcome]:
        """Wait for outcomes and return all new ones."""
        if self._is_gathering:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._wake.wait()
            self._is_gathering = False
        # Cleared before the look at what is there, so that one which comes in between is not slept through.
        self._wake.clear()
        while not self._new:
            await self._wake.wait()
            self._wake.clear()
        outcomes = [self._new.popleft() for _ in range(len(self._new))]
        self._is_gathering = any(isinstance(each, TextDelta) for each in outcomes)
        return outcomes
