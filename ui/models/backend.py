"""What stands behind the models page, gathered: the library, the queue of downloads, the way to a hub, the folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_manager.download.queue import DownloadManager
from model_manager.hub.access import OFFICIAL, Access
from model_manager.library.library import ModelLibrary


@dataclass(frozen=True)
class ModelBackend:
    """Real parts, handed over by whoever built them.

    ``access`` may ask the system's keyring: it is called in other threads than the window's alone.  ``folder`` is where
    downloads go now, ``endpoint`` the hub whose pages a browser is shown.
    """

    library: ModelLibrary
    manager: DownloadManager
    access: Callable[[], Access]
    folder: Callable[[], Path]
    endpoint: Callable[[], str] = lambda: OFFICIAL

    def page_of(self, repository: str) -> str:
        """The page of a repository, for the browser."""
        return f"{self.endpoint().rstrip('/')}/{repository}"
