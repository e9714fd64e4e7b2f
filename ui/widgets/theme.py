"""Themes and fonts, applied as a palette for Fusion and one application style sheet.

The style sheet (``resources/themes/application.qss``) contains role names in place of colours.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, fields
from string import Template
from typing import Any

from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from app.config.paths import resources

CHINESE_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei UI",
    "PingFang SC",
    "WenQuanYi Micro Hei",
)
"""Simplified Chinese by name: the fallback of the system can have the Japanese forms of the characters."""
MONO_FAMILIES = ("JetBrains Mono", "Cascadia Mono", "Consolas", "SF Mono", "Menlo", "DejaVu Sans Mono")
CHINESE_MONO_FAMILIES = ("Noto Sans Mono CJK SC", *CHINESE_FAMILIES)

_FREETYPE = "cff:darkening-parameters=500,150,1000,100,1667,100,2333,0"
"""A third of FreeType's own values: widths of stems and what is added to them, in thousandths of the text size."""

INTERFACE_SIZE = 14
TEXT_SIZE = 15


def _colours(light: str, dark: str) -> Any:
    return field(metadata={"colours": (light, dark)})


@dataclass(frozen=True)
class Theme:
    """Colours of the interface by role, ``#rrggbb``."""

    name: str
    dark: bool
    page: str = _colours("#fdfdfc", "#1b1b1d")
    sidebar: str = _colours("#f4f4f2", "#161618")
    raised: str = _colours("#ffffff", "#242427")
    """The composer, menus, dialogs, fields."""
    hover: str = _colours("#ebebe8", "#2a2a2e")
    """Background of a quiet control under the pointer and of the selected row of a list."""
    pressed: str = _colours("#e0e0dc", "#34343a")
    text: str = _colours("#1f2023", "#dededc")
    quiet_text: str = _colours("#5f6167", "#a2a3a8")
    hairline: str = _colours("#e4e4e0", "#2f2f34")
    edge: str = _colours("#b9bab6", "#55565c")
    """Outline of controls that need contrast: fields, check boxes."""
    accent: str = _colours("#0f6b63", "#5fbfb1")
    accent_hover: str = _colours("#0b5750", "#7ad0c3")
    accent_text: str = _colours("#ffffff", "#0c1f1c")
    """Text on the accent."""
    link: str = _colours("#0f6b63", "#6cc8ba")
    question: str = _colours("#eaf1ef", "#26302f")
    quote_bar: str = _colours("#bfc0bc", "#45454b")
    code_ground: str = _colours("#e8e8e5", "#2c2c30")
    code_text: str = _colours("#26282c", "#d6d6d4")
    code_keyword: str = _colours("#8a2f7a", "#d79ad0")
    code_string: str = _colours("#2f6b2a", "#a3c585")
    code_number: str = _colours("#a04a00", "#e0a56f")
    code_name: str = _colours("#1f55a5", "#8fb8ee")
    code_type: str = _colours("#0b6a75", "#79c4cc")
    code_comment: str = _colours("#5f6167", "#a2a3a8")
    code_deleted: str = _colours("#a8281f", "#f08d82")
    good: str = _colours("#2b6e33", "#7fc489")
    warning: str = _colours("#8a5a00", "#e2b35f")
    bad: str = _colours("#a8281f", "#f08d82")
    selection: str = _colours("#cce6e1", "#203c38")
    disabled: str = _colours("#a5a6a8", "#66676c")
    shadow: str = _colours("#000000", "#000000")


def _theme(name: str, *, dark: bool) -> Theme:
    colours = {each.name: each.metadata["colours"][dark] for each in fields(Theme) if each.metadata}
    return Theme(name, dark, **colours)


