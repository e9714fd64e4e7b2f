"""Theme and language of the application, by the settings and the system."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from app.config.settings import Settings
from ui.widgets.icons import redraw_icons
from ui.widgets.language import Languages
from ui.widgets.theme import DARK, LIGHT, Theme, apply_theme, system_prefers_dark


class Appearance(QObject):
    """Applies theme and language, and follows changes of the settings and the system."""

    changed = Signal()

    def __init__(self, application: QApplication, settings: Settings) -> None:
        super().__init__(application)
        self._application = application
        self._settings = settings
        self._languages = Languages(application)
        self._languages.use(settings.language)
        self.theme = self._theme_of_settings()
        apply_theme(application, self.theme)
        application.styleHints().colorSchemeChanged.connect(lambda _scheme: self.use(self._settings))
        # Icons are drawn for the pixel ratios of the connected screens.
        application.screenAdded.connect(lambda _screen: redraw_icons())

    @property
    def language(self) -> str:
        """Code of the current language."""
        return self._languages.current

    def use(self, settings: Settings) -> None:
        """Apply theme and language of the settings."""
        self._settings = settings
        self._languages.use(settings.language)
        theme = self._theme_of_settings()
        if theme is not self.theme:
            self.theme = theme
            apply_theme(self._application, theme)
            redraw_icons()
            self.changed.emit()

    def _theme_of_settings(self) -> Theme:
        match self._settings.theme:
            case "light":
                return LIGHT
            case "dark":
                return DARK
            case _:
                return DARK if system_prefers_dark(self._application) else LIGHT
