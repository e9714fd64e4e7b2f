"""The page that looks at the machine, found, read, copied; and the first start's ways to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import __version__
from app.doctor.diagnostic import Diagnostic, Severity
from app.doctor.doctor import NETWORK, PARTS
from app.planning.machine import SIMULATED_GPUS_VARIABLE
from tests.rigs.fake_hub import FakeHub
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find, send, wait_for_answer
from ui.doctor.dialog import DoctorDialog, ResultRow
from ui.settings.page import SettingsPage
from ui.window.main_window import MainWindow


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


def press(qtbot: QtBot, parent: QWidget, name: str) -> None:
    qtbot.mouseClick(find(parent, name, QPushButton), Qt.MouseButton.LeftButton)


def opened(qtbot: QtBot, window: MainWindow) -> DoctorDialog:
    dialog = window.findChild(DoctorDialog, "doctorDialog")
    assert dialog is not None
    qtbot.waitUntil(lambda: not dialog.is_checking(), timeout=PATIENCE_MS)
    return dialog


def test_the_shortcut_opens_it_and_the_checks_start(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window()
    qtbot.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = opened(qtbot, window)
    assert dialog.results.keys() == set(PARTS)
    rows = dialog.findChildren(ResultRow)
    assert len(rows) == sum(len(each) for each in dialog.results.values())
    assert all(row.findChild(QLabel) for row in rows)
    qtbot.waitUntil(lambda: all(row.isVisibleTo(dialog) for row in rows), timeout=PATIENCE_MS)
    fonts = next(each for each in dialog.results["program"] if each.id == "fonts")
    assert fonts.value in ("fonts_ok", "fonts_missing"), "the window knows its fonts"
    no_emoji = [each for each in dialog.results["program"] if each.id == "emoji"]
    assert [each.value for each in no_emoji] in ([], ["emoji_missing"])
    assert find(dialog, "doctorSummary", QLabel).text()  # type: ignore[attr-defined]
    assert dialog.accessibleName() == "Diagnostics"
    dialog.reject()


def test_it_opens_from_the_settings(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window()
    window.controller.show_settings()
    settings = window.findChild(SettingsPage)
    assert settings is not None
    assert f"APUS Chat {__version__}" in settings.about.form.rows["version"].explanation.text()
    press(qtbot, settings, "diagnosticsButton")
    dialog = window.findChild(DoctorDialog)
    assert dialog is not None
    assert dialog.isVisible()
    # Closed in the middle of the checks.
    assert dialog.is_checking()
    dialog.reject()


def test_the_network_is_checked_on_request_and_from_then_on(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window()

    def asked(hub: FakeHub) -> int:
        # The first start asks for repositories.
        return sum("blobs=true" not in each.path for each in hub.log)

    with FakeHub() as hub:
        window.controller.services.settings.change(endpoint=hub.url, authority=hub.url, proxy="none")
        window.controller.show_diagnostics()
        dialog = opened(qtbot, window)
        assert not asked(hub)
        press(qtbot, dialog, "checkNetworkButton")
        opened(qtbot, window)
        (found,) = dialog.results[NETWORK]
        assert (found.id, found.state) == ("hub", Severity.OK)
        assert not dialog.network.isVisible()
        press(qtbot, dialog, "checkAgainButton")
        opened(qtbot, window)
        assert asked(hub) == 2
    dialog.reject()


def test_the_report_has_no_conversation_text(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window()
    window.controller.models.use("starter")
    window.controller.services.settings.change(max_tokens=12, system_prompt="speak of heliotropes")
    send(qtbot, window, "What is a xylophone?")
    answer = wait_for_answer(qtbot, window)
    window.controller.show_diagnostics()
    dialog = opened(qtbot, window)
    press(qtbot, dialog, "copyReportButton")
    text = QApplication.clipboard().text()
    assert text.startswith("# APUS Chat")
    assert all(part in text for part in ("## Engine", "## RAM and swap", "## Disk", "## Conversations", "## Program"))
    assert not any(word in text for word in ("xylophone", "heliotrope", answer.content[:20]))
    assert "copied" in find(dialog, "doctorStatus", QLabel).text()  # type: ignore[attr-defined]
    dialog.reject()


def test_a_command_is_copied_and_problems_have_accessible_names(qtbot: QtBot) -> None:
    result = Diagnostic("starter_model", Severity.BAD, "missing", remedy="set_up", command="python3 start.py --rebuild")
    row = ResultRow(result)
    qtbot.addWidget(row)
    row.show()
    with qtbot.waitSignal(row.copied):
        qtbot.mouseClick(row.copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "python3 start.py --rebuild"
    (value,) = (each for each in row.findChildren(QLabel) if each.accessibleName().startswith("Starter model"))
    assert value.accessibleName().startswith("Starter model: ")
    assert "Needs attention" in value.accessibleName()
    assert row.copy.accessibleName() == "Copy command python3 start.py --rebuild"


def test_a_narrow_dialog_shows_values_below_names(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window()
    window.controller.show_diagnostics()
    dialog = opened(qtbot, window)

    def place() -> str:
        rows = (each for each in dialog.findChildren(ResultRow) if each.result.id == "memory" and each.isVisible())
        places = ["beside" if row.value.y() < row.name.geometry().bottom() else "below" for row in rows]
        return ",".join(places)

    dialog.resize(800, 600)
    qtbot.waitUntil(lambda: place() == "beside", timeout=PATIENCE_MS)
    dialog.resize(420, 600)
    qtbot.waitUntil(lambda: place() == "below", timeout=PATIENCE_MS)
    dialog.reject()


def test_the_first_start_offers_language_server_and_diagnostics(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    window = open_window()
    welcome = window.controller.welcome
    computer = find(welcome, "computerLabel", QLabel)
    qtbot.waitUntil(lambda: bool(computer.text().strip()), timeout=PATIENCE_MS)  # type: ignore[attr-defined]
    assert computer.text().startswith("This computer: 2 × GPU, 24 GiB")  # type: ignore[attr-defined]
    press(qtbot, welcome, "language-zh_CN")
    assert window.controller.services.settings.current.language == "zh_CN"
    assert find(welcome, "useStarterButton", QPushButton).text() != "Try the tiny starter model"  # type: ignore[attr-defined]
    assert find(welcome, "language-zh_CN", QPushButton).isChecked()  # type: ignore[attr-defined]
    press(qtbot, welcome, "language-en")
    press(qtbot, welcome, "language-en")
    assert find(welcome, "language-en", QPushButton).isChecked()  # type: ignore[attr-defined]
    press(qtbot, welcome, "useServerButton")
    settings = window.findChild(SettingsPage)
    assert settings is not None
    qtbot.waitUntil(lambda: is_seen(settings, settings.servers), timeout=PATIENCE_MS)
    settings.back_button.click()
    press(qtbot, welcome, "checkMachineLink")
    opened(qtbot, window).reject()
    window.controller.models.use("starter")
    assert not any(find(welcome, name).isVisible() for name in ("useServerButton", "checkMachineLink", "language-en"))


def is_seen(dialog: SettingsPage, part: QWidget) -> bool:
    return not part.visibleRegion().isEmpty() and 0 <= part.mapTo(dialog, part.rect().topLeft()).y() < 200
