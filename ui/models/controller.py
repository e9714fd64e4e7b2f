"""Does what is asked about a model: tells the queue, starts work, asks before anything is deleted, says how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from model_manager.errors import UserError
from model_manager.library.importer import ImportCandidate
from model_manager.library.library import LocalModel
from model_manager.library.quarantine import quarantine, release_from_quarantine
from model_manager.library.removal import Removal, delete, removal_of, removal_of_quarantined
from model_manager.published import PublishedModel
from ui.models.actions import Action, action_text
from ui.models.backend import ModelBackend
from ui.models.entries import Entry, candidate_key, entry_of_candidate
from ui.models.jobs import TakenIn, Verified, join_job, mend_job, mend_set_aside_job, repair_job, take_in, verify_job
from ui.models.metadata import repository_of
from ui.models.state import ModelState
from ui.models.workers import Job, ModelWorks, Outcome, Work, WorkKind
from ui.widgets.dialog_parts import StatusLine, open_folder
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.model_strings import size_text

ASK_FROM_BYTES = 1 << 20
"""What was fetched of a download is deleted without a question when it is less."""


class ModelDeeds(QObject):
    """Everything that the models page can do.  Belongs to the page whose ``status`` says how it went."""

    chosen = Signal(str)
    """The id of the model to use from now on."""
    wanted = Signal(str)
    """The key of the row to go to."""
    plan_requested = Signal(str, str)
    """The id and the name of the model whose plan is to be shown."""

    def __init__(
        self, backend: ModelBackend, works: ModelWorks, state: ModelState, status: StatusLine, page: QWidget
    ) -> None:
        super().__init__(page)
        self._backend = backend
        self._works = works
        self._state = state
        self._status = status
        self._page = page
        self._then: Callable[[], None] | None = None
        works.ended.connect(self._ended)

    def do(self, action: Action, entry: Entry) -> None:
        """Do it, or ask first."""
        try:
            self._do(action, entry)
        except UserError as error:
            self.fail(error)

    def fail(self, error: UserError) -> None:
        """Say what went wrong."""
        self._status.show_message(lambda: error_text(error), "bad")

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Look at files and folders, in the background, and add what can be added."""
        library, wanted = self._backend.library, tuple(paths)
        if not wanted:
            return
        names = ", ".join(path.name for path in wanted)
        self._status.show_message(lambda: self.tr("Checking {name}…").format(name=names))
        run_job(self, lambda: take_in(library, wanted), self._taken_in, self.fail)

    def add_path(self, path: Path) -> None:
        """The same for one."""
        self.add_paths([path])

    # One after the other

    def _do(self, action: Action, entry: Entry) -> None:
        manager = self._backend.manager
        if action in ("download", "resume", "retry"):
            self._fetch(action, entry)
        elif action == "pause":
            manager.pause(entry.key)
        elif action == "move_up":
            manager.move_up(entry.key)
        elif action == "cancel":
            self._cancel(entry)
        elif action == "use":
            assert entry.model is not None
            self.chosen.emit(entry.model.id)
        elif action == "stop":
            self._works.stop(entry.key)
        elif action in ("repair", "repair_copy"):
            self._repair(entry, as_copy=action == "repair_copy")
        elif action == "join":
            self._join(entry)
        elif action == "plan":
            self.plan_requested.emit(entry.key, entry.full_name)
        elif action == "verify":
            self._verify(entry)
        elif action == "mend":
            self._mend(entry)
        else:
            self._do_to_file(action, entry)

    def _do_to_file(self, action: Action, entry: Entry) -> None:
        path, library = entry.path, self._backend.library
        if action == "open_page":
            QDesktopServices.openUrl(QUrl(self._backend.page_of(repository_of(entry))))
            return
        assert path is not None
        if action == "copy_path":
            QGuiApplication.clipboard().setText(str(path))
            self._status.show_message(lambda: self.tr("Path copied to the clipboard."))
        elif action == "show_in_folder":
            open_folder(path.parent)
        elif action == "set_aside":
            self._rename(lambda: quarantine(path, library))
        elif action == "release":
            self._rename(lambda: release_from_quarantine(path))
        elif action == "remove":
            self._remove(entry)
        elif action == "remove_folder":
            self._remove_folder(entry)
        elif action == "delete":
            self._ask_to_delete(entry)

    def _rename(self, job: Callable[[], Path]) -> None:
        run_job(self, job, lambda _path: self._state.tell_library_changed(), self.fail)

    # Downloads

    def _fetch(self, action: Action, entry: Entry) -> None:
        if action != "download":
            self._backend.manager.resume(entry.key)
            return
        self._status.clear()
        # The home model's own repository tells of it too: it stays the catalogue's.
        published = replace(entry.published, id=entry.key) if entry.published else None
        self._backend.manager.add(entry.key, published)

    def _cancel(self, entry: Entry) -> None:
        n_bytes = entry.download.bytes_done if entry.download else 0
        if n_bytes < ASK_FROM_BYTES:
            self._cancel_now(entry.key)
            return
        self._ask(
            self.tr("Cancel the download of {name}?").format(name=entry.full_name),
            self.tr("This deletes the {size} already downloaded. To keep it, pause the download instead.").format(
                size=size_text(n_bytes)
            ),
            self.tr("Cancel and delete {size}").format(size=size_text(n_bytes)),
            self.tr("Keep download"),
            lambda: self._cancel_now(entry.key),
        )

    def _cancel_now(self, key: str) -> None:
        manager = self._backend.manager
        # Deleting tens of gibibytes takes some disks a moment.
        run_job(self, lambda: manager.cancel(key), lambda _: self._state.renew(), self.fail)

    # Work on files

    def _start(
        self, entry: Entry, kind: WorkKind, path: Path, job: Job, candidate: ImportCandidate | None = None
    ) -> None:
        if self._works.start(Work(entry.key, kind, entry.title, path, candidate=candidate), job):
            self._status.clear()

    def _repair(self, entry: Entry, *, as_copy: bool) -> None:
        path, library = entry.path, self._backend.library
        assert path is not None
        out = self._backend.folder() / path.name if as_copy or entry.is_foreign else None
        self._start(
            entry, "repair", path, lambda moved, ended: repair_job(library, path, out, moved, ended), entry.candidate
        )

    def _join(self, entry: Entry) -> None:
        library, candidate = self._backend.library, entry.candidate
        assert candidate is not None
        self._start(
            entry,
            "join",
            candidate.paths[0],
            lambda moved, ended: join_job(library, candidate.paths, moved, ended),
            candidate,
        )

    def _verify(self, entry: Entry) -> None:
        path, library, access = entry.path, self._backend.library, self._backend.access
        assert path is not None
        self._start(entry, "verify", path, lambda moved, ended: verify_job(library, path, access, moved, ended))

    def _mend(self, entry: Entry) -> None:
        path, verification = entry.path, entry.verification
        assert path is not None
        if entry.set_aside is not None:
            self._start(entry, "mend", path, lambda moved, ended: mend_set_aside_job(path, moved, ended))
        elif verification is not None:
            self._start(entry, "mend", path, lambda _moved, _ended: mend_job(verification))

    def _ended(self, outcome: Outcome) -> None:
        work, result = outcome.work, outcome.result
        if outcome.error is not None:
            self.fail(outcome.error)
        elif isinstance(result, LocalModel):
            name = result.name or result.id
            self._status.show_message(lambda: self.tr("{name} is ready to use.").format(name=name), "good")
            self._state.candidates.pop(work.key, None)
            self.wanted.emit(result.id)
        elif isinstance(result, ImportCandidate):
            self._state.candidates.pop(work.key, None)
            self._wait_for([result])
        elif isinstance(result, Verified):
            self._verified(work.key, result)
        elif isinstance(result, PublishedModel):
            self._state.verifications.pop(work.key, None)
            self._backend.manager.add(result.id, result)
            self.wanted.emit(result.id)
        elif work.kind == "delete" and not outcome.stopped:
            self._backend.manager.forget(work.key)
        self._state.tell_library_changed()

    def _verified(self, key: str, verified: Verified) -> None:
        worst = verified.worst
        self._state.verifications.pop(key, None)
        if worst.matches is False:
            self._state.verifications[key] = worst
            self._status.show_message(
                lambda: self.tr("{file} doesn't match the published file.").format(file=worst.path.name), "bad"
            )
        elif worst.matches and verified.changed:
            self._status.show_message(
                lambda: self.tr(
                    "{file} is intact and matches the file that was published when you downloaded it. A different "
                    "file has since been published under that name."
                ).format(file=worst.path.name),
                "warning",
            )
        elif worst.matches:
            self._status.show_message(
                lambda: self.tr("{file} matches the published file exactly.").format(file=worst.path.name), "good"
            )
        else:
            self._status.show_message(
                lambda: self.tr(
                    "{file} was read completely, but there is no published checksum to compare it with."
                ).format(file=worst.path.name)
            )

    # The list

    def _taken_in(self, taken: TakenIn) -> None:
        added, known = taken.added, taken.known
        if taken.problems:
            self.fail(taken.problems[0])
        elif taken.folders and not taken.waiting:
            folder, count = taken.folders[0], len(added)
            self._status.show_message(
                lambda: self.tr("Added {path} to the list. New models: {count}. The files stay where they are.").format(
                    path=folder, count=count
                ),
                "good",
                (lambda: self.tr("Undo"), lambda: self._forget_folder(folder)),
            )
        elif len(added) > 1:
            self._status.show_message(
                lambda: self.tr("Added {count} models. The files stay where they are.").format(count=len(added)), "good"
            )
        elif added:
            self._status.show_message(
                lambda: self.tr("Added {name}. The file stays where it is.").format(name=added[0].id), "good"
            )
        elif known:
            self._status.show_message(lambda: self.tr("{name} is already in the list.").format(name=known[0].id))
        if taken.waiting:
            self._wait_for(taken.waiting)
        elif added or known:
            self.wanted.emit((*added, *known)[0].id)
        self._state.tell_library_changed()

    def _wait_for(self, candidates: Sequence[ImportCandidate]) -> None:
        """Put files on the list that need something first, and offer to do it."""
        for each in candidates:
            self._state.candidates[candidate_key(each)] = each
        first = candidates[0]
        entry = entry_of_candidate(first)
        do: Action = "join" if first.action == "join" else "repair"

        def words() -> str:
            if do == "join":
                return self.tr("{name} is split into parts. Join them into one file.").format(name=first.name)
            return self.tr("{name} must be converted before you can use it.").format(name=first.name)

        self._status.show_message(words, "warning", (lambda: action_text(do), lambda: self.do(do, entry)))
        self._state.renew()
        self.wanted.emit(entry.key)

    def _remove(self, entry: Entry) -> None:
        if entry.model is None:
            self._state.candidates.pop(entry.key, None)
            self._state.renew()
            return
        model = entry.model
        self._backend.library.remove(model.id)
        # A file that the engine would refuse could not be put back on the list.
        undo = (lambda: self.tr("Undo"), lambda: self.add_path(model.path)) if model.ready else None
        self._status.show_message(
            lambda: self.tr("Removed {name} from the list. The file stays where it is.").format(name=model.id),
            action=undo,
        )
        self._state.tell_library_changed()

    def _remove_folder(self, entry: Entry) -> None:
        folder = entry.model.folder if entry.model else None
        assert folder is not None
        self._backend.library.remove_folder(folder)
        self._status.show_message(
            lambda: self.tr("Removed {path} from the list. The files stay where they are.").format(path=folder),
            action=(lambda: self.tr("Undo"), lambda: self.add_path(folder)),
        )
        self._state.tell_library_changed()

    def _forget_folder(self, folder: Path) -> None:
        self._backend.library.remove_folder(folder)
        self._status.clear()
        self._state.tell_library_changed()

    def _ask_to_delete(self, entry: Entry) -> None:
        removal = removal_of_quarantined(entry.set_aside) if entry.set_aside else None
        if removal is None:
            assert entry.model is not None
            removal = removal_of(entry.model)
        what = [self.tr("This can't be undone."), str(removal.path) if removal.paths else ""]
        if entry.in_use:
            what.insert(0, self.tr("This model is in use."))
        elif removal.elsewhere:
            what.insert(0, self.tr("To keep the file, remove it from the list instead."))
        size = size_text(removal.bytes)
        self._ask(
            self.tr("Delete {name}?").format(name=entry.full_name),
            "\n".join(each for each in what if each),
            self.tr("Delete {size}").format(size=size) if removal.bytes else self.tr("Delete"),
            self.tr("Keep file"),
            lambda: self._delete(entry, removal),
        )

    def _delete(self, entry: Entry, removal: Removal) -> None:
        library, path = self._backend.library, entry.path
        assert path is not None
        self._start(entry, "delete", path, lambda _moved, _ended: delete(removal, library))

    # Questions

    def _ask(self, question: str, more: str, yes: str, no: str, then: Callable[[], None]) -> None:
        box = QMessageBox(self._page)
        box.setObjectName("modelQuestion")
        box.setWindowTitle(self.tr("Models"))
        box.setAccessibleName(question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(question)
        box.setInformativeText(more)
        agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        agree.setObjectName("agreeButton")
        agree.setProperty("danger", True)
        # It was polished when it was added, before it was dangerous.
        agree.style().unpolish(agree)
        agree.style().polish(agree)
        keep = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._then = then
        box.buttonClicked.connect(self._answered)
        box.open()

    def _answered(self, pressed: QWidget) -> None:
        then, self._then = self._then, None
        if then is not None and pressed.objectName() == "agreeButton":
            then()
