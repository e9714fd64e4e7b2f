"""Removes everything that a person wrote or was told: conversations, drafts, presets, automatic copies, logs.

Models, the list of them, servers and the other settings stay.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from app.services import Services
from model_manager.disk.files import disk_errors


def erase_everything(services: Services) -> None:
    """Remove it for good, from this computer's files; nothing is removed while an answer is being written.

    Raises:
        UserError: ``answer_in_progress`` (id), ``disk_full`` (path) or ``file_not_writable`` (path, detail): what
            comes after that in the order above is still there.
    """
    services.store.erase_everything()
    services.drafts.erase()
    services.presets.erase()
    services.settings.change(conversation_id=None, preset_id="")
    for beside in (services.folder.drafts_file, services.folder.presets_file):
        # What was put aside because it could not be read was the person's too.
        for path in beside.parent.glob(f"{beside.name}.damaged*"):
            _remove(path)
    for path in services.folder.logs.glob("*.log*"):
        # The newest ones are open: emptied, they go on as they are; Windows would not let them be removed.
        with disk_errors(path):
            path.write_bytes(b"")
        if path.suffix != ".log":
            _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), disk_errors(path):
        path.unlink()
