"""Themes, fonts and icons."""

import gc
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.config.settings import Settings
from ui.widgets import icons
from ui.widgets.appearance import Appearance
from ui.widgets.theme import (
    CHINESE_FAMILIES,
    CHINESE_MONO_FAMILIES,
    DARK,
    LIGHT,
    Theme,
    apply_theme,
    interface_font,
    mono_font,
    resources,
    style_sheet,
)

ICONS = sorted(path.stem for path in (resources() / "icons").glob("*.svg"))
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)

ROOT = Path(__file__).parents[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2 between two colours, from 1 to 21."""

    def luminance(colour: str) -> float:
        shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_program_has_the_style_fusion_on_every_desktop(tmp_path):
    script = """
import sys
from ui.start.application import _make_application
print(_make_application(sys.argv[1]).style().name())
"""
    environment = {**os.environ, "QT_STYLE_OVERRIDE": "Windows"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "fusion\n"


def test_contrast_follows_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_text_is_readable_on_every_background(theme: Theme):
    for ground in (theme.page, theme.sidebar, theme.raised, theme.question, theme.code_ground, theme.selection):
        assert contrast(theme.text, ground) >= 7, ground
    grounds = theme.page, theme.sidebar, theme.raised, theme.question, theme.code_ground, theme.hover, theme.selection
    for ground in grounds:
        for colour in (theme.quiet_text, theme.link, theme.good, theme.warning, theme.bad, theme.accent):
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    assert contrast(theme.accent_text, theme.accent) >= 4.5
    assert contrast(theme.accent_text, theme.accent_hover) >= 4.5
    for role in fields(theme):
        if role.name.startswith("code_") and role.name != "code_ground":
            for ground in (theme.code_ground, theme.selection):
                assert contrast(getattr(theme, role.name), ground) >= 4.5, (role.name, ground)


@THEMES
def test_the_ground_of_code_and_the_bar_of_quotes_are_seen_and_calm(theme: Theme):
    assert 1.2 <= contrast(theme.code_ground, theme.page) <= 1.3
    assert 1.7 <= contrast(theme.quote_bar, theme.page) <= 1.9
    # By its hue where its lightness is that of the ground.
    ground, selection = QColor(theme.code_ground), QColor(theme.selection)
    assert max(abs(a - b) for a, b in zip(ground.getRgb(), selection.getRgb(), strict=True)) >= 16
    assert selection.hsvSaturation() - ground.hsvSaturation() >= 25


@THEMES
def test_images_of_the_style_sheet_have_theme_colours(theme: Theme):
    folder = resources() / "themes"
    assert theme.accent_text in (folder / f"check-{theme.name}.svg").read_text()
    assert theme.quiet_text in (folder / f"chevron-down-{theme.name}.svg").read_text()
    assert theme.quiet_text in (folder / f"chevron-up-{theme.name}.svg").read_text()


@THEMES
def test_theme_is_applied(qapp: QApplication, qtbot, theme: Theme):
    apply_theme(qapp, theme)
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(theme.page)
    assert "$" not in style_sheet(theme)
    page = QWidget()
    qtbot.addWidget(page)
    rows = QVBoxLayout(page)
    button = QPushButton("Send")
    for widget in (button, QCheckBox("Save"), QComboBox()):
        rows.addWidget(widget)
    page.grab()  # polishes and lays out without a window
    ground = button.grab().toImage().pixelColor(button.width() // 2, 6)
    assert ground == QColor(theme.raised)


@THEMES
def test_placeholders_are_readable(qapp: QApplication, qtbot, theme: Theme):
    apply_theme(qapp, theme)
    for field in (QLineEdit(), QPlainTextEdit()):
        qtbot.addWidget(field)
        field.grab()
        colour = field.palette().color(QPalette.ColorRole.PlaceholderText)
        assert colour.alpha() == 255
        assert contrast(colour.name(), theme.raised) >= 4.5
        field.setEnabled(False)
        field.grab()
        assert field.palette().color(QPalette.ColorRole.PlaceholderText).name() == theme.disabled


@THEMES
def test_edges_of_controls_are_seen_on_every_ground(qapp: QApplication, qtbot, theme: Theme):
    for ground in (theme.page, theme.sidebar, theme.raised, theme.hover, theme.selection):
        assert contrast(theme.edge, ground) >= 1.4, ground


@pytest.mark.qt_log_ignore("This plugin does not support")
@THEMES
def test_the_popup_of_a_combo_box_has_one_frame(qapp: QApplication, qtbot, theme: Theme):
    apply_theme(qapp, theme)
    box = QComboBox()
    box.addItems(["one", "two", "three"])
    qtbot.addWidget(box)
    with qtbot.waitExposed(box):
        box.show()
    box.showPopup()
    popup = box.view().window()
    qtbot.waitUntil(popup.isVisible)
    image = popup.grab().toImage()
    across = [image.pixelColor(x, image.height() // 2).name() for x in range(5)]
    assert across == [theme.edge, *[theme.raised] * 4]
    box.hidePopup()


def test_a_focused_button_has_one_ring(qapp: QApplication, qtbot):
    apply_theme(qapp, LIGHT)
    page = QWidget()
    qtbot.addWidget(page)
    buttons = QPushButton("Send"), QPushButton("Send")
    rows = QVBoxLayout(page)
    for button in buttons:
        rows.addWidget(button)
    with qtbot.waitActive(page):
        page.show()
    qtbot.keyClick(page, Qt.Key.Key_Tab)
    focused, other = sorted(buttons, key=lambda button: not button.hasFocus())
    assert focused.hasFocus()
    inner = focused.rect().adjusted(3, 3, -3, -3)
    assert focused.grab(inner).toImage() == other.grab(inner).toImage()


def test_fonts_name_simplified_chinese_families(qapp):
    for font in (interface_font(), mono_font(14), mono_font(14, bold=True)):
        assert any(family in CHINESE_FAMILIES for family in font.families())


@pytest.mark.parametrize("alias", ["Sans Serif", "No such family"])
def test_latin_text_is_not_set_in_a_chinese_face(qapp, monkeypatch: pytest.MonkeyPatch, alias: str):
    # As desktops without a theme name it: not a family, but an alias for one.
    monkeypatch.setattr(QFontDatabase, "systemFont", lambda _kind: QFont(alias))
    for font in (interface_font(), mono_font(14)):
        assert QFontInfo(font).family() not in CHINESE_MONO_FAMILIES


def test_icons_have_one_style(qapp):
    assert len(ICONS) >= 24
    for name in ICONS:
        root = ElementTree.fromstring((resources() / "icons" / f"{name}.svg").read_text("utf-8"))
        assert root.get("viewBox") == "0 0 18 18"
        assert root.get("stroke-width") == "1.5"
        assert root.get("stroke") == "currentColor"
        picture = icons.pixmap(name, "#ff0000", 18, 2.0).toImage()
        edge = picture.width() - 1
        spots = [(x, y) for x in range(edge + 1) for y in range(edge + 1)]
        inked = [(x, y) for x, y in spots if picture.pixelColor(x, y).alpha() > 30]
        assert inked, name
        assert all(0 < x < edge and 0 < y < edge for x, y in inked), f"{name} is cut at its box"
        assert all(picture.pixelColor(x, y).red() > 200 for x, y in inked[:20])


def test_an_icon_is_paler_when_disabled(qapp):
    made = icons.icon("send", "#ffffff")
    normal = made.pixmap(QSize(18, 18), QIcon.Mode.Normal).toImage().pixelColor(9, 9).alpha()
    disabled = made.pixmap(QSize(18, 18), QIcon.Mode.Disabled).toImage().pixelColor(9, 9).alpha()
    assert 0 < disabled < normal


def test_icons_follow_the_theme(qapp):
    appearance = Appearance(qapp, Settings(theme="light", language="en"))
    made, label = icons.icon("send", "accent"), icons.IconLabel("send", "accent")

    def lightness() -> list[int]:
        """Lightness of the most colourful pixel of the icon and of the label."""
        pictures = [made.pixmap(18).toImage(), label.grab().toImage()]
        pixels = [[picture.pixelColor(x, y) for x in range(18) for y in range(18)] for picture in pictures]
        return [max(each, key=lambda colour: colour.hsvSaturation() * colour.alpha()).lightness() for each in pixels]

    light = lightness()
    appearance.use(Settings(theme="dark", language="en"))
    dark = lightness()
    appearance.use(Settings(theme="light", language="en"))
    assert all(before < 100 < after for before, after in zip(light, dark, strict=True)), (light, dark)


def test_copy_of_an_icon_can_be_changed(qapp):
    copy = QIcon(icons.icon("send"))
    copy.addPixmap(QPixmap(4, 4))
    gc.collect()
    assert not copy.pixmap(QSize(18, 18)).isNull()


FREED_WITH_A_WINDOW = """
import gc
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QDialog, QVBoxLayout
from ui.widgets.icons import IconLabel
application = QApplication([])
for _ in range(5):
    window, label = QDialog(), IconLabel("info", "quiet_text")
    QVBoxLayout(window).addWidget(label)
    window.label, window.itself = label, window
    window.grab()
    label.set_icon("check", "good")
    window.grab()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    del window, label
    gc.collect()
"""


def test_label_with_a_changed_icon_is_freed_with_its_window():
    """It ended the process in a garbage collection, for example after the memory layout was closed."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", FREED_WITH_A_WINDOW], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0


