"""Speed test of hub endpoints: all at once, limited in time and bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.catalogue import APUS
from model_manager.hub.http import HttpClient, TransientError, file_url, is_web_page
from model_manager.published import PublishedModel

SAMPLE_BYTES = 16 << 20
TEST_S = 4.0

_TICK_S = 0.05
_GRACE_S = 0.5


@dataclass(frozen=True)
class MirrorSpeed:
    """Result for one endpoint; ``bytes_per_second`` is None where nothing was received because of ``problem``."""

    endpoint: str
    bytes_per_second: float | None = None
    problem: UserError | None = None


def measure_mirrors(
    endpoints: Sequence[str],
    access: Access,
    published: PublishedModel | None = None,
    *,
    seconds: float = TEST_S,
    token: CancelToken = NEVER_CANCELLED,
) -> tuple[MirrorSpeed, ...]:
    """Read the beginning of a file from every endpoint for at most ``seconds``; return the fastest first.

    The file is the largest of ``published``, or one of the home model's.  Raises ``Cancelled`` within 0.1 s after
    ``token`` is cancelled.
    """
    repository, revision, name, size = APUS[0].repository, "main", APUS[0].file_name, SAMPLE_BYTES
    if published is not None:
        largest = max(published.files, key=lambda file: file.bytes)
        repository, revision, name = published.repository, published.commit, largest.name
        size = min(SAMPLE_BYTES, largest.bytes)
    time_up = CancelToken()
    measured: dict[str, MirrorSpeed] = {}

    def run(endpoint: str) -> None:
        url = file_url(endpoint, repository, revision, name)
        measured[endpoint] = _measure(url, size, replace(access, endpoint=endpoint), seconds, time_up)

    # Daemons: a name lookup can't be interrupted.
    threads = [
        threading.Thread(target=run, args=(each,), name="mirror", daemon=True) for each in dict.fromkeys(endpoints)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    try:
        while any(thread.is_alive() for thread in threads) and time.monotonic() < end + _GRACE_S:
            if token.wait(_TICK_S) or time.monotonic() >= end:
                time_up.cancel()
                token.raise_if_cancelled()
    finally:
        time_up.cancel()
    speeds = [measured.get(each) or _silent(each, seconds) for each in dict.fromkeys(endpoints)]
    return tuple(sorted(speeds, key=lambda speed: -(speed.bytes_per_second or 0.0)))


def _silent(endpoint: str, seconds: float) -> MirrorSpeed:
    problem = TransientError("web_silent", host=host_of(endpoint), seconds=seconds)
    return MirrorSpeed(endpoint, problem=problem)


def _measure(url: str, length: int, access: Access, seconds: float, time_up: CancelToken) -> MirrorSpeed:
    count = 0
    started = time.monotonic()
    try:
        # ``time_up`` ends the request before these timeouts, so that silence is reported in one way.
        with (
            HttpClient(access, connect_timeout_s=2 * seconds, read_timeout_s=2 * seconds) as client,
            time_up.on_cancel(client.abort),
            client.get_range(url, 0, length) as response,
        ):
            if response.status not in (200, 206) or is_web_page(response.headers):
                response.check_range(0, length)
            started = time.monotonic()
            for chunk in response.chunks():
                count += len(chunk)
                if count >= length or time_up.is_cancelled:
                    break
    except UserError as error:
        if not count or not isinstance(error, TransientError):
            return MirrorSpeed(access.endpoint, problem=error)
    except Cancelled:
        pass
    if not count:
        return _silent(access.endpoint, seconds)
    return MirrorSpeed(access.endpoint, count / max(time.monotonic() - started, 1e-6))
