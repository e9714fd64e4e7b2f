"""The settings: everything applies and is saved the moment it is changed, so there is nothing to confirm.

What the window has to do about a change (another theme, another language) is the window's: it listens to ``changed``.
Each group of settings is a widget of its own; this puts them on one page and keeps what they tell.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.config.settings import PARAMETERS, Settings
from app.services import Services
from model_manager.errors import UserError
from ui.settings.conversation import ConversationDefaults
from ui.settings.data import DataSettings
from ui.settings.devices import DeviceSettings
from ui.settings.downloads import DownloadSettings
from ui.settings.general import AppearanceSettings, EngineSettings
from ui.settings.sections import SectionList
from ui.settings.servers import ServerSettings
from ui.widgets.dialog_frame import arrange
from ui.widgets.dialog_parts import MARGIN, BusyDialog, Row, StatusLine, button, heading
from ui.widgets.error_text import error_text
from ui.widgets.setting_rows import SettingsGroup

SECTIONS = ("appearance", "conversation", "engine", "devices", "servers", "downloads", "data")
"""Where one may be led to, from the top to the bottom."""
WITH_SECTIONS = 760
"""The width from which on their names stand at the left, in device-independent pixels."""
SCROLL_BAR_WIDTH = 10
"""As the style sheet has it; it stands in the margin, so that all right edges are in one line."""


class SettingsDialog(BusyDialog):
    """All settings on one page that scrolls."""

    changed = Signal(object)
    """The ``Settings`` as they are now."""
    conversations_changed = Signal()
    """An import added conversations or brought some back."""
    model_chosen = Signal(str)
    """The id of a server's model."""
    diagnostics_requested = Signal()
    """The person wants to see what this machine can do."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self._settings = services.settings
        self._status = StatusLine("settingsStatus")
        self.appearance = AppearanceSettings()
        self.conversation = ConversationDefaults(services.presets)
        self.engine = EngineSettings()
        self.engine.diagnostics_requested.connect(self.diagnostics_requested)
        self._groups: tuple[SettingsGroup, ...] = (self.appearance, self.conversation, self.engine)
        self.data = DataSettings(services, self._status)
        self.data.restore_asked.connect(self._restore_defaults)
        self.data.conversations_changed.connect(self.conversations_changed)
        self.data.work_ended.connect(lambda well: self._work_finished(succeeded=well))
        self.devices = DeviceSettings(services, self._status)
        self.devices.changed.connect(lambda: self.changed.emit(self._settings.now))
        self.servers = ServerSettings(services, self._status)
        self.servers.changed.connect(lambda: self.changed.emit(self._settings.now))
        self.servers.model_chosen.connect(self.model_chosen)
        self.downloads = DownloadSettings(services, self._status)
        self.downloads.changed.connect(lambda: self.changed.emit(self._settings.now))
        self.downloads.work_ended.connect(lambda well: self._work_finished(succeeded=well))
        self._close = button("closeButton")
        self._close.clicked.connect(self.accept)
        self._lay_out()
        self._show(self._settings.now)
        for group in self._groups:
            group.chosen.connect(lambda values: self._set(**values))
        self.resize(860, 620)
        self._finish_setup()

    @property
    def rows(self) -> dict[str, Row]:
        """The row of each setting of the groups made here."""
        return {key: row for group in self._groups for key, row in group.rows.items()}

    def _lay_out(self) -> None:
        sections = (*self._groups, self.devices, self.servers, self.downloads, self.data)
        self._headings = [heading() for _ in sections]
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN - SCROLL_BAR_WIDTH, MARGIN)
        column.setSpacing(0)
        for title, section in zip(self._headings, sections, strict=True):
            if section is not sections[0]:
                column.addSpacing(20)
            column.addWidget(title)
            column.addSpacing(4)
            column.addWidget(section)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # The keyboard goes through the controls; each scrolls itself into view.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        self.sections = SectionList(scroll, self._headings, MARGIN)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.setContentsMargins(12, 0, 0, 0)
        names = QVBoxLayout()
        names.setContentsMargins(0, MARGIN - 6, 0, 0)
        names.addWidget(self.sections)
        body.addLayout(names)
        body.addWidget(scroll, 1)
        arrange(self, body, self._status, self._close)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the names of the sections out where the page needs the room."""
        self.sections.setVisible(event.size().width() >= WITH_SECTIONS)
        super().resizeEvent(event)

    def show_section(self, name: str) -> None:
        """Begin at this one of ``SECTIONS``, once the dialog is on the screen."""
        QTimer.singleShot(0, self, partial(self.sections.lead_to, SECTIONS.index(name)))

    def _show(self, settings: Settings) -> None:
        for group in self._groups:
            group.show_settings(settings)

    def _set(self, **values: Any) -> None:
        try:
            self._settings.change(**values)
        except UserError as error:
            failure = error
            self._status.show_message(lambda: error_text(failure), "bad")
        else:
            self._status.clear()
        self.changed.emit(self._settings.now)

    def _restore_defaults(self) -> None:
        self.conversation.finish_text()
        before = self._settings.now
        self._put(dataclasses.asdict(Settings()))
        if self._settings.now != before:
            self._status.show_message(
                lambda: self.tr("Defaults restored."),
                action=(lambda: self.tr("Undo"), lambda: self._put(dataclasses.asdict(before))),
            )

    def _put(self, values: dict[str, Any]) -> None:
        # Settings without a page are remembered, or set elsewhere.
        self._set(**{key: value for key, value in values.items() if PARAMETERS[key].page})
        self._show(self._settings.now)
        self.devices.show_settings()
        self.downloads.show_settings()

    def _is_busy(self) -> bool:
        return self.data.busy or self.downloads.busy

    def done(self, result: int) -> None:
        """Keep what is half typed, however the dialog is closed."""
        for group in self._groups:
            group.finish()
        super().done(result)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Settings"))
        self.setAccessibleName(self.tr("Settings"))
        titles = (
            self.tr("Appearance"),
            self.tr("New conversations"),
            self.tr("Engine"),
            self.tr("Devices"),
            self.tr("Servers"),
            self.tr("Downloads"),
            self.tr("Data"),
        )
        for label, title in zip(self._headings, titles, strict=True):
            label.setText(title)
        self.sections.set_texts(titles, self.tr("Sections"))
        self._close.setText(self.tr("Close"))
        for group in self._groups:
            group.retranslate()
        self.devices.retranslate()
        self.servers.retranslate()
        self.downloads.retranslate()
        self.data.retranslate()
        self._status.retranslate()