INK = """
import sys
from PySide6.QtGui import QColor, QFont, QFontInfo, QImage, QPainter
from PySide6.QtWidgets import QApplication
from ui.widgets.theme import DARK, LIGHT, prepare_fonts

if "prepared" in sys.argv:
    prepare_fonts()
app = QApplication([])
for theme in (LIGHT, DARK):
    image = QImage(300, 40, QImage.Format.Format_RGB32)
    image.fill(QColor(theme.page))
    painter, font = QPainter(image), QFont("Noto Sans CJK SC")
    font.setPixelSize(15)
    painter.setFont(font)
    painter.setPen(QColor(theme.text))
    painter.drawText(10, 25, "其余的留在内存里，显存布局")
    painter.end()
    page = QColor(theme.page).lightness()
    pixels = (image.pixelColor(x, y).lightness() for x in range(300) for y in range(40))
    print(sum(abs(each - page) for each in pixels) / abs(QColor(theme.text).lightness() - page))
"""


def test_light_chinese_text_is_not_bold(qapp):
    if sys.platform != "linux" or QFontInfo(QFont("Noto Sans CJK SC")).family() != "Noto Sans CJK SC":
        pytest.skip("no Chinese font with such outlines")
    inks = []
    for arguments in ([], ["prepared"]):
        done = subprocess.run(
            [sys.executable, "-c", INK, *arguments], capture_output=True, text=True, check=True, timeout=120
        )
        inks.append([float(line) for line in done.stdout.split()])
    (light, dark), (lighter, darker) = inks
    assert dark > 1.2 * light, "light text is bolder than dark text"
    assert darker < 0.92 * dark
    assert lighter > 0.8 * light, "dark text is not too thin"


def test_an_icon_without_room_is_not_drawn(qapp: QApplication) -> None:
    """Painting on a pixmap without size would be a warning, which fails this test."""
    assert icons.pixmap("more", "text", 0).isNull()
