"""Access to a hub: endpoint, proxy, and the hosts that may see the token; and kinds of addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

OFFICIAL = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""


@dataclass(frozen=True)
class Access:
    """Connection settings of a hub.

    ``endpoint`` serves listings and files, ``authority`` the checksums where it is reachable.  ``proxy`` is a URL
    (http, https, socks5, socks5h), empty for a direct connection, None for the system's settings.  ``token`` is sent
    only to ``token_hosts`` (``host`` or ``host:port``), over https or to this computer.
    """

    endpoint: str = OFFICIAL
    authority: str = OFFICIAL
    token: str | None = field(default=None, repr=False)
    token_hosts: frozenset[str] = frozenset({"huggingface.co"})
    proxy: str | None = None

    def token_for(self, url: str) -> str | None:
        """Return the token where ``url`` may see it, else None."""
        split = split_url(url)
        is_local = split.hostname in ("localhost", "127.0.0.1", "::1")
        is_trusted = split.netloc.lower() in self.token_hosts and (split.scheme == "https" or is_local)
        return self.token if is_trusted else None


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL, all of them empty where it isn't one, such as ``http://[::1``."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def host_of(url: str) -> str:
    """Return the host of a URL, with the port where the URL has one."""
    return split_url(url).netloc.lower()


def is_private_network(url: str) -> bool:
    """Return whether a URL points to this machine or a private network, where plain HTTP is expected."""
    host = split_url(url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".lan", ".home.arpa")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def is_public_address(address: str) -> bool:
    """Return whether an IP address belongs to the internet, also one in which an IPv4 address is embedded."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast
