"""The form of a conversation's answers: chosen in its settings, checked while it is typed, kept and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.structured.schema import JSON_OBJECT
from app.tools.server import MEMORY
from tests.window.conftest import OpenWindow
from tests.window.input import find, send, wait_for_answer
from tests.window.test_conversation_settings import close, opened
from ui.conversation.answer_details import DetailsDialog
from ui.conversation.answer_format import EXAMPLE, JSON, SCHEMA, TEXT
from ui.window.main_window import MainWindow


@pytest.fixture
def window(open_window: OpenWindow, tiny_model: Path) -> MainWindow:
    made = open_window()
    made.controller.models.use(str(tiny_model))
    made.controller.services.settings.change(max_tokens=40, titles_by_model=False)
    return made


def test_a_schema_is_checked_as_it_is_typed_and_answers_match_it(window: MainWindow, qtbot: QtBot) -> None:
    session = window.controller.conversation.session

    def stored() -> str:
        sampling = session.overrides().sampling
        return sampling.json_schema if sampling else ""

    dialog = opened(qtbot, window)
    assert dialog.format.kind.value() == TEXT
    assert not dialog.format.isVisible()
    memory = dialog.tools.boxes[MEMORY]
    assert memory.isEnabled()
    dialog.format.kind.setCurrentIndex(dialog.format.kind.findData(JSON))
    assert stored() == JSON_OBJECT
    assert not memory.isEnabled()
    dialog.format.kind.setCurrentIndex(dialog.format.kind.findData(SCHEMA))
    assert dialog.format.isVisible()
    assert stored() == EXAMPLE
    for text, part in (
        ('{"type": "string",', "line 1, column 19"),
        ('{"type": "string", "contains": {}}', "contains"),
        ('{"minLength": "2"}', "minLength"),
        ('{"allOf": [{"type": "string"}, {"type": "null"}]}', "No value"),
    ):
        dialog.format.schema.setPlainText(text)
        qtbot.waitUntil(lambda part=part: part in dialog.format.status.label.text())
        assert "the last valid schema is used" in dialog.format.status.label.text()
        assert stored() == EXAMPLE
    wanted = '{"enum": ["yes", "ja"]}'
    dialog.format.schema.setPlainText(wanted)
    qtbot.waitUntil(lambda: stored() == wanted)
    assert dialog.format.status.label.text() == ""
    close(qtbot, window, dialog)
    send(qtbot, window, "hello")
    answer = wait_for_answer(qtbot, window)
    assert json.loads(answer.content) in ("yes", "ja")
    assert answer.provenance is not None
    assert answer.provenance.sampling is not None
    assert answer.provenance.sampling.json_schema == wanted
    again = opened(qtbot, window)
    assert (again.format.kind.value(), again.format.schema.toPlainText()) == (SCHEMA, wanted)
    # A stop sequence ends the answer early: its reason is not the token limit.
    again.sampling.controls["stop"].setPlainText("a\ne")
    send(qtbot, window, "hello")
    answer = wait_for_answer(qtbot, window)
    assert answer.content in ('"j', '"y')
    shown = window.controller.conversation._transcript.page.items[-1]
    assert "tokens" in shown.figures
    assert "limit" not in shown.figures
    assert "continue" not in shown.actions
    window.controller.transcript.action_requested.emit("details", answer.id)
    details = find(window, "detailsDialog", DetailsDialog)
    assert isinstance(details, DetailsDialog)
    assert "stop sequence reached" in details.as_text()
    details.close()
    again.sampling.controls["stop"].setPlainText("")
    again.sampling.finish()
    again.format.kind.setCurrentIndex(again.format.kind.findData(TEXT))
    assert session.overrides().sampling is None
    assert again.tools.boxes[MEMORY].isEnabled()
    close(qtbot, window, again)
