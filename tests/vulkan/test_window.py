"""In the window: a load that runs out of memory on two GPUs shows one message, and the answer arrives."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.engine.local_engine import WRAPPER_VARIABLE
from app.services import Services
from tests.vulkan.test_out_of_memory import ENDINGS, MIB, addresses
from tests.window.conftest import open_window
from tests.window.input import branch, find, is_complete, send

__all__ = ["open_window"]

pytestmark = pytest.mark.vulkan
PATIENCE_MS = 300_000
"""Time for some loads and the first shaders."""


def test_memory_that_runs_out_is_reported_in_a_line_and_the_answer_arrives(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window()
    services: Services = window.controller.services
    smaller, beside, _, _ = ENDINGS["a segmentation fault"]
    limit = addresses(services, **smaller) + beside * MIB
    monkeypatch.setenv(WRAPPER_VARIABLE, f"prlimit --as={limit}")
    services.settings.change(model_id="starter", max_tokens=8)
    send(qtbot, window, "Hello.")
    session = window.controller.conversation.session
    qtbot.waitUntil(lambda: session.running is None and len(branch(window)) > 1, timeout=PATIENCE_MS)
    answer = branch(window)[-1]
    assert is_complete(answer)
    assert answer.content
    notice: Any = find(window, "noticeBar")
    assert notice.text().startswith("Not enough memory. Trying a smaller plan. ")
    assert "\n" not in notice.text()
