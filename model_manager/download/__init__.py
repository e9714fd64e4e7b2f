"""Model files from a hub: whole, verified, resumable, over several connections, laid down as engines read them.

``download`` fetches a ``PublishedModel`` into a folder.  In there each file is ``NAME.gguf.part`` with its journal
``NAME.gguf.part.json`` until its hash is the published one; then it is ``NAME.gguf`` with ``NAME.gguf.origin.json``
beside it.  What a hub lists, which model is meant and whose turn it is are others' business.
"""

from __future__ import annotations

from model_manager.download.control import Control, Phase, Progress
from model_manager.download.download import Ways, download
from model_manager.download.partial_files import discard, partial_bytes, reopen_for_mending, unfinished
from model_manager.download.worker import Pace

__all__ = [
    "Control",
    "Pace",
    "Phase",
    "Progress",
    "Ways",
    "discard",
    "download",
    "partial_bytes",
    "reopen_for_mending",
    "unfinished",
]
