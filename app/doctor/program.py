"""Checks of the program: versions, system, keyring, starter model, and the environment of its window."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import metadata

from app import __version__
from app.config.secrets import Secrets
from app.doctor.diagnostic import Diagnostic, Severity
from model_manager.library.starter import find_starter

LIBRARIES = ("PySide6_Essentials", "llama_cpp_python", "httpx2", "keyring", "nvidia-ml-py", "psutil")
KEYRING_TIMEOUT_S = 5.0
FC_LIST_TIMEOUT_S = 10.0
DEBIAN_FONTS = "sudo apt install fonts-noto-cjk"
DEBIAN_EMOJI = "sudo apt install fonts-noto-color-emoji"
EMOJI = ":charset=1f680"
"""Pattern of fonts with the rocket, which fonts of text don't have, unlike the emoji of faces."""
SET_UP = "python3 start.py"


def check(secrets: Secrets) -> Iterator[Diagnostic]:
    """Check everything except the engine and the window."""
    versions = {"version": __version__, "python": platform.python_version()}
    yield Diagnostic("program", Severity.OK, "program_bundle" if is_bundle() else "program", versions)
    libraries = ", ".join(f"{name} {version}" for name, version in library_versions())
    yield Diagnostic("libraries", Severity.OK, "plain", {"text": libraries})
    yield Diagnostic("system", Severity.OK, "plain", {"text": platform.platform()})
    yield Diagnostic("processor", Severity.OK, "cores", {"count": os.cpu_count() or 1})
    starter = find_starter()
    if starter is None:
        yield Diagnostic("starter_model", Severity.BAD, "missing", remedy="set_up", command=SET_UP)
    else:
        yield Diagnostic("starter_model", Severity.OK, "plain", {"text": starter})
    yield _keyring(secrets)


def is_bundle() -> bool:
    """Return whether this is the bundled program, which has no set-up."""
    return bool(getattr(sys, "frozen", False))


def library_versions() -> Iterator[tuple[str, str]]:
    """Yield names and versions of the installed libraries that matter for diagnostics."""
    for name in LIBRARIES:
        if version := _version(name):
            yield name, version


def check_environment(environment: Mapping[str, str] = os.environ) -> Iterator[Diagnostic]:
    """Check display and fonts from a terminal, without Qt."""
    version = _version("PySide6-Essentials")
    variables = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if not version:
        yield Diagnostic("window", Severity.BAD, "window_missing", remedy="set_up", command=SET_UP)
    elif sys.platform.startswith("linux") and not any(map(environment.get, variables)):
        data = {"version": version}
        yield Diagnostic("window", Severity.WARNING, "window_no_display", data, remedy="desktop_session")
    else:
        yield Diagnostic("window", Severity.OK, "window", {"version": version})
    yield check_fonts(_font(":lang=zh-cn"))
    emoji = _font(EMOJI)
    yield from check_emoji(emoji is None or bool(emoji))


def check_fonts(font: str | None) -> Diagnostic:
    """Return the result for a font with Chinese characters: empty if there is none, None if unknown."""
    if font is None:
        return Diagnostic("fonts", Severity.OK, "fonts_not_looked_at")
    if font:
        return Diagnostic("fonts", Severity.OK, "fonts_ok", {"name": font})
    command = DEBIAN_FONTS if shutil.which("apt") else ""
    return Diagnostic("fonts", Severity.WARNING, "fonts_missing", remedy="install_fonts", command=command)


def check_emoji(has_emoji: bool) -> Iterator[Diagnostic]:
    """Yield a warning where this computer has no font with emoji, else nothing."""
    if not has_emoji:
        command = DEBIAN_EMOJI if shutil.which("apt") else ""
        yield Diagnostic("emoji", Severity.WARNING, "emoji_missing", remedy="install_emoji", command=command)


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def _keyring(secrets: Secrets) -> Diagnostic:
    answers: list[bool] = []
    # A daemon thread, because a keyring's dialog cannot be closed from here.
    thread = threading.Thread(target=lambda: answers.append(secrets.is_usable()), name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_TIMEOUT_S)
    if not answers:
        return Diagnostic("keyring", Severity.WARNING, "keyring_waits", remedy="unlock_keyring")
    if not answers[0]:
        return Diagnostic("keyring", Severity.WARNING, "keyring_missing", remedy="install_keyring")
    return Diagnostic("keyring", Severity.OK, "keyring_ok")


def _font(pattern: str) -> str | None:
    """Return a font that matches a pattern of fontconfig; empty if there is none, None if unknown."""
    program = shutil.which("fc-list")
    if program is None:
        return None
    command = [program, pattern, "family"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=FC_LIST_TIMEOUT_S, check=True, encoding="utf-8")
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return min((line.partition(",")[0] for line in done.stdout.splitlines() if line), default="")
