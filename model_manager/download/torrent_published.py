"""Whether what a magnet link brought is what the hub publishes under that name, for the models of the catalogue.

A link's own hash only says that the bytes are those the link's maker meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import find_published
from model_manager.layout.origin import read_origin, write_origin
from model_manager.library.quarantine import quarantine


def compare_with_hub(paths: Sequence[Path], access: Access) -> None:
    """Note the published origin of each file that is a published one; set aside one that only bears its name.

    A file of no known name, and one whose hub cannot be asked, stay as they came.  Raises ``UserError``:
    download_damaged(path, name) for the first file that is another; and as ``quarantine`` and ``disk_error`` do.
    """
    for path in paths:
        entry = next((each for each in CATALOGUE if each.file_name == path.name), None)
        origin = read_origin(path)
        if entry is None or origin is None:
            continue
        try:
            published = find_published(entry.id, access)
        except UserError:
            continue
        hashes = tuple(file.sha256 for file in published.files)
        if None in hashes or len(hashes) != len(origin.parts):
            continue
        if hashes != tuple(part.sha256 for part in origin.parts):
            raise UserError("download_damaged", path=quarantine(path), name=path.name)
        write_origin(
            path,
            replace(
                origin,
                model_id=published.id,
                repository=published.repository,
                commit=published.commit,
                parts=published.files,
                checksums_from=published.checksums_from,
            ),
        )
