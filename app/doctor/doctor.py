"""Runs the checks, part by part; a failing part never affects the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.doctor import conversations, disk, engine, network, program
from app.doctor.diagnostic import Diagnostic, State, Text
from app.downloads import models_folder, proxy_of
from app.planning.machine import Machine
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import read_memory
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
"""All parts that need no network, fastest first."""

logger = logging.getLogger(__name__)

EnvironmentChecks = Callable[[], Iterator[Diagnostic]]


@dataclass(frozen=True)
class Doctor:
    """Diagnostics of this machine.  ``check`` is for background threads, also several at once.

    ``machine`` scans the devices, raising as ``MachineReader.now``.  ``environment_checks`` are the checks of the
    window or the terminal (fonts, display).  ``engine_pid`` returns the process of this program's own engine.
    """

    folder: DataFolder
    settings: SettingsFile
    secrets: Secrets
    machine: Callable[[], Machine]
    environment_checks: EnvironmentChecks = field(default=lambda: iter(()))
    engine_pid: Callable[[], int | None] = lambda: None
    token: CancelToken = field(default_factory=CancelToken)

    def check(self, part: str) -> tuple[Diagnostic, ...]:
        """Return the results of one part; an error during the check is a result too.

        Raises:
            Cancelled: after ``stop``.
        """
        found: list[Diagnostic] = []
        try:
            found.extend(self._run(part))
        except Cancelled:
            raise
        except UserError as error:
            found.append(Diagnostic("trouble", State.BAD, error, subject=part))
        except Exception as error:
            # A bug in one part must not prevent the others.
            logger.warning("check of %s failed", part, exc_info=error)
            found.append(Diagnostic("trouble", State.BAD, Text("trouble", {"detail": repr(error)}), subject=part))
        self.token.raise_if_cancelled()
        return tuple(found)

    def stop(self) -> None:
        """Cancel all checks."""
        self.token.cancel()

    def _run(self, part: str) -> Iterator[Diagnostic]:
        settings = self.settings.now
        models = models_folder(settings, self.folder)
        match part:
            case "program":
                yield from program.check(self.secrets)
                yield from self.environment_checks()
            case "memory":
                yield from engine.check_memory(read_memory())
            case "conversations":
                yield from conversations.check(self.folder.conversations, lambda: self.token.is_cancelled)
            case "disk":
                file = disk.load_file(settings.model_id, self._library(models))
                yield from disk.check(self.folder.root, models, file, self.token)
            case "engine":
                yield from engine.check(self.machine, self.engine_pid())
            case "network":
                yield from network.check(settings, self.folder.servers_file, self.secrets, proxy_of(settings))
            case _:
                raise ValueError(part)

    def _library(self, models: Path) -> ModelLibrary:
        return ModelLibrary(self.folder.models, models_folder=lambda: models)
