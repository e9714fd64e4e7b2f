"""Services used by the models page: library, download queue, access to a hub, models folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_manager.download.queue import DownloadQueue
from model_manager.hub.access import OFFICIAL, Access
from model_manager.library.library import ModelLibrary


@dataclass(frozen=True)
class ModelBackend:
    """Services of the models page.

    ``access`` can query the system keyring: for background threads only.  ``folder`` is where downloads go,
    ``endpoint`` the hub whose pages are opened in the browser.
    """

    library: ModelLibrary
    queue: DownloadQueue
    access: Callable[[], Access]
    folder: Callable[[], Path]
    endpoint: Callable[[], str] = lambda: OFFICIAL

    def page_of(self, repository: str) -> str:
        """Return the address of the page of a repository."""
        return f"{self.endpoint().rstrip('/')}/{repository}"
