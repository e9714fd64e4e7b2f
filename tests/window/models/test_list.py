"""The list of the models dialog: what it shows, keyboard, layout."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPixmap
from pytestqt.qtbot import QtBot

from app.downloads import ModelDownloads
from model_manager.hub.catalogue import APUS
from model_manager.library.library import ModelLibrary
from tests.rigs.tiny_model import write_tiny_model
from tests.window.models.page import HOME, Open, choose, main_button, menu_of, rows, wait_for_state
from ui.models.item import Fit
from ui.models.list_view import PAD_X, PILL_FROM, RADIUS, ModelList, whole_part
from ui.models.page import ModelsPage
from ui.models.row_text import RowText
from ui.widgets.theme import current_theme, interface_font

# For every window with a layout and every menu, by the platform without a screen.
pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")


def rgb(picture: QPixmap) -> QImage:
    """Return the pixels, in a format that doesn't depend on what was painted before."""
    return picture.toImage().convertToFormat(QImage.Format.Format_RGB32)


def test_home_model_and_starter_are_always_listed(show: Open):
    dialog = show()
    assert dialog.objectName() == "modelsDialog"
    assert list(rows(dialog)) == [*(entry.id for entry in APUS), "starter"]
    q3 = rows(dialog)["apus:Q3_K_M"]
    assert (q3.title, q3.size, q3.note, q3.state, q3.action) == (
        "Q3_K_M",
        "50.7 GiB",
        "Small loss of quality",
        "Not downloaded",
        "Download",
    )
    assert rows(dialog)["apus:Q4_K_M"].note == "Close to the original"
    choose(dialog, "apus:Q3_K_M")
    assert main_button(dialog).text() == "Download 50.7 GiB"
    assert "Q3_K_M" in main_button(dialog).accessibleName()
    facts = {fact.label: fact.value for fact in dialog.details._details}
    assert facts["Layers"] == "60"
    assert facts["Experts"] == "4 (2 active)"
    assert facts["Repository"] == HOME
    assert facts["Size"].startswith("about")


def test_starter_cannot_be_removed(qtbot: QtBot, tmp_path: Path, downloads: ModelDownloads, show: Open, starter: Path):
    library = ModelLibrary(tmp_path / "with starter", lambda: starter)
    downloads.library = library
    dialog = ModelsPage(downloads, "starter")
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    row = wait_for_state(qtbot, dialog, "starter", "Ready")
    assert row.mark == "In use"
    assert not row.action
    choose(dialog, "starter")
    assert all(each.isHidden() for each in dialog.details.buttons)
    names = {each.objectName() for each in menu_of(qtbot, dialog).actions()}
    assert "verify" in names
    assert not names & {"delete", "remove"}
    dialog.jobs.shut_down()


def test_a_fit_without_room_is_not_cut_in_a_word() -> None:
    font = interface_font()
    for text, part in (("About 5 tokens/s, in RAM", "About 5 tokens/s"), ("约 5 token/秒，在内存中", "约 5 token/秒")):
        short, long = (QFontMetrics(font).horizontalAdvance(each) for each in (part, text))
        assert [whole_part(text, width, font) for width in (long, long - 1, short, short - 1)] == [text, part, part, ""]


def drawn_list(qtbot: QtBot) -> ModelList:
    made = ModelList("drawnList", "Models")
    qtbot.addWidget(made)
    # The style sheet changes its frame.
    made.ensurePolished()
    return made


def test_whether_a_model_fits_stays_in_a_narrow_row(qtbot: QtBot) -> None:
    models = drawn_list(qtbot)
    row = RowText("Q4_K_M", note="Close to the original", fit="Doesn't fit", fit_kind="bad", state="Not downloaded")
    models.show_items([("q4", row)])
    models.resize(PILL_FROM - 60, 100)
    image = models.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert QColor(current_theme().bad).name() in colours


def test_a_state_that_the_button_implies_is_only_spoken(qtbot: QtBot) -> None:
    models = drawn_list(qtbot)
    row = RowText("IQ3_XXS", note="Some loss of quality", fit="About 35 tokens/s", state="Not downloaded")

    def picture(row: RowText, width: int) -> QImage:
        models.show_items([("q3", row)])
        models.resize(width, 100)
        return rgb(models.grab())

    implied, without = replace(row, is_state_implied=True), replace(row, state="")
    assert picture(implied, 800) == picture(without, 800) != picture(row, 800)
    assert implied.spoken() == row.spoken()


def test_a_state_in_the_place_of_the_button_leaves_its_line_to_the_note(qtbot: QtBot) -> None:
    models = drawn_list(qtbot)
    row = RowText(
        "SmolLM2", note="Very small and fast, good for a first try", fit="Measured: 124 tokens/s", state="Ready"
    )

    def left_of_button(row: RowText) -> QImage:
        models.show_items([("smol", row)])
        models.resize(PILL_FROM + 80, 100)
        return rgb(models.grab(QRect(0, 0, PILL_FROM - 80, 100)))

    assert left_of_button(row) == left_of_button(replace(row, state=""))


