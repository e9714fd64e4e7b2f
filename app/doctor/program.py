"""The program itself: versions, the system, the keyring, the model that comes with it."""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterator
from importlib import metadata

from app import __version__
from app.config.secrets import Secrets
from app.doctor.diagnostic import Finding, State, Text
from model_manager.library.starter import find_starter

LIBRARIES = ("PySide6_Essentials", "llama_cpp_python", "httpx2", "keyring", "nvidia-ml-py", "psutil")
KEYRING_S = 5.0
"""A keyring that waits for its owner shall not hold the others up."""


def look(secrets: Secrets) -> Iterator[Finding]:
    """Everything about the program but its engine."""
    yield Finding(
        "program",
        State.OK,
        Text(
            "program_bundle" if is_bundle() else "program",
            {"version": __version__, "python": platform.python_version()},
        ),
    )
    versions = ", ".join(f"{name} {version}" for name, version in library_versions())
    yield Finding("libraries", State.OK, Text("plain", {"text": versions}))
    yield Finding("system", State.OK, Text("plain", {"text": platform.platform()}))
    yield Finding("processor", State.OK, Text("cores", {"count": os.cpu_count() or 1}))
    starter = find_starter()
    if starter is None:
        yield Finding("starter_model", State.BAD, Text("missing"), remedy=Text("set_up"), command="python3 start.py")
    else:
        yield Finding("starter_model", State.OK, Text("plain", {"text": str(starter)}))
    yield _keyring(secrets)


def is_bundle() -> bool:
    """Whether this is the frozen program, which sets nothing up."""
    return bool(getattr(sys, "frozen", False))


def library_versions() -> Iterator[tuple[str, str]]:
    """The libraries that matter when something goes wrong; those that are missing are left out."""
    for name in LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _keyring(secrets: Secrets) -> Finding:
    answers: list[bool] = []
    # A daemon: nobody can end a keyring's dialog from here.
    asking = threading.Thread(target=lambda: answers.append(secrets.is_usable()), name="keyring", daemon=True)
    asking.start()
    asking.join(KEYRING_S)
    if not answers:
        return Finding("keyring", State.WARNING, Text("keyring_waits"), remedy=Text("unlock_keyring"))
    if not answers[0]:
        return Finding("keyring", State.WARNING, Text("keyring_missing"), remedy=Text("install_keyring"))
    return Finding("keyring", State.OK, Text("keyring_ok"))
