"""Vectors of the passages of documents, for their ranking by meaning: computed once in the background, and cached.

The embedding model is one of the library.  A file for each document and model has the vectors as 16-bit floats, row
by row; its name has the hashes of the text and of the model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from app.documents.ranking import index_of
from app.engine.protocol import Embeddings
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import disk_errors, write_atomically
from model_manager.errors import UserError

BATCH = 8
"""Passages that are embedded at once: about 2,048 tokens, after which others take their turn."""
MAX_FILES = 256
"""The oldest files are deleted."""
MIN_CHARACTERS = 64
"""A passage of more tokens than the model reads is shortened, but not below this."""
_INSTRUCTION = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
_PREFIXES = (
    (re.compile("e5.*instruct|qwen3-embedding"), _INSTRUCTION, ""),
    (re.compile(r"\be5[-.]"), "query: ", "passage: "),
    (re.compile("nomic-embed"), "search_query: ", "search_document: "),
    (re.compile("embedding-?gemma"), "task: search result | query: ", "title: none | text: "),
)
"""What a question and a passage begin with by the cards of these models; their headers don't contain it."""

Embed = Callable[[Path, Sequence[str], CancelToken], Embeddings]


class PassageVectors:
    """The cached vectors.  Thread-safe, if the functions are."""

    def __init__(self, folder: Path, find_model: Callable[[], tuple[Path, str] | None], embed: Embed) -> None:
        """``find_model`` returns path and SHA-256 of the embedding model; None without one."""
        self._folder, self._find_model, self._embed = folder, find_model, embed

    def compute(
        self, text: str, token: CancelToken = NEVER_CANCELLED, progress: Callable[[float], None] = lambda _share: None
    ) -> None:
        """Compute and store the vectors of a text, unless they are there or there is no model.

        Raises as ``Embedder.embed`` and ``disk_errors``.
        """
        model = self._find_model()
        if model is None or (file := self._file(text, *model)).exists():
            return
        index = index_of(text)
        prefix = _prefixes(model[0])[1]
        texts = [f"{prefix}{each.headings}\n{text[each.start : each.end]}" for each in index.passages]
        rows = []
        for start in range(0, len(texts), BATCH):
            progress(start / len(texts))
            rows += [self._vectors(model[0], texts[start : start + BATCH], token)]
        with disk_errors(file):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(file, np.concatenate(rows).astype("<f2").tobytes() if rows else b"")
            files = sorted(self._folder.glob("*.f16"), key=lambda each: each.stat().st_mtime)
            for old in files[:-MAX_FILES]:
                old.unlink(missing_ok=True)

    def similarities(self, texts: Sequence[str], question: str) -> list[Sequence[float]] | None:
        """Return the cosine of each passage of each text and a question; None where vectors are missing."""
        model = self._find_model()
        if model is None:
            return None
        counts = [len(index_of(text).passages) for text in texts]
        try:
            stored = [np.fromfile(self._file(text, *model), "<f2") for text in texts]
            (vector,) = self._vectors(model[0], [_prefixes(model[0])[0] + question], NEVER_CANCELLED)
        except (OSError, UserError):
            return None
        if any(len(values) != count * len(vector) for values, count in zip(stored, counts, strict=True)):
            return None
        return [(values.reshape(-1, len(vector)).astype(np.float32) @ vector).tolist() for values in stored]

    def erase(self) -> None:
        """Delete all vectors.  Raises as ``disk_errors``."""
        for file in self._folder.glob("*.f16"):
            with disk_errors(file):
                file.unlink(missing_ok=True)

    def _vectors(
        self, model: Path, texts: Sequence[str], token: CancelToken
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        try:
            result = self._embed(model, texts, token)
        except UserError as error:
            if error.code != "text_too_long_to_embed" or max(map(len, texts)) < MIN_CHARACTERS:
                raise
            # Tables and languages of which the model knows only letters.
            longest = max(map(len, texts)) * 3 // 4
            return self._vectors(model, [text[:longest] for text in texts], token)
        return np.frombuffer(result.vectors, "<f4").reshape(-1, result.dimension)

    def _file(self, text: str, model: Path, model_sha256: str) -> Path:
        digest = hashlib.sha256(f"{_prefixes(model)[1]}{text}".encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest[:32]}-{model_sha256[:16]}.f16"


def _prefixes(model: Path) -> tuple[str, str]:
    """Return what a question and a passage begin with, by the name of the file."""
    name = model.stem.lower().replace("_", "-")
    return next(((query, passage) for pattern, query, passage in _PREFIXES if pattern.search(name)), ("", ""))
