"""Main loop of the engine child: a thread reads commands, the main thread executes them one after another.

``python -m app.engine.child`` with commands on standard input.  Events leave on the original standard output;
descriptor 1 is redirected to standard error, because the engine, its drivers and debuggers write there.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO, NoReturn

from llama_cpp import llama_cpp

from app.engine.child.attention_speed import flash_attention_gain
from app.engine.child.conversation_cache import cache_key
from app.engine.child.embeddings import EmbeddingModel
from app.engine.child.ggml import Ggml
from app.engine.child.graph_slices import GraphSlices
from app.engine.child.lending import lend
from app.engine.child.loader import LoadedModel, load
from app.engine.child.memory.buffers import allocated, flash_attention, is_pinned, pipeline_parallelism
from app.engine.child.pictures.reader import PictureReader
from app.engine.child.rehearsal.rehearse import rehearse
from app.engine.child.rpc import missing_servers
from app.engine.child.session import EngineContext
from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import (
    Bench,
    Command,
    CountTokens,
    DeviceList,
    Embed,
    Embeddings,
    Event,
    Failure,
    FlashAttentionGain,
    Forget,
    Forgotten,
    Generate,
    Lend,
    ListDevices,
    Load,
    LoadResult,
    MeasureAttention,
    Ready,
    Rehearse,
    Stop,
    Tokenize,
    decode,
    encode,
)
from model_manager.devices.devices import usable_cores
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.projector import projector_for
from model_manager.plan.compute_buffers import WITH_HOST_BUFFER
from model_manager.plan.load_spec import LoadSpec

DEBUG, CONTINUED = 1, 5
"""enum ggml_log_level."""
MAX_LINE_BYTES = 2000
"""Of the engine's log."""
WRITE_S, END_S = 2.0, 2.5
"""Seconds for writing states at the end, and after which the process ends; the parent waits a little longer."""


def engine_name() -> str:
    """Return name and version of the engine."""
    from importlib import metadata  # after the start, which it would delay

    return f"llama.cpp (llama-cpp-python {metadata.version('llama-cpp-python')})"


