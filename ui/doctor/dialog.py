"""The page that looks at the machine: what works, what does not, and what to do about each thing."""

from __future__ import annotations

from functools import partial

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.doctor.diagnostic import Finding, State, Text
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.doctor.report import part_text, report
from app.doctor.terminal import fonts
from app.services import Services
from model_manager.errors import UserError
from ui.doctor.rows import FindingRow, translate
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
"""From what answers depend on most."""


class DoctorDialog(TranslatedDialog):
    """Looks at one part after another and shows what comes; the network only when it is asked for."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doctorDialog")
        self._services = services
        self._doctor: Doctor | None = None
        self._waiting: list[str] = []
        self.findings: dict[str, tuple[Finding, ...]] = {}
        """What was found so far, by its part."""
        self._with_network = False
        self._heading = heading()
        self._summary = quiet_label()
        self._summary.setObjectName("doctorSummary")
        self._titles: dict[str, QLabel] = {}
        self._notes: dict[str, QLabel] = {}
        self._columns: dict[str, QVBoxLayout] = {}
        self._rows: dict[str, list[FindingRow]] = {part: [] for part in ORDER}
        self.network = button("checkNetworkButton")
        self.again = button("checkAgainButton")
        self.copy = button("copyReportButton")
        self._close = button("closeButton", primary=True)
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
        """Look at everything anew, at the network too where that was asked for before."""
        if self.is_looking():
            return
        services = self._services
        surroundings = tuple(self._surroundings())
        self._doctor = Doctor(
            services.folder,
            services.settings,
            services.secrets,
            partial(services.planning.machine, refresh=True),
            lambda: iter(surroundings),
            lambda: services.engine.pid,
        )
        self.findings.clear()
        self.status.clear()
        self._waiting = [*PARTS, *([NETWORK] if self._with_network else [])]
        for part in ORDER:
            self._fill(part)
        self._look_on()

    def is_looking(self) -> bool:
        """Whether something is still being looked at."""
        return bool(self._waiting)

    def report(self) -> str:
        """All of it as Markdown, without the names of the user and of the home folder."""
        return report({part: self.findings[part] for part in ORDER if part in self.findings}, translate)

    def done(self, result: int) -> None:
        """Close; nobody needs what is still being looked at."""
        self._stop()
        super().done(result)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put values under their names where there is no room beside them."""
        super().resizeEvent(event)
        self._fit()

    def _stop(self) -> None:
        if self._doctor is not None:
            self._doctor.stop()

    def _check_network(self) -> None:
        self._with_network = True
        idle = not self.is_looking()
        self._waiting.append(NETWORK)
        self._fill(NETWORK)
        self._show_state()
        if idle:
            self._look_on()

    def _look_on(self) -> None:
        self._show_state()
        if not self._waiting or self._doctor is None:
            return
        doctor, part = self._doctor, self._waiting[0]
        # One after another: the reading speed of a disk says nothing while something else reads from it.
        run_job(self, partial(doctor.look, part), partial(self._take, part), self._failed)

    def _take(self, part: str, findings: tuple[Finding, ...]) -> None:
        self._waiting.remove(part)
        self.findings[part] = findings
        self._fill(part)
        self._look_on()

    def _failed(self, error: UserError) -> None:
        self._waiting.clear()
        self.status.show_message(lambda: error_text(error), "bad")
        self._show_state()

    def _surroundings(self) -> list[Finding]:
        families = set(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))
        face = next((name for name in CHINESE_FAMILIES if name in families), min(families, default=""))
        facts = {
            "version": pyside_version,
            "platform": QGuiApplication.platformName(),
            "scale": f"{self.devicePixelRatioF():g}",
        }
        return [fonts(face), Finding("window", State.OK, Text("window_shown", facts))]

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.status.show_message(lambda: self.tr("Report copied. It contains nothing from your conversations."), "good")

    # Looks

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
        self._rows[part] = [FindingRow(each) for each in self.findings.get(part, ())]
        for row in self._rows[part]:
            row.copied.connect(self._tell_copied)
            self._columns[part].addWidget(row)
        self._fit()
        self._word_note(part)

    def _tell_copied(self, command: str) -> None:
        self.status.show_message(lambda: self.tr("Copied: {command}").format(command=command), "good")

    def _fit(self) -> None:
        for rows in self._rows.values():
            for row in rows:
                row.set_narrow(narrow=self.width() < NARROW)

    def _show_state(self) -> None:
        looking = self.is_looking()
        self.again.setEnabled(not looking)
        self.copy.setEnabled(not looking)
        self.network.setVisible(not self._with_network)
        self._word_summary()

    def _word_note(self, part: str) -> None:
        text = ""
        if part in self._waiting:
            text = self.tr("Checking…")
        elif part == NETWORK and part not in self.findings:
            text = self.tr(
                "Not checked yet. The check contacts the hub, its mirror and your servers to see if they "
                "respond. None of your data is sent."
            )
        self._notes[part].setText(text)
        self._notes[part].setVisible(bool(text))

    def _word_summary(self) -> None:
        wrong = sum(each.state is not State.OK for findings in self.findings.values() for each in findings)
        if self.is_looking():
            text = self.tr("Checking this computer…")
        elif wrong == 0:
            text = self.tr("No problems found.")
        elif wrong == 1:
            text = self.tr("One thing could be better. See the suggestion beside it.")
        else:
            text = self.tr("{count} things could be better. See the suggestion beside each.").format(count=wrong)
        self._summary.setText(text)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Diagnostics"))
        self.setAccessibleName(self.tr("Diagnostics"))
        self._heading.setText(self.tr("Diagnostics"))
        for part, title in self._titles.items():
            title.setText(part_text(part, translate))
            self._word_note(part)
        for rows in self._rows.values():
            for row in rows:
                row.retranslate()
        self.network.setText(self.tr("Check the network"))
        self.again.setText(self.tr("Check again"))
        self.copy.setText(self.tr("Copy report"))
        self._close.setText(self.tr("Close"))
        self.status.retranslate()
        self._word_summary()

    def _recolour(self) -> None:
        for rows in self._rows.values():
            for row in rows:
                row.recolour()
