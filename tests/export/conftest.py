from collections.abc import Iterator
from pathlib import Path

import pytest

from app.conversation import Provenance, Status
from app.formulas import FormulaRenderer
from app.sampling import Sampling
from app.store.store import ConversationStore

PROVENANCE = Provenance(
    model_id="apus:Q2_K",
    sampling=Sampling(temperature=0.8, seed=7, max_tokens=100, stop=("</s>",)),
    seed=7,
    prompt_tokens=12,
    completion_tokens=34,
    finish_reason="stop",
    tokens_per_second=8.25,
    prompt_tokens_per_second=100.5,
    time_to_first_token_s=0.75,
    file_sha256="ab" * 32,
    quantisation="Q2_K",
    engine="llama.cpp (llama-cpp-python 0.3.36)",
    program="0.1.0",
    plan={"context": 4096, "tensor_split": [1.0, 2.0]},
)


@pytest.fixture(scope="session")
def formula_renderer() -> Iterator[FormulaRenderer]:
    renderer = FormulaRenderer()
    yield renderer
    renderer.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def other_store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "other data") as opened:
        yield opened


@pytest.fixture
def conversation_id(store: ConversationStore) -> str:
    """Two answers to the first question; the shown branch continues after the older one and ends interrupted."""
    conversation = store.create(title="天空的颜色", system_prompt="请简短回答。", model_id="apus:Q2_K")
    question, first = store.begin_turn(conversation.id, "为什么天是蓝的?")
    store.finish_answer(first.id, "# 原因\n\n因为**瑞利散射**。", Status.COMPLETE, PROVENANCE)
    second = store.begin_answer(conversation.id, question.id)
    store.finish_answer(second.id, "Another answer.", Status.STOPPED, PROVENANCE)
    store.select_leaf(conversation.id, first.id)
    _, last = store.begin_turn(conversation.id, "And at sunset?")
    store.finish_answer(last.id, "```python\nprint('红')", Status.INTERRUPTED, None, {"code": "engine_died"})
    return conversation.id
