"""External engine folder: backends that the bundle lacks, such as Vulkan for a bundle built for the CPU.

``packaging/build.py --backend vulkan`` makes such a folder, for one version of the engine.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = "engine"
DESCRIPTION_FILE = "engine.json"
"""``{"llama_cpp_python": "0.3.36", "backend": "vulkan"}``, beside the modules."""
VARIABLE = "APUS_CHAT_ENGINE_FOLDER"
"""Names another folder; for the child, the folder to load from, or empty."""
DISTRIBUTION = "llama_cpp_python"


@dataclass(frozen=True)
class ExternalEngine:
    """The folder and its description."""

    path: Path
    backend: str
    version: str
    expected_version: str

    @property
    def is_compatible(self) -> bool:
        """Whether its modules were built for this engine; others would crash it."""
        return self.version == self.expected_version


def external_engine(environment: Mapping[str, str] = os.environ) -> ExternalEngine | None:
    """Find the folder that ``VARIABLE`` names, else ``engine`` beside the bundle's program; None without one."""
    named = environment.get(VARIABLE)
    if not named and not getattr(sys, "frozen", False):
        return None
    from importlib import metadata  # where there is such a folder; others start sooner

    path = Path(named) if named else Path(sys.executable).parent / FOLDER
    if not path.is_dir():
        return None
    try:
        description = json.loads((path / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        backend, version = str(description["backend"]), str(description[DISTRIBUTION])
    except (OSError, ValueError, KeyError, TypeError):
        backend, version = "?", "?"
    return ExternalEngine(path, backend, version, metadata.version(DISTRIBUTION))
