"""A session whose answers are made at once, over real services in an empty data folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backends import backend_for
from app.chat.session import ChatSession
from app.config.paths import DataFolder
from app.services import Services
from app.tools.offered import OfferedTools
from model_manager.cancellation import CancelToken


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = Services(DataFolder(tmp_path / "data"))
    yield services
    services.close()


@pytest.fixture
def session(services: Services) -> ChatSession:
    def run_at_once(job: Callable[[], None], _token: CancelToken, **_where: bool) -> None:
        job()

    return ChatSession(
        services.store,
        services.settings,
        lambda model_id: backend_for(services, model_id),
        run_at_once,
        tools=lambda: OfferedTools(services.tools),
    )
