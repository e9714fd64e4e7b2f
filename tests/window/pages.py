"""Items for transcript tests, and the positions of their texts and buttons."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.conversation import Role, Status
from ui.transcript import Item, Transcript

ANSWER = """Some **bold** text with [a link](https://example.org/x).

- one
- 第二项

```python
x = 1
y = 2
```

End."""


def question(name: str, text: str = "A question?", **more) -> Item:
    return Item(name, Role.USER, text, actions=more.pop("actions", ("copy", "edit")), **more)


def answer(name: str, text: str = ANSWER, status: Status = Status.COMPLETE, **more) -> Item:
    return Item(name, Role.ASSISTANT, text, status, actions=more.pop("actions", ("copy", "retry")), **more)


def talk(count: int) -> list[Item]:
    return [answer(str(n)) if n % 2 else question(str(n), f"Question {n}") for n in range(count)]


def spot_of(transcript: Transcript, number: int, text: str, at: int = 0) -> QPoint:
    """A point of the viewport in the middle of the first line of a text."""
    view = transcript.page.view(number)
    top = dict(transcript.page.visible)[number]
    for part in view.parts:
        hits = part.find(text)
        if hits:
            place = part.rect_of(hits[0][0] + at).translated(part.x + transcript.page.left + 1, part.y + top)
            return QPoint(round(place.x()), round(place.center().y()))
    raise AssertionError(f"{text!r} is not shown")


def button_of(transcript: Transcript, number: int, key: str) -> QPoint:
    view = transcript.page.view(number)
    (button,) = (each for each in view.buttons if each.key == key)
    top = dict(transcript.page.visible)[number]
    return button.rect.center().toPoint() + QPoint(round(transcript.page.left), round(top))


def wheel(transcript: Transcript, notches: float = 0, pixels: int = 0, across: int = 0, **more) -> None:
    """Turn the wheel, or move two fingers by pixels; ``at`` is a point of the viewport, ``modifiers`` are keys."""
    at = QPointF(more.get("at", transcript.viewport().rect().center()))
    event = QWheelEvent(
        at,
        transcript.viewport().mapToGlobal(at),
        QPoint(across, pixels),
        QPoint(0, round(notches * 120)),
        Qt.MouseButton.NoButton,
        more.get("modifiers", Qt.KeyboardModifier.NoModifier),
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(transcript.viewport(), event)


def drag(transcript: Transcript, start: QPoint, end: QPoint) -> None:
    viewport = transcript.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(viewport, end)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=end)


def at_bottom(transcript: Transcript) -> bool:
    return transcript.verticalScrollBar().value() == transcript.verticalScrollBar().maximum()