def test_how_a_model_fits_stays_whole_before_the_later_parts_of_the_note(qtbot: QtBot) -> None:
    models = drawn_list(qtbot)
    row = RowText("Ministral", note="Quick, for simple questions · 2025", fit="Fits, fast")
    width = 2 * PAD_X + QFontMetrics(interface_font(13)).horizontalAdvance(row.note + row.fit)

    def picture(row: RowText) -> QImage:
        models.show_items([("mini", row)])
        models.resize(width, 100)
        return rgb(models.grab())

    assert picture(row) == picture(replace(row, note="Quick, for simple questions"))


def test_a_long_label_and_a_mark_make_room_for_the_title(qtbot: QtBot) -> None:
    models = drawn_list(qtbot)
    row = RowText("Q8_0", label="gemma-4-31B-it-Q8_0", mark="Recommended", icon="star", size="30.7 GiB")

    def title(row: RowText) -> QImage:
        models.show_items([("q8", row)])
        models.resize(PILL_FROM - 60, 100)
        width = QFontMetrics(interface_font(14, bold=True)).horizontalAdvance(row.title)
        return rgb(models.grab(QRect(PAD_X, RADIUS, width, 40)))

    assert title(row) == title(replace(row, label="", mark="", icon=""))


def test_a_button_that_came_under_the_pointer_is_not_pressed(qtbot: QtBot) -> None:
    view, pressed = ModelList("list", "Models"), []
    view.activated_button.connect(pressed.append)
    qtbot.addWidget(view)
    view.resize(PILL_FROM + 100, 300)
    texts = [(name, RowText(name, action="Download")) for name in ("first", "second", "third")]
    view.show_items(texts[1:])
    with qtbot.waitExposed(view):
        view.show()

    def place(row: int) -> QPoint:
        return view._delegate.layout(view.visualRect(view.model().index(row, 0))).pill.center()

    click = partial(qtbot.mouseClick, view.viewport(), Qt.MouseButton.LeftButton)
    second = place(0)
    qtbot.mouseMove(view.viewport(), second)
    view.show_items(texts)
    click(pos=second)
    assert pressed == []
    # It was aimed at, once the rows have stood still.
    qtbot.waitUntil(lambda: not view._settling.isActive())
    click(pos=second)
    assert pressed == ["first"]
    # A row that stays where it is can be pressed at once.
    view.show_items(texts[:2])
    click(pos=second)
    assert pressed == ["first", "first"]


def test_fits_are_shown_and_the_recommended_model_is_selected(show: Open):
    fits = {
        "apus:Q2_K": Fit("Fits on 2 GPUs", "good"),
        "apus:IQ3_XXS": Fit("Fits on 2 GPUs, barely", "good", recommended=True),
    }
    dialog = show(fit_of=fits.get)
    assert rows(dialog)["apus:IQ3_XXS"].mark == "Recommended"
    assert rows(dialog)["apus:Q2_K"].fit == "Fits on 2 GPUs"
    assert not rows(dialog)["apus:Q4_K_M"].fit
    assert dialog.list.key() == "apus:IQ3_XXS"
    assert "Fits on 2 GPUs, barely" in rows(dialog)["apus:IQ3_XXS"].spoken()
    fits["apus:Q2_K"] = Fit("Fits no longer", "bad")
    dialog.refresh_fits()
    assert rows(dialog)["apus:Q2_K"].fit == "Fits no longer"


def test_late_recommendation_is_selected_unless_the_user_selected_a_row(show: Open):
    fits: dict[str, Fit] = {}
    early, late = show(fit_of=fits.get), show(fit_of=fits.get)
    assert early.list.key() == "apus:Q2_K"
    choose(late, "apus:Q4_K_M")
    fits["apus:Q3_K_M"] = Fit("Fits", "good", recommended=True)
    for dialog in (early, late):
        dialog.refresh_fits()
    assert early.list.key() == "apus:Q3_K_M"
    assert late.list.key() == "apus:Q4_K_M"


def test_model_in_use_is_marked_and_a_damaged_one_shows_its_error(
    downloads: ModelDownloads, show: Open, qtbot: QtBot, tmp_path: Path
):
    good = downloads.library.register(write_tiny_model(tmp_path / "good.gguf", name="Good one"))
    broken = downloads.library.register(write_tiny_model(tmp_path / "broken.gguf"))
    content = broken.path.read_bytes()
    broken.path.write_bytes(content[: len(content) // 2])
    dialog = show(good.id)
    assert dialog.list.key() == "good"
    assert rows(dialog)["good"].mark == "In use"
    assert rows(dialog)["good"].title == "Good one"
    assert all(each.isHidden() for each in dialog.details.buttons)
    assert "broken.gguf is incomplete" in rows(dialog)["broken"].problem
    assert "?" not in rows(dialog)["broken"].problem
    choose(dialog, "broken")
    assert all(each.isHidden() for each in dialog.details.buttons)
    assert "broken.gguf is incomplete" in dialog.details._problem.text()
    assert not dialog.grab().isNull()
