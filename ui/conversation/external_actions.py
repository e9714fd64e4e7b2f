"""Actions on parts of a message outside the program: links, pages in the browser, saved files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QWidget

from app.previews.pages import BrowserPages
from model_manager.disk.files import write_atomically
from ui.widgets.dialog_parts import ask
from ui.widgets.file_dialogs import ask_for_file, documents_folder
from ui.widgets.notice import NoticeBar


class ExternalActions(QObject):
    """Opens and saves what a transcript requests, after a question to the user."""

    def __init__(self, pages: BrowserPages, notice: NoticeBar, window: QWidget) -> None:
        super().__init__(window)
        self._pages, self._notice, self._window = pages, notice, window
        self._text_to_save = ""

    def ask_to_open(self, address: str) -> None:
        """Show where a link leads before it is opened."""
        ask(
            self._window,
            "linkQuestion",
            self.tr("Open link"),
            self.tr("Open this address in your browser?"),
            address,
            ("openButton", self.tr("Open")),
            self.tr("Cancel"),
            lambda: QDesktopServices.openUrl(QUrl(address)),
        )

    def ask_to_open_page(self, code: str) -> None:
        """Ask before HTML of an answer is opened in the browser."""

        def open_page() -> None:
            path = self._pages.write(code)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

        ask(
            self._window,
            "pageQuestion",
            self.tr("Open in browser"),
            self.tr("Open this HTML in your browser?"),
            self.tr("Its scripts run in the browser. The page can't connect to the internet or read your files."),
            ("openButton", self.tr("Open")),
            self.tr("Cancel"),
            lambda: self._notice.attempt(open_page),
        )

    def ask_where_to_save(self, name: str, text: str) -> None:
        """Save a text in a file that the user chooses; ``name`` is the suggested one."""
        self._text_to_save = text
        window = QApplication.activeModalWidget() or self._window
        ask_for_file(window, self.tr("Save as"), "", self._save, save_as=documents_folder() / name)

    def _save(self, path: Path) -> None:
        # Excel reads CSV as UTF-8 only behind a byte order mark.
        encoding = "utf-8-sig" if path.suffix.lower() == ".csv" else "utf-8"
        data = self._text_to_save.encode(encoding, "replace")
        if self._notice.attempt(lambda: write_atomically(path, data)):
            self._notice.show_message(self.tr("Saved as {name}.").format(name=path))
