"""Running engine children of this process."""

from __future__ import annotations

import psutil


def engine_children() -> list[int]:
    """Return their process ids, without zombies."""
    found = []
    for child in psutil.Process().children():
        try:
            if "app.engine.child" in " ".join(child.cmdline()):
                found.append(child.pid)
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
    return found
