"""Controller of the models page: carries out actions on models, asks before deleting, and reports the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.downloads import ModelDownloads
from app.units import size_text
from model_manager.errors import UserError
from model_manager.library.library import LocalModel
from model_manager.library.removal import (
    Removal,
    delete,
    quarantine,
    release_from_quarantine,
    removal_of,
    removal_of_quarantined,
)
from model_manager.library.scan import ImportCandidate
from model_manager.library.verification import Verification
from model_manager.published import PublishedModel
from ui.models.actions import action_text, primary_action
from ui.models.inventory import ModelInventory
from ui.models.item import JobKind, ModelItem, ModelJob, candidate_key
from ui.models.jobs import (
    AddResult,
    ModelJobs,
    Outcome,
    Work,
    add_paths,
    convert_model,
    join_model,
    reopen_damaged,
    reopen_quarantined,
    verify_model,
)
from ui.models.row_text import room_text
from ui.widgets.dialog_parts import StatusLine, ask
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import open_folder
from ui.widgets.formats import list_text
from ui.widgets.job import run_job

translate = QCoreApplication.translate

ASK_FROM_BYTES = 1 << 20
"""A download with less than this is cancelled without confirmation."""


class ModelsController(QObject):
    """Actions of one models page, whose ``status`` shows the results."""

    model_chosen = Signal(str)
    """Id of the model to use."""
    selection_requested = Signal(str)
    """Key of the item to select."""
    plan_requested = Signal()
    """Show the memory plan of the selected model."""

    def __init__(
        self, downloads: ModelDownloads, jobs: ModelJobs, inventory: ModelInventory, status: StatusLine, page: QWidget
    ) -> None:
        super().__init__(page)
        self._downloads = downloads
        self._jobs = jobs
        self._inventory = inventory
        self._status = status
        self._page = page
        self._deleted: dict[str, tuple[str, int]] = {}
        """Names and sizes of the models that are being deleted, by key."""
        jobs.ended.connect(self._on_job_ended)

    def run(self, action: str, item: ModelItem) -> None:
        """Carry out an action, or ask first."""
        try:
            self._handlers()[action](item)
        except UserError as error:
            self.show_error(error)

    def show_error(self, error: UserError) -> None:
        """Show an error in the status line."""
        self._show(error_text(error), "bad")

    def add_paths(self, *paths: Path) -> None:
        """Add files and folders, in the background."""
        library = self._downloads.library
        if paths:
            self._show(self.tr("Checking {name}…").format(name=list_text(path.name for path in paths)))
            run_job(self, lambda: add_paths(library, paths), self._on_added, self.show_error)

    def _handlers(self) -> dict[str, Callable[[ModelItem], object]]:
        queue, library = self._downloads.queue, self._downloads.library
        return {
            "download": self._ask_to_download,
            "resume": lambda item: queue.resume(item.key),
            "retry": lambda item: queue.resume(item.key),
            "pause": lambda item: queue.pause(item.key),
            "move_up": lambda item: queue.move_up(item.key),
            "cancel": self._cancel,
            "use": lambda item: self.model_chosen.emit(item.model.id if item.model else item.key),
            "stop": lambda item: self._jobs.stop(item.key),
            "convert": lambda item: self._convert(item, as_copy=item.is_foreign),
            "convert_copy": lambda item: self._convert(item, as_copy=True),
            "join": self._join,
            "plan": lambda _item: self.plan_requested.emit(),
            "verify": self._verify,
            "redownload": self._redownload,
            "quarantine": lambda item: self._rename(lambda: quarantine(_path(item), library)),
            "release": lambda item: self._rename(lambda: release_from_quarantine(_path(item))),
            "remove": self._remove,
            "remove_folder": self._remove_folder,
            "delete": self._ask_to_delete,
            "copy_path": self._copy_path,
            "show_in_folder": lambda item: open_folder(_path(item).parent, self._status),
            "open_page": lambda item: QDesktopServices.openUrl(QUrl(self._downloads.page_of(item.repository))),
        }

    def _show(self, text: str, kind: str = "quiet", undo: Callable[[], None] | None = None) -> None:
        self._status.show_message(text, kind, (self.tr("Undo"), undo) if undo is not None else None)

    def _copy_path(self, item: ModelItem) -> None:
        QGuiApplication.clipboard().setText(str(_path(item)))
        self._show(self.tr("Path copied to the clipboard."))

    def _rename(self, rename: Callable[[], Path]) -> None:
        run_job(self, rename, lambda _path: self._inventory.notify_library_changed(), self.show_error)

    # Downloads

    def _ask_to_download(self, item: ModelItem) -> None:
        question, details = self.tr("Download {name}? It doesn't fit on this computer."), ""
        if item.missing_bytes:
            question = self.tr("Download {name}? It doesn't fit on the disk.")
            details = room_text(item.bytes, item.room)[0]
        elif item.fit is not None and item.fit.kind == "bad":
            details = item.fit.sentence
        if not details:
            self._download(item)
            return
        self._ask(
            question.format(name=item.full_name),
            details,
            self.tr("Download anyway"),
            self.tr("Cancel"),
            lambda: self._download(item),
        )

    def _download(self, item: ModelItem) -> None:
        self._status.clear()
        # The repository of the home model publishes it under another id: it stays the catalogue's.
        published = replace(item.published, id=item.key) if item.published else None
        self._downloads.queue.add(item.key, published)

    def _cancel(self, item: ModelItem) -> None:
        n_bytes = item.download.progress.done if item.download else 0
        ask_to_cancel(self._page, item.full_name, n_bytes, lambda: self._cancel_download(item.key))

    def _cancel_download(self, key: str) -> None:
        queue = self._downloads.queue
        # Deleting tens of gibibytes takes a moment on some disks.
        run_job(self, lambda: queue.cancel(key), lambda _: self._inventory.rescan(), self.show_error)

    # Jobs on files

    def _start(self, item: ModelItem, kind: JobKind, work: Work) -> None:
        job = ModelJob(item.key, kind, _path(item), candidate=item.candidate)
        if self._jobs.start(job, work):
            self._status.clear()

    def _convert(self, item: ModelItem, *, as_copy: bool) -> None:
        path, library = _path(item), self._downloads.library
        out = self._downloads.folder() / path.name if as_copy else None
        self._start(item, "convert", lambda progress, token: convert_model(library, path, out, progress, token))

    def _join(self, item: ModelItem) -> None:
        assert item.candidate is not None
        library, paths = self._downloads.library, item.candidate.paths
        self._start(item, "join", lambda progress, token: join_model(library, paths, progress, token))

    def _verify(self, item: ModelItem) -> None:
        path, downloads = _path(item), self._downloads
        self._start(item, "verify", lambda progress, token: verify_model(downloads, path, progress, token))

    def _redownload(self, item: ModelItem) -> None:
        path, verification = _path(item), item.verification
        if item.quarantined is not None:
            self._start(item, "redownload", lambda progress, token: reopen_quarantined(path, progress, token))
        elif verification is not None:
            self._start(item, "redownload", lambda _progress, _token: reopen_damaged(verification))

    def _on_job_ended(self, outcome: Outcome) -> None:
        key, activity = outcome.job.key, self._inventory.activity
        match outcome.result:
            case UserError() as error:
                self.show_error(error)
            case LocalModel() as model:
                self._show(self.tr("{name} is ready to use.").format(name=model.name or model.id), "good")
                activity.candidates.pop(key, None)
                self.selection_requested.emit(model.id)
            case ImportCandidate() as candidate:
                activity.candidates.pop(key, None)
                self._add_candidates([candidate])
            case Verification() as verified:
                self._on_verified(key, verified)
            case PublishedModel() as published:
                activity.verifications.pop(key, None)
                self._downloads.queue.add(published.id, published)
                self.selection_requested.emit(published.id)
            case None if outcome.job.kind == "delete":
                self._downloads.queue.forget(key)
                name, n_bytes = self._deleted.pop(key, ("", 0))
                text = self.tr("Deleted {name}. {size} of disk space freed.")
                if name:
                    self._show(text.format(name=name, size=size_text(n_bytes)), "good")
        self._inventory.notify_library_changed()

    def _on_verified(self, key: str, verification: Verification) -> None:
        match verification.matches:
            case False:
                text, kind = self.tr("{file} doesn't match the published file."), "bad"
            case True if verification.published_changed:
                text, kind = (
                    self.tr(
                        "{file} is intact and matches the file that was published when you downloaded it. A different "
                        "file has since been published under that name."
                    ),
                    "warning",
                )
            case True:
                text, kind = self.tr("{file} matches the published file exactly."), "good"
            case _:
                text, kind = (
                    self.tr("{file} was read completely, but there is no published checksum to compare it with."),
                    "quiet",
                )
        self._inventory.activity.verifications.pop(key, None)
        if kind == "bad":
            self._inventory.activity.verifications[key] = verification
        self._show(text.format(file=verification.path.name), kind)

    # The list

    def _on_added(self, result: AddResult) -> None:
        added, known = result.added, result.known
        if result.problems:
            self.show_error(result.problems[0])
        elif result.folders and not result.waiting:
            folder = result.folders[0]
            text = self.tr("Added {path} to the list. New models: {count}. The files stay where they are.")
            undo = partial(self._forget_folder, folder)
            self._show(text.format(path=folder, count=len(added)), "good", undo)
        elif len(added) > 1:
            text = self.tr("Added {count} models. The files stay where they are.")
            self._show(text.format(count=len(added)), "good")
        elif added:
            self._show(self.tr("Added {name}. The file stays where it is.").format(name=added[0].id), "good")
        elif known:
            self._show(self.tr("{name} is already in the list.").format(name=known[0].id))
        if result.waiting:
            self._add_candidates(result.waiting)
        elif added or known:
            self.selection_requested.emit((*added, *known)[0].id)
        self._inventory.notify_library_changed()

    def _add_candidates(self, candidates: Sequence[ImportCandidate]) -> None:
        """List files that need a conversion or joining first, and offer to do that."""
        self._inventory.activity.candidates |= {candidate_key(each): each for each in candidates}
        item = ModelItem(candidate_key(candidates[0]), candidate=candidates[0])
        action = primary_action(item)
        text = self.tr("{name} must be converted before you can use it.")
        if action == "join":
            text = self.tr("{name} is split into parts. Join them into one file.")
        start = (action_text(action), lambda: self.run(action, item))
        self._status.show_message(text.format(name=item.title), "warning", start)
        self._inventory.update()
        self.selection_requested.emit(item.key)

    def _remove(self, item: ModelItem) -> None:
        model = item.model
        if model is None:
            self._inventory.activity.candidates.pop(item.key, None)
            self._inventory.update()
            return
        self._downloads.library.remove(model.id)
        text = self.tr("Removed {name} from the list. The file stays where it is.")
        # A file that the engine would refuse could not be added again.
        undo = partial(self.add_paths, model.path) if model.ready else None
        self._show(text.format(name=model.id), undo=undo)
        self._inventory.notify_library_changed()

    def _remove_folder(self, item: ModelItem) -> None:
        folder = item.model.folder if item.model else None
        assert folder is not None
        self._forget_folder(folder)
        text = self.tr("Removed {path} from the list. The files stay where they are.")
        self._show(text.format(path=folder), undo=partial(self.add_paths, folder))

    def _forget_folder(self, folder: Path) -> None:
        self._downloads.library.remove_folder(folder)
        self._status.clear()
        self._inventory.notify_library_changed()

    def _ask_to_delete(self, item: ModelItem) -> None:
        if item.quarantined is not None:
            removal = removal_of_quarantined(item.quarantined)
        else:
            assert item.model is not None
            removal = removal_of(item.model)
        details = [self.tr("This can't be undone."), str(removal.path) if removal.paths else ""]
        if item.in_use:
            details.insert(0, self.tr("This model is in use."))
        elif removal.elsewhere:
            details.insert(0, self.tr("To keep the file, remove it from the list instead."))
        self._ask(
            self.tr("Delete {name}?").format(name=item.full_name),
            "\n".join(filter(None, details)),
            self.tr("Delete {size}").format(size=size_text(removal.bytes)) if removal.bytes else self.tr("Delete"),
            self.tr("Keep file"),
            lambda: self._delete(item, removal),
        )

    def _delete(self, item: ModelItem, removal: Removal) -> None:
        library = self._downloads.library
        self._deleted[item.key] = item.full_name, removal.bytes
        self._start(item, "delete", lambda _progress, _token: delete(removal, library))

    def _ask(self, question: str, details: str, yes: str, no: str, accepted: Callable[[], object]) -> None:
        accept = ("agreeButton", yes)
        title = self.tr("Models")
        ask(self._page, "modelQuestion", title, question, details, accept, no, accepted, is_destructive=True)


def ask_to_cancel(parent: QWidget, name: str, n_bytes: int, cancel: Callable[[], object]) -> None:
    """Cancel a download of which ``n_bytes`` are here, after a question where that is much."""
    if n_bytes < ASK_FROM_BYTES:
        cancel()
        return
    details = translate(
        "ModelsController", "This deletes the {size} already downloaded. To keep it, pause the download instead."
    )
    size, question = size_text(n_bytes), translate("ModelsController", "Cancel the download of {name}?")
    accept = ("agreeButton", translate("ModelsController", "Cancel and delete {size}").format(size=size))
    ask(
        parent,
        "modelQuestion",
        translate("ModelsController", "Models"),
        question.format(name=name),
        details.format(size=size),
        accept,
        translate("ModelsController", "Keep download"),
        cancel,
        is_destructive=True,
    )


def _path(item: ModelItem) -> Path:
    assert item.path is not None
    return item.path
