"""Plan options that the user fixed, by model; kept in ``wishes.json``."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from app.config.settings import AUTOMATIC_LAYERS, Settings
from model_manager.disk.json_file import JsonError, JsonFile, from_plain
from model_manager.plan import PlanOptions

logger = logging.getLogger(__name__)


class ModelOverrides:
    """The options of all models.  Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, dict[str, dict[str, Any]], {})
        self._lock = threading.Lock()

    def get(self, model_id: str) -> PlanOptions:
        """Return the options of a model, defaults where it has none or they cannot be read."""
        with self._lock:
            stored = self._file.read().get(model_id, {})
        try:
            return from_plain(stored, PlanOptions)
        except JsonError as error:
            logger.warning("options of %s are invalid: %s", model_id, error)
            return PlanOptions()

    def set(self, model_id: str, options: PlanOptions) -> None:
        """Store the options for all further loads of a model.  Raises UserError as ``JsonFile.write``."""
        with self._lock:
            others = {key: stored for key, stored in self._file.read().items() if key != model_id}
            self._file.write(others | ({model_id: options.fixed} if options.fixed else {}))


def plan_options_from(settings: Settings) -> PlanOptions:
    """Return what the settings fix for all models."""
    layers = settings.gpu_layers
    return PlanOptions(context=settings.context or None, n_gpu_layers=None if layers == AUTOMATIC_LAYERS else layers)
