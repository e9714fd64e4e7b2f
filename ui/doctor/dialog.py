"""Diagnostics dialog: the results of all checks and what to do about them."""

from __future__ import annotations

from functools import partial

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent, QTextLayout
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.doctor.diagnostic import Diagnostic, Severity, name_text, part_text, remedy_text, report, value_text
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.doctor.program import check_emoji, check_fonts
from app.services import Services
from model_manager.errors import UserError
from ui.widgets.dialog_parts import (
    MARGIN,
    SMALL_SIZE,
    StatusLine,
    arrange,
    button,
    hairline,
    heading,
    quiet_label,
    resize_within_screen,
    scrolled,
)
from ui.widgets.error_text import translate_message
from ui.widgets.formats import list_text
from ui.widgets.icons import IconLabel, icon
from ui.widgets.job import run_job
from ui.widgets.layouts import LEFT, TOP, clear, hbox, nest, vbox
from ui.widgets.theme import CHINESE_FAMILIES, interface_font, mono_font
from ui.widgets.tool_button import ToolButton

NARROW = 560
"""Below this width, values are shown below their names."""
NAME_WIDTH = 168
ICON_SIZE = 16
BREAK = "\u200b"
"""Zero-width space, where a long path can be wrapped."""
ORDER = ("engine", "memory", "disk", "conversations", "program", NETWORK)
"""Parts in the order of their importance for answers."""