LIGHT, DARK = _theme("light", dark=False), _theme("dark", dark=True)


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    shares = colour.redF(), colour.greenF(), colour.blueF()
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def with_contrast(colour: QColor, ground: QColor, least: float) -> QColor:
    """Return a colour, lighter on a dark ground and darker on a light one where its contrast would be below a ratio."""
    hue, saturation, lightness = max(0.0, colour.hslHueF()), colour.hslSaturationF(), colour.lightnessF()
    step = 0.02 if _luminance(ground) < 0.18 else -0.02
    while contrast(colour, ground) < least and 0 < lightness + step < 1:
        lightness += step
        colour = QColor.fromHslF(hue, saturation, lightness)
    return colour


def prepare_fonts() -> None:
    """Set up the rendering of fonts; to be called before the application is made.

    Qt lets FreeType embolden fonts with CFF outlines, such as Noto Sans CJK, so that dark text does not look too thin;
    light text on a dark ground looked bold beside Latin text, whose fonts have other outlines.  Only Linux uses this.
    """
    os.environ.setdefault("FREETYPE_PROPERTIES", _FREETYPE)


def interface_font(size: float = INTERFACE_SIZE, *, bold: bool = False) -> QFont:
    """Return the font of the system with Simplified Chinese as fallback."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setFamilies([_installed_family(font), *CHINESE_FAMILIES])
    return _sized(font, size, bold)


def mono_font(size: float, *, bold: bool = False) -> QFont:
    """Return a monospaced font with Simplified Chinese as fallback."""
    font = QFont()
    font.setFamilies(mono_families())
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFixedPitch(True)
    return _sized(font, size, bold)


def mono_families() -> list[str]:
    """Return the installed monospaced families, best first, then the Chinese ones."""
    present = set(QFontDatabase.families())
    system = _installed_family(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    # A missing family costs a search of all fonts for each font object: name only installed ones.
    own = [family for family in MONO_FAMILIES if family in present]
    return [*own, system, *(family for family in CHINESE_MONO_FAMILIES if family in present)]


def _installed_family(font: QFont) -> str:
    """Return the family that Qt uses for a font of the system, whose name can be an alias such as "Sans Serif".

    In a list of families Qt skips an alias, and Latin text would get the Chinese family that follows.
    """
    return QFontInfo(font).family()


def _sized(font: QFont, size: float, bold: bool) -> QFont:
    font.setPixelSize(round(size))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def palette(theme: Theme) -> QPalette:
    """Return the palette of a theme for Fusion: ``setColorScheme`` has no effect on a bare X server."""
    made = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, theme.page),
        (roles.WindowText, theme.text),
        (roles.Base, theme.raised),
        (roles.AlternateBase, theme.sidebar),
        (roles.Text, theme.text),
        (roles.Button, theme.raised),
        (roles.ButtonText, theme.text),
        (roles.BrightText, theme.bad),
        (roles.ToolTipBase, theme.raised),
        (roles.ToolTipText, theme.text),
        (roles.PlaceholderText, theme.quiet_text),
        (roles.Highlight, theme.selection),
        (roles.HighlightedText, theme.text),
        (roles.Accent, theme.accent),
        (roles.Link, theme.link),
        (roles.LinkVisited, theme.link),
        (roles.Light, theme.raised),
        (roles.Midlight, theme.hairline),
        (roles.Mid, theme.edge),
        (roles.Dark, theme.edge),
        (roles.Shadow, theme.shadow),
    ):
        made.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    return made


def style_sheet(theme: Theme) -> str:
    """Return the application style sheet in the colours of a theme."""
    folder = resources() / "themes"
    sheet = Template((folder / "application.qss").read_text("utf-8"))
    return sheet.substitute(asdict(theme), themes=folder.as_posix())


def current_theme() -> Theme:
    """Return the applied theme; the light one before any was applied."""
    page = QApplication.palette().color(QPalette.ColorRole.Window).name()
    return DARK if page == DARK.page else LIGHT


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Apply palette, font and style sheet of a theme; can be called again at run time."""
    app.setPalette(palette(theme))
    app.setFont(interface_font())
    app.setStyleSheet(style_sheet(theme))
