"""Access to a hub: endpoint, proxy, and the hosts that may see the token."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

OFFICIAL = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"


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
