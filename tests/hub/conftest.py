"""Fake hubs, and addresses that refuse or never answer."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_manager.hub.access import Access
from tests.rigs.fake_hub import FakeHub

AddModel = Callable[..., str]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def second_hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def access(hub: FakeHub) -> Access:
    return Access(endpoint=hub.url, authority=hub.url, proxy="")


@pytest.fixture
def add(tmp_path: Path) -> AddModel:
    """Add a file with this content to a repository; returns its hash."""

    def put(hub: FakeHub, repository: str, name: str, content: bytes = b"GGUF", **kind: bool) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = tmp_path / sha256
        path.write_bytes(content)
        hub.add_file(repository, name, path, sha256=sha256, **kind)
        return sha256

    return put


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """Address that refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound without listening: no other process gets the port
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Address that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
