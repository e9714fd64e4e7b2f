"""What a terminal can tell of the window: whether it could be shown, and with which fonts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata

from app.doctor.diagnostic import Finding, State, Text

FC_LIST_S = 10.0
DEBIAN_FONTS = "sudo apt install fonts-noto-cjk"


def look(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The window's surroundings, without Qt."""
    yield _window(environment)
    yield fonts(_first_face())


def fonts(face: str | None) -> Finding:
    """What a face with Chinese in it means: None where nobody could look, empty where there is none."""
    if face is None:
        return Finding("fonts", State.OK, Text("fonts_not_looked_at"))
    if face:
        return Finding("fonts", State.OK, Text("fonts_ok", {"name": face}))
    command = DEBIAN_FONTS if shutil.which("apt") else ""
    return Finding("fonts", State.WARNING, Text("fonts_missing"), remedy=Text("install_fonts"), command=command)


def _first_face() -> str | None:
    program = shutil.which("fc-list")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, ":lang=zh-cn", "family"], capture_output=True, timeout=FC_LIST_S, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return min((line.partition(",")[0] for line in done.stdout.splitlines() if line), default="")


def _window(environment: Mapping[str, str]) -> Finding:
    try:
        version = metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        return Finding("window", State.BAD, Text("window_missing"), remedy=Text("set_up"), command="python3 start.py")
    facts = {"version": version}
    needs_display = sys.platform.startswith("linux")
    if needs_display and not any(map(environment.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        return Finding("window", State.WARNING, Text("window_no_display", facts), remedy=Text("desktop_session"))
    return Finding("window", State.OK, Text("window", facts))
