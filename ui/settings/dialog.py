"""Settings dialog: all settings on one scrolling page.  Each change applies and is saved immediately."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.config.presets import Presets
from app.config.settings import PARAMETERS, Settings
from app.services import Services
from model_manager.errors import UserError
from ui.settings.data import DataSettings
from ui.settings.devices import DeviceSettings
from ui.settings.downloads import DownloadSettings
from ui.settings.sections import SectionList
from ui.settings.servers import ServerSettings
from ui.widgets.dialog_frame import arrange, scrolled
from ui.widgets.dialog_parts import MARGIN, BusyDialog, StatusLine, button, heading
from ui.widgets.error_text import error_text
from ui.widgets.layouts import hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page
from ui.widgets.preset_strings import built_in_presets

translate = QCoreApplication.translate

SECTIONS = ("appearance", "conversation", "engine", "devices", "servers", "downloads", "data")
"""Names of the sections in their order; those of settings are the pages of their declarations."""
WITH_SECTION_LIST = 760
"""Width from which the list of sections is shown."""
SCROLL_BAR_WIDTH = 10
"""As in the style sheet; the bar is placed in the margin, which aligns all right edges."""
IDLE_MINUTES = (0, 5, 15, 30, 60, 120, 240)


class SettingsDialog(BusyDialog):
    """All settings."""

    changed = Signal(object)
    """The new ``Settings``."""
    conversations_changed = Signal()
    """Conversations were imported, restored or deleted."""
    model_chosen = Signal(str)
    """Id of a model on a server to use."""
    diagnostics_requested = Signal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self._settings = services.settings
        self._status = StatusLine("settingsStatus")
        self._diagnostics = button("diagnosticsButton")
        self._diagnostics.clicked.connect(self.diagnostics_requested)
        self.appearance = ParameterForm(settings_of_page("appearance"))
        self.conversation = ParameterForm(
            settings_of_page("conversation"),
            labels={"preset_id": lambda: preset_labels(services.presets, self._settings.now.preset_id)},
            order=("preset_id", "system_prompt"),
        )
        self.engine = ParameterForm(
            settings_of_page("engine"),
            labels={"idle_release_minutes": lambda: idle_labels(self._settings.now.idle_release_minutes)},
            extra={"diagnostics": self._diagnostics},
        )
        self.devices = DeviceSettings(services, self._status)
        self.servers = ServerSettings(services, self._status)
        self.downloads = DownloadSettings(services, self._status)
        self.data = DataSettings(services, self._status)
        self._forms = (self.appearance, self.conversation, self.engine, self.data.form)
        self._pages = (
            self.appearance,
            self.conversation,
            self.engine,
            self.devices,
            self.servers,
            self.downloads,
            self.data,
        )
        self._close = button("closeButton")
        self._lay_out()
        self._connect()
        self._show()
        self.resize(860, 620)
        self._finish_setup()

    def _connect(self) -> None:
        for form in self._forms:
            form.changed.connect(self._set)
        for page in (self.devices, self.servers, self.downloads):
            page.changed.connect(lambda: self.changed.emit(self._settings.now))
        self.servers.model_chosen.connect(self.model_chosen)
        for busy_page in (self.downloads, self.data):
            busy_page.work_finished.connect(lambda succeeded: self._work_finished(succeeded=succeeded))
        self.data.defaults_requested.connect(self._restore_defaults)
        self.data.conversations_changed.connect(self.conversations_changed)
        self._close.clicked.connect(self.accept)

    def _lay_out(self) -> None:
        self._headings = [heading() for _ in self._pages]
        page = QWidget()
        column = vbox(parent=page, margins=(MARGIN, MARGIN, MARGIN - SCROLL_BAR_WIDTH, MARGIN))
        for number, (title, section) in enumerate(zip(self._headings, self._pages, strict=True)):
            column.addSpacing(20 if number else 0)
            column.addWidget(title)
            column.addSpacing(4)
            column.addWidget(section)
        column.addStretch(1)
        scroll = scrolled(page)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # The keyboard focus moves through the controls; each scrolls itself into view.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sections = SectionList(scroll, self._headings, MARGIN)
        names = vbox(self.sections, margins=(0, MARGIN - 6, 0, 0))
        arrange(self, hbox(names, (scroll, 1), margins=(12, 0, 0, 0)), self._status, self._close)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the list of sections where there is room for it."""
        self.sections.setVisible(event.size().width() >= WITH_SECTION_LIST)
        super().resizeEvent(event)

    def show_section(self, name: str) -> None:
        """Scroll to one of ``SECTIONS`` once the dialog is shown."""
        QTimer.singleShot(0, self, partial(self.sections.select, SECTIONS.index(name)))

    def _show(self) -> None:
        for form in self._forms:
            form.show_values(self._settings.now)

    def _set(self, values: Mapping[str, Any]) -> None:
        try:
            self._settings.change(**values)
        except UserError as error:
            self._status.show_message(error_text(error), "bad")
        else:
            self._status.clear()
        self.changed.emit(self._settings.now)

    def _restore_defaults(self) -> None:
        self.conversation.finish()
        before = self._settings.now
        self._replace(Settings())
        if self._settings.now != before:
            self._status.show_message(
                self.tr("Defaults restored."),
                action=(self.tr("Undo"), lambda: self._replace(before)),
            )

    def _replace(self, settings: Settings) -> None:
        """Set everything that the dialog shows to the values of ``settings``."""
        values = dataclasses.asdict(settings)
        self._set({name: values[name] for name, declaration in PARAMETERS.items() if declaration.page})
        self._show()
        self.devices.show_settings()
        self.downloads.show_settings()

    def _is_busy(self) -> bool:
        return self.data.busy or self.downloads.busy

    def done(self, result: int) -> None:
        """Apply unconfirmed input and close."""
        for form in self._forms:
            form.finish()
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
        for page in self._pages:
            page.retranslate()
        self.conversation.controls["system_prompt"].setPlaceholderText(self.tr("For example: Answer briefly."))
        self.engine.rows["diagnostics"].set_texts(
            self.tr("Diagnostics"), self.tr("Shows what works, what doesn't and how to fix it.")
        )
        self._diagnostics.setText(self.tr("Run diagnostics…"))


def preset_labels(presets: Presets, chosen: str) -> dict[str, str]:
    """Return the names of the presets by id; a chosen one that was deleted counts as none."""
    none = translate("settings", "None")
    names = {preset.id: preset.name for preset in presets.list(built_in_presets())}
    return {"": none, chosen: none, **names}


def idle_labels(chosen: int) -> dict[int, str]:
    """Return the labels of the offered idle times in minutes, and of the chosen one."""
    return {minutes: _minutes_text(minutes) for minutes in sorted({*IDLE_MINUTES, chosen})}


def _minutes_text(minutes: int) -> str:
    if minutes == 0:
        return translate("settings", "Never")
    if minutes == 60:
        return translate("settings", "1 hour")
    if minutes % 60 == 0:
        return translate("settings", "{hours} hours").format(hours=minutes // 60)
    return translate("settings", "{minutes} minutes").format(minutes=minutes)
