"""A limited child that tries to reach the network and to start programs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.process.limited_child import serve


def attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return ""


def handle(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "connect": attempt(lambda: socket.create_connection(("127.0.0.1", request["port"]))),
        "program": attempt(lambda: subprocess.run([sys.executable, "-c", ""], check=False)),
        "fork": attempt(os.fork),
        "read": attempt(Path(__file__).read_bytes),
    }


if __name__ == "__main__":
    serve(handle, 1 << 30, 60)
