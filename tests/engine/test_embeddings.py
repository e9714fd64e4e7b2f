"""Embeddings of a real, tiny embedding model, in batches and beside a loaded chat model."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest

from app.engine.embedder import Embedder
from app.engine.local_engine import NICENESS, LocalEngine
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.tiny_embedder import N_CTX, N_EMBD, WORDS, write_tiny_embedder


def test_each_text_has_its_own_vector_whatever_else_is_in_the_batch(shared_engine: LocalEngine, tmp_path: Path) -> None:
    model = write_tiny_embedder(tmp_path / "embed.gguf")
    texts = [" ".join(WORDS[first:] + WORDS[:second]) for first in range(9) for second in range(9)] + ["cat", ""]
    found = shared_engine.embed(model, texts)
    vectors = np.array(found.rows())
    assert vectors.shape == (83, N_EMBD)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert found.tokens[:2] == (12, 13)  # with a token at the begin and one at the end
    assert found.tokens[-2:] == (3, 2)
    alone = shared_engine.embed(model, texts[17:18])
    assert np.allclose(alone.rows()[0], vectors[17], atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[-2]


def test_pooling_is_the_models(shared_engine: LocalEngine, tmp_path: Path) -> None:
    vectors = []
    for pooling in (gguf.PoolingType.MEAN, gguf.PoolingType.CLS, gguf.PoolingType.LAST):
        model = write_tiny_embedder(tmp_path / f"{pooling.name}.gguf", pooling=pooling)
        vectors.append(shared_engine.embed(model, ["the cat sat"]).rows()[0])
    assert len({tuple(np.round(vector, 3)) for vector in vectors}) == 3


def test_a_chat_model_stays_loaded_and_problems_are_named(
    shared_engine: LocalEngine, tmp_path: Path, tiny_model: Path
) -> None:
    load(shared_engine, tiny_model)
    before = ask(shared_engine, "Hello", max_tokens=8).text
    model = write_tiny_embedder(tmp_path / "embed.gguf")
    assert shared_engine.embed(model, []).rows() == []
    for path, texts, code in (
        (tiny_model, ["a"], "not_an_embedding_model"),
        (model, ["cat " * N_CTX], "text_too_long_to_embed"),
        (tmp_path / "gone.gguf", ["a"], "file_missing"),
    ):
        with pytest.raises(UserError) as caught:
            shared_engine.embed(path, texts)
        assert caught.value.code == code
    assert ask(shared_engine, "Hello", max_tokens=8).text == before


def test_memory_is_bounded_for_large_vocabularies(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(100_000)]
    model = write_tiny_embedder(tmp_path / "embed.gguf", words=words)
    embedder = Embedder(tmp_path / "embed.log")
    this = psutil.Process()
    before = set(this.children())
    try:
        embedder.embed(model, [" ".join(words[:8])])
        (child,) = set(this.children()) - before
        small = child.memory_info().rss
        embedder.embed(model, [" ".join(words[start : start + 120]) for start in range(0, 1920, 120)])
        # 2,048 tokens at once would take 780 MiB more.
        assert child.memory_info().rss - small < 150 << 20
    finally:
        embedder.release()


def test_the_embedder_has_a_child_of_its_own_with_a_lower_priority(tmp_path: Path) -> None:
    embedder = Embedder(tmp_path / "embed.log")
    this = psutil.Process()
    before = set(this.children())
    try:
        found = embedder.embed(write_tiny_embedder(tmp_path / "embed.gguf"), ["the sky", "the sky"])
        assert found.rows()[0] == pytest.approx(found.rows()[1], abs=1e-3)
        (child,) = set(this.children()) - before
        assert child.nice() >= NICENESS
    finally:
        embedder.release()
