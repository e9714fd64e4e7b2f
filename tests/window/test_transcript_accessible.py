"""A screen reader finds the messages; asked in a process of its own, since the factory stays for good."""

import subprocess
import sys

PROGRAM = """
import gc
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication
from app.chat.conversation import Role, Status
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


def test_messages_are_the_items_of_a_list():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "said\n"), done.stderr
