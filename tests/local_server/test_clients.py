"""LangChain and ``llm``, unchanged, against the local server; skipped where they are not installed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pydantic
import pytest

from app.local_server import openai_tokens
from tests.local_server.conftest import PATIENCE_S, Serve, Served
from tests.local_server.test_answers import QUESTION
from tests.rigs.tiny_embedder import N_EMBD, write_tiny_embedder


class City(pydantic.BaseModel):
    """A city."""

    name: Literal["Lyon", "Paris"]


def test_langchain_answers(starter_server: Served) -> None:
    langchain_openai = pytest.importorskip("langchain_openai")
    chat = langchain_openai.ChatOpenAI(
        base_url=f"{starter_server.url}/v1", api_key="none", model="starter", temperature=0
    )
    whole = chat.invoke(QUESTION)
    assert "Paris" in whole.content
    assert whole.usage_metadata["output_tokens"] > 0
    assert "".join(piece.content for piece in chat.stream(QUESTION)) == whole.content
    assert isinstance(chat.with_structured_output(City, method="json_schema").invoke(QUESTION), City)


def test_langchain_embeddings(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are, they send tokens; without the check of the length they send texts.  Both as Base64."""
    langchain_openai = pytest.importorskip("langchain_openai")
    # tiktoken downloads its table; it checks the hash of this one.
    table = [b"%s %d\n" % (base64.b64encode(piece), rank) for rank, piece in enumerate(openai_tokens._pieces())]
    (tmp_path / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4").write_bytes(b"".join(table))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    served = serve(write_tiny_embedder(tmp_path / "embedder.gguf"))
    texts = ["the cat sat", "the dog ran on the mat"]
    vectors = []
    for checks in (True, False):
        embeddings = langchain_openai.OpenAIEmbeddings(
            base_url=f"{served.url}/v1", api_key="none", model="embedder", check_embedding_ctx_length=checks
        )
        vectors.append(embeddings.embed_documents(texts))
        assert embeddings.embed_query(texts[1]) == pytest.approx(vectors[-1][1], abs=1e-5)
    assert [len(each) for each in vectors[0]] == [N_EMBD] * 2
    for by_tokens, by_text in zip(*vectors, strict=True):
        assert by_tokens == pytest.approx(by_text, abs=1e-5)


def test_llm(starter_server: Served, tmp_path: Path) -> None:
    pytest.importorskip("llm")
    model = {"model_id": "local", "model_name": "starter", "api_base": f"{starter_server.url}/v1"}
    # YAML contains JSON.
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([model]), "utf-8")
    command = [sys.executable, "-m", "llm", "-m", "local", "-o", "temperature", "0", QUESTION]
    for options in ((), ("--no-stream",)):
        answer = subprocess.run(
            [*command, *options],
            env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert "Paris" in answer.stdout, answer.stderr
