"""Runs the checks, part by part; a failing part never affects the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.doctor import engine, network, program, storage
from app.doctor.diagnostic import Diagnostic, Severity
from app.downloads import models_folder, proxy_of
from app.planning.machine import Machine
from app.planning.open_models import open_model_names
from model_manager.cancellation import CancelToken
from model_manager.devices.devices import read_memory
from model_manager.errors import Cancelled, UserError
from model_manager.library.library import ModelLibrary

NETWORK = "network"
PARTS = ("program", "memory", "conversations", "disk", "engine")
"""All parts that need no network, fastest first."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Doctor:
    """Diagnostics of this machine.  ``check`` is for background threads, also several at once.

    ``machine`` scans the devices, raising as ``MachineReader.now``.  ``check_environment`` checks fonts and display.
    ``engine_pid`` returns the process of this program's own engine.
    """

    folder: DataFolder
    settings: SettingsFile
    secrets: Secrets
    machine: Callable[[], Machine]
    check_environment: Callable[[], Iterable[Diagnostic]] = program.check_environment
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
            found.append(Diagnostic("trouble", Severity.BAD, error, subject=part))
        except Exception as error:
            # A bug in one part must not prevent the others.
            logger.warning("check of %s failed", part, exc_info=error)
            found.append(Diagnostic("trouble", Severity.BAD, "trouble", {"detail": repr(error)}, subject=part))
        self.token.raise_if_cancelled()
        return tuple(found)

    def stop(self) -> None:
        """Cancel all checks."""
        self.token.cancel()

    def _run(self, part: str) -> Iterator[Diagnostic]:
        settings = self.settings.current
        match part:
            case "program":
                yield from program.check(self.secrets)
                yield from self.check_environment()
            case "memory":
                yield from engine.check_memory(read_memory())
            case "conversations":
                yield from storage.check_conversations(self.folder.conversations, self.token)
            case "disk":
                models = models_folder(settings, self.folder)
                library = ModelLibrary(self.folder.models, models_folder=lambda: models, names=open_model_names())
                yield storage.check_disk_use(self.folder, library)
                file = storage.load_file(settings.model_id, library)
                yield from storage.check_disk(self.folder.root, models, file, self.token)
            case "engine":
                yield from engine.check(self.machine, self.engine_pid())
            case "network":
                yield from network.check(settings, self.folder.servers_file, self.secrets, proxy_of(settings))
            case _:
                raise ValueError(part)
