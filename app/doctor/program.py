"""Check of the program: versions, system, keyring and starter model."""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterator
from importlib import metadata

from app import __version__
from app.config.secrets import Secrets
from app.doctor.diagnostic import Diagnostic, State, Text
from model_manager.library.starter import find_starter

LIBRARIES = ("PySide6_Essentials", "llama_cpp_python", "httpx2", "keyring", "nvidia-ml-py", "psutil")
KEYRING_TIMEOUT_S = 5.0


def check(secrets: Secrets) -> Iterator[Diagnostic]:
    """Check everything except the engine."""
    yield Diagnostic(
        "program",
        State.OK,
        Text(
            "program_bundle" if is_bundle() else "program",
            {"version": __version__, "python": platform.python_version()},
        ),
    )
    versions = ", ".join(f"{name} {version}" for name, version in library_versions())
    yield Diagnostic("libraries", State.OK, Text("plain", {"text": versions}))
    yield Diagnostic("system", State.OK, Text("plain", {"text": platform.platform()}))
    yield Diagnostic("processor", State.OK, Text("cores", {"count": os.cpu_count() or 1}))
    starter = find_starter()
    if starter is None:
        yield Diagnostic("starter_model", State.BAD, Text("missing"), remedy=Text("set_up"), command="python3 start.py")
    else:
        yield Diagnostic("starter_model", State.OK, Text("plain", {"text": str(starter)}))
    yield _keyring(secrets)


def is_bundle() -> bool:
    """Return whether this is the bundled program, which has no set-up."""
    return bool(getattr(sys, "frozen", False))


def library_versions() -> Iterator[tuple[str, str]]:
    """Yield names and versions of the installed libraries that matter for diagnostics."""
    for name in LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _keyring(secrets: Secrets) -> Diagnostic:
    answers: list[bool] = []
    # A daemon thread, because a keyring's dialog cannot be closed from here.
    thread = threading.Thread(target=lambda: answers.append(secrets.is_usable()), name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_TIMEOUT_S)
    if not answers:
        return Diagnostic("keyring", State.WARNING, Text("keyring_waits"), remedy=Text("unlock_keyring"))
    if not answers[0]:
        return Diagnostic("keyring", State.WARNING, Text("keyring_missing"), remedy=Text("install_keyring"))
    return Diagnostic("keyring", State.OK, Text("keyring_ok"))
