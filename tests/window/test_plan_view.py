"""The memory plan: bars, texts, colours, tab order and accessibility."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.units import size_text
from model_manager.errors import UserError
from model_manager.plan.load_spec import PlanOptions
from tests.plan.plan_builders import GIB, MIB, apus_header, cards, ram
from tests.window.input import find
from tests.window.plan_views import Shown
from ui.plan.bar_data import full_bytes, places_of
from ui.plan.bars import BarRow, MemoryBar, SummaryBars, brush_of
from ui.plan.layer_strip import Border
from ui.plan.view import PlanView
from ui.widgets.icons import IconLabel
from ui.widgets.theme import DARK, LIGHT, Theme, apply_theme


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp, LIGHT)
    yield
    apply_theme(qapp, LIGHT)


def test_the_verdict_is_shown(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    sentence = find(shown.view, "planSentence", QLabel)
    assert isinstance(sentence, QLabel)
    assert sentence.text().startswith("Fits on your two GPUs with 16k context")
    assert sentence.text().endswith("left on GPU 1.")
    assert shown.view.kind == "good"
    assert shown.view.accessibleName()
    assert sentence.text() in shown.view.accessibleDescription()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize(
    ("quantisation", "gib", "ram_gib", "role"),
    [("Q2_K", (23.5, 23.5), 64, "good"), ("Q4_K_M", (8.0,), 64, "warning"), ("Q4_K_M", (8.0,), 16, "bad")],
)
def test_the_icon_has_the_colour_of_the_verdict(
    qapp: QApplication,
    qtbot: QtBot,
    theme: Theme,
    quantisation: str,
    gib: tuple[float, ...],
    ram_gib: float,
    role: str,
):
    shown = Shown(qtbot, quantisation, *gib, ram_gib=ram_gib)
    apply_theme(qapp, theme)
    sign = find(shown.view, "planVerdict", IconLabel)
    assert getattr(theme, role) in _colours(sign.grab().toImage())


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_excess_memory_is_painted_in_the_error_colour(qapp: QApplication, qtbot: QtBot, theme: Theme):
    fixed = PlanOptions(tensor_split=(50.0, 11.0), n_gpu_layers=61, experts_in_ram=())
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5, options=fixed)
    apply_theme(qapp, theme)
    row = find(shown.view, "planBarGPU0", BarRow)
    assert isinstance(row, BarRow)
    places = places_of(shown.view.bars[0], row.bar.width() - 2.0, full_bytes(shown.view.bars[:-1]))
    image = row.bar.grab().toImage()
    y = image.height() // 2
    assert image.pixelColor(round(places.limit) + 8, y) == QColor(theme.bad)
    assert image.pixelColor(round(places.limit) - 8, y) == QColor(theme.accent)
    assert shown.view.kind == "bad"
    bar = shown.view.bars[0]
    limit, needed = size_text(bar.limit_bytes), size_text(-bar.left_bytes)
    assert row.note.full_text == f"{needed} over {limit}"
    other = find(shown.view, "planBarGPU1", BarRow)
    assert isinstance(other, BarRow)
    assert theme.bad not in _colours(other.bar.grab().toImage())


def test_the_three_tones_are_distinguishable():
    for theme in (LIGHT, DARK):
        tones = [brush_of(kind, theme).color() for kind in ("weights", "kv", "compute")]  # type: ignore[arg-type]
        grounds = [QColor(theme.page), *tones]
        for one, other in zip(grounds[1:], [*grounds[2:], grounds[0]], strict=True):
            assert max(abs(a - b) for a, b in zip(one.getRgb(), other.getRgb(), strict=True)) >= 30, theme.name


def test_estimated_and_actual_memory_are_shown(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    row = find(shown.view, "planBarGPU0", BarRow)
    assert isinstance(row, BarRow)
    assert shown.view.plan is not None
    low, height = shown.view.plan.devices[0], row.bar.sizeHint().height()
    assert "checks these figures" in shown.view.head.notes.text()
    memory = {
        "GPU0": {"weights_bytes": low.weights_bytes, "kv_bytes": low.kv_bytes, "compute_bytes": 99 * MIB},
        "CPU": {"weights_bytes": 300 * MIB, "kv_bytes": 0, "compute_bytes": 5 * MIB},
    }
    loaded = shown.view.plan.spec
    shown.view.set_actual(memory, loaded)
    real = low.weights_bytes + low.kv_bytes + 99 * MIB
    assert row.note.full_text == f"estimated {shown.view.bars[0].used_bytes / GIB:.1f} · actual {real / GIB:.1f}"
    assert row.bar.sizeHint().height() > height
    assert "actual 99 MiB" in row.bar.accessibleName()
    assert "actual 99 MiB" in row.bar.toolTip()
    summary = SummaryBars()
    summary.setParent(shown.view)
    summary.show_bars(shown.view.bars)
    assert {each.sizeHint().height() for each in summary.findChildren(MemoryBar)} == {height}
    assert "checks these figures" not in shown.view.head.notes.text()
    with qtbot.waitSignal(shown.view.options_changed):
        shown.view.panel.context.slider.setValue(0)
    assert row.note.full_text == f"currently loaded: {real / GIB:.1f}"
    shown.view.set_actual(memory, loaded)
    assert row.note.full_text == f"currently loaded: {real / GIB:.1f}"
    shown.view.set_actual(None)
    assert row.note.full_text.endswith("left")


def test_ram_for_other_chats_is_shown(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 24.0, 24.0, cache_limit=10 << 30)
    detail = shown.view.panel.kv_row.detail
    assert shown.view.plan is not None
    assert detail.full_text == "Other chats: up to 10.0 GiB"
    shown.view.panel.cache_limit = 0
    shown.show(PlanOptions())
    assert detail.full_text == ""


def test_without_a_device_there_is_one_bar_and_a_hint(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K")
    assert [bar.name for bar in shown.view.bars] == [""]
    hint = find(shown.view, "planHint", QLabel)
    assert isinstance(hint, QLabel)
    assert "no usable GPU" in hint.text()
    assert not shown.view.panel.split_row.isVisible()
    problem = UserError("gpus_need_driver", gpus="2 x RTX 4090")
    shown.show(PlanOptions(), Machine((), problem=problem))
    assert "2 x RTX 4090" in hint.text()


def test_bars_follow_the_machine(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    shown.show(PlanOptions(), Machine(cards(24, 12, 8, 8)))
    assert [bar.name for bar in shown.view.bars] == ["GPU0", "GPU1", "GPU2", "GPU3", ""]
    assert len(shown.view.panel.strip.borders) == 3
    assert shown.plans == []


def test_impossible_options_show_an_error_and_can_be_reset(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, options=PlanOptions(devices=("CUDA7",)))
    assert "CUDA7" in shown.view.head.headline.text()
    assert shown.view.kind == "bad"
    back = find(shown.view, "planBackToAutomatic", QPushButton)
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert shown.view.options == PlanOptions()
    assert "CUDA7" not in shown.view.head.headline.text()


def test_controls_are_locked_while_a_model_loads(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    shown.view.set_busy("Loading, 12 of 41 GB")
    assert shown.view.head.busy.text() == "Loading, 12 of 41 GB"
    assert not shown.view.panel.context.slider.isEnabled()
    check = find(shown.view, "planUseGPU0", QCheckBox)
    assert isinstance(check, QCheckBox)
    qtbot.mouseClick(shown.view, Qt.MouseButton.LeftButton, pos=check.mapTo(shown.view, QPoint(8, 8)))
    check.click()
    QApplication.processEvents()
    assert check.isChecked()
    assert shown.plans == []
    shown.view.set_busy("")
    assert not shown.view.head.busy.isVisible()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))


def test_the_tab_order_is_top_to_bottom(qtbot: QtBot):
    page, above, below = QWidget(), QPushButton(), QPushButton()
    qtbot.addWidget(page)
    view = PlanView()
    layout = QVBoxLayout(page)
    for each in (above, view, below):
        layout.addWidget(each)
    view.show_plan(PlanBasis((apus_header("Q2_K"),), Machine(cards(23.5, 23.5)), ram()), PlanOptions())
    with qtbot.waitActive(page):
        page.show()
    memory, border = find(view, "planBarRam", BarRow), find(view, "planBorderGPU0GPU1")
    assert isinstance(memory, BarRow)
    panel = view.panel
    checks = (find(view, "planUseGPU0"), find(view, "planUseGPU1"))
    expected = (above, *checks, memory.bar, border, panel.context.slider, panel.kv, panel.more, below)
    above.setFocus()
    for one in expected[:-1]:
        qtbot.waitUntil(one.hasFocus)
        qtbot.keyClick(one, Qt.Key.Key_Tab)
    assert below.hasFocus()


def test_every_bar_and_control_has_an_accessible_name(qtbot: QtBot):
    shown = Shown(qtbot, "Q3_K_M", 23.5, 21.5)
    for row in shown.view.findChildren(BarRow):
        assert "Model weights" in row.bar.accessibleName()
        assert "GiB" in row.bar.accessibleName()
        assert "GiB" in row.bar.toolTip()
        if row.check is not None:
            assert row.check.accessibleName().startswith("Use GPU")
            assert row.check.accessibleDescription() == row.bar.accessibleName()
    for control in shown.view.panel.tab_order:
        assert control.accessibleName() or getattr(control, "text", str)(), control.objectName()


@pytest.mark.parametrize("width", [520, 640, 860])
@pytest.mark.parametrize("gib", [(), (8.0,), (23.5, 23.5), (24.0, 16.0, 12.0, 8.0)])
def test_nothing_is_clipped_or_covered(qtbot: QtBot, width: int, gib: tuple[float, ...]):
    shown = Shown(qtbot, "Q4_K_M", *gib, width=width)
    shown.view.panel.set_advanced(True)
    shown.view.resize(width, shown.view.layout().totalHeightForWidth(width))
    QApplication.processEvents()
    assert shown.view.width() == width
    rows = shown.view.findChildren(BarRow)
    parts = [part for row in rows for part in (row.title, row.bar, row.figure, row.note, row.detail)]
    controls = [stop for stop in shown.view.panel.tab_order if stop.isVisible() and not isinstance(stop, Border)]
    places = [
        QRect(part.mapTo(shown.view, QPoint(0, 0)), part.size()) for part in (*parts, *controls) if part.isVisible()
    ]
    for number, place in enumerate(places):
        assert shown.view.rect().contains(place)
        assert not any(place.intersects(other) for other in places[:number])
    for row in rows:
        assert row.figure.text() == row.figure.full_text
        assert row.note.text() == row.note.full_text


def _colours(image: QImage) -> set[str]:
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }
