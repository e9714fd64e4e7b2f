"""JSON codec for frozen dataclasses, and ``JsonFile``: one value in one JSON file.

The only importer of ``msgspec``, where it is used: it would take a tenth of the time to the window.
"""

from __future__ import annotations

import base64
import json
import logging
import zlib
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from model_manager.disk.files import error_detail, make_private, read_bytes, set_aside, write_atomically
from model_manager.errors import UserError

T = TypeVar("T")
MAX_UNPACKED_BYTES = 64 << 20
_MISSING = "Object missing required field "

logger = logging.getLogger(__name__)


class CompressedBytes(bytes):
    """Bytes whose JSON form is compressed (zlib, base64); at most ``MAX_UNPACKED_BYTES`` are read."""


class JsonError(ValueError):
    """JSON that is malformed or doesn't fit the expected type; ``str()`` names the problem and its place."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        detail, _, place = message.partition(" - at `$")
        if detail.startswith(_MISSING):
            place += f".{detail.removeprefix(_MISSING).strip('`')}"
        self.place = place.strip("`.").replace("`", "")
        """Path of the value, such as ``messages[3].role``; empty for the whole document."""


def to_json(value: object, *, indent: int = 0) -> bytes:
    """Encode dataclasses, enums, mappings, sequences and times as UTF-8 JSON.

    Numbers that aren't finite become null, and values without a JSON form, such as paths, become text.  ``indent`` is
    the number of spaces per level; 0 writes one line.
    """
    import msgspec

    try:
        data = msgspec.json.encode(value, enc_hook=_to_text)
    except UnicodeEncodeError:
        # File names may contain lone surrogates, which only the escapes of the standard library preserve.
        return json.dumps(to_plain(value), indent=indent or None).encode()
    return msgspec.json.format(data, indent=indent) if indent else data


def to_plain(value: object) -> Any:
    """Convert a value to dicts, lists, strings and numbers, as ``to_json`` encodes it."""
    import msgspec

    return msgspec.to_builtins(value, enc_hook=_to_text)


def from_json(data: bytes | str, type_: type[T]) -> T:
    """Decode JSON as a value of ``type_``.

    A missing key takes the default of its dataclass field; unknown keys are ignored.  Raises ``JsonError``: the JSON is
    malformed, or a value is missing or has another type.
    """
    if type_ == dict[str, Any]:
        parsed = _parsed(data)
        if isinstance(parsed, dict):
            return cast(T, parsed)
        raise JsonError(f"Expected `object`, got `{type(parsed).__name__}`")
    import msgspec

    try:
        return msgspec.json.decode(data, type=type_, dec_hook=_from_text)
    except msgspec.ValidationError as error:
        raise JsonError(str(error)) from error
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass
    except RecursionError as error:
        raise JsonError("nested too deeply") from error
    # A byte order mark and lone surrogates, which msgspec refuses.
    return from_plain(_parsed(data), type_)


def from_plain(value: object, type_: type[T]) -> T:
    """Convert parsed JSON (dicts, lists, strings, numbers) to a value of ``type_``.

    Raises ``JsonError``: a value is missing or has another type.
    """
    import msgspec

    try:
        return msgspec.convert(value, type_, dec_hook=_from_text)
    except (msgspec.ValidationError, RecursionError, UnicodeEncodeError) as error:
        raise JsonError(str(error)) from error


class JsonFile(Generic[T]):
    """A value of type ``T`` in a JSON file, which is replaced as a whole.

    A damaged file is renamed to ``NAME.damaged`` (numbered when that exists) and never overwritten.  Not synchronised:
    the owner holds a lock while it reads, changes and writes.
    """

    def __init__(self, path: Path, type_: type[T], default: T, *, private: bool = False) -> None:
        """``private``: only the owner may read the file."""
        self._path = path
        self._type = type_
        self._default = default
        self._private = private
        self.problem: UserError | None = None
        """Why the last read returned the default: ``file_set_aside`` (path, aside) or ``file_unreadable`` (path,
        detail).  ``file_set_aside`` remains after later reads."""

    def read(self) -> T:
        """Return the stored value, or the default where the file is missing or can't be read (see ``problem``)."""
        if self._is_unreadable:
            self.problem = None
        if self._private:
            make_private(self._path)
        try:
            data = read_bytes(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return self._default
        except OSError as error:
            self.problem = self._unreadable(error)
            return self._default
        try:
            return from_json(data, self._type)
        except JsonError as error:
            logger.warning("%s is damaged: %s", self._path, error)
            aside = set_aside(self._path)
            if aside is None:
                self.problem = UserError("file_unreadable", path=self._path, detail=str(error))
            else:
                self.problem = UserError("file_set_aside", path=self._path, aside=aside)
            return self._default

    def write(self, value: T) -> None:
        """Replace the file in one step.

        Raises ``UserError`` as ``disk_error``; the file is unchanged.  ``file_unreadable`` (path, detail) while the
        present content can't be read, because it would be lost.
        """
        if self._is_unreadable:
            self.read()
        if self._is_unreadable and self.problem is not None:
            raise self.problem
        write_atomically(self._path, to_json(value, indent=2), private=self._private)

    @property
    def _is_unreadable(self) -> bool:
        return self.problem is not None and self.problem.code == "file_unreadable"

    def _unreadable(self, error: OSError) -> UserError:
        logger.warning("%s is not readable: %s", self._path, error)
        return UserError("file_unreadable", path=self._path, detail=error_detail(error))


def _parsed(data: bytes | str) -> Any:
    try:
        text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
        # As escapes, the two halves of a character become one: values are equal after they were written and read again.
        return json.loads(text.encode(errors="backslashreplace"))
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from error


def _to_text(value: object) -> Any:
    if isinstance(value, CompressedBytes):
        return base64.b64encode(zlib.compress(value)).decode()
    return str(value)


def _from_text(type_: type, value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
    if issubclass(type_, Path):
        return Path(value)
    if issubclass(type_, CompressedBytes):
        try:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(base64.b64decode(value, validate=True), MAX_UNPACKED_BYTES)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if not unpacker.eof:
            raise ValueError("Incomplete or too large")
        return CompressedBytes(unpacked)
    raise NotImplementedError(f"{type_.__name__} has no JSON form")
