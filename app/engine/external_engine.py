"""An engine folder beside the program: backends that the bundle does not bring, such as Vulkan to one for the CPU.

``packaging/build.py --backend vulkan`` makes such a folder.  It fits where it belongs to the same engine.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

FOLDER = "engine"
FACTS = "engine.json"
"""``{"llama_cpp_python": "0.3.36", "backend": "vulkan"}``, beside the modules."""
VARIABLE = "APUS_CHAT_ENGINE_FOLDER"
"""Names another folder; the child finds in it the one it is to load from, or nothing."""
DISTRIBUTION = "llama_cpp_python"


@dataclass(frozen=True)
class AddedEngine:
    """The folder and what it says of itself."""

    path: Path
    backend: str
    version: str
    expected_version: str

    @property
    def fits(self) -> bool:
        """Whether its modules were built for this engine; others would crash it."""
        return self.version == self.expected_version


def added_engine(environment: Mapping[str, str] = os.environ) -> AddedEngine | None:
    """The folder that ``VARIABLE`` names, else ``engine`` beside the bundle's program; None where there is none."""
    named = environment.get(VARIABLE)
    if not named and not getattr(sys, "frozen", False):
        return None
    path = Path(named) if named else Path(sys.executable).parent / FOLDER
    if not path.is_dir():
        return None
    try:
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        backend, version = str(facts["backend"]), str(facts[DISTRIBUTION])
    except (OSError, ValueError, KeyError, TypeError):
        backend, version = "?", "?"
    return AddedEngine(path, backend, version, metadata.version(DISTRIBUTION))
