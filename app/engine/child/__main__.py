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

from app.engine.child.buffers import allocated, flash_attention, pipeline_parallelism
from app.engine.child.ggml import Ggml
from app.engine.child.loader import load
from app.engine.child.rehearsal import rehearse
from app.engine.child.rpc import missing_servers
from app.engine.child.session import Session
from app.engine.child.stop_flag import StopFlag
from app.engine.child.threads import usable_cores
from app.engine.outcome import speaks_of_shortage
from app.engine.protocol import (
    Bench,
    Count,
    DeviceList,
    Event,
    Failed,
    Generate,
    ListDevices,
    Load,
    LoadDone,
    Loading,
    Ready,
    Rehearse,
    Stop,
    decode,
    encode,
)
from model_manager.errors import Cancelled, UserError

ENGINE = f"llama.cpp (llama-cpp-python {llama_cpp.__version__})"
DEBUG, CONTINUED = 1, 5
"""enum ggml_log_level."""
NO_MEMORY = -2
"""What llama_decode returns when an allocation failed."""
Work = Load | Generate | Count | ListDevices | Rehearse | Bench
"""Commands that are obeyed one after another."""


class Child:
    """The engine's side: obeys commands, emits events."""

    def __init__(self, commands: BinaryIO, events: BinaryIO) -> None:
        self._commands = commands
        self._events = events
        self._queue: queue.SimpleQueue[Work] = queue.SimpleQueue()
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
        self._ggml.backends()
        self._emit(Ready())
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
            elif isinstance(command, Work):
                self._queue.put(command)
            else:
                # Not the line itself: it may hold a conversation.
                sys.stderr.write(f"unknown command, {len(line)} bytes\n")
        # Memory goes back to the system with the process; the engine's destructors can crash where a driver is gone.
        sys.stderr.flush()
        os._exit(0)

    def _obey(self, command: Work) -> None:
        with self._stop_lock:
            self._running = command.request
            self._stop.clear()
            if command.request in self._stopped:
                self._stop.set()
        self._log.clear()
        try:
            match command:
                case Load():
                    self._load(command)
                case Generate():
                    self._loaded().answer(command)
                case Count():
                    self._emit(self._loaded().count(command))
                case Bench():
                    self._emit(self._loaded().measure(command))
                case Rehearse():
                    self._emit(rehearse(command, self._ggml, self._stop, usable_cores(), self._said))
                case ListDevices():
                    self._list_devices(command)
        except UserError as error:
            self._fail(command, error)
        except Cancelled:
            self._emit(Failed(command.request, "cancelled"))
        finally:
            with self._stop_lock:
                self._running = None

    def _fail(self, command: Work, error: UserError) -> None:
        said = self._said()
        refused = error.code == "load_refused"
        if refused or error.code == "engine_decode_failed":
            if speaks_of_shortage(said) or error.data.get("result") == NO_MEMORY:
                error = UserError("engine_out_of_memory", log=said[-2000:], **error.data)
            elif refused:
                error.data["log"] = said[-6000:]
        self._emit(Failed(command.request, error.code, error.data))

    def _list_devices(self, command: ListDevices) -> None:
        self._ggml.add_rpc_servers(command.rpc_servers)
        # A server that this child uses already would keep another connection waiting.
        new = [server for server in command.optional_servers if server not in self._ggml.rpc_servers()]
        found = missing_servers(new, in_build=self._ggml.has_rpc())
        missing = {each.server for each in found}
        optional = tuple(server for server in command.optional_servers if server not in missing)
        self._ggml.add_rpc_servers(optional, are_checked=True)
        # With a file loaded the backends are up, and to raise them once more would only take memory.
        handles = self._ggml.devices() if self._session else self._ggml.devices_in_use()
        devices = tuple(handle.facts for handle in handles)
        servers = tuple(dict.fromkeys((*command.rpc_servers, *optional)))
        self._emit(DeviceList(command.request, devices, ENGINE, self._ggml.backends(), servers, found))

    def _load(self, command: Load) -> None:
        self._release()

        def progress(fraction: float, seconds_left: float | None) -> None:
            self._emit(Loading(command.request, fraction, seconds_left))

        options = command.options
        loaded = load(options, self._ggml, self._stop, options.threads or usable_cores(), progress)
        said = self._said()
        self._session = Session(loaded, options.batch, options.threads, self._stop, self._emit)
        output_on_device = loaded.gpu_layers > 0  # the output goes first
        self._emit(
            LoadDone(
                request=command.request,
                context=loaded.context_size,
                gpu_layers=loaded.gpu_layers,
                layers=loaded.layers,
                engine=ENGINE,
                memory=allocated(said, loaded.devices, loaded.headers, output_on_device=output_on_device),
                pipeline=pipeline_parallelism(said),
                flash_attention=flash_attention(said),
            )
        )

    def _loaded(self) -> Session:
        if self._session is None:
            raise UserError("nothing_loaded")
        return self._session

    def _said(self) -> str:
        return "".join(self._log)

    def _release(self) -> None:
        if self._session is not None:
            self._session.close()
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
