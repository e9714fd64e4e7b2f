"""Loading in the window: the composer stays usable, and a smaller plan is tried if memory runs out."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.conversation import Status
from app.engine.local_engine import WRAPPER_VARIABLE
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.rpc_device import serving
from tests.window.input import PATIENCE_MS, branch, find, is_complete, send, wait_for_answer, wait_for_words, write

MIB = 1 << 20


def test_the_composer_is_usable_while_a_model_loads(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    window.controller.services.settings.change(model_id="starter", max_tokens=8)
    send(qtbot, window, "Hello.")

    def is_loading() -> bool:
        running = window.controller.conversation.session.running
        return running is not None and running.load is not None

    qtbot.waitUntil(is_loading, timeout=PATIENCE_MS)
    composer: Any = write(window, "Written meanwhile")
    assert composer.isEnabled()
    assert composer.toPlainText() == "Written meanwhile"
    # The place where the model will be is known only once it is loaded.
    shown = window.header.model_button.accessibleName()
    assert "%" not in shown
    wait_for_answer(qtbot, window)
    assert window.header.model_button.accessibleName().startswith(shown)
    composer = find(window, "composer", QPlainTextEdit)
    assert composer.toPlainText() == "Written meanwhile"
    assert window.header.model_button.accessibleName().endswith("CPU")


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("prlimit") is None,
    reason="limits the child's address space with prlimit",
)
def test_a_smaller_plan_is_announced_in_one_line(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    window = open_window()
    services: Services = window.controller.services
    path = services.library.resolve("starter").path
    # Room for the starter with a cache of 8 bits, and not for one of 16.
    list(
        services.planning.loader.load(
            services.planning.load_request(path, PlanOptions(kv_type="q8_0", micro_batch=128))
        )
    )
    status = Path(f"/proc/{services.engine.pid}/status").read_text()
    peak = int(re.findall(r"VmPeak:\s+(\d+) kB", status)[0]) * 1024
    services.engine.release()
    monkeypatch.setenv(WRAPPER_VARIABLE, f"prlimit --as={peak + 40 * MIB}")
    services.settings.change(model_id="starter", max_tokens=8)
    send(qtbot, window, "Hello.")
    answer = wait_for_answer(qtbot, window)
    assert is_complete(answer)
    notice: Any = find(window, "noticeBar")
    assert notice.text().startswith("Not enough memory. Trying a smaller plan. About ")
    assert "It runs on the CPU" in notice.text()
    assert "\n" not in notice.text()
    loaded = services.planning.loader.loaded
    assert loaded is not None
    assert loaded.plan.kv_type == "q8_0"


def test_after_losing_a_device_the_next_answer_works_without_it(
    qtbot: QtBot, open_window: Any, tiny_model: Path
) -> None:
    """The answers of this file never end by themselves."""
    with serving() as first, ExitStack() as leaving:
        second = leaving.enter_context(serving())
        window = open_window()
        services: Services = window.controller.services
        model_id = services.library.register(tiny_model).id
        services.settings.change(model_id=model_id, rpc_servers=f"{first} {second}")
        services.planning.overrides.set(model_id, PlanOptions(tensor_split=(1.0, 1.0)))
        send(qtbot, window, "Hello.")
        wait_for_words(qtbot, window)
        loaded = services.planning.loader.loaded
        assert loaded is not None
        assert len(loaded.plan.used_devices) == 2
        leaving.close()
        half = wait_for_answer(qtbot, window)
        assert (half.status, bool(half.content)) == (Status.INTERRUPTED, True)
        assert f"The device at {second} disconnected" in window.controller.transcript.page.items[-1].note

        services.settings.change(max_tokens=4)
        send(qtbot, window, "And then?")
        qtbot.waitUntil(lambda: len(branch(window)) == 4, timeout=PATIENCE_MS)
        assert is_complete(wait_for_answer(qtbot, window))
        assert branch(window)[1].content == half.content
        notice: Any = find(window, "noticeBar")
        assert notice.text().startswith(f"{second} ")
        assert "without it" in notice.text()
        loaded = services.planning.loader.loaded
        assert loaded is not None
        assert [device.name for device in loaded.plan.used_devices] == ["RPC0"]
        assert loaded.plan.spec.rpc_servers == (first,)
        window.controller.models.release()
        qtbot.waitUntil(lambda: services.engine.state is None, timeout=PATIENCE_MS)
