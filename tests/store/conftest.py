from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.store import ConversationStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "数据 100% #1"


@pytest.fixture
def store(folder: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(folder, busy_timeout_s=0.1) as opened:
        yield opened
