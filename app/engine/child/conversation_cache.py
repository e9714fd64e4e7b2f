"""States of conversations (tokens and their KV cache) that are not in the engine's KV cache: in memory, then in files.

A state is used for any prompt that begins like it, so that a common system prompt or document is read once.  Whatever
is wrong with a file makes it unusable, which costs reading the prompt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import sys
import time
import zlib
from array import array
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import psutil
from llama_cpp import llama_cpp

from app.engine.cache_folder import PARTIAL, CacheFolder
from app.engine.child.loader import LoadedModel
from app.engine.protocol import CacheOptions
from model_manager.errors import UserError
from model_manager.plan.load_spec import LoadSpec

WRITE_BYTES, READ_BYTES = 8 << 20, 1 << 20
"""Bytes of a chunk.  Writing one takes some hundredths of a second, for which a request may wait."""
FREE_BYTES = 1 << 30
"""Bytes of the disk that stay free."""
ABANDONED_S = 3600
"""Age of the incomplete file of a process that was killed."""
_HEAD = struct.Struct("<16s16s16s16sQQQLLL")
"""Format, engine, model, parameters; bytes of tokens, text and state; checksums of the first two, of the state, and of
the head before it."""
_FORMAT = b"APUS KV state 1\n"


@dataclass(frozen=True)
class CacheKey:
    """What a state depends on besides its tokens, as digests of 16 bytes."""

    engine: bytes
    model: bytes
    parameters: bytes

    @property
    def text(self) -> str:
        """All three, for a key of JSON."""
        return (self.engine + self.model + self.parameters).hex()

    @classmethod
    def of(cls, *values: object) -> CacheKey:
        """Return the key for engine, model and parameters, which their ``repr`` must identify."""
        return cls(*(hashlib.blake2b(repr(each).encode(), digest_size=16).digest() for each in values))


def cache_key(engine: str, path: Path, spec: LoadSpec, loaded: LoadedModel, *, flash_attention: bool) -> CacheKey:
    """Return the key of a loaded file; ``engine`` is its name and version."""
    files = [header.path for header in loaded.headers] or [path]
    files += [Path(spec.projector)] if spec.projector else []
    tensors = (tensor.name for header in loaded.headers for tensor in header.tensors)
    # Two sets of factors for positions, of which the engine takes one by the size of the context.
    context = loaded.context_size if any(name.startswith("rope_factors_long") for name in tensors) else None
    spec = replace(spec, context=context, threads=None, mmap=None)
    devices = [device.name for device in loaded.devices]
    return CacheKey.of(
        (engine, _stamp(Path(llama_cpp.__file__))),
        [_stamp(file) for file in files],
        (spec, devices, loaded.gpu_layers, flash_attention),
    )


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return path.name, -1, 0
    return path.name, status.st_size, status.st_mtime_ns


@dataclass
class KeptState:
    """A state of a conversation.  ``text`` is what the tokens came from, empty if unknown."""

    path: Path
    """The file, which is complete where ``is_written``."""
    tokens: array[int]
    text: bytes
    n_bytes: int
    used_ns: int
    """Time of its last use, the file's time too."""
    data: bytearray | None = None
    """The state as the engine writes it; None while it is only in the file."""
    is_written: bool = False
    is_refused: bool = False
    """Whether it could not be written, or its file was deleted for others."""


