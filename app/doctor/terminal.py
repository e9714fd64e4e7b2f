"""Checks of the window's environment from a terminal: display and fonts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata

from app.doctor.diagnostic import Diagnostic, State, Text

FC_LIST_TIMEOUT_S = 10.0
DEBIAN_FONTS = "sudo apt install fonts-noto-cjk"


def check(environment: Mapping[str, str] = os.environ) -> Iterator[Diagnostic]:
    """Check display and fonts, without Qt."""
    yield _window(environment)
    yield fonts(_chinese_font())


def fonts(font: str | None) -> Diagnostic:
    """Return the result for a font with Chinese characters: empty if there is none, None if unknown."""
    if font is None:
        return Diagnostic("fonts", State.OK, Text("fonts_not_looked_at"))
    if font:
        return Diagnostic("fonts", State.OK, Text("fonts_ok", {"name": font}))
    command = DEBIAN_FONTS if shutil.which("apt") else ""
    return Diagnostic("fonts", State.WARNING, Text("fonts_missing"), remedy=Text("install_fonts"), command=command)


def _chinese_font() -> str | None:
    program = shutil.which("fc-list")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, ":lang=zh-cn", "family"],
            capture_output=True,
            timeout=FC_LIST_TIMEOUT_S,
            check=True,
            encoding="utf-8",
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return min((line.partition(",")[0] for line in done.stdout.splitlines() if line), default="")


def _window(environment: Mapping[str, str]) -> Diagnostic:
    try:
        version = metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        return Diagnostic(
            "window", State.BAD, Text("window_missing"), remedy=Text("set_up"), command="python3 start.py"
        )
    data = {"version": version}
    needs_display = sys.platform.startswith("linux")
    if needs_display and not any(map(environment.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        return Diagnostic("window", State.WARNING, Text("window_no_display", data), remedy=Text("desktop_session"))
    return Diagnostic("window", State.OK, Text("window", data))
