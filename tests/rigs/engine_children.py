"""The engine children of this process that are alive."""

from __future__ import annotations

import psutil


def engine_children() -> list[int]:
    """Their process ids; one that has ended but was not waited for yet does not count."""
    found = []
    for child in psutil.Process().children():
        try:
            if "app.engine.child" in " ".join(child.cmdline()):
                found.append(child.pid)
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
    return found