class Child:
    """The engine's side of the pipe: executes commands, emits events."""

    def __init__(self, commands: BinaryIO, events: BinaryIO) -> None:
        self._commands = commands
        self._events = events
        self._queue: queue.SimpleQueue[tuple[int, Command] | None] = queue.SimpleQueue()
        """Commands, and None for the end."""
        self._stop = StopFlag()
        self._stop_lock = threading.Lock()
        self._running = 0
        """Number of the running request, 0 between requests."""
        self._stopped: set[int] = set()
        self._log: deque[str] = deque(maxlen=4000)
        self._session: EngineContext | None = None
        self._embedding: EmbeddingModel | None = None
        self._log_callback = llama_cpp.llama_log_callback(self._on_log)

    def run(self) -> NoReturn:
        """Execute commands until the command pipe is closed, which ends the process."""
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        llama_cpp.llama_log_set(self._log_callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._ggml = Ggml()
        self._slices = GraphSlices(self._ggml, self._stop)
        self._ggml.backends()
        self._emit(Ready())
        while True:
            session = self._session
            try:
                entry = self._queue.get(timeout=session.idle_s() if session else None)
            except queue.Empty:
                assert session is not None
                session.work_while_idle()
                continue
            if entry is None:
                break
            self._execute(*entry)
        if self._session is not None:
            self._session.write_states(WRITE_S)
        _exit()

    def _read_commands(self) -> None:
        for line in self._commands:
            number, command = decode(line)
            if isinstance(command, Stop):
                with self._stop_lock:
                    self._stopped.add(number)
                    if self._running == number:
                        self._stop.set()
            elif isinstance(command, Command):
                self._queue.put((number, command))
            else:
                # Not the line itself: it may contain a conversation.
                sys.stderr.write(f"unknown command, {len(line)} bytes\n")
        self._stop.set()
        self._queue.put(None)
        time.sleep(END_S)
        _exit()

    def _execute(self, number: int, command: Command) -> None:
        with self._stop_lock:
            self._running = number
            self._stop.clear()
            if number in self._stopped:
                self._stop.set()
        self._log.clear()
        try:
            self._emit(self._result_of(command))
        except UserError as error:
            has_log = error.code in ("load_refused", "engine_decode_failed")
            self._emit(Failure(error.code, {**error.data, "log": self._log_text()} if has_log else error.data))
        except Cancelled:
            self._emit(Failure("cancelled"))
        finally:
            with self._stop_lock:
                self._running = 0

    def _result_of(self, command: Command) -> Event:
        session = self._session
        match command:
            case Load():
                return self._load(command)
            case Rehearse():
                return rehearse(command, self._ggml, self._stop, self._log_text)
            case Embed():
                return self._embed(command)
            case Lend():
                lend(command, self._ggml, self._emit)
            case ListDevices():
                return self._list_devices(command)
            case MeasureAttention():
                return FlashAttentionGain(flash_attention_gain(self._ggml, command.shape, usable_cores()))
            case _ if session is None:
                raise UserError("nothing_loaded")
            case Generate():
                return session.answer(command)
            case Forget():
                session.forget(command.conversations)
                return Forgotten()
            case CountTokens():
                return session.count(command)
            case Tokenize():
                return session.tokenize(command)
            case Bench():
                return session.bench(command)
        raise AssertionError(command)

    def _list_devices(self, command: ListDevices) -> DeviceList:
        self._ggml.add_rpc_servers(command.rpc_servers)
        # A server that this child already uses would block a second connection.
        new = [server for server in command.optional_servers if server not in self._ggml.rpc_servers()]
        missing = missing_servers(new, in_build=self._ggml.has_rpc())
        absent = {failure.data["server"] for failure in missing}
        optional = tuple(server for server in command.optional_servers if server not in absent)
        self._ggml.add_rpc_servers(optional, are_checked=True)
        # With a loaded file the backends are up, and initialising them again would only take memory.
        handles = self._ggml.devices() if self._session else self._ggml.devices_in_use()
        devices = tuple(handle.device for handle in handles)
        servers = tuple(dict.fromkeys((*command.rpc_servers, *optional)))
        return DeviceList(devices, engine_name(), self._ggml.backends(), servers, missing)

    def _load(self, command: Load) -> LoadResult:
        if self._session is not None:
            self._session.write_states(WRITE_S)
            self._session.close()
            self._session = None
        loaded = load(command.path, command.spec, self._ggml, self._stop, self._emit, self._slices)
        log = self._log_text()
        pipeline = pipeline_parallelism(log)
        has_flash_attention = flash_attention(log)
        key = cache_key(engine_name(), Path(command.path), command.spec, loaded, flash_attention=has_flash_attention)
        memory = allocated(log, loaded.devices, loaded.headers, output_on_device=loaded.gpu_layers > 0)  # goes first
        pictures = self._picture_reader(command.spec, loaded)
        if isinstance(pictures, PictureReader):
            for name, n_bytes in pictures.memory(self._log_text()[len(log) :]).items():
                memory = {**memory, name: {**memory.get(name, {}), "projector_bytes": n_bytes}}
        self._session = EngineContext(
            loaded, command.spec, self._stop, self._emit, key, pipeline=pipeline, pictures=pictures
        )
        return LoadResult(
            context=loaded.context_size,
            gpu_layers=loaded.gpu_layers,
            layers=loaded.layers,
            engine=engine_name(),
            memory=memory,
            pipeline=pipeline,
            flash_attention=has_flash_attention,
            pinned=self._is_pinned(loaded, log),
        )

    def _picture_reader(self, spec: LoadSpec, loaded: LoadedModel) -> PictureReader | UserError | None:
        """Load the projector; an error is kept for the first picture, since the model answers without one too."""
        if not spec.projector:
            return None
        device = next((each for each in loaded.devices if each.name == spec.projector_device), None)
        problem: UserError | None = None
        for each in dict.fromkeys((device, None)):
            try:
                projector = projector_for(Path(spec.projector), loaded.headers[0])
                return PictureReader(projector, loaded, each, spec, self._ggml, self._stop, self._log_callback)
            except UserError as error:
                sys.stderr.write(f"the model reads no pictures on {each.name if each else 'the CPU'}: {error}\n")
                problem = error
        return problem

    def _is_pinned(self, loaded: LoadedModel, log: str) -> bool | None:
        if not loaded.offloads or "CPU_Mapped" in log or loaded.devices[0].device.backend not in WITH_HOST_BUFFER:
            return None
        if not (pinned := is_pinned(log)):
            sys.stderr.write("host memory could not be pinned: devices copy its weights more slowly\n")
        return pinned

    def _embed(self, command: Embed) -> Embeddings:
        if self._embedding is not None and self._embedding.path != command.path:
            self._embedding.free()
            self._embedding = None
        if self._embedding is None:
            self._embedding = EmbeddingModel(command.path, self._stop)
        return self._embedding.embed(command.texts)

    def _log_text(self) -> str:
        return "".join(self._log)

    def _emit(self, event: Event) -> None:
        self._events.write(encode(self._running, event))

    def _on_log(self, level: int, text: bytes, _data: object) -> None:
        if level == DEBUG:
            return
        # The name of a model may have any length, and patterns are looked for in the log.
        line = text[:MAX_LINE_BYTES].decode(errors="replace") + ("\n" if len(text) > MAX_LINE_BYTES else "")
        self._log.append(line)
        if level != CONTINUED or line.strip(". \n"):
            sys.stderr.write(line)
            sys.stderr.flush()


def _exit() -> NoReturn:
    # The system frees the memory with the process; the engine's destructors can crash where a driver is gone.
    sys.stderr.flush()
    os._exit(0)


def main() -> NoReturn:
    """Set up the two pipes and run."""
    # Ctrl+C in a terminal reaches the whole process group; the parent decides what it means for the answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    Child(sys.stdin.buffer, events).run()


if __name__ == "__main__":
    main()
