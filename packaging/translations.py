"""Update the translations from the source strings and compile them.

    python packaging/translations.py            update the .ts file from the sources, compile it to the .qm files
    python packaging/translations.py --check    change nothing; fail if an entry is missing, unfinished or not compiled

Translate in the .ts file (by hand or with ``pyside6-linguist``), then run this again.  Unused strings are removed.
Traditional Chinese is converted from the Simplified (``packaging/traditional.py``).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from traditional import traditional

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "resources" / "translations"
TS = FOLDER / "apus_chat_zh_CN.ts"
TRADITIONAL = "apus_chat_zh_TW"


def sources() -> list[Path]:
    return [path for part in ("app", "ui") for path in sorted((ROOT / part).rglob("*.py"))]


def update(ts: Path) -> None:
    # Without locations, so that the file changes only with its strings.
    _run("lupdate", "-locations", "none", "-no-obsolete", *map(str, sources()), "-ts", str(ts))


def compile_to(folder: Path) -> None:
    """Compile the translations into the files of a folder."""
    _run("lrelease", "-silent", str(TS), "-qm", str(folder / f"{TS.stem}.qm"))
    tree = ElementTree.parse(TS)
    tree.getroot().set("language", "zh_TW")
    for translation in tree.iter("translation"):
        translation.text = traditional(translation.text or "")
    with tempfile.TemporaryDirectory() as temporary:
        ts = Path(temporary) / f"{TRADITIONAL}.ts"
        tree.write(ts, "utf-8", xml_declaration=True)
        _run("lrelease", "-silent", str(ts), "-qm", str(folder / f"{TRADITIONAL}.qm"))


def entries(ts: Path) -> Counter[tuple[str, str, str]]:
    """Count the entries by context, source and comment."""
    return Counter(
        (context.findtext("name", ""), message.findtext("source", ""), message.findtext("comment", ""))
        for context in ElementTree.parse(ts).iter("context")
        for message in context.iter("message")
    )


def unfinished(ts: Path) -> list[str]:
    """Return the source strings of all entries without a confirmed translation."""
    return [
        message.findtext("source", "")
        for message in ElementTree.parse(ts).iter("message")
        if (translation := message.find("translation")) is None
        or translation.get("type") is not None
        or not "".join(translation.itertext()).strip()
    ]


def problems() -> list[str]:
    """Return the problems of the committed files, one per line."""
    found = [f"not finished: {text}" for text in unfinished(TS)]
    with tempfile.TemporaryDirectory() as folder:
        ts = Path(folder) / TS.name
        shutil.copy(TS, ts)
        update(ts)
        committed, current = entries(TS), entries(ts)
        found += [f"not in {TS.name}: {context}: {text}" for context, text, _ in current - committed]
        found += [f"no longer in the source: {context}: {text}" for context, text, _ in committed - current]
        compile_to(Path(folder))
        for fresh in sorted(Path(folder).glob("*.qm")):
            compiled = FOLDER / fresh.name
            if not compiled.exists() or compiled.read_bytes() != fresh.read_bytes():
                found.append(f"stale: {compiled.name}")
    return found


def _run(tool: str, *arguments: str) -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    command = shutil.which(f"pyside6-{tool}", path=str(scripts)) or f"pyside6-{tool}"
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"{tool} failed: {done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Update and compile the translations of the window")
    parser.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    if not parser.parse_args().check:
        update(TS)
        compile_to(FOLDER)
        print(f"{len(entries(TS))} entries, {len(unfinished(TS))} not finished")
        return 0
    found = problems()
    print("\n".join(found) or "up to date")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
