"""Which of several endpoints gives a file fastest: all are tried at once, for a few seconds and a few megabytes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import MIRROR, OFFICIAL, Access, host_of
from model_manager.hub.catalogue import APUS
from model_manager.hub.http import Web, file_url
from model_manager.hub.http_errors import TransientError, is_web_page
from model_manager.published import PublishedModel

KNOWN_ENDPOINTS = (OFFICIAL, MIRROR)
SAMPLE_BYTES = 16 << 20
SECONDS = 4.0

_TICK_S = 0.05
_GRACE_S = 0.5


@dataclass(frozen=True)
class MirrorSpeed:
    """What an endpoint did: ``latency_s`` until its first byte was due, then so many bytes a second.

    ``bytes_per_second`` is None where ``problem`` says why nothing came.
    """

    endpoint: str
    bytes_per_second: float | None = None
    latency_s: float | None = None
    problem: UserError | None = None


def measure(
    endpoints: Sequence[str],
    access: Access,
    published: PublishedModel | None = None,
    *,
    seconds: float = SECONDS,
    cancelled: Callable[[], bool] = lambda: False,
    on_result: Callable[[MirrorSpeed], None] = lambda _: None,
) -> tuple[MirrorSpeed, ...]:
    """Read the beginning of a file from every endpoint, at most ``seconds`` long; the fastest first, failures last.

    The file is the largest of ``published``, or one of the home model's.  ``on_result`` is called in this thread as the
    results come in.  Raises ``Cancelled`` at most 0.1 s after ``cancelled()`` became true.
    """
    attempts = [_Attempt(endpoint, access, published, seconds) for endpoint in dict.fromkeys(endpoints)]
    results: queue.SimpleQueue[MirrorSpeed] = queue.SimpleQueue()
    for attempt in attempts:
        # Daemons: a name that is being looked up cannot be hurried, and shall hold nobody.
        threading.Thread(target=lambda a=attempt: results.put(a.run()), name="mirror", daemon=True).start()
    speeds: dict[str, MirrorSpeed] = {}
    ends = time.monotonic() + seconds
    try:
        while len(speeds) < len(attempts) and time.monotonic() < ends + _GRACE_S:
            if cancelled():
                raise Cancelled
            if time.monotonic() >= ends:
                for attempt in attempts:
                    attempt.end()
            try:
                speed = results.get(timeout=_TICK_S)
            except queue.Empty:
                continue
            speeds[speed.endpoint] = speed
            on_result(speed)
    finally:
        for attempt in attempts:
            attempt.end()
    for attempt in attempts:
        if attempt.endpoint not in speeds:
            speeds[attempt.endpoint] = attempt.silent()
            on_result(speeds[attempt.endpoint])
    return tuple(sorted(speeds.values(), key=lambda speed: -(speed.bytes_per_second or 0.0)))


class _Attempt:
    """One endpoint, read in one thread and ended from another."""

    def __init__(self, endpoint: str, access: Access, published: PublishedModel | None, seconds: float) -> None:
        self.endpoint = endpoint
        self._access = replace(access, endpoint=endpoint)
        self._seconds = seconds
        self._web: Web | None = None
        self._ended = threading.Event()
        if published is not None:
            largest = max(published.files, key=lambda file: file.bytes)
            self._length = min(SAMPLE_BYTES, largest.bytes)
            self._url = file_url(endpoint, published.repository, published.commit, largest.name)
        else:
            self._length = SAMPLE_BYTES
            self._url = file_url(endpoint, APUS[0].repository, "main", APUS[0].file_name)

    def run(self) -> MirrorSpeed:
        try:
            # ``measure`` ends it in time: the web's own limits come later, so that silence is always told in one way.
            limit_s = 2 * self._seconds
            self._web = Web(self._access, connect_timeout_s=limit_s, read_timeout_s=limit_s)
        except UserError as error:
            return MirrorSpeed(self.endpoint, problem=error)
        try:
            return self._read(self._web)
        except Cancelled:
            return self.silent()
        except UserError as error:
            return MirrorSpeed(self.endpoint, problem=error)
        finally:
            self._web.close()

    def end(self) -> None:
        """Whoever still reads gives what was measured so far."""
        self._ended.set()
        if self._web is not None:
            self._web.abort()

    def silent(self) -> MirrorSpeed:
        problem = TransientError("web_silent", host=host_of(self.endpoint), seconds=self._seconds)
        return MirrorSpeed(self.endpoint, problem=problem)

    def _read(self, web: Web) -> MirrorSpeed:
        if self._ended.is_set():
            raise Cancelled
        asked = time.monotonic()
        with web.open(self._url, 0, self._length) as reply:
            if reply.status not in (200, 206) or is_web_page(reply.headers):
                reply.check_range(0, self._length)
            begun = time.monotonic()
            count = 0
            try:
                for chunk in reply.chunks():
                    count += len(chunk)
                    if count >= self._length or self._ended.is_set():
                        break
            except (Cancelled, TransientError):
                # Some of it came before the time was over or the line broke, and that is what can be hoped for.
                if not count:
                    raise
            spent = time.monotonic() - begun
        if not count:
            return self.silent()
        return MirrorSpeed(self.endpoint, count / max(spent, 1e-6), begun - asked)
