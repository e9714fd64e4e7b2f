"""Where model files are fetched from and put to, as the settings say; the queue of downloads for the window."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import HUB_TOKEN, Secrets
from app.config.settings import Settings, SettingsFile
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.download.queue import DownloadQueue
from model_manager.errors import UserError
from model_manager.hub.access import OFFICIAL, Access, host_of
from model_manager.library.library import ModelLibrary
from model_manager.library.relocation import relocate_models, roll_back, unfinished_relocation
from model_manager.progress import OnProgress, ignore_progress

NO_PROXY = "none"
KIB = 1024

_log = logging.getLogger(__name__)


def models_folder(settings: Settings, folder: DataFolder) -> Path:
    """Where downloads lie."""
    return Path(settings.models_folder) if settings.models_folder else folder.models


def proxy_of(settings: Settings) -> str | None:
    """The proxy as ``Access`` wants it: an address, empty for none, None for what the system says."""
    return {"": None, NO_PROXY: ""}.get(settings.proxy, settings.proxy)


def access_from(settings: Settings, secrets: Secrets, endpoint: str | None = None) -> Access:
    """How the hub is reached.  ``endpoint`` is taken instead of the one in the settings.

    Reads the token from the system's keyring, which may take a while: not for the window's thread.
    """
    authority = settings.authority or OFFICIAL
    return Access(
        endpoint=(endpoint or settings.endpoint or authority).rstrip("/"),
        authority=authority.rstrip("/"),
        token=secrets.get(HUB_TOKEN),
        token_hosts=frozenset({host_of(authority), *settings.token_hosts.lower().split()}),
        proxy=proxy_of(settings),
    )


class ModelDownloads:
    """The queue of downloads, kept in step with the settings, and the library of what it brought."""

    def __init__(self, folder: DataFolder, settings: SettingsFile, secrets: Secrets) -> None:
        self._folder = folder
        self._settings = settings
        self._secrets = secrets
        self._done: list[Callable[[str, tuple[Path, ...]], None]] = []
        self.library = ModelLibrary(folder.models, models_folder=self.folder)
        self.manager = DownloadQueue(self.folder, self.access, self._finished)
        self._apply_limit()

    def start(self) -> None:
        """Take up what the last run left: a move of the models folder first, then the downloads.  Returns at once."""
        threading.Thread(target=self._take_up, name="models folder", daemon=True).start()

    def folder(self) -> Path:
        """Where downloads lie now."""
        return models_folder(self._settings.now, self._folder)

    def access(self) -> Access:
        """How the hub is reached now.  Not for the window's thread: it asks the keyring."""
        return access_from(self._settings.now, self._secrets)

    def on_done(self, listener: Callable[[str, tuple[Path, ...]], None]) -> None:
        """Call ``listener`` with the id and the files of each model that has arrived, from the queue's thread."""
        self._done.append(listener)

    def settings_changed(self) -> None:
        """Go on with the endpoint, the proxy, the token and the limit that the settings name now."""
        self._apply_limit()
        self.manager.reconnect()

    def move_to(
        self,
        target: Path,
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken = NEVER_CANCELLED,
    ) -> None:
        """Move everything fetched so far to ``target`` and fetch there from now on.

        Raises ``Cancelled`` and ``UserError`` as ``relocate_models`` does; then the old folder stays in use.
        """
        with self.manager.suspended():
            self._move(self.folder(), target, on_progress, cancel)

    def close(self) -> None:
        """Stop; everything goes on at the next start."""
        self.manager.close()

    def _move(
        self,
        source: Path,
        target: Path,
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken = NEVER_CANCELLED,
    ) -> None:
        def use_target() -> None:
            self._settings.change(models_folder="" if target == self._folder.models else str(target))

        relocate_models(source, target, on_progress, cancel, use_target)
        self.library.relocate(source, target)

    def _take_up(self) -> None:
        try:
            move = unfinished_relocation(self.folder())
            if move is not None and move.committed:
                self._move(move.source, move.target)
            elif move is not None:
                # The program ended in the middle: everything is still in the old folder, copies alone are in the new.
                roll_back(move)
        except UserError as error:
            _log.warning("the move of the models folder stays unfinished: %s", error)
        self.manager.start()

    def _apply_limit(self) -> None:
        limit = self._settings.now.download_limit
        self.manager.limit(limit * KIB if limit else None)

    def _finished(self, model_id: str, paths: tuple[Path, ...]) -> None:
        for listener in tuple(self._done):
            listener(model_id, paths)
