"""The door that an installed program comes in by, and the one name that its wheel puts into site-packages.

The parts are imported as `app`, `ui` and `model_manager`. In the wheel they lie in this folder, in the tree three
folders above it; `main` puts the place where they are first on the path, so that nobody else's `app` is taken.
"""

import sys
from pathlib import Path


def home() -> Path:
    """Where `app`, `ui`, `model_manager` and `resources` lie."""
    here = Path(__file__).resolve().parent
    return here if (here / "app").is_dir() else here.parents[2]


def main() -> int:
    """Start the program with the arguments of the command line."""
    sys.path.insert(0, str(home()))
    from app.__main__ import main as program

    return program()
