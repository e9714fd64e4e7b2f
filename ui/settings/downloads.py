"""Downloads section of the settings: models folder, hub or mirror, access token, proxy, and speed limit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from app.config.secrets import HUB_TOKEN
from app.config.settings import NO_PROXY
from app.services import Services
from app.units import speed_text
from model_manager.errors import UserError
from model_manager.hub.access import MIRROR, OFFICIAL, host_of, split_url
from model_manager.hub.mirrors import MirrorSpeed, measure_mirrors
from ui.widgets.controls import CONTROL_WIDTH
from ui.widgets.dialog_parts import StatusLine, button, line_edit
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_folder, open_folder
from ui.widgets.formats import list_text
from ui.widgets.job import Job, run_job
from ui.widgets.layouts import CENTRE, hbox, vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
PROGRESS_STEPS = 1000


class DownloadSettings(QWidget):
    """Changes apply immediately, also to a running download."""

    changed = Signal()
    work_finished = Signal(bool)
    """Whether moving the models folder succeeded."""

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services = services
        self._status = status
        self._has_token = False
        self.is_testing = False
        """Whether the speeds of the mirrors are being measured."""
        self.show_folder = button("openModelsFolderButton", self.tr("Open folder"))
        self.move_folder = button("moveModelsFolderButton")
        self.progress = QProgressBar()
        self.progress.setObjectName("moveProgress")
        self.progress.setAccessibleName(self.tr("Move progress"))
        self.progress.setRange(0, PROGRESS_STEPS)
        self.progress.setTextVisible(False)
        self.test = button("testMirrorsButton", self.tr("Test mirrors"))
        self.token = line_edit("hubToken", self.tr("Access token"), is_secret=True)
        self.token.setFixedWidth(CONTROL_WIDTH)
        self.mirrors = StatusLine("mirrorStatus", hide_when_empty=True)
        self.mirrors.setContentsMargins(0, 0, 0, 12)
        self.save_token = button("keepTokenButton")
        self.form = ParameterForm(
            settings_of_page("downloads"),
            extra={
                "models_folder": (_beside(self.show_folder, self.move_folder), self.tr("Models folder"), ""),
                "test": (
                    self.test,
                    self.tr("Fastest mirror"),
                    self.tr("Downloads a little from each and uses the fastest."),
                ),
                "token": (
                    _beside(self.token, self.save_token),
                    self.tr("Access token"),
                    self.tr(
                        "For repositories that require signing in. Sent only to huggingface.co and the hosts below."
                    ),
                ),
            },
            order=("models_folder", "endpoint", "test", "token", "token_hosts"),
        )
        self.form.column.insertWidget(1, self.progress)
        self.form.column.insertWidget(self.form.column.indexOf(self.form.rows["test"]) + 1, self.mirrors)
        vbox(self.form, parent=self)
        self._show_move(None)
        self._update_token()
        self.show_settings()
        self.form.changed.connect(self._on_changed)
        self.show_folder.clicked.connect(lambda: open_folder(services.downloads.folder(), status))
        self.move_folder.clicked.connect(self._move_or_stop)
        self.test.clicked.connect(self.test_mirrors)
        self.save_token.clicked.connect(self._save_token)
        self.token.returnPressed.connect(self._save_token)
        self.token.textChanged.connect(self._update_token)
        secrets = services.secrets
        run_job(self, lambda: secrets.get(HUB_TOKEN) is not None, self._show_token, self._status.show_error)

    @property
    def busy(self) -> bool:
        """Whether the models folder is being moved."""
        return self._move is not None

    def show_settings(self) -> None:
        """Show the current settings."""
        self.form.show_values(self._services.settings.current)

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        before = self._services.settings.current
        try:
            after = self._services.settings.change(**{name: _valid(name, value) for name, value in values.items()})
        except UserError as error:
            self._status.show_error(error)
            return
        if after != before:
            self._status.clear()
            self._services.downloads.settings_changed()
            self.changed.emit()

    # Mirrors

    def test_mirrors(self) -> None:
        """Measure the known endpoints and the configured one, and use the fastest."""
        if self.is_testing:
            return
        endpoints = tuple(dict.fromkeys((OFFICIAL, MIRROR, self._services.settings.current.endpoint or OFFICIAL)))
        access, job = self._services.downloads.access, Job(self)
        token = job.token
        # Not disabled: it would lose the focus to whatever follows it.
        self.is_testing = True
        self.test.setText(self.tr("Testing…"))
        self.mirrors.show_message(self.tr("Testing {hosts}…").format(hosts=list_text(map(host_of, endpoints))))
        job.finished.connect(self._finish_test)
        job.succeeded.connect(self._use_fastest)
        job.failed.connect(self.mirrors.show_error)
        job.start(lambda: measure_mirrors(endpoints, access(), token=token))

    def _finish_test(self) -> None:
        self.test.setText(self.tr("Test mirrors"))
        self.is_testing = False

    def _use_fastest(self, speeds: tuple[MirrorSpeed, ...]) -> None:
        best = max(speeds, key=lambda speed: speed.bytes_per_second or 0.0)
        if not best.bytes_per_second:
            problem = next((speed.problem for speed in speeds if speed.problem), None)
            text = error_text(problem or UserError("no_mirror_reached"))
            self.mirrors.show_message("\n".join((text, *map(self._speed_text, speeds))), "bad")
            return
        before = self._services.settings.current.endpoint
        self._use_endpoint("" if best.endpoint == OFFICIAL else best.endpoint)
        is_changed = self._services.settings.current.endpoint != before
        text = self.tr("{host} is the fastest and is used for downloads already.")
        if is_changed:
            text = self.tr("{host} is the fastest and is now used for downloads.")
        text = text.format(host=host_of(best.endpoint))
        # Green would hold for the unreachable ones too.
        kind = "good" if all(each.bytes_per_second for each in speeds) else ""
        undo = (self.tr("Undo"), lambda: self._use_endpoint(before)) if is_changed else None
        self.mirrors.show_message("\n".join((text, *map(self._speed_text, speeds))), kind, undo)

    def _use_endpoint(self, endpoint: str) -> None:
        self._on_changed({"endpoint": endpoint})
        self.show_settings()

    def _speed_text(self, speed: MirrorSpeed) -> str:
        if not speed.bytes_per_second:
            return self.tr("{host}: unreachable").format(host=host_of(speed.endpoint))
        return self.tr("{host}: {speed}").format(host=host_of(speed.endpoint), speed=speed_text(speed.bytes_per_second))

    # Access token

    def _show_token(self, has_token: bool) -> None:
        self._has_token = has_token
        self._update_token()

    def _update_token(self) -> None:
        removes = self._has_token and not self.token.text()
        self.save_token.setText(self.tr("Remove") if removes else self.tr("Save"))
        self.save_token.setEnabled(bool(self.token.text()) or removes)
        self.token.setPlaceholderText(self.tr("Token saved") if self._has_token else "hf_…")

    def _save_token(self) -> None:
        secrets, text = self._services.secrets, self.token.text().strip()
        if text or self._has_token:
            # An empty token is deleted.
            run_job(
                self,
                lambda: secrets.set(HUB_TOKEN, text),
                lambda _none: self._on_token_saved(bool(text)),
                self._status.show_error,
            )

    def _on_token_saved(self, has_token: bool) -> None:
        self.token.clear()
        self._show_token(has_token)
        self._services.downloads.settings_changed()
        if not has_token:
            self._status.show_message(self.tr("Token removed."))
        elif self._services.secrets.is_session_only:
            self._status.show_message(
                self.tr("This system has no keyring. The token is kept until you quit."), "warning"
            )
        else:
            self._status.show_message(self.tr("Token saved in the system keyring."), "good")

    # Models folder

    def _move_or_stop(self) -> None:
        if self._move is not None:
            self._move.cancel()
            self.move_folder.setEnabled(False)
        else:
            ask_for_folder(self, self.tr("Choose a models folder"), self.move_to)

    def move_to(self, target: Path) -> None:
        """Move the models folder, in the background."""
        job = Job(self)
        downloads, report, token = self._services.downloads, job.report, job.token
        job.progress.connect(lambda progress: self.progress.setValue(round((progress.fraction or 0) * PROGRESS_STEPS)))
        job.succeeded.connect(self._on_moved)
        job.failed.connect(self._on_move_failed)
        job.finished.connect(partial(self._show_move, None))
        job.start(lambda: downloads.move_to(target, report, token))
        self._show_move(job)
        self._status.show_message(self.tr("Moving the models to {path}…").format(path=target))

    def _on_moved(self) -> None:
        self._show_move(None)
        # It would keep the old file, whose disk space is wanted.
        self._services.worker.submit(self._services.engine.release)
        text = self.tr("Models moved to {path}.").format(path=self._services.downloads.folder())
        self._status.show_message(text, "good")
        self.changed.emit()
        self.work_finished.emit(True)

    def _on_move_failed(self, error: UserError) -> None:
        self._show_move(None)
        self._status.show_error(error)
        self.work_finished.emit(False)

    def _show_move(self, job: Job | None) -> None:
        self._move = job
        self.progress.setVisible(self.busy)
        self.progress.setValue(0)
        self.move_folder.setEnabled(True)
        self.move_folder.setText(self.tr("Stop") if self.busy else self.tr("Move…"))
        self.form.rows["models_folder"].set_texts(self.tr("Models folder"), str(self._services.downloads.folder()))


def _valid(name: str, value: Any) -> Any:
    """Return the value of a setting as it is stored.  Raises ``UserError`` for an invalid address."""
    if name == "endpoint" and value:
        address = (value if "://" in value else f"https://{value}").rstrip("/")
        if split_url(address).scheme not in ("http", "https") or not host_of(address):
            raise UserError("address_not_understood", address=value)
        return "" if address == OFFICIAL else address
    if name == "proxy" and value not in ("", NO_PROXY):
        address = value if "://" in value else f"http://{value}"
        if split_url(address).scheme not in PROXY_SCHEMES or not host_of(address):
            raise UserError("proxy_not_understood", address=value)
        return address
    if name == "token_hosts":
        return " ".join(value.replace(",", " ").split())
    return value


def _beside(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    hbox(*((widget, 0, CENTRE) for widget in widgets), parent=holder, spacing=8)
    holder.setFocusProxy(widgets[0])
    return holder
