"""The language of the window: English is in the source, others come from files and can be switched while it runs.

Qt itself tells every widget with a ``LanguageChange`` event; each widget words itself anew.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from app.config.paths import resources

AVAILABLE = {"en": "English", "zh_CN": "简体中文"}
"""Every language by its code, named in itself."""
SOURCE = "en"


def system_language() -> str:
    """The language of ``AVAILABLE`` that the person's desktop speaks; English where it speaks none of them."""
    # Not the locale's own language: many read one language and write dates the way of another.
    languages = QLocale.system().uiLanguages() or [QLocale.system().name()]
    return "zh_CN" if QLocale(languages[0]).language() == QLocale.Language.Chinese else SOURCE


class Languages(QObject):
    """Holds the translators that are installed in the application."""

    def __init__(self, application: QCoreApplication) -> None:
        super().__init__(application)
        self._application = application
        self._translators: list[QTranslator] = []
        self._now = SOURCE

    @property
    def now(self) -> str:
        """The code of the language that is shown."""
        return self._now

    def use(self, language: str) -> None:
        """Show this language of ``AVAILABLE``, or the system's for an empty text."""
        wanted = language or system_language()
        if wanted != self._now:
            for translator in self._translators:
                self._application.removeTranslator(translator)
            self._translators = [] if wanted == SOURCE else self._load(wanted)
            for translator in self._translators:
                self._application.installTranslator(translator)
            self._now = wanted
        system = QLocale.system()
        chosen = QLocale(wanted)
        QLocale.setDefault(system if system.language() == chosen.language() else chosen)

    def _load(self, language: str) -> list[QTranslator]:
        # Qt's own words first: of two translators the one installed last is asked first.
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
