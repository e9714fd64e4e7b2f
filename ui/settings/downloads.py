"""The part of the settings about downloads: where they lie, which hub they come from, and how fast they may come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from app.config.secrets import HUB_TOKEN
from app.downloads import NO_PROXY
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.hub.access import MIRROR, OFFICIAL, host_of
from model_manager.hub.mirrors import MirrorSpeed, measure_mirrors
from ui.widgets.address_choice import ChoiceOrAddress
from ui.widgets.dialog_parts import (
    CONTROL_WIDTH,
    ChoiceOrNumber,
    Row,
    StatusLine,
    ask_for_folder,
    button,
    hairline,
    open_folder,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


class _Moving(QObject):
    """Brings the progress of a move to the window's thread, and its cancellation the other way."""

    moved = Signal(float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.token = CancelToken()


class DownloadSettings(QWidget):
    """Rows that apply at once; a download under way goes on with what was chosen."""

    changed = Signal()
    work_ended = Signal(bool)

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services = services
        self._status = status
        self.busy = False
        """Whether the models folder is being moved."""
        self._moving: _Moving | None = None
        self._token_is_there = False
        self._test_token = CancelToken()
        self._make_controls()
        self.rows = {
            "models_folder": Row(self._beside(self.show_folder, self.move_folder)),
            "endpoint": Row(self.endpoint),
            "test": Row(self.test),
            "token": Row(self._beside(self.token, self.keep_token)),
            "token_hosts": Row(self.token_hosts),
            "proxy": Row(self.proxy),
            "download_limit": Row(self.limit),
            "downloads_in_background": Row(self.background),
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for key, row in self.rows.items():
            if key != "models_folder":
                layout.addWidget(hairline())
            layout.addWidget(row)
            if key == "models_folder":
                layout.addWidget(self.progress)
        self.destroyed.connect(self._test_token.cancel)
        self.show_settings()
        self._connect()
        run_job(self, self._has_token, self._show_token, self._failed)

    def _make_controls(self) -> None:
        self.show_folder = button("openModelsFolderButton")
        self.move_folder = button("moveModelsFolderButton")
        self.progress = QProgressBar()
        self.progress.setObjectName("moveProgress")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.endpoint = ChoiceOrAddress("endpointChoice", ("", MIRROR))
        self.test = button("testMirrorsButton")
        self.token = QLineEdit()
        self.token.setObjectName("hubToken")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setFixedWidth(CONTROL_WIDTH)
        self.keep_token = button("keepTokenButton")
        self.token_hosts = QLineEdit()
        self.token_hosts.setObjectName("tokenHosts")
        self.token_hosts.setFixedWidth(CONTROL_WIDTH)
        self.proxy = ChoiceOrAddress("proxyChoice", ("", NO_PROXY))
        self.limit = ChoiceOrNumber((0,), 4096, 16, 1 << 24, 256)
        self.background = QCheckBox()
        self.background.setObjectName("downloadsInBackground")

    def _connect(self) -> None:
        self.show_folder.clicked.connect(lambda: open_folder(self._services.downloads.folder()))
        self.move_folder.clicked.connect(self._move_or_stop)
        self.endpoint.changed.connect(self._set_endpoint)
        self.test.clicked.connect(self.test_mirrors)
        self.keep_token.clicked.connect(self._keep_token)
        self.token.returnPressed.connect(self._keep_token)
        self.token.textChanged.connect(self._word_token)
        self.token_hosts.editingFinished.connect(
            lambda: self._set(token_hosts=" ".join(self.token_hosts.text().replace(",", " ").split()))
        )
        self.proxy.changed.connect(self._set_proxy)
        self.limit.changed.connect(lambda value: self._set(download_limit=value))
        self.background.toggled.connect(lambda on: self._set(downloads_in_background=on))

    def show_settings(self) -> None:
        """Let every control show its setting, without telling anybody."""
        settings = self._services.settings.now
        self.endpoint.show_value(settings.endpoint)
        self.proxy.show_value(settings.proxy)
        self.token_hosts.setText(settings.token_hosts)
        self.limit.set_value(settings.download_limit)
        self.background.blockSignals(True)
        self.background.setChecked(settings.downloads_in_background)
        self.background.blockSignals(False)

    # What is chosen

    def _set(self, **values: object) -> None:
        before = self._services.settings.now
        try:
            after = self._services.settings.change(**values)
        except UserError as error:
            self._failed(error)
            return
        if after != before:
            self._status.clear()
            self._services.downloads.settings_changed()
            self.changed.emit()

    def _set_endpoint(self, text: str) -> None:
        address = text if "://" in text or not text else f"https://{text}"
        if address and (urlsplit(address).scheme not in ("http", "https") or not host_of(address)):
            self._failed(UserError("address_not_understood", address=text))
            return
        self._set(endpoint="" if address.rstrip("/") == OFFICIAL else address.rstrip("/"))

    def _set_proxy(self, text: str) -> None:
        if text not in ("", NO_PROXY):
            text = text if "://" in text else f"http://{text}"
            if urlsplit(text).scheme not in PROXY_SCHEMES or not host_of(text):
                self._failed(UserError("proxy_not_understood", address=text))
                return
        self._set(proxy=text)

    # The mirrors

    def test_mirrors(self) -> None:
        """Measure the known endpoints and the chosen one, and take the fastest."""
        endpoints = dict.fromkeys((OFFICIAL, MIRROR, self._services.settings.now.endpoint or OFFICIAL))
        access, token = self._services.downloads.access, self._test_token
        self.test.setEnabled(False)
        self._status.show_message(lambda: self.tr("Testing {hosts}…").format(hosts=", ".join(map(host_of, endpoints))))
        run_job(
            self, lambda: measure_mirrors(tuple(endpoints), access(), token=token), self._measured, self._test_failed
        )

    def _measured(self, speeds: tuple[MirrorSpeed, ...]) -> None:
        self.test.setEnabled(True)
        reached = [speed for speed in speeds if speed.bytes_per_second]
        if not reached:
            problem = next((speed.problem for speed in speeds if speed.problem), None)
            self._failed(problem or UserError("no_mirror_reached"))
            return
        before = self._services.settings.now.endpoint
        best = max(reached, key=lambda speed: speed.bytes_per_second or 0.0)
        self.endpoint.show_value("" if best.endpoint == OFFICIAL else best.endpoint)
        self._set_endpoint(best.endpoint)
        self._status.show_message(
            lambda: self.tr("{host} is the fastest and is now used for downloads. {figures}").format(
                host=host_of(best.endpoint), figures=", ".join(map(self._figure, speeds))
            ),
            "good",
            (lambda: self.tr("Undo"), lambda: self._take_back(before)),
        )

    def _figure(self, speed: MirrorSpeed) -> str:
        if not speed.bytes_per_second:
            return self.tr("{host}: unreachable").format(host=host_of(speed.endpoint))
        return self.tr("{host}: {speed} MB/s").format(
            host=host_of(speed.endpoint), speed=f"{speed.bytes_per_second / 1e6:.1f}"
        )

    def _take_back(self, endpoint: str) -> None:
        self._set(endpoint=endpoint)
        self.endpoint.show_value(endpoint)

    def _test_failed(self, error: UserError) -> None:
        self.test.setEnabled(True)
        self._failed(error)

    # The token

    def _has_token(self) -> bool:
        return self._services.secrets.get(HUB_TOKEN) is not None

    def _show_token(self, is_there: bool) -> None:
        self._token_is_there = is_there
        self._word_token()

    def _word_token(self) -> None:
        removes = self._token_is_there and not self.token.text()
        self.keep_token.setText(self.tr("Remove") if removes else self.tr("Save"))
        self.keep_token.setEnabled(bool(self.token.text()) or removes)
        self.token.setPlaceholderText(self.tr("Token saved") if self._token_is_there else "hf_…")

    def _keep_token(self) -> None:
        secrets, text = self._services.secrets, self.token.text().strip()
        if not text and not self._token_is_there:
            return

        def keep() -> bool:
            if text:
                secrets.set(HUB_TOKEN, text)
            else:
                secrets.delete(HUB_TOKEN)
            return bool(text)

        run_job(self, keep, self._token_kept, self._failed)

    def _token_kept(self, is_there: bool) -> None:
        self.token.clear()
        self._show_token(is_there)
        self._services.downloads.settings_changed()
        if not is_there:
            self._status.show_message(lambda: self.tr("Token removed."))
        elif self._services.secrets.kept_for_this_session_only:
            self._status.show_message(
                lambda: self.tr("This system has no keyring. The token is kept until you quit."), "warning"
            )
        else:
            self._status.show_message(lambda: self.tr("Token saved in the system keyring."), "good")

    # The folder

    def _move_or_stop(self) -> None:
        if self._moving is not None:
            self._moving.token.cancel()
            self.move_folder.setEnabled(False)
            return
        ask_for_folder(self, self.tr("Choose a models folder"), self.move_to)

    def move_to(self, target: Path) -> None:
        """Move the models folder, in the background."""
        moving = _Moving(self)
        moving.moved.connect(self._show_progress)
        emit, token, downloads = moving.moved.emit, moving.token, self._services.downloads
        self._moving = moving
        self._set_busy(True)
        self._status.show_message(lambda: self.tr("Moving the models to {path}…").format(path=target))

        def work() -> bool:
            downloads.move_to(target, lambda progress: emit(progress.fraction or 0.0), token)
            return True

        run_job(self, work, lambda _: self._moved(), self._move_failed)

    def _show_progress(self, share: float) -> None:
        self.progress.setValue(round(share * 1000))

    def _moved(self) -> None:
        self._set_busy(False)
        self._status.show_message(
            lambda: self.tr("Models moved to {path}.").format(path=self._services.downloads.folder()), "good"
        )
        self.changed.emit()
        self.work_ended.emit(True)

    def _move_failed(self, error: UserError) -> None:
        self._set_busy(False)
        self._failed(error)
        self.work_ended.emit(False)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        if not busy:
            self._moving = None
        self.progress.setVisible(busy)
        self.progress.setValue(0)
        self.move_folder.setEnabled(True)
        self.retranslate()

    def _failed(self, error: UserError) -> None:
        self._status.show_message(lambda: error_text(error), "bad")

    # Words

    def _beside(self, *widgets: QWidget) -> QWidget:
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in widgets:
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        holder.setFocusProxy(widgets[0])
        return holder

    def retranslate(self) -> None:
        """Word everything anew."""
        words: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
            "models_folder": (lambda: self.tr("Models folder"), lambda: str(self._services.downloads.folder())),
            "endpoint": (
                lambda: self.tr("Download from"),
                lambda: self.tr("The official hub, a mirror or any compatible endpoint."),
            ),
            "test": (
                lambda: self.tr("Fastest mirror"),
                lambda: self.tr("Downloads a little from each and uses the fastest."),
            ),
            "token": (
                lambda: self.tr("Access token"),
                lambda: self.tr("For repositories that require signing in. Sent only to huggingface.co."),
            ),
            "token_hosts": (
                lambda: self.tr("Other hosts that receive the token"),
                lambda: self.tr("Hosts you trust with your token, such as your own mirror. Usually empty."),
            ),
            "proxy": (lambda: self.tr("Proxy"), lambda: self.tr("HTTP or SOCKS, for example socks5://127.0.0.1:1080")),
            "download_limit": (
                lambda: self.tr("Speed limit"),
                lambda: self.tr("In KiB/s, for all downloads combined."),
            ),
            "downloads_in_background": (
                lambda: self.tr("Keep downloading when the window is closed"),
                lambda: self.tr("The program stays in the system tray until all downloads finish."),
            ),
        }
        for key, (title, explanation) in words.items():
            self.rows[key].set_texts(title(), explanation())
        self.show_folder.setText(self.tr("Open folder"))
        self.move_folder.setText(self.tr("Stop") if self._moving else self.tr("Move…"))
        self.endpoint.set_texts(host_of(OFFICIAL), host_of(MIRROR), self.tr("Custom endpoint"))
        self.endpoint.address.setPlaceholderText("https://")
        self.endpoint.address.setAccessibleName(self.tr("Endpoint address"))
        self.proxy.set_texts(self.tr("System proxy"), self.tr("None"), self.tr("Custom"))
        self.proxy.address.setPlaceholderText("http://127.0.0.1:7890")
        self.proxy.address.setAccessibleName(self.tr("Proxy address"))
        self.test.setText(self.tr("Test mirrors"))
        self.token.setAccessibleName(self.tr("Access token"))
        self.token_hosts.setPlaceholderText(self.tr("None"))
        self.limit.set_texts([self.tr("No limit")], self.tr("Custom"), self.tr("KiB/s"))
        self.progress.setAccessibleName(self.tr("Move progress"))
        self._word_token()