class ResultRow(QWidget):
    """One result: icon, name, value, remedy and command, in the language of its construction."""

    copied = Signal(str)
    """The command copied to the clipboard."""

    def __init__(self, result: Diagnostic, *, narrow: bool = False) -> None:
        super().__init__()
        self.result = result
        name, value, remedy = (text_of(result, translate_message) for text_of in (name_text, value_text, remedy_text))
        state, picture, role = {
            Severity.OK: (self.tr("OK"), "check", "good"),
            Severity.WARNING: (self.tr("Could be improved"), "warning", "warning"),
            Severity.BAD: (self.tr("Needs attention"), "warning", "bad"),
        }[result.state]
        mark = IconLabel(picture, role, ICON_SIZE)
        # As high as a line of the texts beside it.
        mark.setFixedSize(ICON_SIZE, max(ICON_SIZE, QLabel(name).sizeHint().height()))
        mark.setToolTip(state)
        mark.setAccessibleName(state)
        self.name = QLabel(name, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.name.setProperty("quiet", True)
        self.value = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.value.setText(value.replace("/", f"/{BREAK}").replace("\\", f"\\{BREAK}"))
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.value.setAccessibleName(f"{name}: {value}. {state}. {remedy}".strip())
        texts = vbox(self.value, spacing=4)
        if remedy:
            texts.addWidget(quiet_label(remedy))
        if result.command:
            texts.addWidget(self._command())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 8, 0, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.addWidget(mark, 0, 0, TOP)
        grid.addWidget(self.name, 0, 1, TOP)
        nest(grid, texts, *((1, 1) if narrow else (0, 2)))
        grid.setColumnStretch(1 if narrow else 2, 1)
        if not narrow:
            self.name.setFixedWidth(NAME_WIDTH)

    def _command(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("doctorCommand")
        text = QLabel(self.result.command)
        text.setFont(mono_font(SMALL_SIZE))
        text.setWordWrap(True)
        flags = Qt.TextInteractionFlag
        text.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.copy = ToolButton()
        self.copy.setObjectName("copyCommandButton")
        self.copy.setIconSize(QSize(16, 16))
        self.copy.setIcon(icon("copy", size=16))
        self.copy.setToolTip(self.tr("Copy command"))
        self.copy.setAccessibleName(self.tr("Copy command {command}").format(command=self.result.command))
        self.copy.clicked.connect(self._copy)
        hbox((text, 1), self.copy, parent=frame, spacing=8, margins=(12, 2, 4, 2))
        return frame

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.result.command)
        self.copied.emit(self.result.command)


class DoctorDialog(QDialog):
    """Checks one part after another and shows the results; the network only on request."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doctorDialog")
        self.setWindowTitle(self.tr("Diagnostics"))
        self.setAccessibleName(self.tr("Diagnostics"))
        self._services = services
        self._doctor: Doctor | None = None
        self._pending: list[str] = []
        self.results: dict[str, tuple[Diagnostic, ...]] = {}
        """Results so far, by part."""
        self._with_network = False
        self._is_narrow = False
        self._summary = quiet_label()
        self._summary.setObjectName("doctorSummary")
        self._columns: dict[str, QVBoxLayout] = {part: vbox() for part in ORDER}
        self.network = button("checkNetworkButton", self.tr("Check the network"))
        self.again = button("checkAgainButton", self.tr("Check again"))
        self.copy = button("copyReportButton", self.tr("Copy report"))
        close = button("closeButton", self.tr("Close"))
        self.status = StatusLine("doctorStatus")
        page = QWidget()
        parts = [item for column in self._columns.values() for item in (20, column)]
        foot = (8, (self.network, 0, LEFT), None)
        vbox(heading(self.tr("Diagnostics")), 4, self._summary, *parts, *foot, parent=page, margins=(MARGIN,) * 4)
        arrange(self, scrolled(page), self.status, self.copy, self.again, close)
        self.network.clicked.connect(self._check_network)
        self.again.clicked.connect(self.check)
        self.copy.clicked.connect(self._copy_report)
        close.clicked.connect(self.accept)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._stop)
        self.setMinimumSize(400, 360)
        resize_within_screen(self, 760, 680)
        self.check()

    def check(self) -> None:
        """Check everything again, including the network if it was checked before."""
        if self.is_checking():
            return
        services = self._services
        environment = self._check_environment()
        self._doctor = Doctor(
            services.folder,
            services.settings,
            services.secrets,
            partial(services.planning.machine, refresh=True),
            lambda: environment,
            lambda: services.engine.pid,
        )
        self.results.clear()
        self.status.clear()
        self._pending = [*PARTS, *([NETWORK] if self._with_network else [])]
        self._fill(*ORDER)
        self._check_next()

    def is_checking(self) -> bool:
        """Return whether a check is running."""
        return bool(self._pending)

    def report(self) -> str:
        """Return all results as Markdown, without user name and home folder."""
        return report({part: self.results[part] for part in ORDER if part in self.results}, translate_message)

    def done(self, result: int) -> None:
        """Cancel the checks and close."""
        self._stop()
        super().done(result)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the rows for the new width."""
        super().resizeEvent(event)
        if self._is_narrow != (self.width() < NARROW):
            self._is_narrow = not self._is_narrow
            self._fill(*ORDER)

    def _stop(self) -> None:
        if self._doctor is not None:
            self._doctor.stop()

    def _check_network(self) -> None:
        self._with_network = True
        is_idle = not self.is_checking()
        self._pending.append(NETWORK)
        self._fill(NETWORK)
        self._update_buttons()
        if is_idle:
            self._check_next()

    def _check_next(self) -> None:
        self._update_buttons()
        if self._pending and self._doctor is not None:
            # One after another, because other reads would distort the disk's speed.
            part = self._pending[0]
            run_job(self, partial(self._doctor.check, part), partial(self._show_results, part), self._show_error)

    def _show_results(self, part: str, results: tuple[Diagnostic, ...]) -> None:
        self._pending.remove(part)
        self.results[part] = results
        self._fill(part)
        self._check_next()

    def _show_error(self, error: UserError) -> None:
        self._pending.clear()
        self.status.show_error(error)
        self._update_buttons()

    def _check_environment(self) -> list[Diagnostic]:
        families = set(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))
        family = next((name for name in CHINESE_FAMILIES if name in families), min(families, default=""))
        data = {
            "version": pyside_version,
            "platform": QGuiApplication.platformName(),
            "scale": f"{self.devicePixelRatioF():g}",
        }
        return [
            check_fonts(family),
            *check_emoji(_has_glyph("\U0001f680")),
            Diagnostic("window", Severity.OK, "window_shown", data),
        ]

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.status.show_message(self.tr("Report copied. It contains nothing from your conversations."), "good")

    def _show_copied(self, command: str) -> None:
        self.status.show_message(self.tr("Copied: {command}").format(command=command), "good")

    def _fill(self, *parts: str) -> None:
        """Show the title of each part, its results or a note that there are none."""
        for part in parts:
            column = self._columns[part]
            clear(column)
            title = QLabel(part_text(part, translate_message))
            title.setFont(interface_font(SMALL_SIZE, bold=True))
            title.setContentsMargins(0, 0, 0, 4)
            column.addWidget(title)
            column.addWidget(hairline())
            if note := self._note(part):
                label = quiet_label(note)
                label.setContentsMargins(0, 8, 0, 0)
                column.addWidget(label)
            for result in self.results.get(part, ()):
                row = ResultRow(result, narrow=self._is_narrow)
                row.copied.connect(self._show_copied)
                column.addWidget(row)

    def _note(self, part: str) -> str:
        if part in self._pending:
            return self.tr("Checking…")
        if part == NETWORK and part not in self.results:
            return self.tr(
                "Not checked yet. The check contacts the hub, its mirror and your servers to see if they "
                "respond. None of your data is sent."
            )
        return ""

    def _update_buttons(self) -> None:
        is_checking = self.is_checking()
        self.again.setEnabled(not is_checking)
        self.copy.setEnabled(not is_checking)
        self.network.setVisible(not self._with_network)
        found = {part for part, each in self.results.items() if any(one.state is not Severity.OK for one in each)}
        parts = list_text(part_text(part, translate_message) for part in ORDER if part in found)
        if is_checking:
            text = self.tr("Checking this computer…")
        elif parts:
            text = self.tr("Something could be better. See the suggestions under: {parts}.").format(parts=parts)
        else:
            text = self.tr("No problems found.")
        self._summary.setText(text)


def _has_glyph(character: str) -> bool:
    """Return whether some font of this computer has a character."""
    layout = QTextLayout(character, interface_font())
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return all(index for run in layout.glyphRuns() for index in run.glyphIndexes())
