"""The context in the window: a gauge that tells the engine's own number, a limit that is reached under both policies,
and a line above which the model no longer sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from app.backend import ChatEvent, ChatRequest, PromptMessage, Summarising
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.documents import whole_documents
from app.chat.prompt import prompt_messages
from app.context import ContextPolicy, ContextUse
from app.conversation import Message, Status
from app.sampling import Sampling
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer
from tests.window.plan_views import shown_plan
from ui.conversation.context_gauge import ContextGauge, ContextPopover
from ui.conversation.summary_dialog import SummaryDialog
from ui.transcript.decorations import ButtonKind
from ui.transcript.item import Item
from ui.window.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)
CONTEXT, ANSWER = 256, 16
QUESTION = "Some words here, number {}?"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "endless.gguf")


def use(window: MainWindow, model: Path, **settings: object) -> None:
    values = {"context": CONTEXT, "max_tokens": ANSWER, "temperature": 0.0, "titles_by_model": False, **settings}
    window.controller.services.settings.change(**values)
    window.controller.models.use(str(model))


def ask(qtbot: QtBot, window: MainWindow, text: str) -> Message:
    send(qtbot, window, text)
    return wait_for_answer(qtbot, window)


def fill(qtbot: QtBot, window: MainWindow, question: str = QUESTION) -> Message:
    """Ask until an answer was refused or left something out."""
    for number in range(20):
        answer = ask(qtbot, window, question.format(number))
        if answer.error or (answer.provenance and answer.provenance.left_out):
            return answer
    raise AssertionError("the context was never full")


def gauge(window: MainWindow) -> ContextGauge:
    found = find(window, "contextGauge")
    assert isinstance(found, ContextGauge)
    return found


def items(window: MainWindow) -> list[Item]:
    return window.controller.transcript.page.items


def item(window: MainWindow, message_id: str) -> Item:
    return next(each for each in items(window) if each.id == message_id)


def act(window: MainWindow, action: str, message_id: str) -> None:
    assert action in item(window, message_id).actions
    window.controller.transcript.action_requested.emit(action, message_id)


def framed_labels(window: MainWindow, message_id: str) -> list[str]:
    """What the buttons say that stand below a message without the pointer near."""
    page = window.controller.transcript.page
    view = page.views[page.index[message_id]]
    return [button.label for button in view.buttons if button.kind is ButtonKind.FRAME]


def popover(qtbot: QtBot, window: MainWindow) -> ContextPopover:
    qtbot.mouseClick(gauge(window), Qt.MouseButton.LeftButton)
    found = window.findChildren(ContextPopover)[-1]
    assert found.isVisible()
    return found


def figure(card: ContextPopover, name: str) -> str:
    label = card.findChild(QLabel, f"context_{name}")
    assert isinstance(label, QLabel)
    return label.text()


def close(qtbot: QtBot, window: MainWindow, card: ContextPopover) -> None:
    qtbot.keyClick(card, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(ContextPopover))


def test_gauge_shows_the_count_of_the_engine(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    assert gauge(window).isVisible(), "the context that is fixed in the settings is known before a load"
    assert (gauge(window).use.used, gauge(window).use.size) == (0, CONTEXT)
    first = ask(qtbot, window, "hello")
    assert first.provenance is not None
    used = first.provenance.prompt_tokens + first.provenance.completion_tokens
    assert gauge(window).text() == f"Context {used} / {CONTEXT}"
    second = ask(qtbot, window, "and again")
    assert second.provenance is not None
    # What the engine counts for the conversation, up to the beginning of another answer.
    sent = [PromptMessage(m.role, m.content) for m in branch(window)[:3]]
    assert window.controller.services.engine.count(sent)[0] == second.provenance.prompt_tokens
    used = second.provenance.prompt_tokens + second.provenance.completion_tokens
    assert gauge(window).use.used == used
    assert str(used) in gauge(window).accessibleName()
    # What stands in the composer is no part of it, and another conversation has its own.
    window.composer.field.setPlainText("a draft " * 20)
    assert gauge(window).use.used == used
    asked = window.controller.conversation.session.conversation_id
    window.controller.conversation.open(None)
    assert gauge(window).use.used == 0
    window.controller.conversation.open(asked)
    assert gauge(window).text() == f"Context {used} / {CONTEXT}"


def test_the_numbers_of_the_gauge_stay_in_a_narrow_header(open_window: OpenWindow, model: Path) -> None:
    window = open_window()
    use(window, model)
    for width in (1000, 460, 400):
        window.header.setFixedWidth(width)
        QApplication.processEvents()
        image = gauge(window).grab().toImage()
        # Nothing is used yet: the bar is pale.
        assert (
            min(image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())) < 160
        )


def test_gauge_follows_a_running_answer(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model, context=2048, max_tokens=0)
    seen: list[int] = []
    window.controller.conversation._events.received.connect(lambda *_: seen.append(gauge(window).use.used))
    send(qtbot, window, "hello")
    qtbot.waitUntil(lambda: len(set(seen)) > 4, timeout=PATIENCE_MS)
    window.controller.conversation.session.stop()
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert seen == sorted(seen)
    assert seen[-1] == answer.provenance.prompt_tokens + answer.provenance.completion_tokens


def test_gauge_keeps_its_width_while_an_answer_grows(qtbot: QtBot) -> None:
    header = QWidget()
    qtbot.addWidget(header)
    shown = ContextGauge(header)
    sizes = set()
    for used in (9, 999, 4321, 8192):
        shown.set_use(ContextUse(used, 8192))
        sizes.add((shown.sizeHint().toTuple(), shown.minimumSizeHint().toTuple()))
    assert len(sizes) == 1


def test_gauge_shows_an_estimate_without_figures(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    store = window.controller.services.store
    conversation = store.create(title="Imported")
    _, answer = store.begin_turn(conversation.id, "word " * 34)
    store.finish_answer(answer.id, "word " * 34, Status.COMPLETE, None)
    window.controller.conversation.open(conversation.id)
    assert gauge(window).use.used == 110
    assert gauge(window).text() == "Context ~110 / 256"
    card = popover(qtbot, window)
    assert figure(card, "used") == "about 110 tokens"
    close(qtbot, window, card)


def test_full_context_stops_and_offers_actions(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    refused = fill(qtbot, window)
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error["code"] == "context_full"
    assert refused.error["needed"] > refused.error["context"] == CONTEXT
    messages = branch(window)
    assert messages[-2].content.startswith("Some words here")
    assert all(m.provenance.left_out == () for m in messages if m.provenance)
    shown = item(window, refused.id)
    assert str(refused.error["needed"]) in shown.note
    assert shown.actions[:4] == ("roll", "summarise", "begin", "retry")
    assert sorted(framed_labels(window, refused.id)) == [
        "Leave out the oldest turns",
        "New conversation",
        "Summarise the oldest turns",
        "Try again",
    ]
    assert gauge(window).use.used == refused.error["prompt_tokens"]
    assert all(not each.divider for each in items(window))

    # The oldest turns are left out from now on, and the same answer is made.
    act(window, "roll", refused.id)
    answered = wait_for_answer(qtbot, window)
    assert answered.id == refused.id
    assert answered.status is Status.COMPLETE
    assert answered.provenance is not None
    assert answered.provenance.left_out
    store = window.controller.services.store
    assert store.get(answered.conversation_id).context_policy is ContextPolicy.ROLL
    assert len(branch(window)) == len(messages)
    assert [each.id for each in items(window) if each.divider] == [branch(window)[len(answered.provenance.left_out)].id]


def test_larger_context_is_shown_and_used(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    refused = fill(qtbot, window)
    card = popover(qtbot, window)
    qtbot.mouseClick(card.larger, Qt.MouseButton.LeftButton)
    plan = shown_plan(qtbot, window)
    plan.kept.emit(PlanOptions(context=1024))
    assert gauge(window).use.size == 1024
    assert gauge(window).use.free > 0
    act(window, "retry", refused.id)
    answered = wait_for_answer(qtbot, window)
    assert answered.status is Status.COMPLETE
    assert answered.provenance is not None
    assert answered.provenance.left_out == ()
    assert gauge(window).use.size == answered.provenance.plan["context"] == 1024


def test_full_context_offers_a_new_conversation(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    refused = fill(qtbot, window)
    act(window, "begin", refused.id)
    assert window.controller.conversation.session.is_empty
    assert window.composer.field.hasFocus()


def test_rolling_leaves_out_turns_and_shows_a_divider(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model, context_policy="roll")
    rolled = fill(qtbot, window)
    assert rolled.status is Status.COMPLETE
    assert rolled.provenance is not None
    messages = branch(window)
    out = rolled.provenance.left_out
    assert [m.id for m in messages[: len(out)]] == list(out), "the oldest, whole turns"
    assert len(out) % 2 == 0
    assert rolled.provenance.prompt_tokens < 0.75 * CONTEXT
    dividers = [each.id for each in items(window) if each.divider]
    assert dividers == [messages[len(out)].id]
    assert "no longer sees" in item(window, dividers[0]).divider
    # The next ones read only what is new.
    after = ask(qtbot, window, QUESTION.format("next"))
    assert after.provenance is not None
    assert after.provenance.left_out == out
    card = popover(qtbot, window)
    assert figure(card, "left_out") == f"{len(out)} messages"
    close(qtbot, window, card)

    # The line stands there still when the conversation is opened again.
    window = open_window()
    assert [each.id for each in items(window) if each.divider] == dividers
    assert gauge(window).use.left_out == out
    assert gauge(window).use.size == CONTEXT


def summary_line(window: MainWindow) -> Item:
    (line,) = [each for each in items(window) if each.has_summary]
    return line


def open_summary(window: MainWindow) -> SummaryDialog:
    window.controller.transcript.action_requested.emit("summary", summary_line(window).id)
    dialog = find(window, "summaryDialog", SummaryDialog)
    assert isinstance(dialog, SummaryDialog)
    return dialog


def sent_tokens(window: MainWindow) -> int:
    """Return what the engine counts for the prompt of the last answer, as it would be sent now."""
    request = ChatRequest(prompt_messages("", branch(window)[:-1]), Sampling())
    return window.controller.services.engine.count(whole_documents(request).messages)[0]


def test_summary_of_the_oldest_turns_can_be_opened_edited_and_undone(
    open_window: OpenWindow, qtbot: QtBot, model: Path
) -> None:
    window = open_window()
    use(window, model, context=2048)
    refused = fill(qtbot, window, QUESTION + 80 * "x")
    originals = [(each.id, each.content) for each in branch(window)[:-1]]
    waits: list[str] = []
    controller, store = window.controller.conversation, window.controller.services.store
    controller._events.received.connect(lambda answer, _: waits.append(controller._items.waiting(answer, "m")))
    act(window, "summarise", refused.id)
    answer = wait_for_answer(qtbot, window)
    assert (answer.id, answer.status) == (refused.id, Status.COMPLETE)
    assert store.get(answer.conversation_id).context_policy is ContextPolicy.SUMMARISE
    assert any(wait.startswith("Summarising the oldest") for wait in waits)
    assert [(each.id, each.content) for each in branch(window)[:-1]] == originals
    (summarised,) = [each for each in branch(window) if each.summary]
    count = branch(window).index(summarised) + 1
    assert summary_line(window).divider == f"Summary of {count} messages"
    assert summary_line(window).id == branch(window)[count].id
    assert answer.provenance is not None
    assert answer.provenance.left_out == ()
    assert answer.provenance.prompt_tokens == sent_tokens(window)
    card = popover(qtbot, window)
    assert (figure(card, "left_out"), figure(card, "summarised")) == ("none", f"{count} messages")
    close(qtbot, window, card)

    # Another version of the answer uses the same summary, and so does the conversation when it is opened again.
    act(window, "retry", answer.id)
    again = wait_for_answer(qtbot, window)
    assert again.id != answer.id
    assert again.provenance is not None
    assert again.provenance.prompt_tokens == answer.provenance.prompt_tokens
    assert [each for each in branch(window) if each.summary] == [summarised]
    window = open_window()
    controller, store = window.controller.conversation, window.controller.services.store

    # The button on the line, edit, undo.
    line, page = summary_line(window), window.controller.transcript.page
    window.controller.transcript.scroll_to_item(line.id)
    (button,) = [each for each in page.views[page.index[line.id]].buttons if each.key == "action:summary"]
    assert button.label == summary_line(window).divider
    dialog = open_summary(window)
    assert dialog.text.toPlainText() == summarised.summary
    assert not dialog.save.isEnabled()
    dialog.text.setPlainText("They only greeted each other.")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert store.message(summarised.id).summary == "They only greeted each other."
    act(window, "retry", again.id)
    short = wait_for_answer(qtbot, window)
    assert short.provenance is not None
    assert short.provenance.prompt_tokens == sent_tokens(window) != answer.provenance.prompt_tokens
    qtbot.mouseClick(open_summary(window).remove, Qt.MouseButton.LeftButton)
    assert not any(each.summary for each in branch(window))
    assert not any(each.divider for each in items(window))
    assert store.get(answer.conversation_id).context_policy is ContextPolicy.STOP
    act(window, "retry", short.id)
    error = wait_for_answer(qtbot, window).error
    assert error is not None
    assert error["code"] == "context_full", "the messages themselves are sent again"


def test_stopping_a_summary_stores_nothing(
    open_window: OpenWindow, qtbot: QtBot, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window()
    use(window, model, context=2048)
    refused = fill(qtbot, window, QUESTION + 80 * "x")
    session = window.controller.conversation.session
    post = session._post

    def stop(answer: RunningAnswer, event: ChatEvent | AnswerResult) -> None:
        # In the thread of the answer: the window's may come too late for a summary of a model as small as this.
        if isinstance(event, Summarising) and event.tokens:
            answer.token.cancel()
        post(answer, event)

    monkeypatch.setattr(session, "_post", stop)
    act(window, "summarise", refused.id)
    stopped = wait_for_answer(qtbot, window)
    assert stopped.status is Status.STOPPED
    assert not any(each.summary for each in branch(window))
    assert not any(each.has_summary for each in items(window))


def test_pinned_turn_is_kept_and_noted(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model, context_policy="roll")
    first = ask(qtbot, window, "Remember me.")
    act(window, "pin", first.id)
    rolled = fill(qtbot, window)
    messages = branch(window)
    assert rolled.provenance is not None
    assert rolled.provenance.left_out
    assert messages[0].id not in rolled.provenance.left_out
    assert first.id not in rolled.provenance.left_out
    (line,) = [place for place, each in enumerate(items(window)) if each.divider]
    assert line == 2 + len(rolled.provenance.left_out)
    assert "Kept in context" in items(window)[1].note
    assert "Kept in context" in items(window)[0].note
    card = popover(qtbot, window)
    assert figure(card, "pinned") == "1 message"
    close(qtbot, window, card)


@pytest.mark.parametrize("policy", ["roll", "stop"])
def test_too_long_question_can_be_edited(open_window: OpenWindow, qtbot: QtBot, model: Path, policy: str) -> None:
    window = open_window()
    use(window, model, context_policy=policy)
    ask(qtbot, window, "hello")
    refused = ask(qtbot, window, "much too long " * 30)
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error["code"] == "question_too_long"
    assert framed_labels(window, refused.id) == ["Edit", "Try again"]
    act(window, "edit", refused.id)
    assert window.composer.is_editing()
    assert window.composer.text() == branch(window)[-2].content
    window.composer.cancel_edit()
    assert ask(qtbot, window, "short").status is Status.COMPLETE


def test_continuing_a_full_context_follows_the_policy(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    for number in range(2):
        ask(qtbot, window, QUESTION.format(number))
    window.controller.services.settings.change(max_tokens=0)
    full = ask(qtbot, window, "go on")
    assert full.provenance is not None
    assert full.provenance.finish_reason == "length"
    assert full.provenance.prompt_tokens + full.provenance.completion_tokens == CONTEXT
    assert item(window, full.id).note == "Stopped: the context is full."
    assert gauge(window).use.free == 0
    act(window, "continue", full.id)
    refused = wait_for_answer(qtbot, window)
    assert refused.content == full.content
    assert refused.error is not None
    assert refused.error["code"] == "context_full"
    act(window, "roll", full.id)
    longer = wait_for_answer(qtbot, window)
    assert longer.id == full.id
    assert longer.content.startswith(full.content)
    assert len(longer.content) > len(full.content)
    assert longer.provenance is not None
    assert longer.provenance.left_out


def test_popover_shows_figures_and_changes_the_policy(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    answer = ask(qtbot, window, "hello")
    assert answer.provenance is not None
    used = answer.provenance.prompt_tokens + answer.provenance.completion_tokens
    card = popover(qtbot, window)
    assert figure(card, "used") == f"{used} tokens"
    assert figure(card, "free") == f"{CONTEXT - used} tokens of {CONTEXT}"
    assert (figure(card, "pinned"), figure(card, "left_out")) == ("none", "none")
    stop, roll = (card.findChild(QRadioButton, f"contextPolicy_{policy}") for policy in ("stop", "roll"))
    assert stop is not None
    assert roll is not None
    assert stop.isChecked()
    assert stop.hasFocus()
    qtbot.keyClick(stop, Qt.Key.Key_Down)
    assert roll.isChecked()
    store = window.controller.services.store
    assert store.get(answer.conversation_id).context_policy is ContextPolicy.ROLL
    close(qtbot, window, card)
    # With the keyboard alone, too.
    gauge(window).setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(gauge(window), Qt.Key.Key_Space)
    card = window.findChildren(ContextPopover)[-1]
    assert card.radios[ContextPolicy.ROLL].isChecked()
    larger = card.findChild(QPushButton, "largerContextButton")
    assert larger is not None
    qtbot.mouseClick(larger, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(shown_plan(qtbot, window).isVisible, timeout=PATIENCE_MS)


def test_policy_chosen_before_the_first_question_is_kept(open_window: OpenWindow, qtbot: QtBot, model: Path) -> None:
    window = open_window()
    use(window, model)
    card = popover(qtbot, window)
    qtbot.mouseClick(card.radios[ContextPolicy.ROLL], Qt.MouseButton.LeftButton)
    close(qtbot, window, card)
    answer = ask(qtbot, window, "hello")
    store = window.controller.services.store
    assert store.get(answer.conversation_id).context_policy is ContextPolicy.ROLL
