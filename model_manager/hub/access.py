"""How the network is reached: which endpoint, through which proxy, and whom the token may be shown to."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

OFFICIAL = "https://huggingface.co"
MIRROR = "https://hf-mirror.com"


@dataclass(frozen=True)
class Access:
    """One way to a hub.

    ``endpoint`` serves listings and bytes, ``authority`` the checksums where it can be reached.  ``proxy`` is a URL
    (http, https, socks5, socks5h), empty for none at all, None for what the system's environment says.  ``token`` goes
    to the hosts in ``token_hosts`` alone (``host`` or ``host:port``), over https or to this machine.
    """

    endpoint: str = OFFICIAL
    authority: str = OFFICIAL
    token: str | None = field(default=None, repr=False)
    token_hosts: frozenset[str] = frozenset({"huggingface.co"})
    proxy: str | None = None

    def token_for(self, url: str) -> str | None:
        """The token, where ``url`` may see it."""
        split = urlsplit(url)
        local = split.hostname in ("localhost", "127.0.0.1", "::1")
        trusted = split.netloc.lower() in self.token_hosts and (split.scheme == "https" or local)
        return self.token if trusted else None


def host_of(url: str) -> str:
    """The host of a URL, with its port where one is named: what a person recognises."""
    return urlsplit(url).netloc.lower()
