"""Previews of code: SVG drawn in a limited process, HTML opened in the browser without connections."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QImage
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.config.paths import DataFolder
from app.conversation import Attachment, Status
from app.previews.pages import POLICY, BrowserPages
from app.previews.svg import MAX_CHARACTERS, MAX_DEPTH, MAX_ELEMENTS, is_svg, safe_svg
from app.process.child_process import DRAWINGS
from app.services import Services
from model_manager.cancellation import NEVER_CANCELLED
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, find
from tests.window.pages import answer, button_of
from ui.pictures.drawings import LEAST_SIDE, SHARPNESS, draw
from ui.pictures.viewer import PictureViewer
from ui.transcript import Transcript
from ui.transcript.blocks.code import CodePart
from ui.widgets.theme import DARK

SQUARES = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><title>Two squares</title>\n'
    '<rect x="0" y="0" width="100" height="100" fill="#ff0000"/>\n'
    '<rect x="200" y="100" width="100" height="100" fill="#0000ff"/></svg>'
)
NESTED_USE = (
    '<svg viewBox="0 0 9 9"><defs><g id="g0"><rect width="9" height="9"/></g>'
    + "".join(f'<g id="g{n}">' + f'<use href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, 13))
    + '</defs><use href="#g12"/></svg>'
)
SMALL = '<svg viewBox="0 0 24 24">\n<path d="M0 0h24v12H0z" fill="#008000"/></svg>'
PAGE = "<h1>Clock</h1>\n<script>document.title = 'x'</script>"


def fenced(code: str, language: str) -> str:
    return f"Text.\n\n```{language}\n{code}\n```\n\nAfter it."


def keys(transcript: Transcript) -> list[str]:
    """Return the keys of the buttons of the code; long lines can be wrapped too."""
    found = [button.key for button in transcript.page.view(0).buttons]
    return [key for key in found if not key.startswith(("action:", "wrap:"))]


def click(qtbot: QtBot, transcript: Transcript, key: str) -> None:
    qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, 0, key))


def preview(qtbot: QtBot, transcript: Transcript) -> CodePart:
    click(qtbot, transcript, "preview:1")
    qtbot.waitUntil(lambda: "picture:1" in keys(transcript), timeout=PATIENCE_MS)
    part = transcript.page.view(0).parts[1]
    assert isinstance(part, CodePart)
    assert part.drawing is not None
    qtbot.waitUntil(lambda: painted(transcript, 15, 15) != QColor(transcript.page.view(0).style.theme.code_ground))
    return part


def painted(transcript: Transcript, x: int, y: int) -> QColor:
    """Return the colour at a point of the drawing."""
    (button,) = [each for each in transcript.page.view(0).buttons if each.key == "picture:1"]
    corner = button.rect.topLeft().toPoint() + QPoint(
        round(transcript.page.left), round(transcript.page.top_of(0) or 0.0)
    )
    image: QImage = transcript.viewport().grab().toImage()
    return image.pixelColor((corner + QPoint(x, y)) * image.devicePixelRatio())


@pytest.mark.parametrize("language", ["svg", "xml", "html"])
def test_svg_is_drawn_in_place_of_its_code(transcript: Transcript, qtbot: QtBot, language: str) -> None:
    transcript.set_theme(DARK)
    transcript.set_items([answer("a", fenced(f'<?xml version="1.0"?>\n<!-- c -->\n{SQUARES}', language))])
    assert keys(transcript) == ["preview:1", "save:1", "code:1"]
    part = transcript.page.view(0).parts[1]
    code_height = part.height
    assert preview(qtbot, transcript) is part
    assert keys(transcript) == ["picture:1", "preview:1", "save:1", "code:1"]
    (shown,) = [each for each in transcript.page.view(0).buttons if each.key == "picture:1"]
    assert (shown.name, shown.rect.width(), shown.rect.height()) == ("Drawing: Two squares", 300, 200)
    assert part.height > 200
    # White where nothing is drawn, in the dark theme too.
    found = [painted(transcript, x, y).name() for x, y in ((50, 50), (250, 150), (250, 50))]
    assert found == ["#ff0000", "#0000ff", "#ffffff"]
    requested: list[Attachment] = []
    transcript.picture_requested.connect(requested.append)
    click(qtbot, transcript, "picture:1")
    assert requested[0].picture is not None
    transcript.set_theme(DARK, 18)
    assert "picture:1" in keys(transcript)
    transcript.set_theme(DARK)
    # The text of the code can still be copied.
    transcript.state.select_all()
    assert SQUARES in transcript.state.selected_text()
    click(qtbot, transcript, "preview:1")
    assert keys(transcript) == ["preview:1", "save:1", "code:1"]
    assert transcript.page.view(0).parts[1].height == code_height


def test_small_drawing_is_enlarged_and_fits_into_a_narrow_window(transcript: Transcript, qtbot: QtBot) -> None:
    transcript.set_items([answer("a", fenced(SMALL, "svg"))])
    part = preview(qtbot, transcript)
    assert part.drawing is not None
    assert part.drawing.picture.width == LEAST_SIDE * SHARPNESS
    transcript.resize(200, 400)
    (shown,) = [each for each in transcript.page.view(0).buttons if each.key == "picture:1"]
    assert shown.rect.right() < transcript.page.column


def test_preview_is_offered_for_complete_drawings_only(transcript: Transcript) -> None:
    begun = f"Text.\n\n```svg\n{SQUARES}"
    transcript.set_items([answer("a", begun, Status.STREAMING)])
    assert keys(transcript) == ["save:1", "code:1"]
    transcript.append_text("a", "\n```\n\nAfter it.")
    assert keys(transcript) == ["preview:1", "save:1", "code:1"]
    for code, language in ((SQUARES, "python"), ("<note/>", "xml"), ("graph TD; A-->B", "mermaid")):
        transcript.set_items([answer("b", fenced(code, language))])
        assert keys(transcript) == ["save:1", "code:1"]
    compared = Transcript(with_previews=False)
    compared.resize(600, 400)
    compared.set_items([answer("a", fenced(SQUARES, "svg"))])
    assert "preview:1" not in keys(compared)
    compared.deleteLater()


def test_what_cannot_be_drawn_stays_code(transcript: Transcript, qtbot: QtBot) -> None:
    code = "<svg><rect></svg>"
    transcript.set_items([answer("a", fenced(code, "svg"))])
    assert transcript.drawings is not None
    click(qtbot, transcript, "preview:1")
    qtbot.waitUntil(lambda: transcript.drawings is not None and transcript.drawings.has_failed(code))
    assert keys(transcript) == ["preview:1", "save:1", "code:1"]


def test_drawing_opens_in_the_picture_view(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    transcript = window.controller.transcript
    store = window.controller.services.store
    conversation = store.create()
    message = store.begin_turn(conversation.id, "Draw.")[1]
    store.finish_answer(message.id, fenced(SQUARES, "svg"), Status.COMPLETE)
    window.controller.conversation.open(conversation.id)
    number = transcript.page.index[message.id]
    transcript.press(number, "preview:1")
    qtbot.waitUntil(
        lambda: "picture:1" in [each.key for each in transcript.page.view(number).buttons], timeout=PATIENCE_MS
    )
    transcript.press(number, "picture:1")
    viewer = find(window, "pictureViewer", PictureViewer)
    assert isinstance(viewer, PictureViewer)
    assert viewer.canvas.image.pixelColor(50, 50) == QColor("#ff0000")
    viewer.reject()


def test_drawing_reaches_nothing_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    image = QImage(50, 50, QImage.Format.Format_RGB32)
    image.fill(QColor("#ff00ff"))
    assert image.save(str(secret))
    outside = secret.as_uri()
    style = f"@import url({outside}); rect {{ fill: #008000 }} .b {{ fill: url({outside}#a) }}"
    code = (
        f'<?xml-stylesheet href="{outside}"?><svg width="100" height="100" onload="x()"><style>@media all {{}} '
        "rect { fill: #008000 }</style>"
        f'<image xlink:href="{outside}" width="50" height="50"/><image href="secret.png" width="50" height="50"/>'
        f'<use href="{outside}#a"/><a href="{outside}"><rect x="50" y="50" width="50" height="50"/></a>'
        f'<rect width="9" height="9" style="fill:url({outside}#a)" filter="url(http://127.0.0.1/#f)"/>'
        "<script>x</script><foreignObject><p>y</p></foreignObject></svg>"
    )
    safe = safe_svg(code).text
    assert not any(each in safe for each in ("secret", "127.0.0.1", "onload", "script", "foreign", "@", "<?", "<p"))
    assert "#008000" in safe
    assert "secret" not in safe_svg(f"<svg><style>{style}</style></svg>").text
    drawing = draw(code, NEVER_CANCELLED)
    assert drawing is not None
    shown = QImage.fromData(drawing.picture.data)
    assert shown.pixelColor(shown.width() // 4, shown.height() // 4) == QColor("white")
    assert shown.pixelColor(shown.width() * 3 // 4, shown.height() * 3 // 4) == QColor("#008000")


@pytest.mark.parametrize(
    "code",
    [
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "<svg>" + "<g>" * MAX_DEPTH + "</g>" * MAX_DEPTH + "</svg>",
        "<svg>" + "<g/>" * MAX_ELEMENTS + "</svg>",
        "<svg>" + " " * MAX_CHARACTERS + "</svg>",
        "<p>text</p>",
        "<svg>&undefined;</svg>",
        "",
    ],
)
def test_svg_out_of_bounds_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"entities|size|malformed"):
        safe_svg(code)


@pytest.mark.parametrize(
    "code",
    [
        NESTED_USE,
        '<svg viewBox="0 0 9 9"><g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></svg>',
        '<svg viewBox="0 0 9 9"><pattern id="m" width="9" height="9"><rect fill="url(#m)" width="9" height="9"/>'
        '</pattern><rect fill="url(#m)" width="99" height="99"/></svg>',
        '<svg viewBox="0 0 9 9" width="1e9" height="1e9"><filter id="f" x="-9999%" y="-9999%" width="99999999%" '
        'height="99999999%"><feGaussianBlur stdDeviation="9999"/></filter><rect filter="url(#f)" width="9" height="9"/>'
        "</svg>",
        '<svg viewBox="0 0 9 9"><path stroke="red" d="'
        + ("M0 0L9 9 " * 1000 + "\n") * 10
        + '" stroke-dasharray="1e-9"/></svg>',
    ],
)
def test_hostile_svg_neither_blocks_nor_ends_the_window(transcript: Transcript, qtbot: QtBot, code: str) -> None:
    assert is_svg(code, "svg")
    transcript.set_items([answer("a", fenced(code, "svg"))])
    drawings = transcript.drawings
    assert drawings is not None
    qtbot.waitUntil(lambda: "preview:1" in keys(transcript), timeout=PATIENCE_MS)
    before = time.process_time()
    transcript.press(0, "preview:1")
    assert drawings.is_pending(code)
    qtbot.waitUntil(lambda: not drawings.is_pending(code), timeout=3 * PATIENCE_MS)
    # What it costs is the time of another process.
    assert time.process_time() - before < 3
    drawing = drawings.drawing(code)
    assert drawings.has_failed(code) or (drawing is not None and drawing.picture.width <= 2048)


def test_text_has_the_size_of_a_browser_where_none_is_given() -> None:
    given, default = (
        draw(f'<svg width="300" height="40"><text y="30"{size}>Text of a drawing</text></svg>', NEVER_CANCELLED)
        for size in (' font-size="16"', "")
    )
    assert given is not None
    assert given == default


def test_drawing_process_of_a_bundle() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", DRAWINGS.flag],
        input=json.dumps({"svg": SQUARES}).encode() + b"\n",
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
        check=True,
    )
    ready, drawn = map(json.loads, done.stdout.splitlines())
    assert (ready, drawn["width"], drawn["title"]) == ({"ready": True}, 600, "Two squares")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[QUrl]:
    """What the browser is asked to open."""
    addresses: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda address: addresses.append(address) or True)
    return addresses


def test_html_opens_in_the_browser_without_connections(
    open_window: OpenWindow, qtbot: QtBot, opened: list[QUrl]
) -> None:
    window = open_window()
    transcript = window.controller.transcript
    transcript.set_items([answer("a", fenced(PAGE, "html"))])
    assert keys(transcript) == ["browser:1", "save:1", "code:1"]
    transcript.press(0, "browser:1")
    question = find(window, "pageQuestion", QMessageBox)
    assert opened == []
    qtbot.mouseClick(find(question, "openButton"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(opened) == 1)
    path = Path(opened[0].toLocalFile())
    text = path.read_text("utf-8")
    assert text.index(f'http-equiv="Content-Security-Policy" content="{POLICY}"') < text.index("srcdoc=")
    assert POLICY.startswith("default-src 'none';")
    assert 'sandbox="allow-scripts"' in text
    assert PAGE not in text
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_pages_are_deleted_when_the_program_closes(tmp_path: Path) -> None:
    services = Services(DataFolder(tmp_path))
    path = services.pages.write(PAGE)
    assert path.is_relative_to(tmp_path)
    services.close()
    assert not path.exists()


def test_pages_of_a_killed_process_are_deleted_at_the_next_start(tmp_path: Path) -> None:
    left = BrowserPages(tmp_path / "pages").write(PAGE)
    pages = BrowserPages(tmp_path / "pages")
    own = pages.write(PAGE)
    pages.delete_earlier()
    assert (left.exists(), own.exists()) == (False, True)
    BrowserPages(tmp_path / "none").delete_earlier()
