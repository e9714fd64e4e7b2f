"""Lending section of the settings: its switch, the address for the other PC, and the limit of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from app.engine.lender import own_addresses
from app.services import Services
from app.units import size_text
from model_manager.errors import UserError
from ui.widgets.dialog_parts import StatusLine, button
from ui.widgets.formats import list_text
from ui.widgets.job import run_job
from ui.widgets.layouts import CENTRE, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page
from ui.widgets.refresh_timer import RefreshTimer


class LendingSettings(QWidget):
    """Lending goes on when the dialog is closed, and ends with the program."""

    changed = Signal()

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services, self._status = services, status
        self._is_starting = False
        self.switch = button("lendButton")
        self.address = QLabel()
        self.address.setObjectName("lendAddress")
        self.copy = button("copyLendAddressButton", self.tr("Copy"))
        holder = QWidget()
        hbox((self.address, 0, CENTRE), (self.copy, 0, CENTRE), parent=holder, spacing=8)
        holder.setFocusProxy(self.copy)
        warning = self.tr(
            "Another PC in your network can use the GPUs of this one, or its processor and memory, for larger models. "
            "There's no password and nothing is encrypted: anyone in the network can use them and read what is "
            "computed. Lend only in a network that you trust."
        )
        self.form = ParameterForm(
            settings_of_page("lending"),
            extra={
                "lending": (self.switch, self.tr("Lend this computer"), warning),
                "address": (holder, self.tr("Address"), ""),
            },
            order=("lending", "address"),
        )
        vbox(self.form, parent=self)
        self.form.changed.connect(self._on_changed)
        self.switch.clicked.connect(self._toggle)
        self.copy.clicked.connect(self._copy)
        RefreshTimer(self, self.refresh)
        self.show_settings()

    def show_settings(self) -> None:
        """Show the current settings."""
        self.form.show_values(self._services.settings.current)
        self.refresh()

    def refresh(self) -> None:
        """Show whether devices are lent, where, and how much of them is used."""
        state = self._services.lender.state
        self.switch.setText(self.tr("Stop lending") if state else self.tr("Lend"))
        self.switch.setEnabled(not self._is_starting)
        addresses = self._addresses() if state else []
        self.address.setText(addresses[0] if addresses else self.tr("Not lent"))
        self.copy.setVisible(bool(addresses))
        row = self.form.rows["address"]
        row.setEnabled(state is not None)
        text = self.tr("Enter it in the settings of the other PC, in the section Devices, under Devices on other PCs.")
        if state is not None:
            used = self.tr("{devices}: {size} used by other PCs.").format(
                devices=list_text(state.devices), size=size_text(state.used_bytes)
            )
            others = self.tr("Or: {addresses}").format(addresses=list_text(addresses[1:])) if addresses[1:] else ""
            text = "\n".join(filter(None, (text, others, used)))
        row.set_texts(self.tr("Address"), text)

    def _addresses(self) -> list[str]:
        port = self._services.lender.port
        return [f"{address}:{port}" for address in own_addresses() or ["127.0.0.1"]]

    def _toggle(self) -> None:
        lender, settings = self._services.lender, self._services.settings.current
        stops = lender.state is not None
        limit = settings.lend_limit_gib << 30 if settings.lend_limit_gib else None

        def switch() -> None:
            if stops:
                lender.stop()
            else:
                lender.start(port=settings.lend_port, limit_bytes=limit)

        self._is_starting = True
        self._status.clear()
        self.refresh()
        run_job(self, switch, self._finish, self._fail)

    def _finish(self, _none: object) -> None:
        self._is_starting = False
        self.refresh()

    def _fail(self, error: UserError) -> None:
        self._finish(None)
        self._status.show_error(error)

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        if self._status.attempt(lambda: self._services.settings.change(**values)):
            self.changed.emit()
            if self._services.lender.state is not None:
                self._status.show_message(self.tr("Changes apply when you lend again."))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.address.text())
        self._status.show_message(self.tr("Copied."), "good")
