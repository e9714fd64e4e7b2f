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
    endpoints: Sequence[str], access: Access, *, seconds: float = TEST_S, token: CancelToken = NEVER_CANCELLED
) -> tuple[MirrorSpeed, ...]:
    """Read the beginning of a file of the home model from every endpoint for at most ``seconds``.

    Returns the fastest first.  Raises ``Cancelled`` within 0.1 s after ``token`` is cancelled.
    """
    time_up = CancelToken()
    measured = {each: MirrorSpeed(each, problem=_silence(each, seconds)) for each in endpoints}

    def run(endpoint: str) -> None:
        measured[endpoint] = _measure(replace(access, endpoint=endpoint), seconds, time_up)

    # Daemons: a name lookup can't be interrupted.
    threads = [threading.Thread(target=run, args=(each,), name="mirror", daemon=True) for each in measured]
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
    return tuple(sorted(measured.values(), key=lambda speed: -(speed.bytes_per_second or 0.0)))


def _silence(endpoint: str, seconds: float) -> TransientError:
    return TransientError("web_silent", host=host_of(endpoint), seconds=seconds)


def _measure(access: Access, seconds: float, time_up: CancelToken) -> MirrorSpeed:
    url = file_url(access.endpoint, APUS[0].repository, "main", APUS[0].file_name)
    count = 0
    started = time.monotonic()
    problem: UserError = _silence(access.endpoint, seconds)
    try:
        # ``time_up`` ends the request before these timeouts, so that silence is reported in one way.
        with (
            HttpClient(access, connect_timeout_s=2 * seconds, read_timeout_s=2 * seconds) as client,
            time_up.on_cancel(client.abort),
            client.get_range(url, 0, SAMPLE_BYTES) as response,
        ):
            if response.status not in (200, 206) or is_web_page(response.headers):
                response.check_range(0, SAMPLE_BYTES)
            started = time.monotonic()
            for chunk in response.chunks():
                count += len(chunk)
                if count >= SAMPLE_BYTES or time_up.is_cancelled:
                    break
    except UserError as error:
        problem = error
        if not isinstance(error, TransientError):
            count = 0
    except Cancelled:
        pass
    if not count:
        return MirrorSpeed(access.endpoint, problem=problem)
    return MirrorSpeed(access.endpoint, count / max(time.monotonic() - started, 1e-6))
