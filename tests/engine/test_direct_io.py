"""Loads past the page cache: what stays in it, and what happens where they are refused."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from tests.engine.requests import ask, load
from tests.rigs.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine bypasses the page cache on Linux only")

REFUSING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#define REFUSES(name) int name(const char * path, int flags, ...) { \\
    if (flags & O_DIRECT) { errno = EINVAL; return -1; } \\
    va_list list; va_start(list, flags); int mode = va_arg(list, int); va_end(list); \\
    return ((int (*)(const char *, int, ...)) dlsym(RTLD_NEXT, #name))(path, flags, mode); }
REFUSES(open)
REFUSES(open64)
"""
"""A file system without direct I/O, as far as programs see it."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 9 MiB, which is not a whole number of blocks."""
    return write_tiny_model(tmp_path_factory.mktemp("direct") / "model.gguf", n_layer=8, n_embd=256)


def drop(path: Path) -> None:
    """Remove a file from the page cache; skips where its file system is the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_share(path) > 0.1:
        pytest.skip("files of this file system stay in memory")


def cached_share(path: Path) -> float:
    pages = -(-path.stat().st_size // mmap.PAGESIZE)
    found = (ctypes.c_ubyte * pages)()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        start = ctypes.c_char.from_buffer(mapped)
        assert ctypes.CDLL(None).mincore(ctypes.byref(start), ctypes.c_size_t(len(mapped)), found) == 0
        del start
    return sum(each & 1 for each in found) / pages


def build_library(folder: Path, code: str) -> Path:
    """Build a library that replaces functions of a program."""
    source, library = folder / "replaced.c", folder / "replaced.so"
    source.write_text(code)
    subprocess.run([shutil.which("cc") or "gcc", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return library


def log_of(engine: LocalEngine, tmp_path: Path) -> str:
    engine.release()
    return (tmp_path / "logs" / "engine.log").read_text()


def test_a_load_leaves_the_page_cache_as_it_is(engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copy(model, other)
    drop(model)
    assert other.read_bytes()
    assert cached_share(other) == 1.0
    load(engine, model, context=512, mmap=False)
    answer = ask(engine, "hello", max_tokens=8).text
    # The header is read as usual.
    assert cached_share(model) < 0.3
    assert cached_share(other) > 0.9
    # Looking up what is in the page cache has put nothing there.
    load(engine, model, context=256, mmap=False)
    load(engine, model, context=512, mmap=True)
    assert ask(engine, "hello", max_tokens=8).text == answer
    assert cached_share(model) > 0.9
    # It is there now, and read from there.
    load(engine, model, context=512, mmap=False)
    assert ask(engine, "hello", max_tokens=8).text == answer
    modes = [line.split("load_mode = ")[1] for line in log_of(engine, tmp_path).splitlines() if "load_mode = " in line]
    assert modes == ["dio)", "dio)", "mmap)", "none)"]


def test_where_direct_io_is_refused_the_file_is_read_as_usual(
    engine: LocalEngine, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APUS_CHAT_ENGINE_WRAPPER", f"env LD_PRELOAD={build_library(tmp_path, REFUSING)}")
    drop(model)
    load(engine, model, context=512, mmap=False)
    assert ask(engine, "hello", max_tokens=8).finished is not None
    # The system may drop a page at any time.
    assert cached_share(model) > 0.9
    assert log_of(engine, tmp_path).count("Falling back to buffered I/O") == 1
