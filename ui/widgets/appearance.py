"""Theme and language of the whole application, as the settings and the system say."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from app.config.settings import Settings
from ui.widgets.language import Languages
from ui.widgets.theme import DARK, LIGHT, Theme, apply_theme, system_prefers_dark


class Appearance(QObject):
    """Dresses the application, and again when the settings or the system change."""

    changed = Signal()

    def __init__(self, application: QApplication, settings: Settings) -> None:
        super().__init__(application)
        self._application = application
        self._settings = settings
        self._languages = Languages(application)
        self._languages.use(settings.language)
        self.theme = self._wanted()
        apply_theme(application, self.theme)
        application.styleHints().colorSchemeChanged.connect(lambda _scheme: self.use(self._settings))
        # Icons are drawn for the screens that are there.
        application.screenAdded.connect(lambda _screen: self.changed.emit())

    @property
    def language(self) -> str:
        """The code of the language that is shown."""
        return self._languages.now

    def use(self, settings: Settings) -> None:
        """Take what the settings say now."""
        self._settings = settings
        self._languages.use(settings.language)
        theme = self._wanted()
        if theme is not self.theme:
            self.theme = theme
            apply_theme(self._application, theme)
            self.changed.emit()

    def _wanted(self) -> Theme:
        match self._settings.theme:
            case "light":
                return LIGHT
            case "dark":
                return DARK
            case _:
                return DARK if system_prefers_dark(self._application) else LIGHT
