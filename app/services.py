"""The program's services, which are passed to the window and the command line."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

from app.chat.worker import InferenceWorker
from app.config.drafts import Drafts
from app.config.paths import DataFolder
from app.config.presets import Presets
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.documents.vectors import PassageVectors
from app.downloads import ModelDownloads, proxy_of
from app.engine.cache_folder import CacheFolder
from app.engine.embedder import Embedder
from app.engine.lender import Lender
from app.engine.local_engine import LocalEngine
from app.engine.protocol import CacheOptions
from app.formulas import FormulaRenderer
from app.idle_hasher import IdleHasher
from app.local_server.server import LocalServer
from app.planning.service import PlanningService
from app.previews.pages import BrowserPages
from app.servers.registry import Servers
from app.store.store import ConversationStore
from app.tools.memory import MemoryTools
from app.tools.registry import ToolServers
from app.tools.web import WebTools
from model_manager.disk.files import disk_errors, remove_temporary_files
from model_manager.errors import UserError

CLOSE_S = 3.0
"""Seconds to wait for the running answer when the program closes."""


logger = logging.getLogger(__name__)


class Services:
    """All services of the program."""

    def __init__(self, folder: DataFolder, settings: SettingsFile | None = None) -> None:
        """Open the data folder.  Unfinished downloads continue after ``downloads.start``.

        Raises:
            UserError: as ``ConversationStore.open``.
        """
        self.folder = folder
        self.settings = settings = settings or SettingsFile(folder.settings_file)
        self.secrets = Secrets()
        self.downloads = ModelDownloads(folder, settings, self.secrets)
        self.library = self.downloads.library
        self.engine = LocalEngine(folder.logs / "engine.log")
        self.engine.cache_options = self._cache_options
        self.speculation: bool | None = None
        """Whether the engine guesses tokens, in place of the setting."""
        self.engine.exact_batches = self._exact_batches
        self.states = CacheFolder(folder.states)
        self.embedder = Embedder(folder.logs / "embeddings.log")
        self.vectors = PassageVectors(folder.vectors, self._embedding_model, self.embedder.embed)
        self.lender = Lender(folder.lent, folder.logs / "lending.log")
        self.worker = InferenceWorker(self._idle_seconds, self._release_engines)
        self.local_server = LocalServer(self.worker)
        self.store = ConversationStore.open(folder.conversations)
        self.store.on_delete = self.forget_states
        self.planning = PlanningService(
            folder, self.library, self.engine, lambda: settings.current.device_preferences()
        )
        self.hasher = IdleHasher(self.library, self.worker.is_busy)
        self.servers = Servers(folder.servers_file, self.secrets, lambda: proxy_of(settings.current))
        self.web = WebTools(lambda: settings.current, self.secrets, lambda: proxy_of(settings.current))
        self.tools = ToolServers(
            folder.tools_file,
            self.secrets,
            lambda: proxy_of(settings.current),
            built_in=(self.web, MemoryTools(lambda: settings.current, self.store)),
        )
        self.presets = Presets(folder.presets_file)
        self.drafts = Drafts(folder.drafts_file)
        self.formula_renderer = FormulaRenderer()
        self.pages = BrowserPages(folder.pages)

    def file_problems(self) -> list[UserError]:
        """Return why files of the data folder could not be read, if so."""
        files = (self.settings, self.presets, self.drafts, self.servers, self.tools, self.library)
        problems = [each.problem for each in files if each.problem is not None]
        return problems + self.planning.file_problems()

    def forget_states(self, conversation_ids: Sequence[str] | None = None) -> None:
        """Delete these conversations, or all for None, from the conversation cache."""

        def forget() -> None:
            # A child that ends has no states.
            with contextlib.suppress(UserError):
                self.engine.forget(conversation_ids)

        try:
            self.states.delete(conversation_ids)
        except UserError as error:
            logger.warning("conversation cache: %s", error.code)
        self.worker.submit(forget)

    def tidy_states(self) -> None:
        """Delete the states of conversations that no longer exist, whose process died before it could."""
        kept = (*self.store.list(), *self.store.list(archived=True))
        self.states.delete(all_but=[conversation.id for conversation in kept])

    def erase_everything(self) -> None:
        """Delete all personal data: conversations, facts, backups, states, vectors, pages, drafts, presets and logs.

        Models, servers and other settings are kept.  Nothing is deleted while an answer is being written.

        Raises:
            UserError: ``answer_in_progress`` (id), or as ``disk_error``: the rest is not deleted.
        """
        self.store.erase_everything()
        self.forget_states()
        self.vectors.erase()
        self.pages.delete_written()
        self.pages.delete_earlier()
        self.drafts.erase()
        self.presets.erase()
        self.settings.change(conversation_id=None, preset_id="")
        for file in (self.folder.drafts_file, self.folder.presets_file):
            # Damaged files that were set aside contain personal data too, and the temporary ones of killed processes.
            for path in file.parent.glob(f"{file.name}.damaged*"):
                _remove(path)
            remove_temporary_files(file)
        for path in self.folder.logs.glob("*.log*"):
            # Open log files are emptied, because Windows doesn't allow deleting them.
            with disk_errors(path):
                path.write_bytes(b"")
            if path.suffix != ".log":
                _remove(path)

    def close(self) -> None:
        """Stop and save the running answer, stop the engine, and close the database."""
        self.downloads.close()
        self.hasher.shut_down()
        self.formula_renderer.close()
        self.pages.delete_written()
        self.local_server.stop()
        self.worker.close(CLOSE_S)
        self.servers.close()
        self.tools.close()
        self.engine.release()
        self.embedder.release()
        self.lender.stop()
        # An answer that didn't end with its token ends with the engine, and is saved.
        self.worker.close(CLOSE_S)
        self.store.close()

    def _embedding_model(self) -> tuple[Path, str] | None:
        """Return the library's embedding model and its hash."""
        model = next((each for each in self.library.list() if each.embeds and each.problem is None), None)
        return None if model is None else (model.path, self.library.hash_of(model.path))

    def _cache_options(self) -> CacheOptions | None:
        disk_bytes, loaded = self.settings.current.conversation_cache << 30, self.planning.loader.loaded
        if not disk_bytes or loaded is None:
            return None
        return CacheOptions(str(self.states.path), disk_bytes, min(disk_bytes, loaded.plan.host.cache_bytes))

    def _exact_batches(self) -> Path | None:
        guesses = self.settings.current.speculation if self.speculation is None else self.speculation
        return self.folder.exact_batches if guesses else None

    def _release_engines(self) -> None:
        self.engine.release()
        self.embedder.release()

    def _idle_seconds(self) -> float | None:
        minutes = self.settings.current.idle_release_minutes
        return minutes * 60.0 if minutes else None


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), disk_errors(path):
        path.unlink()
