"""The real vLLM: started with ``serve_vllm.sh``, stopped and restarted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

KEY = "sk-test"
READY_S = 1800.0
"""The first start installs gigabytes."""


class VllmServer:
    """A server whose port stays the same after a restart."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start it and wait until it responds."""
        home = os.environ.get("VLLM_HOME") or str(Path(os.environ.get("VLLM_CACHE", "/var/tmp")) / "vllm-rig")
        script = Path(__file__).with_name("serve_vllm.sh")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["bash", str(script), str(self.port), KEY],
                stdout=log,
                stderr=log,
                env={**os.environ, "VLLM_HOME": home},
                start_new_session=True,
            )
        end = time.monotonic() + READY_S
        while not self._answers():
            code = self._process.poll()
            assert code is None, f"vLLM ended with {code}: {self._log.read_text()[-2000:]}"
            assert time.monotonic() < end, f"vLLM is not ready: {self._log.read_text()[-2000:]}"
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill it and its children."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def requests_running(self) -> int:
        """Return the number of running answers, from its metrics."""
        root = self.url.removesuffix("/v1")
        with urllib.request.urlopen(f"{root}/metrics", timeout=10) as reply:
            lines = reply.read().decode().splitlines()
        return round(sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running")))

    def _answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/models", headers={"Authorization": f"Bearer {KEY}"})
        try:
            with urllib.request.urlopen(request, timeout=2) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
