"""The child's main loop: one thread reads commands, the main thread obeys them one after another.

``python -m app.engine.child`` with commands on standard input.  Events leave on what was standard output; descriptor 1
itself is pointed at standard error, because the engine, its drivers and debuggers write there what they like.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
from collections import deque
from typing import BinaryIO, NoReturn

import llama_cpp

from app.engine.child.ggml import Ggml
from app.engine.child.loading import allocated, load
from app.engine.child.session import Session
from app.engine.child.stop_flag import StopFlag
from app.engine.child.threads import usable_cores
from app.engine.protocol import (
    DeviceList,
    Event,
    Failed,
    Generate,
    ListDevices,
    Load,
    LoadDone,
    Loading,
    Stop,
    decode,
    encode,
)
from model_manager.errors import Cancelled, UserError

ENGINE = f"llama.cpp (llama-cpp-python {llama_cpp.__version__})"
DEBUG, CONTINUED = 1, 5
"""enum ggml_log_level."""


class Child:
    """The engine's side: obeys commands, emits events."""

    def __init__(self, commands: BinaryIO, events: BinaryIO) -> None:
        self._commands = commands
        self._events = events
        self._queue: queue.SimpleQueue[Load | Generate | ListDevices] = queue.SimpleQueue()
        self._stop = StopFlag()
        self._stop_lock = threading.Lock()
        self._running: int | None = None
        self._stopped: set[int] = set()
        self._log: deque[str] = deque(maxlen=4000)
        self._session: Session | None = None
        self._log_callback = llama_cpp.llama_log_callback(self._on_log)

    def run(self) -> NoReturn:
        """Obey for ever.  A closed command pipe ends the process: the parent is done with it, or gone."""
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        llama_cpp.llama_log_set(self._log_callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._ggml = Ggml()
        while True:
            self._obey(self._queue.get())

    def _read_commands(self) -> None:
        for line in self._commands:
            command = decode(line)
            if isinstance(command, Stop):
                with self._stop_lock:
                    self._stopped.add(command.request)
                    if self._running == command.request:
                        self._stop.set()
            elif isinstance(command, Load | Generate | ListDevices):
                self._queue.put(command)
            else:
                sys.stderr.write(f"unknown command: {line[:200]!r}\n")
        # Memory goes back to the system with the process; the engine's destructors can crash where a driver is gone.
        sys.stderr.flush()
        os._exit(0)

    def _obey(self, command: Load | Generate | ListDevices) -> None:
        with self._stop_lock:
            self._running = command.request
            self._stop.clear()
            if command.request in self._stopped:
                self._stop.set()
        try:
            match command:
                case Load():
                    self._load(command)
                case Generate():
                    if self._session is None:
                        raise UserError("nothing_loaded")
                    self._session.answer(command)
                case ListDevices():
                    self._ggml.add_rpc_servers(command.rpc_servers)
                    devices = tuple(handle.facts for handle in self._ggml.devices())
                    self._emit(DeviceList(command.request, devices, ENGINE))
        except UserError as error:
            self._emit(Failed(command.request, error.code, error.data))
        except Cancelled:
            self._emit(Failed(command.request, "cancelled"))
        finally:
            with self._stop_lock:
                self._running = None

    def _load(self, command: Load) -> None:
        self._release()
        self._log.clear()

        def progress(fraction: float, seconds_left: float | None) -> None:
            self._emit(Loading(command.request, fraction, seconds_left))

        options = command.options
        try:
            loaded = load(options, self._ggml, self._stop, options.threads or usable_cores(), progress)
        except UserError as error:
            if error.code == "load_refused":
                error.data["log"] = "".join(self._log)[-6000:]
            raise
        self._session = Session(loaded, options.batch, options.threads, self._stop, self._emit)
        self._emit(
            LoadDone(
                command.request,
                loaded.context_size,
                loaded.gpu_layers,
                loaded.layers,
                ENGINE,
                allocated("".join(self._log)),
            )
        )

    def _release(self) -> None:
        if self._session is not None:
            self._session.loaded.free()
            self._session = None

    def _emit(self, event: Event) -> None:
        self._events.write(encode(event))

    def _on_log(self, level: int, text: bytes, _data: object) -> None:
        if level == DEBUG:
            return
        line = text.decode(errors="replace")
        self._log.append(line)
        if level != CONTINUED or line.strip(". \n"):
            sys.stderr.write(line)
            sys.stderr.flush()


def main() -> NoReturn:
    """Set up the two pipes and run."""
    # Ctrl+C in a terminal reaches the whole group; what it means for the answer is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    Child(sys.stdin.buffer, events).run()


if __name__ == "__main__":
    main()
