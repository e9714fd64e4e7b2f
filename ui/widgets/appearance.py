"""Theme, language and zoom of the application, by the settings and the system."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, Qt, QTranslator, Signal
from PySide6.QtWidgets import QApplication

from app.config.paths import resources
from app.config.settings import Settings
from ui.widgets.theme import DARK, LIGHT, apply_theme, current_theme
from ui.widgets.zoom import set_zoom, zoom

SOURCE_LANGUAGE = "en"


def system_language() -> str:
    """Return the available language of the desktop; English where there is none."""
    # Not the language of the locale: many users combine one language with the date formats of another.
    languages = QLocale.system().uiLanguages() or [QLocale.system().name()]
    chosen = QLocale(languages[0])
    if chosen.language() != QLocale.Language.Chinese:
        return SOURCE_LANGUAGE
    return "zh_TW" if chosen.script() == QLocale.Script.TraditionalHanScript else "zh_CN"


class Appearance(QObject):
    """Applies theme, language and zoom, and follows changes of the settings and the system.

    Qt sends each widget a ``LanguageChange`` event when the language changes.
    """

    changed = Signal()
    """The theme has changed."""

    def __init__(self, application: QApplication, settings: Settings) -> None:
        super().__init__(application)
        self._application = application
        self._translators: list[QTranslator] = []
        self.language = SOURCE_LANGUAGE
        """Code of the current language."""
        self.theme = current_theme()
        self.use(settings)
        application.styleHints().colorSchemeChanged.connect(lambda _scheme: self.use(self._settings))

    def use(self, settings: Settings) -> None:
        """Apply theme, language and zoom of the settings."""
        self._settings = settings
        self._use_language(settings.language or system_language())
        if settings.zoom != zoom():
            set_zoom(settings.zoom)
        is_system_dark = self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        theme = DARK if settings.theme == "dark" or (settings.theme == "system" and is_system_dark) else LIGHT
        if theme is not self.theme or not self._application.styleSheet():
            self.theme = theme
            apply_theme(self._application, theme)
            self.changed.emit()

    def _use_language(self, code: str) -> None:
        if code != self.language:
            self.language = code
            for translator in self._translators:
                self._application.removeTranslator(translator)
            # Qt's strings first: the translator installed last has priority.
            files = (
                (f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
                (f"apus_chat_{code}", str(resources() / "translations")),
            )
            self._translators = []
            for name, folder in files if code != SOURCE_LANGUAGE else ():
                translator = QTranslator(self)
                if translator.load(name, folder):
                    self._translators.append(translator)
                    self._application.installTranslator(translator)
        system, chosen = QLocale.system(), QLocale(code)
        QLocale.setDefault(system if system.language() == chosen.language() else chosen)
