"""API keys that name the certificate of their server: ``SECRET.cert-FINGERPRINT``.

A PC that shares its model signs its certificate itself, so no authority vouches for it, and anyone in the network can
announce a server by the same name.  What the user carries to the other PC is the key; therefore the key vouches for the
certificate: the client sends nothing, the key included, before the server has proved in the TLS handshake that it has
the private key of the certificate with this fingerprint.

``FINGERPRINT`` is the first half of the SHA-256 of the certificate in DER form, in 22 characters of URL-safe Base64.
Another certificate with the same 128 bits takes 2^128 attempts (a second preimage; collisions don't help, because only
the sharing PC chooses the certificate).  ``SECRET`` is any key; those of ``new_key`` have 192 random bits.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl

_MARK = ".cert-"
_PINNED = re.compile(rf"(.+){re.escape(_MARK)}([A-Za-z0-9_-]{{22}})", re.ASCII | re.DOTALL)


def fingerprint(certificate: bytes) -> str:
    """Return the fingerprint of a certificate in DER form."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()[:16]).decode().rstrip("=")


def key_suffix(fingerprint: str) -> str:
    """Return what is appended to a secret to pin the certificate with this fingerprint."""
    return f"{_MARK}{fingerprint}"


def split_key(key: str) -> tuple[str, str]:
    """Return the secret of a key and the fingerprint, which is empty where the key names no certificate."""
    match = _PINNED.fullmatch(key.strip())
    return (match[1], match[2]) if match else (key.strip(), "")


def pinned_context(expected: str) -> ssl.SSLContext:
    """Return a TLS context for the server whose certificate has this fingerprint, whatever its name, issuer and dates.

    The handshake with any other one raises ``ssl.SSLError``.
    """

    def check(certificate: bytes | None) -> None:
        if certificate is None or fingerprint(certificate) != expected:
            raise ssl.SSLError("another certificate than the one of the key")

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            check(self.getpeercert(binary_form=True))

    class Object(ssl.SSLObject):
        """Within the TLS of a proxy."""

        def do_handshake(self) -> None:
            super().do_handshake()
            check(self.getpeercert(binary_form=True))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class, context.sslobject_class = Socket, Object
    return context
