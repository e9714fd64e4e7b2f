"""Vectors of passages, by a tiny real embedding model in the engine's child."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.documents.ranking import index_of
from app.documents.vectors import PassageVectors
from app.engine.embedder import Embedder
from app.engine.protocol import Embeddings
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from tests.rigs.tiny_embedder import write_tiny_embedder

PAGES = ("the cat sat on the mat", "the dog ran", "the sky is blue")
TEXT = "\n\n".join(f"[Page {number}]\n\n{text}." for number, text in enumerate(PAGES, 1))


@pytest.fixture
def embedder(tmp_path: Path) -> Iterator[Embedder]:
    embedder = Embedder(tmp_path / "engine.log")
    yield embedder
    embedder.release()


def test_vectors_are_computed_once_for_each_text_and_model_and_compared_with_questions(
    tmp_path: Path, embedder: Embedder
) -> None:
    model = write_tiny_embedder(tmp_path / "embedder.gguf")
    folder = tmp_path / "vectors"
    found: list[tuple[Path, str] | None] = [None]
    vectors = PassageVectors(folder, lambda: found[0], embedder.embed)
    vectors.compute(TEXT)
    assert not folder.exists(), "without a model there is nothing to compute"
    assert vectors.similarities([TEXT], PAGES[1]) is None
    found[0] = (model, "a" * 64)
    assert vectors.similarities([TEXT], PAGES[1]) is None
    shares: list[float] = []
    vectors.compute(TEXT, progress=shares.append)
    assert shares == [0.0]
    (row,) = vectors.similarities([TEXT], PAGES[1]) or ()
    assert len(row) == len(index_of(TEXT).passages) == 3
    assert row[1] == max(row)
    assert row[1] == pytest.approx(1, abs=0.2)
    vectors.compute(TEXT, progress=shares.append)
    assert len(shares) == 1, "they are there already"
    # All texts need their vectors, and another model has its own.
    assert vectors.similarities([TEXT, "the mat is blue"], PAGES[1]) is None
    found[0] = (model, "b" * 64)
    assert vectors.similarities([TEXT], PAGES[1]) is None
    vectors.compute(TEXT)
    assert len(list(folder.iterdir())) == 2
    # A damaged file counts as missing.
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-3])
    assert vectors.similarities([TEXT], PAGES[1]) is None
    vectors.erase()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "question", "passage"),
    [
        ("multilingual-e5-small-Q8_0.gguf", "query: the mat", "passage: \nthe cat"),
        ("multilingual_e5_large_instruct.gguf", "Instruct: Given a web search query, ", "\nthe cat"),
        ("nomic-embed-text-v1.5.f16.gguf", "search_query: the mat", "search_document: \nthe cat"),
        ("made5-up.gguf", "the mat", "\nthe cat"),
    ],
)
def test_texts_begin_as_the_model_was_trained(tmp_path: Path, name: str, question: str, passage: str) -> None:
    embedded: list[str] = []

    def embed(_path: Path, texts: Sequence[str], _token: CancelToken) -> Embeddings:
        embedded.extend(texts)
        return Embeddings(2, np.ones((len(texts), 2), "<f4").tobytes(), (1,) * len(texts))

    vectors = PassageVectors(tmp_path, lambda: (tmp_path / name, "a" * 64), embed)
    vectors.compute("the cat")
    assert vectors.similarities(["the cat"], "the mat") == [[2.0]]
    assert embedded[0] == passage
    assert embedded[1].startswith(question)
    assert embedded[1].endswith("the mat")


def test_long_passages_are_shortened_and_a_cancelled_text_stores_nothing(tmp_path: Path, embedder: Embedder) -> None:
    model = write_tiny_embedder(tmp_path / "embedder.gguf")
    vectors = PassageVectors(tmp_path / "vectors", lambda: (model, "a" * 64), embedder.embed)
    words = "cat " * 200
    vectors.compute(words + "\n\n" + TEXT)
    assert vectors.similarities([words + "\n\n" + TEXT], "the cat") is not None
    token = CancelToken()
    pages = "\n\n".join(f"[Page {number}]\n\nthe cat sat" for number in range(1, 40))
    with pytest.raises(Cancelled):
        vectors.compute(pages, token, lambda share: token.cancel() if share else None)
    assert vectors.similarities([pages], "the cat") is None
