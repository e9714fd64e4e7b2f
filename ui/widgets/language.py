"""Language of the interface: English is in the source, others are translation files.

Qt sends each widget a ``LanguageChange`` event; the widgets set their texts again.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from app.config.paths import resources

AVAILABLE = {"en": "English", "zh_CN": "简体中文"}
"""Names of the languages by code, each in its own language."""
SOURCE = "en"


def system_language() -> str:
    """Return the available language of the desktop; English where there is none."""
    # Not the language of the locale: many users combine one language with the date formats of another.
    languages = QLocale.system().uiLanguages() or [QLocale.system().name()]
    return "zh_CN" if QLocale(languages[0]).language() == QLocale.Language.Chinese else SOURCE


class Languages(QObject):
    """The translators installed in the application."""

    def __init__(self, application: QCoreApplication) -> None:
        super().__init__(application)
        self._application = application
        self._translators: list[QTranslator] = []
        self._current = SOURCE

    @property
    def current(self) -> str:
        """Code of the current language."""
        return self._current

    def use(self, language: str) -> None:
        """Switch to an available language, or to that of the system for an empty code."""
        code = language or system_language()
        if code != self._current:
            for translator in self._translators:
                self._application.removeTranslator(translator)
            self._translators = [] if code == SOURCE else self._load(code)
            for translator in self._translators:
                self._application.installTranslator(translator)
            self._current = code
        system = QLocale.system()
        chosen = QLocale(code)
        QLocale.setDefault(system if system.language() == chosen.language() else chosen)

    def _load(self, language: str) -> list[QTranslator]:
        # Qt's strings first: the translator installed last has priority.
        files = (
            (f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
            (f"apus_chat_{language}", str(resources() / "translations")),
        )
        translators = []
        for name, folder in files:
            translator = QTranslator(self)
            if translator.load(name, folder):
                translators.append(translator)
        return translators
