"""Copy the licences of all libraries in this environment into a folder, one file per library.

python licences.py FOLDER
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

BUILD_ONLY = {
    *("pip", "setuptools", "wheel", "pyinstaller-hooks-contrib", "altgraph", "macholib", "pefile", "cmake", "ninja"),
    *("scikit_build_core", "editables", "hatchling", "pathspec", "pluggy", "tomlkit", "trove-classifiers"),
}
NAMES = ("licen", "copying", "notice", "authors")


def main(folder: Path) -> None:
    """Write the licence files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in sorted(metadata.distributions(), key=lambda found: found.name.lower()):
        if each.name.lower() in BUILD_ONLY:
            continue
        declared = each.metadata.get("License-Expression") or each.metadata.get("License") or ""
        classified = [line for line in each.metadata.get_all("Classifier") or () if line.startswith("License ::")]
        texts = [f"{each.name} {each.version}", declared.strip(), *classified, each.metadata.get("Home-page") or ""]
        for path in each.files or ():
            if any(name in path.name.lower() for name in NAMES) and path.suffix.lower() not in (".py", ".pyc"):
                place = Path(str(each.locate_file(path)))
                if place.is_file():
                    texts.append(f"---- {path} ----\n{place.read_text(encoding='utf-8', errors='replace')}")
        (folder / f"{each.name}.txt").write_text("\n".join(filter(None, texts)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
