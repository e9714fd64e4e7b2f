"""The deeds themselves, without a window: what is done in other threads when a person repairs, verifies, adds.

Each is a plain function of the library and of paths; progress and the wish to end are handed through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import is_file
from model_manager.download import reopen_for_mending
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import current_state, find_published
from model_manager.layout.convert import repair
from model_manager.layout.join import join_parts
from model_manager.layout.origin import read_origin
from model_manager.library.importer import ImportCandidate, look_at
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.quarantine import release_from_quarantine
from model_manager.library.redownload import mending, remember
from model_manager.library.verification import Verification, verify, verify_all
from model_manager.published import PublishedModel
from ui.models.workers import IsCancelled, OnProgress


@dataclass(frozen=True)
class TakenIn:
    """What became of files and folders that were dropped or chosen.

    ``added`` are new on the list, ``known`` were on it; ``waiting`` need something first; ``folders`` are watched now.
    """

    added: tuple[LocalModel, ...] = ()
    known: tuple[LocalModel, ...] = ()
    waiting: tuple[ImportCandidate, ...] = ()
    folders: tuple[Path, ...] = ()
    problems: tuple[UserError, ...] = ()


@dataclass(frozen=True)
class Verified:
    """What a verification found, the worst first; ``changed``: another file is published under that name now."""

    worst: Verification
    changed: bool


def take_in(library: ModelLibrary, paths: Sequence[Path]) -> TakenIn:
    """Add what can be added: files one by one, folders to be watched.  Raises ``UserError`` as the library does."""
    before = {each.id for each in library.list()}
    found: list[LocalModel] = []
    folders: list[Path] = []
    waiting: list[ImportCandidate] = []
    problems: list[UserError] = []
    for path in paths:
        candidates = look_at([path])
        waiting += [each for each in candidates if each.action in ("join", "repair")]
        whole = [each for each in candidates if each.action == "register"]
        hopeless = [each.problem for each in candidates if each.action is None and each.problem]
        if whole and path.is_dir():
            found += library.add_folder(path)
            folders.append(path)
        else:
            found += [library.register(each.paths[0], each.name) for each in whole]
            problems += hopeless
    by_id = {each.id: each for each in found}
    return TakenIn(
        added=tuple(each for each in by_id.values() if each.id not in before),
        known=tuple(each for each in by_id.values() if each.id in before),
        waiting=tuple({each.paths[0]: each for each in waiting}.values()),
        folders=tuple(folders),
        problems=tuple(problems),
    )


def repair_job(
    library: ModelLibrary, path: Path, out: Path | None, on_progress: OnProgress, cancelled: IsCancelled
) -> LocalModel:
    """Make a file loadable and put it on the list."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    return library.register(repair(path, out, on_progress, cancelled))


def join_job(
    library: ModelLibrary, paths: Sequence[Path], on_progress: OnProgress, cancelled: IsCancelled
) -> LocalModel | ImportCandidate:
    """Make one file of its parts and put it on the list, or tell what it needs before that."""
    (candidate,) = look_at([join_parts(paths, on_progress, cancelled)])
    if candidate.action == "register":
        return library.register(candidate.paths[0], candidate.name)
    if candidate.action is None and candidate.problem is not None:
        raise candidate.problem
    return candidate


def verify_job(
    library: ModelLibrary, path: Path, access: Callable[[], Access], on_progress: OnProgress, cancelled: IsCancelled
) -> Verified:
    """Hold a file against what was published, as far as anybody can be found who knows."""
    origin = read_origin(path)
    expected, changed = None, False
    try:
        if origin is not None:
            changed = current_state(origin, access()) == "changed"
        else:
            expected = _published_of(path, access)
    except UserError:
        # No hub can be asked: the file is hashed all the same.
        pass
    found = verify_all(path, on_progress, cancelled, expected)
    for each in found:
        remember(each, library, expected)
    order = {False: 0, None: 1, True: 2}
    return Verified(min(found, key=lambda each: order[each.matches]), changed)


def _published_of(path: Path, access: Callable[[], Access]) -> PublishedModel | None:
    """What the catalogue's repository publishes under the name that the file has."""
    entry = next((each for each in CATALOGUE if each.file_name == path.name and each.sha256 is None), None)
    return find_published(entry.id, access()) if entry is not None else None


def mend_job(verification: Verification) -> PublishedModel:
    """Let the damaged pieces of a file be missing; what is returned is to be downloaded then."""
    path = verification.path
    wanted = mending(verification, read_origin(path))
    if wanted is None:
        raise UserError("origin_unknown", path=path)
    return reopen_for_mending(path, wanted.pieces)


def mend_set_aside_job(path: Path, on_progress: OnProgress, cancelled: IsCancelled) -> PublishedModel | None:
    """The same for a file in quarantine; None where it turns out to be right after all."""
    if is_file(path.with_name(f"{path.name}.json")):
        # Its download put it there and knows which pieces it is sure of.
        return reopen_for_mending(path, None)
    origin = read_origin(path)
    if origin is None:
        raise UserError("origin_unknown", path=path)
    verification = verify(path, on_progress, cancelled)
    if verification.matches is not False:
        release_from_quarantine(path)
        return None
    wanted = mending(verification, origin)
    released = release_from_quarantine(path)
    return reopen_for_mending(released, wanted.pieces if wanted else None)
