"""Known services and server programs with an OpenAI-compatible API (``resources/providers.json``).

Each entry names the documentation of its address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from app.config.paths import resources
from app.servers.protocol import ServedModel
from model_manager.disk.json_file import from_json
from model_manager.errors import UserError


@dataclass(frozen=True)
class Provider:
    """A service, or a server program at its usual address on this computer."""

    name: str
    url: str
    """Base URL of the API."""
    source: str
    """The page of its documentation with this address."""
    keys: str = ""
    """The page on which API keys are made; empty for a program on this computer."""
    chinese: str = ""
    """Name in Chinese, where it differs."""

    def name_in(self, language: str) -> str:
        """Return the name in a language of the interface."""
        return self.chinese or self.name if language.startswith("zh") else self.name


@dataclass(frozen=True)
class FoundServer:
    """A server that was found; ``models`` is None where it needs a key before it lists them."""

    name: str
    url: str
    models: tuple[ServedModel, ...] | None


@cache
def providers() -> tuple[Provider, ...]:
    """Return all known providers."""
    return from_json((resources() / "providers.json").read_bytes(), tuple[Provider, ...])


def local_providers() -> tuple[Provider, ...]:
    """Return the programs that run on this computer."""
    return tuple(each for each in providers() if not each.keys)


def answering(
    candidates: Sequence[Provider], list_models: Callable[[str, str], Iterable[ServedModel]]
) -> tuple[FoundServer, ...]:
    """Return the servers that answer, all asked at once.

    ``list_models`` is called with an address and an empty key, and raises ``UserError``.
    """
    found: dict[str, FoundServer] = {}

    def ask(each: Provider) -> None:
        try:
            found[each.url] = FoundServer(each.name, each.url, tuple(list_models(each.url, "")))
        except UserError as error:
            if error.code == "server_key_missing":
                found[each.url] = FoundServer(each.name, each.url, None)

    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(found[each.url] for each in candidates if each.url in found)
