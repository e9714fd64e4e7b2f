"""About section of the settings: version, licence, privacy, documentation and diagnostics."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app import __version__
from app.config.paths import resources
from ui.widgets.dialog_parts import StatusLine, button
from ui.widgets.layouts import vbox
from ui.widgets.parameter_form import ExtraRow, ParameterForm


class AboutSettings(QWidget):
    """Texts, and buttons that open the README, where the program has one, and the diagnostics."""

    def __init__(self, status: StatusLine) -> None:
        super().__init__()
        self._status = status
        self.diagnostics = button("diagnosticsButton", self.tr("Run diagnostics…"))
        self.open_readme = button("openReadmeButton", self.tr("Open"))
        self._readme = resources().parent / (
            "README.zh-CN.md" if QLocale().language() == QLocale.Language.Chinese else "README.md"
        )
        rows: dict[str, ExtraRow] = {
            "version": (
                QWidget(),
                self.tr("Version"),
                self.tr("APUS Chat {version}, licence Apache 2.0").format(version=__version__),
            ),
            "privacy": (
                QWidget(),
                self.tr("Privacy"),
                self.tr(
                    "There is no telemetry, no account and no update check. Model names, searches and downloads go to "
                    "the hub or mirror under Downloads. Your messages and the facts of the memory leave this PC only "
                    "when you use a model of a server. If you set them up, web search sends the words it looks for, "
                    "MCP servers get what the model passes to them, and other PCs get parts of the computation or "
                    "answers of the local server."
                ),
            ),
        }
        if self._readme.is_file():
            text = self.tr(
                "First steps and supported hardware. The user guide lists everything that is sent over the network."
            )
            rows["readme"] = (self.open_readme, self.tr("Documentation"), text)
        rows["diagnostics"] = (
            self.diagnostics,
            self.tr("Diagnostics"),
            self.tr("Shows what works, what doesn't and how to fix it."),
        )
        self.form = ParameterForm({}, extra=rows)
        vbox(self.form, parent=self)
        self.open_readme.clicked.connect(self._open_readme)

    def _open_readme(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._readme))):
            text = self.tr("No program is available that opens it. The file is {path}.").format(path=self._readme)
            self._status.show_message(text, "warning")
