"""Controller of the models page: carries out actions on models, asks before deleting, and reports the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.units import size_text
from model_manager.errors import UserError
from model_manager.library.importer import ImportCandidate
from model_manager.library.library import LocalModel
from model_manager.library.quarantine import quarantine, release_from_quarantine
from model_manager.library.removal import Removal, delete, removal_of, removal_of_quarantined
from model_manager.published import PublishedModel
from ui.models.actions import Action, action_text
from ui.models.backend import ModelBackend
from ui.models.file_jobs import (
    AddResult,
    VerifyResult,
    add_paths,
    convert_model,
    join_model,
    reopen_damaged,
    reopen_quarantined,
    verify_model,
)
from ui.models.inventory import ModelInventory
from ui.models.item import JobKind, ModelItem, ModelJob, candidate_key
from ui.models.model_jobs import ModelJobs, Outcome, Work
from ui.widgets.dialog_parts import StatusLine, ask, open_folder
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

ASK_FROM_BYTES = 1 << 20
"""A download with less than this is cancelled without confirmation."""


class ModelsController(QObject):
    """Actions of one models page, whose ``status`` shows the results."""

    model_chosen = Signal(str)
    """Id of the model to use."""
    selection_requested = Signal(str)
    """Key of the item to select."""
    plan_requested = Signal(str, str)
    """Id and name of the model whose memory plan to show."""

    def __init__(
        self, backend: ModelBackend, jobs: ModelJobs, inventory: ModelInventory, status: StatusLine, page: QWidget
    ) -> None:
        super().__init__(page)
        self._backend = backend
        self._jobs = jobs
        self._inventory = inventory
        self._status = status
        self._page = page
        jobs.ended.connect(self._on_job_ended)

    def run(self, action: Action, item: ModelItem) -> None:
        """Carry out an action, or ask first."""
        try:
            self._actions()[action](item)
        except UserError as error:
            self.show_error(error)

    def show_error(self, error: UserError) -> None:
        """Show an error in the status line."""
        self._status.show_message(error_text(error), "bad")

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add files and folders, in the background."""
        library, chosen = self._backend.library, tuple(paths)
        if not chosen:
            return
        names = ", ".join(path.name for path in chosen)
        self._status.show_message(self.tr("Checking {name}…").format(name=names))
        run_job(self, lambda: add_paths(library, chosen), self._on_added, self.show_error)

    def _actions(self) -> dict[Action, Callable[[ModelItem], object]]:
        queue, library = self._backend.queue, self._backend.library
        return {
            "download": self._download,
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
            "plan": lambda item: self.plan_requested.emit(item.key, item.full_name),
            "verify": self._verify,
            "redownload": self._redownload,
            "quarantine": lambda item: self._rename(lambda: quarantine(_path(item), library)),
            "release": lambda item: self._rename(lambda: release_from_quarantine(_path(item))),
            "remove": self._remove,
            "remove_folder": self._remove_folder,
            "delete": self._ask_to_delete,
            "copy_path": self._copy_path,
            "show_in_folder": lambda item: open_folder(_path(item).parent, self._status),
            "open_page": lambda item: QDesktopServices.openUrl(QUrl(self._backend.page_of(item.repository))),
        }

    def _copy_path(self, item: ModelItem) -> None:
        QGuiApplication.clipboard().setText(str(_path(item)))
        self._status.show_message(self.tr("Path copied to the clipboard."))

    def _rename(self, rename: Callable[[], Path]) -> None:
        run_job(self, rename, lambda _path: self._inventory.notify_library_changed(), self.show_error)

    # Downloads

    def _download(self, item: ModelItem) -> None:
        self._status.clear()
        # The repository of the home model publishes it under another id: it stays the catalogue's.
        published = replace(item.published, id=item.key) if item.published else None
        self._backend.queue.add(item.key, published)

    def _cancel(self, item: ModelItem) -> None:
        n_bytes = item.download.progress.done if item.download else 0
        if n_bytes < ASK_FROM_BYTES:
            self._cancel_download(item.key)
            return
        size = size_text(n_bytes)
        self._ask(
            self.tr("Cancel the download of {name}?").format(name=item.full_name),
            self.tr("This deletes the {size} already downloaded. To keep it, pause the download instead.").format(
                size=size
            ),
            self.tr("Cancel and delete {size}").format(size=size),
            self.tr("Keep download"),
            lambda: self._cancel_download(item.key),
        )

    def _cancel_download(self, key: str) -> None:
        queue = self._backend.queue
        # Deleting tens of gibibytes takes a moment on some disks.
        run_job(self, lambda: queue.cancel(key), lambda _: self._inventory.update(), self.show_error)

    # Jobs on files

    def _start(self, item: ModelItem, kind: JobKind, work: Work) -> None:
        job = ModelJob(item.key, kind, item.title, _path(item), candidate=item.candidate)
        if self._jobs.start(job, work):
            self._status.clear()

    def _convert(self, item: ModelItem, *, as_copy: bool) -> None:
        path, library = _path(item), self._backend.library
        out = self._backend.folder() / path.name if as_copy else None
        self._start(item, "convert", lambda progress, token: convert_model(library, path, out, progress, token))

    def _join(self, item: ModelItem) -> None:
        assert item.candidate is not None
        library, paths = self._backend.library, item.candidate.paths
        self._start(item, "join", lambda progress, token: join_model(library, paths, progress, token))

    def _verify(self, item: ModelItem) -> None:
        path, backend = _path(item), self._backend
        self._start(item, "verify", lambda progress, token: verify_model(backend, path, progress, token))

    def _redownload(self, item: ModelItem) -> None:
        path, verification = _path(item), item.verification
        if item.quarantined is not None:
            self._start(item, "redownload", lambda progress, token: reopen_quarantined(path, progress, token))
        elif verification is not None:
            self._start(item, "redownload", lambda _progress, _token: reopen_damaged(verification))

    def _on_job_ended(self, outcome: Outcome) -> None:
        key, result = outcome.job.key, outcome.result
        if outcome.error is not None:
            self.show_error(outcome.error)
        elif isinstance(result, LocalModel):
            name = result.name or result.id
            self._status.show_message(self.tr("{name} is ready to use.").format(name=name), "good")
            self._inventory.candidates.pop(key, None)
            self.selection_requested.emit(result.id)
        elif isinstance(result, ImportCandidate):
            self._inventory.candidates.pop(key, None)
            self._add_candidates([result])
        elif isinstance(result, VerifyResult):
            self._on_verified(key, result)
        elif isinstance(result, PublishedModel):
            self._inventory.verifications.pop(key, None)
            self._backend.queue.add(result.id, result)
            self.selection_requested.emit(result.id)
        elif outcome.job.kind == "delete" and not outcome.stopped:
            self._backend.queue.forget(key)
        self._inventory.notify_library_changed()

    def _on_verified(self, key: str, result: VerifyResult) -> None:
        matches, file = result.worst.matches, result.worst.path.name
        self._inventory.verifications.pop(key, None)
        if matches is False:
            self._inventory.verifications[key] = result.worst
            self._status.show_message(self.tr("{file} doesn't match the published file.").format(file=file), "bad")
        elif matches and result.changed:
            self._status.show_message(
                self.tr(
                    "{file} is intact and matches the file that was published when you downloaded it. A different "
                    "file has since been published under that name."
                ).format(file=file),
                "warning",
            )
        elif matches:
            self._status.show_message(self.tr("{file} matches the published file exactly.").format(file=file), "good")
        else:
            self._status.show_message(
                self.tr("{file} was read completely, but there is no published checksum to compare it with.").format(
                    file=file
                )
            )

    # The list

    def _on_added(self, result: AddResult) -> None:
        added, known = result.added, result.known
        if result.problems:
            self.show_error(result.problems[0])
        elif result.folders and not result.waiting:
            folder = result.folders[0]
            self._status.show_message(
                self.tr("Added {path} to the list. New models: {count}. The files stay where they are.").format(
                    path=folder, count=len(added)
                ),
                "good",
                (self.tr("Undo"), lambda: self._forget_folder(folder)),
            )
        elif len(added) > 1:
            self._status.show_message(
                self.tr("Added {count} models. The files stay where they are.").format(count=len(added)), "good"
            )
        elif added:
            self._status.show_message(
                self.tr("Added {name}. The file stays where it is.").format(name=added[0].id), "good"
            )
        elif known:
            self._status.show_message(self.tr("{name} is already in the list.").format(name=known[0].id))
        if result.waiting:
            self._add_candidates(result.waiting)
        elif added or known:
            self.selection_requested.emit((*added, *known)[0].id)
        self._inventory.notify_library_changed()

    def _add_candidates(self, candidates: Sequence[ImportCandidate]) -> None:
        """List files that need a conversion or joining first, and offer to do that."""
        self._inventory.candidates |= {candidate_key(each): each for each in candidates}
        first = candidates[0]
        item = ModelItem(candidate_key(first), candidate=first)
        action: Action = "join" if first.action == "join" else "convert"
        if action == "join":
            text = self.tr("{name} is split into parts. Join them into one file.").format(name=first.name)
        else:
            text = self.tr("{name} must be converted before you can use it.").format(name=first.name)
        self._status.show_message(text, "warning", (action_text(action), lambda: self.run(action, item)))
        self._inventory.update()
        self.selection_requested.emit(item.key)

    def _remove(self, item: ModelItem) -> None:
        model = item.model
        if model is None:
            self._inventory.candidates.pop(item.key, None)
            self._inventory.update()
            return
        self._backend.library.remove(model.id)
        # A file that the engine would refuse could not be added again.
        undo = (self.tr("Undo"), lambda: self.add_paths([model.path])) if model.ready else None
        self._status.show_message(
            self.tr("Removed {name} from the list. The file stays where it is.").format(name=model.id),
            action=undo,
        )
        self._inventory.notify_library_changed()

    def _remove_folder(self, item: ModelItem) -> None:
        folder = item.model.folder if item.model else None
        assert folder is not None
        self._forget_folder(folder)
        self._status.show_message(
            self.tr("Removed {path} from the list. The files stay where they are.").format(path=folder),
            action=(self.tr("Undo"), lambda: self.add_paths([folder])),
        )

    def _forget_folder(self, folder: Path) -> None:
        self._backend.library.remove_folder(folder)
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
        size = size_text(removal.bytes)
        self._ask(
            self.tr("Delete {name}?").format(name=item.full_name),
            "\n".join(text for text in details if text),
            self.tr("Delete {size}").format(size=size) if removal.bytes else self.tr("Delete"),
            self.tr("Keep file"),
            lambda: self._delete(item, removal),
        )

    def _delete(self, item: ModelItem, removal: Removal) -> None:
        library = self._backend.library
        self._start(item, "delete", lambda _progress, _token: delete(removal, library))

    def _ask(self, question: str, details: str, yes: str, no: str, accepted: Callable[[], object]) -> None:
        accept = ("agreeButton", yes)
        title = self.tr("Models")
        ask(self._page, "modelQuestion", title, question, details, accept, no, accepted, is_destructive=True)


def _path(item: ModelItem) -> Path:
    assert item.path is not None
    return item.path
