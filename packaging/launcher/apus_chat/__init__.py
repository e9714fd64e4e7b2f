"""Entry point of the installed program, and the only package its wheel adds to site-packages.

The packages `app`, `ui` and `model_manager` are inside this folder in the wheel and two folders above it in the source
tree. `main` puts their location first on sys.path, so that another package named `app` is never imported.
"""

import sys
from pathlib import Path


def home() -> Path:
    """Return the folder of `app`, `ui`, `model_manager` and `resources`."""
    here = Path(__file__).resolve().parent
    return here if (here / "app").is_dir() else here.parents[2]


def main() -> int:
    """Run the program with the command-line arguments."""
    sys.path.insert(0, str(home()))
    from app.__main__ import main as program

    return program()
