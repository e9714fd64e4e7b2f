"""Embeddings of texts for the rest of the program, in an engine child of their own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from app.engine.local_engine import LocalEngine
from app.engine.protocol import Embeddings
from model_manager.cancellation import NEVER_CANCELLED, CancelToken


class Embedder:
    """Computes embeddings on the CPU at a low priority, beside the model that answers.

    Calls of several threads take turns.
    """

    def __init__(self, log_path: Path) -> None:
        self._engine = LocalEngine(log_path, gpus=False, background=True)
        self._lock = threading.Lock()

    def embed(self, path: Path, texts: Sequence[str], token: CancelToken = NEVER_CANCELLED) -> Embeddings:
        """Return a vector for each text by the embedding model at ``path``, which stays loaded.

        Raises as ``LocalEngine.embed``.
        """
        with self._lock:
            return self._engine.embed(path, texts, token)

    def release(self) -> None:
        """Unload the model, after the request that runs."""
        with self._lock:
            self._engine.release()
