"""What a person fixed about the loads of a model, by its id; kept in ``wishes.json``."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from pathlib import Path
from typing import Any

from app.config.settings import Settings
from app.planning.basis import wishes_from
from model_manager.disk.files import write_atomically
from model_manager.plan import Wishes

logger = logging.getLogger(__name__)


class WishedLoads:
    """The wishes of all models.  Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def of(self, model_id: str) -> Wishes:
        """What is fixed for a model; nothing where nobody fixed anything, or the file cannot be read."""
        stored = self._read().get(model_id, {})
        try:
            return dataclasses.replace(Wishes(), **{key: _plain(value) for key, value in stored.items()})
        except (TypeError, AttributeError) as error:
            logger.warning("wishes for %s not understood: %s", model_id, error)
            return Wishes()

    def keep(self, model_id: str, wishes: Wishes) -> None:
        """Load it so from now on.

        Raises:
            UserError: ``disk_full`` or ``file_not_writable``.
        """
        usual = dataclasses.asdict(Wishes())
        changed = {key: value for key, value in dataclasses.asdict(wishes).items() if value != usual[key]}
        with self._lock:
            stored = self._read()
            if changed:
                stored[model_id] = changed
            else:
                stored.pop(model_id, None)
            write_atomically(self._path, json.dumps(stored, indent=1).encode())

    def _read(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("wishes not readable: %s", error)
            return {}
        return stored if isinstance(stored, dict) else {}


def over(wishes: Wishes, under: Wishes) -> Wishes:
    """What ``wishes`` fixes, and for the rest what ``under`` does."""
    usual = Wishes()
    fixed = {
        field.name: getattr(wishes, field.name)
        for field in dataclasses.fields(Wishes)
        if getattr(wishes, field.name) != getattr(usual, field.name)
    }
    return dataclasses.replace(under, **fixed)


def wishes_for(settings: Settings, kept: Wishes, said: Wishes | None = None) -> Wishes:
    """What a load is to keep to: what was ``said`` for this once, else what is ``kept`` for the model, else the
    settings."""
    return over(said or Wishes(), over(kept, wishes_from(settings)))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
