"""Certificate of this computer for models that are shared in the network, self-signed.

It contains neither a name nor an address; ``app.config.pinned_key`` says why other computers trust it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.config.pinned_key import fingerprint
from model_manager.disk.files import make_private, read_bytes, read_error, set_aside, write_atomically
from model_manager.errors import UserError

MAX_BYTES = 64 << 10
"""Of the file."""
_BEGIN = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key: its fingerprint, and the TLS context of a server that has it."""

    fingerprint: str
    context: ssl.SSLContext = field(compare=False, repr=False)


def own_certificate(path: Path) -> tuple[Certificate, UserError | None]:
    """Return the certificate of this computer, which is made where there is none.

    A damaged file is set aside and replaced; then the second value is ``certificate_replaced`` (aside).

    Raises:
        UserError: as ``read_error`` and ``disk_error``.
    """
    problem = None
    try:
        return _read(path), None
    except FileNotFoundError:
        pass
    except (ssl.SSLError, ValueError) as error:
        aside = set_aside(path)
        if aside is None:
            raise UserError("file_unreadable", path=path, detail=str(error)) from error
        problem = UserError("certificate_replaced", aside=aside)
    except OSError as error:
        raise read_error(error, path) from error
    write_atomically(path, _new_pem(), private=True)
    return _read(path), problem


def _read(path: Path) -> Certificate:
    make_private(path)
    _, begin, rest = read_bytes(path, MAX_BYTES).partition(_BEGIN)
    der = ssl.PEM_cert_to_DER_cert((begin + rest).decode("ascii"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # With a password, because OpenSSL asks for one at the terminal where the file wants it.
    context.load_cert_chain(path, password="")
    return Certificate(fingerprint(der), context)


def _new_pem() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "APUS Chat")])
    # Whatever the clocks say: before the program existed, and without an end (RFC 5280, section 4.1.2.5).
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    serial = x509.random_serial_number()
    certificate = x509.CertificateBuilder(name, name, key.public_key(), serial, begin, end).sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
