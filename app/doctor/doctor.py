"""The doctor: which parts of the machine there are to look at, and the look at each, which never fails as a whole."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.doctor import conversations, disk, engine, network, program
from app.doctor.diagnostic import Finding, State, Text
from app.downloads import models_folder, proxy_of
from app.planning.machine import Machine
from model_manager.errors import Cancelled, UserError
from model_manager.library.library import ModelLibrary

ENGINE, MEMORY, DISK, CONVERSATIONS, PROGRAM, NETWORK = (
    "engine",
    "memory",
    "disk",
    "conversations",
    "program",
    "network",
)
PARTS = (PROGRAM, MEMORY, CONVERSATIONS, DISK, ENGINE)
"""What is looked at without a word over the network, the quickest first."""

logger = logging.getLogger(__name__)

Surroundings = Callable[[], Iterator[Finding]]


@dataclass(frozen=True)
class Doctor:
    """Looks at the parts.  ``look`` is for a background thread; several may be looked at at once.

    ``machine`` reads the devices anew, raising as ``MachineReader.now``.  ``surroundings`` tells what only the window
    or only the terminal knows: fonts, a display.  ``engine_pid`` is that of this program's own engine, which is no
    stranger on a card.
    """

    folder: DataFolder
    settings: SettingsFile
    secrets: Secrets
    machine: Callable[[], Machine]
    surroundings: Surroundings = field(default=lambda: iter(()))
    engine_pid: Callable[[], int | None] = lambda: None
    stopped: threading.Event = field(default_factory=threading.Event)

    def look(self, part: str) -> tuple[Finding, ...]:
        """The findings of one part.  What goes wrong on the way is a finding too.

        Raises:
            Cancelled: after ``stop``.
        """
        found: list[Finding] = []
        try:
            found.extend(self._looking(part))
        except Cancelled:
            raise
        except UserError as error:
            found.append(Finding("trouble", State.BAD, error, subject=part))
        except Exception as error:
            # A doctor who falls ill over one organ still looks at the others.
            logger.warning("looking at %s failed", part, exc_info=error)
            found.append(Finding("trouble", State.BAD, Text("trouble", {"detail": repr(error)}), subject=part))
        if self.stopped.is_set():
            raise Cancelled
        return tuple(found)

    def stop(self) -> None:
        """Let every look end soon."""
        self.stopped.set()

    def _looking(self, part: str) -> Iterator[Finding]:
        settings = self.settings.now
        models = models_folder(settings, self.folder)
        match part:
            case "program":
                yield from program.look(self.secrets)
                yield from self.surroundings()
            case "memory":
                yield from engine.look_at_memory()
            case "conversations":
                yield from conversations.look(self.folder.conversations, self.stopped.is_set)
            case "disk":
                wanted = disk.wanted_file(settings.model_id, self._library(models))
                yield from disk.look(self.folder.root, models, wanted, self.stopped.is_set)
            case "engine":
                yield from engine.look(self.machine, self.engine_pid())
            case "network":
                yield from network.look(settings, self.folder.servers_file, self.secrets, proxy_of(settings))
            case _:
                raise ValueError(part)

    def _library(self, models: Path) -> ModelLibrary:
        return ModelLibrary(self.folder.models, models_folder=lambda: models)
