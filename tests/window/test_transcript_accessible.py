"""The accessibility interface, in a child process because an installed factory cannot be removed."""

import subprocess
import sys

PROGRAM = """
import gc
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication
from app.conversation import Role, Status
from ui.transcript import Item, Transcript
from ui.transcript.accessible import AccessibleFactory

app = QApplication([])
factory = AccessibleFactory()
QAccessible.installFactory(factory)
items = [
    Item("q", Role.USER, "Why?"),
    Item("a", Role.ASSISTANT, "**Because** of 你好", Status.STOPPED, note="Stopped."),
]
for turn in range(20):
    transcript = Transcript()
    transcript.resize(500, 400)
    transcript.show()
    transcript.set_items(items)
    page = QAccessible.queryAccessibleInterface(transcript)
    assert page.role() is QAccessible.Role.List
    assert page.text(QAccessible.Text.Name) == "Conversation"
    assert page.childCount() == 2 and page.child(2) is None
    said = [(page.child(n).text(QAccessible.Text.Name), page.child(n).text(QAccessible.Text.Value)) for n in (0, 1)]
    assert said == [("You", "Why?"), ("Answer", "Because of 你好\\n\\nStopped.")], said
    answer = page.child(1)
    assert answer.role() is QAccessible.Role.ListItem and not answer.rect().isEmpty()
    assert page.indexOfChild(answer) == 1 and answer.parent().role() is QAccessible.Role.List
    centre = answer.rect().center()
    assert page.indexOfChild(page.childAt(centre.x(), centre.y())) == 1
    transcript.set_items([])
    assert not answer.isValid()
    if turn < 19:
        transcript.deleteLater()
        del transcript, page, answer
        app.sendPostedEvents(None, 0)
        app.processEvents()
        gc.collect()
print("said")
"""


def test_messages_are_list_items():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "said\n"), done.stderr


STOPS = """
import sys
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication
from PySide6.QtTest import QTest
from PySide6.QtCore import Qt
from app.conversation import Role
from ui.transcript import Item, Transcript
from ui.transcript.accessible import AccessibleFactory

app = QApplication([])
factory = AccessibleFactory()
QAccessible.installFactory(factory)
Text, Kind = QAccessible.Text, QAccessible.Role
transcript = Transcript()
transcript.resize(600, 500)
transcript.show()
QTest.qWaitForWindowActive(transcript)
transcript.setFocus()
content = "<think>A secret plan</think>See [the page](https://a.b/c).\\n\\n```py\\nx = 1\\n```"
transcript.set_items([
    Item("q", Role.USER, "Why?", actions=("copy", "next"), version=(1, 2), attachments=("one.txt",)),
    Item("a", Role.ASSISTANT, content, actions=("copy", "retry", "pin", "delete"), is_pinned=True,
         divider="The model no longer sees the messages above", thought_s=12),
])
page = QAccessible.queryAccessibleInterface(transcript)
asked, followed = [], []
transcript.action_requested.connect(lambda *what: asked.append(what))
transcript.link_activated.connect(followed.append)

question, answer = page.child(0), page.child(1)
assert question.text(Text.Name) == "You, Version 1 of 2", question.text(Text.Name)
assert answer.text(Text.Name) == "Answer, Kept in context"
value = answer.text(Text.Value)
assert value.startswith("The model no longer sees the messages above\\n\\nSee the page."), value
assert "secret" not in value
text = answer.textInterface()
assert text.text(0, text.characterCount()) == value
# Qt asks every object for all interfaces; PySide crashed where one was missing.
assert answer.actionInterface() is None and answer.child(0).textInterface() is None
assert answer.valueInterface() is None

def named(message):
    children = [message.child(at) for at in range(message.childCount())]
    return {child.text(Text.Name): child for child in children}

buttons = named(answer)
stop_keeping = "Stop keeping in context"
code = ["Save code as a file…", "Copy code"]
names = ["Thought for 12 s", "the page", *code, "Copy", "Try again", "Delete from here on", stop_keeping]
assert list(buttons) == names, list(buttons)
assert list(named(question)) == ["Attachment: one.txt", "Copy", "Next version"], list(named(question))
roles = [buttons[name].role() for name in names]
assert roles == [Kind.Button, Kind.Link, *[Kind.Button] * 6]
link = buttons["the page"]
assert link.text(Text.Value) == "https://a.b/c"
assert not link.rect().isEmpty() and answer.rect().contains(link.rect())
found = answer.childAt(link.rect().center().x(), link.rect().center().y())
assert found.text(Text.Name) == "the page" and answer.indexOfChild(found) == 1
assert link.parent().text(Text.Name) == "Answer, Kept in context"

thought = buttons["Thought for 12 s"]
assert thought.state().expandable and thought.state().collapsed
thought.actionInterface().doAction(thought.actionInterface().actionNames()[0])
assert "secret" in answer.text(Text.Value) and thought.state().expanded
link.actionInterface().doAction("Press")
assert followed == ["https://a.b/c"]
retry = named(answer)["Try again"]
assert retry.actionInterface().localizedActionName("Press") == "Try again"
retry.actionInterface().doAction("Press")
assert asked == [("retry", "a")]
assert retry.state().focused and page.focusChild().text(Text.Name) == "Try again"
QTest.keyClick(transcript, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
assert page.focusChild().text(Text.Name) == "You, Version 1 of 2" and question.state().focused
transcript.set_items([])
assert not thought.isValid() and not question.isValid() and page.focusChild() is None
print("said")
"""


def test_buttons_links_and_thoughts_can_be_pressed():
    done = subprocess.run([sys.executable, "-c", STOPS], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "said\n"), done.stderr
