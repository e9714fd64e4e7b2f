"""Local servers of this program in the network, found by DNS-SD over multicast DNS (RFC 6762 and RFC 6763).

``Announcement`` makes one known while it is shared, ``find_shared`` asks for others.  Neither sends anything beyond the
local network.
"""

from __future__ import annotations

import ipaddress
import logging
import platform
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, Zeroconf  # imported by the first use: few people share a model

TYPE = "_apus-chat._tcp.local."
MAX_ANSWERS, MAX_FOUND, MAX_NAME = 500, 50, 60
"""Answers that are looked at, servers, and bytes of a name."""
ANSWER_S = 1.5
"""Seconds for which answers are awaited; those in the same network come within a tenth."""
CLOSE_S = 1.0
_TLS = "tls"
"""Key of the property of servers that encrypt."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedModel:
    """A local server on another computer: the computer's name, and the base URL of the API."""

    name: str
    url: str


class Announcement:
    """Makes the local server on a port known in the network until ``close``.  Never raises: it is a convenience."""

    def __init__(
        self, address: str, port: int, interfaces: Sequence[str] | None = None, *, is_encrypted: bool = False
    ) -> None:
        """``address`` is this computer's for others; ``interfaces`` are the addresses to listen on, None for all."""
        self.is_known = threading.Event()
        """Set once others can find it."""
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._announce, args=(address, port, is_encrypted, interfaces), name="announcement", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take the announcement back."""
        self._closed.set()
        self._thread.join(CLOSE_S)

    def _announce(self, address: str, port: int, is_encrypted: bool, interfaces: Sequence[str] | None) -> None:
        try:
            zeroconf = _open(interfaces)
            try:
                # The instance is random, so the two seconds of probing for a taken name are not needed.
                zeroconf.register_service(_service(address, port, is_encrypted), cooperating_responders=True)
                self.is_known.set()
                self._closed.wait()
            finally:
                zeroconf.close()
        except Exception as error:
            # No network, or another program has the port for itself.
            logger.info("the local server isn't announced: %s", type(error).__name__)


def find_shared(
    wait_s: float = ANSWER_S, interfaces: Sequence[str] | None = None, *, own: str = ""
) -> tuple[SharedModel, ...]:
    """Return the local servers of other computers in the network, except for the one at the URL ``own``."""
    from zeroconf import ServiceBrowser, ServiceStateChange

    names: dict[str, None] = {}

    def note(*, name: str, state_change: ServiceStateChange, **_: object) -> None:
        if state_change is not ServiceStateChange.Removed and len(names) < MAX_ANSWERS:
            names[name] = None

    try:
        zeroconf = _open(interfaces)
    except OSError as error:
        logger.info("no search in the network: %s", type(error).__name__)
        return ()
    try:
        ServiceBrowser(zeroconf, TYPE, handlers=[note])
        time.sleep(wait_s)
        found = dict.fromkeys(_described(zeroconf, tuple(names), wait_s))
    finally:
        zeroconf.close()
    others = (each for each in found if not own or each.url != f"{own}/v1")
    return tuple(islice(others, MAX_FOUND))


def _described(zeroconf: Zeroconf, names: Sequence[str], wait_s: float) -> Iterator[SharedModel]:
    """Yield what is known of these names; descriptions that didn't come with them are awaited for ``wait_s`` in all."""
    from zeroconf import Error

    end = time.monotonic() + wait_s
    for name in names:
        # Answers can have invalid names, or names without a description.
        with suppress(Error):
            rest_ms = max(1, round((end - time.monotonic()) * 1000))
            info = zeroconf.get_service_info(TYPE, name, timeout=rest_ms)
            if info is not None and (shared := _shared(info)) is not None:
                yield shared


def _open(interfaces: Sequence[str] | None) -> Zeroconf:
    from zeroconf import InterfaceChoice, IPVersion, Zeroconf

    return Zeroconf(
        InterfaceChoice.All if interfaces is None else list(interfaces), ip_version=IPVersion.V4Only, use_asyncio=False
    )


def _service(address: str, port: int, is_encrypted: bool = False) -> ServiceInfo:
    from zeroconf import ServiceInfo

    name = _printable(platform.node().partition(".")[0]) or "APUS Chat"
    # Computers of the same name would share their addresses otherwise.
    instance = f"apus-chat-{uuid.uuid4().hex}"
    return ServiceInfo(
        TYPE,
        f"{instance}.{TYPE}",
        addresses=[socket.inet_aton(address)],
        port=port,
        properties={"path": "/v1", "name": name, **({_TLS: "1"} if is_encrypted else {})},
        server=f"{instance}.local.",
    )


def _shared(info: ServiceInfo) -> SharedModel | None:
    """Return what an answer describes; anyone in the network can send one."""
    name = _printable((info.properties.get(b"name") or b"").decode(errors="replace"))
    for text in info.parsed_addresses():
        address = ipaddress.ip_address(text)
        is_usable = address.is_private and not (address.is_multicast or address.is_unspecified)
        if name and is_usable and address.version == 4 and 0 < (info.port or 0) < 1 << 16:
            # It can be wrong too: only the key of the server decides whether a connection is encrypted.
            scheme = "https" if _TLS.encode() in info.properties else "http"
            return SharedModel(name, f"{scheme}://{address}:{info.port}/v1")
    return None


def _printable(text: str) -> str:
    name = "".join(each for each in text if each.isprintable() and each != ".")
    return name.encode("utf-8", "replace")[:MAX_NAME].decode(errors="ignore").strip()
