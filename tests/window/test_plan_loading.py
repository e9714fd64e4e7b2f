"""A load in the window: one writes meanwhile, and where memory runs out a smaller plan is tried and told in a line."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.engine.launch import WRAPPER_VARIABLE
from app.services import Services
from model_manager.plan import Wishes
from tests.window.hands import PATIENCE_MS, find, is_complete, send, wait_for_answer, write

MIB = 1 << 20


def test_a_person_writes_while_the_model_is_loaded(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    window.workspace.services.settings.change(model_id="starter", max_tokens=8)
    send(qtbot, window, "Hello.")

    def is_loading() -> bool:
        running = window.workspace.page.running()
        return running is not None and running.load is not None

    qtbot.waitUntil(is_loading, timeout=PATIENCE_MS)
    composer: Any = write(window, "Written meanwhile")
    assert composer.isEnabled()
    assert composer.toPlainText() == "Written meanwhile"
    assert "loading" in window.header.model_button.text()
    wait_for_answer(qtbot, window)
    composer = find(window, "composer", QPlainTextEdit)
    assert composer.toPlainText() == "Written meanwhile"
    assert window.header.model_button.text().endswith("on the processor")


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("prlimit") is None,
    reason="limits the child's address space with prlimit",
)
def test_the_ladder_is_told_in_one_line(qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    window = open_window()
    services: Services = window.workspace.services
    path = services.library.resolve("starter").path
    # Room for the starter with a cache of 8 bits, and not for one of 16.
    list(services.planning.loads.load(services.planning.wanted(path, Wishes(kv_type="q8_0", micro_batch=128))))
    status = Path(f"/proc/{services.engine.pid}/status").read_text()
    peak = int(re.findall(r"VmPeak:\s+(\d+) kB", status)[0]) * 1024
    services.engine.release()
    monkeypatch.setenv(WRAPPER_VARIABLE, f"prlimit --as={peak + 40 * MIB}")
    services.settings.change(model_id="starter", max_tokens=8)
    send(qtbot, window, "Hello.")
    answer = wait_for_answer(qtbot, window)
    assert is_complete(answer)
    notice: Any = find(window, "noticeBar")
    assert notice.text().startswith("Memory ran out, so a smaller plan is tried. Runs on the processor")
    assert "\n" not in notice.text()
    loaded = services.planning.loads.loaded
    assert loaded is not None
    assert loaded.plan.kv_type == "q8_0"
