from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.store import ConversationStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "data") as opened:
        yield opened
