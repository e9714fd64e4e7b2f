"""Deletion of all personal data: conversations, drafts, presets, backups, logs.

Models, their registry, servers and other settings are kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from app.services import Services
from model_manager.disk.files import disk_errors


def erase_everything(services: Services) -> None:
    """Delete the data permanently, in the order above; nothing is deleted while an answer is being written.

    Raises:
        UserError: ``answer_in_progress`` (id), or as ``disk_error``: the rest is not deleted.
    """
    services.store.erase_everything()
    services.drafts.erase()
    services.presets.erase()
    services.settings.change(conversation_id=None, preset_id="")
    for file in (services.folder.drafts_file, services.folder.presets_file):
        # Damaged files that were set aside contain personal data too.
        for path in file.parent.glob(f"{file.name}.damaged*"):
            _remove(path)
    for path in services.folder.logs.glob("*.log*"):
        # Open log files are emptied, because Windows doesn't allow deleting them.
        with disk_errors(path):
            path.write_bytes(b"")
        if path.suffix != ".log":
            _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), disk_errors(path):
        path.unlink()
