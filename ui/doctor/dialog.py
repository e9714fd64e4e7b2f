"""Diagnostics dialog: the results of all checks and what to do about them."""

from __future__ import annotations

from functools import partial

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.doctor.diagnostic import Diagnostic, State, Text
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.doctor.report import part_text, report
from app.doctor.terminal import fonts
from app.services import Services
from model_manager.errors import UserError
from ui.doctor.rows import ResultRow, translate
from ui.widgets.dialog_frame import arrange, scrolled
from ui.widgets.dialog_parts import (
    MARGIN,
    SMALL_SIZE,
    StatusLine,
    TranslatedDialog,
    button,
    hairline,
    heading,
    quiet_label,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.theme import CHINESE_FAMILIES, interface_font

NARROW = 560
ORDER = ("engine", "memory", "disk", "conversations", "program", NETWORK)
"""Parts in the order of their importance for answers."""


class DoctorDialog(TranslatedDialog):
    """Checks one part after another and shows the results; the network only on request."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doctorDialog")
        self._services = services
        self._doctor: Doctor | None = None
        self._pending: list[str] = []
        self.results: dict[str, tuple[Diagnostic, ...]] = {}
        """Results so far, by part."""
        self._with_network = False
        self._heading = heading()
        self._summary = quiet_label()
        self._summary.setObjectName("doctorSummary")
        self._titles: dict[str, QLabel] = {}
        self._notes: dict[str, QLabel] = {}
        self._columns: dict[str, QVBoxLayout] = {}
        self._rows: dict[str, list[ResultRow]] = {part: [] for part in ORDER}
        self.network = button("checkNetworkButton")
        self.again = button("checkAgainButton")
        self.copy = button("copyReportButton")
        self._close = button("closeButton")
        self.status = StatusLine("doctorStatus")
        self._lay_out()
        self.network.clicked.connect(self._check_network)
        self.again.clicked.connect(self.check)
        self.copy.clicked.connect(self._copy_report)
        self._close.clicked.connect(self.accept)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._stop)
        self.setMinimumSize(400, 360)
        self.resize(760, 680)
        self._finish_setup()
        self.check()

    def check(self) -> None:
        """Check everything again, including the network if it was checked before."""
        if self.is_checking():
            return
        services = self._services
        environment = tuple(self._check_environment())
        self._doctor = Doctor(
            services.folder,
            services.settings,
            services.secrets,
            partial(services.planning.machine, refresh=True),
            lambda: iter(environment),
            lambda: services.engine.pid,
        )
        self.results.clear()
        self.status.clear()
        self._pending = [*PARTS, *([NETWORK] if self._with_network else [])]
        for part in ORDER:
            self._fill(part)
        self._check_next()

    def is_checking(self) -> bool:
        """Return whether a check is running."""
        return bool(self._pending)

    def report(self) -> str:
        """Return all results as Markdown, without user name and home folder."""
        return report({part: self.results[part] for part in ORDER if part in self.results}, translate)

    def done(self, result: int) -> None:
        """Cancel the checks and close."""
        self._stop()
        super().done(result)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange for the new width."""
        super().resizeEvent(event)
        self._fit()

    def _stop(self) -> None:
        if self._doctor is not None:
            self._doctor.stop()

    def _check_network(self) -> None:
        self._with_network = True
        idle = not self.is_checking()
        self._pending.append(NETWORK)
        self._fill(NETWORK)
        self._update_buttons()
        if idle:
            self._check_next()

    def _check_next(self) -> None:
        self._update_buttons()
        if not self._pending or self._doctor is None:
            return
        doctor, part = self._doctor, self._pending[0]
        # One after another, because other reads would distort the disk's speed.
        run_job(self, partial(doctor.check, part), partial(self._show_results, part), self._show_error)

    def _show_results(self, part: str, results: tuple[Diagnostic, ...]) -> None:
        self._pending.remove(part)
        self.results[part] = results
        self._fill(part)
        self._check_next()

    def _show_error(self, error: UserError) -> None:
        self._pending.clear()
        self.status.show_message(lambda: error_text(error), "bad")
        self._update_buttons()

    def _check_environment(self) -> list[Diagnostic]:
        families = set(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))
        family = next((name for name in CHINESE_FAMILIES if name in families), min(families, default=""))
        data = {
            "version": pyside_version,
            "platform": QGuiApplication.platformName(),
            "scale": f"{self.devicePixelRatioF():g}",
        }
        return [fonts(family), Diagnostic("window", State.OK, Text("window_shown", data))]

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.status.show_message(lambda: self.tr("Report copied. It contains nothing from your conversations."), "good")

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(0)
        column.addWidget(self._heading)
        column.addSpacing(4)
        column.addWidget(self._summary)
        for part in ORDER:
            column.addSpacing(20)
            title = self._titles[part] = QLabel()
            title.setFont(interface_font(SMALL_SIZE, bold=True))
            note = self._notes[part] = quiet_label()
            note.setContentsMargins(0, 8, 0, 0)
            rows = self._columns[part] = QVBoxLayout()
            rows.setSpacing(0)
            column.addWidget(title)
            column.addSpacing(4)
            column.addWidget(hairline())
            column.addWidget(note)
            column.addLayout(rows)
        column.addSpacing(8)
        column.addWidget(self.network, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        arrange(self, scrolled(page), self.status, self.copy, self.again, self._close)

    def _fill(self, part: str) -> None:
        for row in self._rows[part]:
            self._columns[part].removeWidget(row)
            row.deleteLater()
        self._rows[part] = [ResultRow(each) for each in self.results.get(part, ())]
        for row in self._rows[part]:
            row.copied.connect(self._show_copied)
            self._columns[part].addWidget(row)
        self._fit()
        self._update_note(part)

    def _show_copied(self, command: str) -> None:
        self.status.show_message(lambda: self.tr("Copied: {command}").format(command=command), "good")

    def _fit(self) -> None:
        for rows in self._rows.values():
            for row in rows:
                row.set_narrow(narrow=self.width() < NARROW)

    def _update_buttons(self) -> None:
        checking = self.is_checking()
        self.again.setEnabled(not checking)
        self.copy.setEnabled(not checking)
        self.network.setVisible(not self._with_network)
        self._update_summary()

    def _update_note(self, part: str) -> None:
        text = ""
        if part in self._pending:
            text = self.tr("Checking…")
        elif part == NETWORK and part not in self.results:
            text = self.tr(
                "Not checked yet. The check contacts the hub, its mirror and your servers to see if they "
                "respond. None of your data is sent."
            )
        self._notes[part].setText(text)
        self._notes[part].setVisible(bool(text))

    def _update_summary(self) -> None:
        problems = sum(each.state is not State.OK for results in self.results.values() for each in results)
        if self.is_checking():
            text = self.tr("Checking this computer…")
        elif problems == 0:
            text = self.tr("No problems found.")
        elif problems == 1:
            text = self.tr("One thing could be better. See the suggestion beside it.")
        else:
            text = self.tr("{count} things could be better. See the suggestion beside each.").format(count=problems)
        self._summary.setText(text)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Diagnostics"))
        self.setAccessibleName(self.tr("Diagnostics"))
        self._heading.setText(self.tr("Diagnostics"))
        for part, title in self._titles.items():
            title.setText(part_text(part, translate))
            self._update_note(part)
        for rows in self._rows.values():
            for row in rows:
                row.retranslate()
        self.network.setText(self.tr("Check the network"))
        self.again.setText(self.tr("Check again"))
        self.copy.setText(self.tr("Copy report"))
        self._close.setText(self.tr("Close"))
        self.status.retranslate()
        self._update_summary()

    def _recolour(self) -> None:
        for rows in self._rows.values():
            for row in rows:
                row.recolour()
