"""HTML of answers as files for the browser, in which it can neither connect to anything nor leave its page."""

from __future__ import annotations

import contextlib
import html
import os
from pathlib import Path

from model_manager.disk.files import disk_errors, write_atomically

LANGUAGES = frozenset({"html", "xhtml", "htm"})
MAX_PAGE_CHARACTERS = 2_000_000
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; media-src data:; base-uri 'none'; form-action 'none'"
)
"""Content security policy (https://www.w3.org/TR/CSP3): inline code and data inside the page, no connection."""
_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer"><title>APUS Chat</title>
<style>html, body {{ margin: 0; height: 100%; overflow: hidden; background: white }}
iframe {{ border: 0; width: 100%; height: 100% }}</style></head>
<body><iframe sandbox="allow-scripts" title="HTML" srcdoc="{content}"></iframe></body></html>
"""
"""The frame inherits the policy.  Its sandbox has no forms, windows, storage, and no way to another address."""


def is_page(code: str, language: str) -> bool:
    """Return whether a block of code is HTML that a browser can show."""
    return language in LANGUAGES and len(code) <= MAX_PAGE_CHARACTERS and "<" in code


class BrowserPages:
    """The files of one data folder, which only the user can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: list[Path] = []

    def write(self, code: str) -> Path:
        """Write a new page and return its file.  Raises ``UserError`` as ``disk_error``."""
        with disk_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{os.urandom(8).hex()}.html"
        page = _PAGE.format(policy=POLICY, content=html.escape(code))
        write_atomically(path, page.encode("utf-8", "replace"), private=True)
        self._written.append(path)
        return path

    def delete_written(self) -> None:
        """Delete the files of this object."""
        for path in self._written:
            with contextlib.suppress(OSError):
                path.unlink()
        self._written.clear()

    def delete_earlier(self) -> None:
        """Delete the files that earlier runs left.  Raises ``UserError`` as ``disk_error``."""
        with disk_errors(self._folder):
            for path in self._folder.glob("*"):
                if path not in self._written:
                    path.unlink(missing_ok=True)
