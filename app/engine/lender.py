"""Lending of this PC's devices to other PCs: llama.cpp's RPC server in a separate engine child."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from app.config.settings import ALL_ADDRESSES, LEND_PORT
from app.engine.local_engine import LocalEngine
from app.engine.protocol import Lending
from model_manager.disk.files import disk_errors
from model_manager.errors import UserError

UNSAFE_S = 60.0
"""The last file of the cache may be incomplete where the server was ended while a model was loaded."""
IN_USE = "in-use"
"""Name of a file in the cache while it may be written."""


class Lender:
    """Lends the GPUs of this PC, or its CPU if it has none.  Used by one thread, the state may be read by any.

    What others load is kept in a folder, so that the same model loads from it the next time.
    """

    def __init__(self, folder: Path, log_path: Path) -> None:
        self._folder = folder
        self._engine = LocalEngine(log_path)
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._error: UserError | None = None
        self.port = LEND_PORT
        self.state: Lending | None = None
        """What is lent and used; None if nothing is."""
        self.on_change: Callable[[], None] = lambda: None
        """Called in any thread when the state changed."""

    def start(self, host: str = ALL_ADDRESSES, port: int = LEND_PORT, limit_bytes: int | None = None) -> Lending:
        """Lend until ``stop``: at most ``limit_bytes`` of memory, None for all that is free.

        Blocks until other PCs can connect.

        Raises:
            UserError: ``rpc_not_in_build``, ``lend_port_in_use`` (port), ``address_not_usable`` (host, port, detail),
                ``lend_refused``, ``engine_died``, or as ``disk_errors``.
        """
        self.stop()
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._trim(limit_bytes)
            (self._folder / IN_USE).touch()
        self._started.clear()
        self._error, self.port = None, port
        self._thread = threading.Thread(target=self._run, args=(host, port, limit_bytes), name="lender", daemon=True)
        self._thread.start()
        self._started.wait()
        self.raise_problem()
        assert self.state is not None
        return self.state

    def stop(self) -> None:
        """End the server.  PCs that use it lose the devices."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        was_used = bool(self.state and self.state.used_bytes)
        self._engine.release()
        thread.join()
        if not was_used:
            (self._folder / IN_USE).unlink(missing_ok=True)

    def raise_problem(self) -> None:
        """Raise the ``UserError`` that ended the server, if there was one."""
        if self._error is not None:
            error, self._error = self._error, None
            self.stop()
            raise error

    def _run(self, host: str, port: int, limit_bytes: int | None) -> None:
        try:
            # ``release`` closes the pipe that is read here.
            with contextlib.suppress(ValueError):
                for state in self._engine.lend(host, port, self._folder, limit_bytes):
                    self.state = state
                    self._started.set()
                    self.on_change()
        except UserError as error:
            self._error = error
        finally:
            self.state = None
            self._started.set()
            self.on_change()

    def _trim(self, limit_bytes: int | None) -> None:
        """Delete what may be incomplete, and the oldest files that exceed the lent memory."""
        files = sorted((each for each in self._folder.iterdir() if each.name != IN_USE), key=_age, reverse=True)
        if (self._folder / IN_USE).exists() and files:
            newest = _age(files[0])
            for file in [each for each in files if _age(each) > newest - UNSAFE_S]:
                file.unlink()
                files.remove(file)
        room = limit_bytes or psutil.virtual_memory().total
        for file in files:
            room -= file.stat().st_size
            if room < 0:
                file.unlink()


def own_addresses() -> list[str]:
    """Return the addresses of this PC in its networks, the most likely first."""
    found = []
    statistics = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        if name in statistics and statistics[name].isup:
            found += [each.address for each in addresses if each.family == socket.AF_INET]
    private = [each for each in found if not ipaddress.ip_address(each).is_loopback]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent: the system chooses the interface
        private.sort(key=lambda each: each != probe.getsockname()[0])
    return private


def _age(path: Path) -> float:
    return path.stat().st_mtime