class ConversationCache:
    """The states for one loaded file, by the paths of their files, in the order of their last use."""

    def __init__(self, key: CacheKey) -> None:
        self._key = key
        self._folder = CacheFolder(Path())
        self._disk_bytes = self._ram_bytes = 0
        self._states: dict[Path, KeptState] = {}
        self._unusable: dict[Path, str] = {}
        """Files of other engines, models or parameters, and what is different."""

    def configure(self, options: CacheOptions) -> None:
        """Use this folder and these limits from now on."""
        self._disk_bytes, self._ram_bytes = options.disk_bytes, options.ram_bytes
        if (folder := Path(options.folder)) == self._folder.path:
            return
        self._folder = CacheFolder(folder)
        self._states.clear()
        for path in self._oldest_first():
            self._index(path)

    def warn(self, conversation: str) -> None:
        """Log why the state of this conversation is not usable, if there is one."""
        if reason := self._unusable.pop(path := self._folder.file(conversation), ""):
            _log(f"{path.name} is of another {reason}, the conversation is read again")

    def known_text(self, prompt: bytes) -> KeptState | None:
        """Return the state with the longest text that ``prompt`` begins with."""
        found = (state for state in self._states.values() if state.text and prompt.startswith(state.text))
        return max(found, key=lambda state: len(state.text), default=None)

    def best(self, tokens: Sequence[int], undivided: int) -> tuple[KeptState | None, int]:
        """Return the state that has most in common with the beginning of ``tokens``, and how many tokens that is.

        States of more than ``undivided`` tokens can only be used as a whole.
        """
        found, most = None, 0
        for state in self._states.values():
            common = common_prefix(state.tokens, tokens)
            if common > most and (len(state.tokens) <= undivided or common == len(state.tokens)):
                found, most = state, common
        return found, most

    def data(self, state: KeptState) -> bytearray | None:
        """Return the bytes of a state; None where its file is damaged or missing."""
        if state.data is None:
            try:
                state.data = _read(state)
            except (OSError, ValueError, MemoryError) as error:
                self._drop(state.path, error)
                return None
        self._states[state.path] = self._states.pop(state.path)
        state.used_ns = time.time_ns()
        if state.is_written:
            with suppress(OSError):
                os.utime(state.path, ns=(state.used_ns, state.used_ns))
        self._make_room()
        return state.data

    def room(self, n_bytes: int) -> bytearray | None:
        """Return memory for a state of this size; None if it would take too much."""
        with suppress(MemoryError):
            if n_bytes <= min(self._ram_bytes, psutil.virtual_memory().available // 2):
                return bytearray(n_bytes)
        _log(f"too little memory to keep a state of {n_bytes} bytes")
        return None

    def keep(self, conversation: str, tokens: Sequence[int], text: bytes, data: bytearray) -> None:
        """Hold the state of a conversation in memory, in place of its last one."""
        path = self._folder.file(conversation)
        self._states.pop(path, None)
        self._states[path] = KeptState(path, array("i", tokens), text, len(data), time.time_ns(), data)
        self._make_room()

    def reject(self, state: KeptState) -> None:
        """Delete a state that the engine does not take."""
        self._drop(state.path, "the engine does not take it")

    def forget(self, conversations: Sequence[str] | None) -> None:
        """Delete the states of these conversations, or all for None, also from the disk."""
        if conversations is None:
            self._states.clear()
        for each in conversations or ():
            self._states.pop(self._folder.file(each), None)
        with suppress(UserError):
            self._folder.delete(conversations)

    def write(self) -> Generator[None]:
        """Write what is only in memory, a chunk at a time; yields after each."""
        while (state := self._next_unwritten()) is not None:
            state.is_refused = True  # unless it succeeds
            try:
                self._make_disk_room(state)
                yield from self._write(state)
            except OSError as error:
                _log(f"the state of a conversation is not written to the disk: {error}")

    def has_unwritten(self) -> bool:
        """Return whether there is something to write."""
        return self._next_unwritten() is not None

    def _next_unwritten(self) -> KeptState | None:
        newest_first = reversed(self._states.values())
        return next((each for each in newest_first if not each.is_written and not each.is_refused), None)

    def _write(self, state: KeptState) -> Generator[None]:
        assert state.data is not None
        key, tokens, data, checksum = self._key, state.tokens.tobytes(), memoryview(state.data), 0
        partial = state.path.with_name(f"{state.path.name}.{os.getpid()}{PARTIAL}")
        try:
            with open(partial, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(bytes(_HEAD.size) + tokens + state.text)
                for start in range(0, len(data), WRITE_BYTES):
                    part = data[start : start + WRITE_BYTES]
                    checksum = zlib.crc32(part, checksum)
                    file.write(part)
                    yield
                sizes = len(tokens), len(state.text), len(data)
                index_checksum = zlib.crc32(state.text, zlib.crc32(tokens))
                fields = (_FORMAT, key.engine, key.model, key.parameters, *sizes, index_checksum, checksum)
                file.seek(0)
                file.write(_HEAD.pack(*fields, zlib.crc32(_HEAD.pack(*fields, 0)[:-4])))
            # It may have been replaced or deleted meanwhile.
            if self._states.get(state.path) is state:
                os.utime(partial, ns=(state.used_ns, state.used_ns))
                partial.replace(state.path)
                state.is_written, state.is_refused = True, False
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _index(self, path: Path) -> None:
        """Read the beginning of a file; its state is usable if it is of this engine, model and parameters."""
        try:
            with path.open("rb") as file:
                key, state, _ = _read_index(file, path)
        except (OSError, ValueError) as error:
            self._drop(path, error)
            return
        different = [name for name, value in vars(self._key).items() if value != getattr(key, name)]
        if different:
            self._unusable[path] = different[0]
        else:
            self._states[path] = state

    def _drop(self, path: Path, reason: object) -> None:
        _log(f"{path.name} is not usable, the conversation is read again: {reason}")
        self._states.pop(path, None)
        with suppress(OSError):
            path.unlink()

    def _make_room(self) -> None:
        """Drop the data used least recently from memory until the rest may stay; the last one stays."""
        in_memory = [state for state in self._states.values() if state.data is not None]
        held = sum(state.n_bytes for state in in_memory)
        for state in in_memory[:-1]:
            if held <= self._ram_bytes:
                return
            held -= state.n_bytes
            state.data = None
            if not state.is_written:
                del self._states[state.path]

    def _make_disk_room(self, new: KeptState) -> None:
        """Delete the files used least recently until ``new`` may be written.  Raises ``OSError`` if it may not."""
        folder = self._folder.path
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for partial in folder.glob(f"*{PARTIAL}"):
            with suppress(OSError):
                if time.time() - partial.stat().st_mtime > ABANDONED_S:
                    partial.unlink()
        others = {path: path.stat() for path in self._oldest_first() if path != new.path}
        total = new.n_bytes + sum(status.st_size for status in others.values())
        for path, status in others.items():
            if total <= self._disk_bytes or status.st_mtime_ns > new.used_ns:
                break
            path.unlink(missing_ok=True)
            total -= status.st_size
            if (state := self._states.get(path)) is not None and state.is_written:
                state.is_written, state.is_refused = False, True
                if state.data is None:
                    del self._states[path]
        if total > self._disk_bytes or shutil.disk_usage(folder).free - new.n_bytes < FREE_BYTES:
            raise OSError(f"no room for {new.n_bytes} bytes")

    def _oldest_first(self) -> list[Path]:
        with suppress(UserError, OSError):
            return sorted(self._folder.files(), key=lambda path: path.stat().st_mtime_ns)
        return []


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the number of tokens that two sequences begin with in common."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


def _read_index(file: BinaryIO, path: Path) -> tuple[CacheKey, KeptState, int]:
    """Read the beginning of a file: its key, its state without data, and the checksum of the data.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or zlib.crc32(head[:-4]) != int.from_bytes(head[-4:], "little"):
        raise ValueError("it is damaged")
    *names, n_tokens, n_text, n_state, index_checksum, checksum, _ = _HEAD.unpack(head)
    if os.fstat(file.fileno()).st_size != _HEAD.size + n_tokens + n_text + n_state:
        raise ValueError("it is truncated")
    tokens, text, used_ns = file.read(n_tokens), file.read(n_text), os.fstat(file.fileno()).st_mtime_ns
    if names[0] != _FORMAT or zlib.crc32(text, zlib.crc32(tokens)) != index_checksum:
        raise ValueError("it is damaged")
    return CacheKey(*names[1:]), KeptState(path, array("i", tokens), text, n_state, used_ns, is_written=True), checksum


def _read(state: KeptState) -> bytearray:
    """Read and check the data of a state.  Raises as ``_read_index``."""
    with state.path.open("rb") as file:
        _, found, expected = _read_index(file, state.path)
        if (found.tokens, found.n_bytes) != (state.tokens, state.n_bytes):
            raise ValueError("it was replaced")
        data, checksum = bytearray(state.n_bytes), 0
        for start in range(0, len(data), READ_BYTES):
            part = memoryview(data)[start : start + READ_BYTES]
            if file.readinto(part) != len(part):
                raise ValueError("it is truncated")
            checksum = zlib.crc32(part, checksum)
    if checksum != expected:
        raise ValueError("it is damaged")
    return data


def _log(text: str) -> None:
    sys.stderr.write(f"conversation cache: {text}\n")
    sys.stderr.flush()
