"""Themes and fonts, applied as a palette for Fusion and one application style sheet.

The style sheet (``resources/themes/application.qss``) contains role names in place of colours.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
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

INTERFACE_SIZE = 14
TEXT_SIZE = 15


@dataclass(frozen=True)
class Theme:
    """Colours of the interface by role, ``#rrggbb``."""

    name: str
    dark: bool
    page: str
    sidebar: str
    raised: str
    """The composer, menus, dialogs, fields."""
    hover: str
    """Background of a quiet control under the pointer and of the selected row of a list."""
    pressed: str
    text: str
    quiet_text: str
    hairline: str
    edge: str
    """Outline of controls that need contrast: fields, check boxes."""
    accent: str
    accent_hover: str
    accent_text: str
    """Text on the accent."""
    link: str
    question: str
    code_ground: str
    code_text: str
    code_keyword: str
    code_string: str
    code_number: str
    code_name: str
    code_type: str
    code_comment: str
    good: str
    warning: str
    bad: str
    selection: str
    disabled: str
    shadow: str


_COLOURS = {
    "page": ("#fdfdfc", "#1b1b1d"),
    "sidebar": ("#f4f4f2", "#161618"),
    "raised": ("#ffffff", "#242427"),
    "hover": ("#ebebe8", "#2a2a2e"),
    "pressed": ("#e0e0dc", "#34343a"),
    "text": ("#1f2023", "#dededc"),
    "quiet_text": ("#5f6167", "#a2a3a8"),
    "hairline": ("#e4e4e0", "#2f2f34"),
    "edge": ("#b9bab6", "#55565c"),
    "accent": ("#0f6b63", "#5fbfb1"),
    "accent_hover": ("#0b5750", "#7ad0c3"),
    "accent_text": ("#ffffff", "#0c1f1c"),
    "link": ("#0f6b63", "#6cc8ba"),
    "question": ("#eaf1ef", "#26302f"),
    "code_ground": ("#f4f4f2", "#232326"),
    "code_text": ("#26282c", "#d6d6d4"),
    "code_keyword": ("#8a2f7a", "#d79ad0"),
    "code_string": ("#2f6b2a", "#a3c585"),
    "code_number": ("#a04a00", "#e0a56f"),
    "code_name": ("#1f55a5", "#8fb8ee"),
    "code_type": ("#0b6a75", "#79c4cc"),
    "code_comment": ("#67696e", "#97989d"),
    "good": ("#2b6e33", "#7fc489"),
    "warning": ("#8a5a00", "#e2b35f"),
    "bad": ("#a8281f", "#f08d82"),
    "selection": ("#c5e2dd", "#284c47"),
    "disabled": ("#a5a6a8", "#66676c"),
    "shadow": ("#000000", "#000000"),
}
"""Light and dark colour of each role."""

LIGHT = Theme("light", False, **{role: colours[0] for role, colours in _COLOURS.items()})
DARK = Theme("dark", True, **{role: colours[1] for role, colours in _COLOURS.items()})

THEMES = {"light": LIGHT, "dark": DARK}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2 between two colours, from 1 to 21."""

    def luminance(colour: str) -> float:
        shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def interface_font(size: float = INTERFACE_SIZE, *, bold: bool = False) -> QFont:
    """Return the font of the system with Simplified Chinese as fallback."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setFamilies([font.family(), *CHINESE_FAMILIES])
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
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    # A missing family costs a search of all fonts for each font object: name only installed ones.
    own = [family for family in MONO_FAMILIES if family in present]
    return [*own, system, *(family for family in CHINESE_MONO_FAMILIES if family in present)]


def _sized(font: QFont, size: float, bold: bool) -> QFont:
    font.setPixelSize(round(size))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def system_prefers_dark(app: QApplication) -> bool:
    """Whether the desktop has a dark colour scheme; an unknown one counts as light."""
    return app.styleHints().colorScheme() == Qt.ColorScheme.Dark


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
    return next((theme for theme in THEMES.values() if theme.page == page), LIGHT)


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Apply palette, font and style sheet of a theme; can be called again at run time."""
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setFont(interface_font())
    app.setStyleSheet(style_sheet(theme))
