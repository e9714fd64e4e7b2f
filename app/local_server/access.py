"""Who may use the local server: addresses, key, and web pages."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from app.config.pinned_key import key_suffix, split_key
from app.local_server.certificate import Certificate
from app.local_server.fields import ApiError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s*]+", re.ASCII)


def is_loopback(host: str) -> bool:
    """Return whether only programs on this computer reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def network_address() -> str:
    """Return the address of this computer for others in its network; the loopback one without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent; the address is one that is reserved for documents (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def new_key() -> str:
    """Return a new random key."""
    return f"apus-{secrets.token_urlsafe(24)}"


def is_origin(text: str) -> bool:
    """Return whether a text is the origin of a single web site, such as ``https://example.com:8000``."""
    return _ORIGIN.fullmatch(text) is not None


@dataclass(frozen=True)
class Access:
    """Where the server listens and what a request needs.

    ``key`` is required in requests; empty for none, on the loopback interface only.  ``origins`` are those of the web
    pages that may use the server.  With a ``certificate`` connections are encrypted.
    """

    host: str = "127.0.0.1"
    port: int = 0
    key: str = ""
    origins: tuple[str, ...] = ()
    certificate: Certificate | None = None

    @property
    def shared_key(self) -> str:
        """The key for other computers, which names the certificate."""
        return self.key + key_suffix(self.certificate.fingerprint) if self.certificate else self.key

    def is_encrypted_at(self, address: str) -> bool:
        """Return whether connections to an address of this computer are encrypted.

        Programs on this computer go on in plain HTTP where others use the server too.
        """
        return self.certificate is not None and (is_loopback(self.host) or not is_loopback(address))

    def check_sender(self, headers: Mapping[str, str]) -> None:
        """Refuse web pages that are not named, and names of this computer that another one gave it (DNS rebinding).

        Raises:
            ApiError: with status 403.
        """
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise ApiError(403, "Web pages of this origin may not use this server.", code="origin_not_allowed")
        # Behind a key the name makes no difference: a web page doesn't know the key.
        if is_loopback(self.host) and not is_loopback(_without_port(headers.get("host", ""))):
            raise ApiError(403, "The Host header doesn't name this computer.", code="host_not_allowed")

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Check the key, in the header of OpenAI's or of Anthropic's API.  Raises ``ApiError`` with status 401."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Programs on this computer may have the key as it was before others could use the server, without certificate.
        if self.key and not hmac.compare_digest(split_key(given)[0].encode(), self.key.encode()):
            raise ApiError(401, "The API key is missing or wrong.", code="invalid_api_key")


def _without_port(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].lower()
