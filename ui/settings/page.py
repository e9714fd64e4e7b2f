"""Settings page: all settings in one scrolling column.  Each change applies and is saved immediately."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QListWidget, QListWidgetItem, QScrollArea, QWidget
from shiboken6 import delete

from app.config.presets import Presets
from app.config.settings import PARAMETERS, Settings
from app.planning.machine import Machine
from app.services import Services
from ui.settings.about import AboutSettings
from ui.settings.data import DataSettings
from ui.settings.devices import DeviceSettings
from ui.settings.downloads import DownloadSettings
from ui.settings.lending import LendingSettings
from ui.settings.local_server import LocalServerSettings
from ui.settings.memory import MemorySettings
from ui.settings.sections import SECTIONS, section_titles
from ui.settings.servers import ServerSettings
from ui.settings.tools import ToolSettings
from ui.widgets.dialog_parts import MARGIN, StatusLine, button, heading, scrolled
from ui.widgets.layouts import hbox, vbox
from ui.widgets.page import Page
from ui.widgets.parameter_form import ParameterForm, settings_of_page
from ui.widgets.tool_button import name_choice
from ui.widgets.zoom import changes_at_once

translate = QCoreApplication.translate

WITH_SECTION_LIST = 720
"""Width from which the list of sections is shown."""
MAX_WIDTH = 900
"""Of the rows: in a wide window the controls would be far from their titles."""
SCROLL_BAR_WIDTH = 10
"""As in the style sheet; the bar is placed in the margin, which aligns all right edges."""
SECTION_LIST_WIDTH = 168
ROW_HEIGHT = 34
TOP_PART = 0.25
"""A section is the current one once its heading is in this part of the view."""
IDLE_MINUTES = (0, 5, 15, 30, 60, 120, 240)


class SettingsPage(Page):
    """All settings."""

    changed = Signal(object)
    """The new ``Settings``."""
    conversations_changed = Signal()
    """Conversations were imported, restored or deleted."""
    model_chosen = Signal(str)
    """Id of a model on a server to use."""
    diagnostics_requested = Signal()
    shortcuts_requested = Signal()
    backups_requested = Signal()
    export_requested = Signal()
    """Of all conversations."""

    def __init__(self, services: Services) -> None:
        super().__init__("settingsDialog")
        self._services, self._settings = services, services.settings
        self._status = StatusLine("settingsStatus", hide_when_empty=True)
        self._status.setContentsMargins(MARGIN, 8, MARGIN, 12)
        self.section_choice = QComboBox()
        """In place of the list of sections in a narrow page."""
        self.section_choice.setObjectName("settingsSection")
        self.head.addWidget(self.section_choice)
        self._body = QWidget()
        self.column.addWidget(self._body, 1)
        self.column.addWidget(self._status)
        self._fill()
        if self._settings.current.settings_section in SECTIONS:
            self.show_section(self._settings.current.settings_section)

    def changeEvent(self, event: QEvent) -> None:
        """Show the other language, except while a page is busy."""
        if event.type() == QEvent.Type.LanguageChange and not self.is_busy():
            section = self.sections.currentRow()
            self._fill()
            if section == list(SECTIONS).index("appearance"):
                # Before the page is scrolled: it is not laid out yet.
                self.appearance.controls["language"].setFocus()
            self.sections.select(section)
        super().changeEvent(event)

    def _fill(self) -> None:
        """Make all pages, in the current language."""
        if self._body.layout() is not None:
            before, self._body = self._body, QWidget()
            self.column.insertWidget(self.column.indexOf(before), self._body, 1)
            # At once: the new controls have the same names.
            delete(before)
        services, settings = self._services, self._settings.current
        self.set_title(self.tr("Settings"))
        shortcuts = button("shortcutsButton", self.tr("Change…"))
        shortcuts.clicked.connect(self.shortcuts_requested)
        self.appearance = ParameterForm(
            settings_of_page("appearance"), extra={"shortcuts": (shortcuts, self.tr("Keyboard shortcuts"), "")}
        )
        if not changes_at_once():
            row = self.appearance.rows["zoom"]
            row.set_texts(row.title.text(), f"{row.explanation.text()} {self.tr('Applies at the next start.')}")
        self.conversation = ParameterForm(
            settings_of_page("conversation"),
            labels={"preset_id": preset_labels(services.presets, settings.preset_id)},
            order=("preset_id", "system_prompt", "temperature", "max_tokens"),
            folded=("top_p", "top_k", "min_p", "top_n_sigma", "repeat_penalty"),
        )
        self.engine = ParameterForm(
            settings_of_page("engine"),
            labels={"idle_release_minutes": idle_labels(settings.idle_release_minutes)},
        )
        self.devices = DeviceSettings(services, self._status)
        self.servers = ServerSettings(services)
        self.tools = ToolSettings(services)
        self.memory = MemorySettings(services)
        self.lending = LendingSettings(services, self._status)
        self.local_server = LocalServerSettings(services, self._status)
        self.downloads = DownloadSettings(services, self._status)
        self.data = DataSettings(services, self._status)
        self.about = AboutSettings(self._status)
        self._forms = (self.appearance, self.conversation, self.engine, self.data.form)
        self._lay_out(*((title, getattr(self, name)) for name, title in section_titles().items()))
        for form in self._forms:
            form.changed.connect(self._set)
        for page in (
            self.devices,
            self.lending,
            self.servers,
            self.tools,
            self.memory,
            self.local_server,
            self.downloads,
        ):
            page.changed.connect(lambda: self.changed.emit(self._settings.current))
        self.devices.scanned.connect(self._show_gpu_layers)
        self.servers.model_chosen.connect(self.model_chosen)
        for busy_page in (self.downloads, self.data):
            busy_page.work_finished.connect(self.work_finished)
        self.about.diagnostics.clicked.connect(self.diagnostics_requested)
        self.data.backups_requested.connect(self.backups_requested)
        self.data.export_requested.connect(self.export_requested)
        self.data.defaults_requested.connect(self._restore_defaults)
        self.data.conversations_changed.connect(self.conversations_changed)
        self.data.conversations_changed.connect(self._reload)
        self.refresh()

    def _show_gpu_layers(self, machine: Machine) -> None:
        """Offer the layers on GPUs where there are GPUs."""
        row, has_gpus = self.engine.rows["gpu_layers"], bool(machine.offered or machine.devices)
        explanation = translate("parameters", PARAMETERS["gpu_layers"].description)
        row.setEnabled(has_gpus)
        row.set_texts(row.title.text(), explanation if has_gpus else self.tr("This computer has no GPU for models."))

    def _lay_out(self, *sections: tuple[str, QWidget]) -> None:
        self._headings = [heading(title) for title, _ in sections]
        page = QWidget()
        page.setMaximumWidth(MAX_WIDTH)
        column = vbox(parent=page, margins=(MARGIN, MARGIN, MARGIN - SCROLL_BAR_WIDTH, MARGIN))
        for title, (_, section) in zip(self._headings, sections, strict=True):
            column.addSpacing(20 if column.count() else 0)
            column.addWidget(title)
            column.addSpacing(4)
            column.addWidget(section)
        column.addStretch(1)
        scroll = scrolled(page)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # The keyboard focus moves through the controls; each scrolls itself into view.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        self.sections = SectionList(scroll, self._headings)
        names = vbox(self.sections, margins=(0, MARGIN - 6, 0, 0))
        self.section_choice.setModel(self.sections.model())
        self.section_choice.activated.connect(self.sections.select)
        self.sections.currentRowChanged.connect(self.section_choice.setCurrentIndex)
        self.sections.currentRowChanged.connect(self._leave_section)
        name_choice(self.section_choice, self.sections.accessibleName())
        hbox(names, (scroll, 1), parent=self._body, margins=(12, 0, 0, 0))
        # Not earlier: without its parent it would be a window.
        self._show_sections(self.width())

    def _leave_section(self) -> None:
        """Remove the message of the section before."""
        if not self.is_busy():
            self._status.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the list of sections where there is room for it."""
        self._show_sections(event.size().width())
        super().resizeEvent(event)

    def _show_sections(self, width: int) -> None:
        self.sections.setVisible(width >= WITH_SECTION_LIST)
        self.section_choice.setVisible(width < WITH_SECTION_LIST)
        self.first_focus = self.section_choice if self.sections.isHidden() else self.sections

    def show_section(self, name: str, setting: str = "") -> None:
        """Scroll to one of ``SECTIONS`` once the page is shown, or to a setting in it, which gets the focus."""
        for form in _forms_of(getattr(self, name)):
            form.reveal(setting)
        QTimer.singleShot(0, self, lambda: self._scroll_to(name, setting))

    def _scroll_to(self, section: str, setting: str) -> None:
        self.sections.select(list(SECTIONS).index(section))
        part = getattr(self, section)
        rows = {form.rows[setting]: form.controls[setting] for form in _forms_of(part) if setting in form.rows}
        if setting and not rows and (control := part.findChild(QWidget, setting)) is not None:
            rows = {control: control}
        for row, control in rows.items():
            self._scroll.ensureWidgetVisible(row)
            controls = [control, *control.findChildren(QWidget)]
            stops = [each for each in controls if each.isVisible() and each.focusPolicy() & Qt.FocusPolicy.TabFocus]
            if stops:
                stops[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Show settings that were changed elsewhere."""
        for form in self._forms:
            form.show_values(self._settings.current)

    def _reload(self) -> None:
        """Show facts and presets, which may have been imported or deleted with the conversations."""
        presets, preset_id = self._services.presets, self._settings.current.preset_id
        self.conversation.controls["preset_id"].set_labels(preset_labels(presets, preset_id))
        self.refresh()
        self.memory.show_settings()

    def _set(self, values: Mapping[str, Any]) -> None:
        self._status.attempt(lambda: self._settings.change(**values))
        self.changed.emit(self._settings.current)

    def _restore_defaults(self) -> None:
        self.conversation.finish()
        before = self._settings.current
        if _shown_values(before) == _shown_values(Settings()):
            # What it says of an earlier change, and offers to undo, stays.
            return
        self._replace(Settings())
        if self._settings.current != before:
            self._status.show_message(
                self.tr("Defaults restored."),
                action=(self.tr("Undo"), lambda: self._replace(before)),
            )

    def _replace(self, settings: Settings) -> None:
        """Set everything that the page shows to the values of ``settings``."""
        self._set(_shown_values(settings))
        self.refresh()
        self.devices.show_settings()
        self.lending.show_settings()
        self.local_server.show_settings()
        self.downloads.show_settings()
        self.tools.web.show_settings()
        self.memory.show_settings()

    def is_busy(self) -> bool:
        """Return whether models are moved, or a backup or import is running."""
        return self.data.busy or self.downloads.busy

    def finish(self) -> None:
        """Apply input that was typed but not confirmed, and remember the section."""
        for form in (*self._forms, self.tools.web.form):
            form.finish()
        section = list(SECTIONS)[self.sections.currentRow()]
        if section != self._settings.current.settings_section:
            self._status.attempt(lambda: self._settings.change(settings_section=section))


class SectionList(QListWidget):
    """Selects the section at the top of the page, and scrolls the page to the selected one."""

    def __init__(self, scroll: QScrollArea, headings: Sequence[QLabel]) -> None:
        super().__init__()
        self.setObjectName("settingsSections")
        self.setFixedWidth(SECTION_LIST_WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Sections"))
        self._scroll, self._headings = scroll, headings
        self._is_scrolling = self._is_following = False
        self._target: int | None = None
        page = scroll.widget()
        assert page is not None
        page.installEventFilter(self)
        for title in headings:
            QListWidgetItem(title.text(), self).setSizeHint(QSize(0, ROW_HEIGHT))
        self.setCurrentRow(0)
        self.currentRowChanged.connect(self._scroll_to)
        scroll.verticalScrollBar().valueChanged.connect(self._follow)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Go on from the list in the selected section, not in the first one."""
        page, top = self._scroll.widget(), self._headings[self.currentRow()].y()
        each = self.nextInFocusChain()
        while next and page is not None and each is not None and each is not self:
            is_stop = each.isVisible() and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
            if is_stop and page.isAncestorOf(each) and each.mapTo(page, QPoint()).y() >= top:
                each.setFocus(Qt.FocusReason.TabFocusReason)
                return True
            each = each.nextInFocusChain()
        return super().focusNextPrevChild(next)

    def select(self, number: int) -> None:
        """Select a section and scroll to it, also where it is selected already."""
        self.setCurrentRow(number)
        self._scroll_to(number)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the target at the top while the sections above it change their heights."""
        if event.type() == QEvent.Type.Resize and self._target is not None:
            QTimer.singleShot(0, self, self._scroll_to_target)
        return super().eventFilter(watched, event)

    def _scroll_to(self, number: int) -> None:
        if not self._is_following:
            self._target = number
            self._scroll_to_target()

    def _scroll_to_target(self) -> None:
        if self._target is None:
            return
        self._is_scrolling = True
        self._scroll.verticalScrollBar().setValue(self._headings[self._target].y() - MARGIN)
        self._is_scrolling = False

    def _follow(self, value: int) -> None:
        if self._is_scrolling:
            # The last sections are too short to reach the top: keep the selection.
            return
        self._target = None
        bar = self._scroll.verticalScrollBar()
        limit = value + TOP_PART * self._scroll.viewport().height()
        passed = [number for number, title in enumerate(self._headings) if title.y() <= limit]
        self._is_following = True
        self.setCurrentRow(len(self._headings) - 1 if value >= bar.maximum() > 0 else max(passed, default=0))
        self._is_following = False


def _shown_values(settings: Settings) -> dict[str, Any]:
    """Return the values that the page shows, by name."""
    values = dataclasses.asdict(settings)
    return {name: values[name] for name, declaration in PARAMETERS.items() if declaration.page}


def _forms_of(section: QWidget) -> list[ParameterForm]:
    return [section] if isinstance(section, ParameterForm) else section.findChildren(ParameterForm)


def preset_labels(presets: Presets, chosen: str) -> dict[str, str]:
    """Return the names of the presets by id; a chosen one that was deleted counts as none."""
    none = translate("settings", "None")
    names = {preset.id: preset.name for preset in presets.list(translate)}
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
