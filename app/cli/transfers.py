"""``models download``, ``verify`` and ``repair``: work that takes a while, tells how far it is, and can be stopped."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from app.cli.interrupts import INTERRUPTED, stopped_by_interrupt
from app.cli.model_services import ModelServices
from app.cli.output import gibibytes, print_columns, print_json, to_plain
from app.cli.progress import ProgressLine
from model_manager.download import Control, download, reopen_for_mending
from model_manager.download.torrent import UPLOAD_BYTES_PER_S, check_magnet, download_magnet, is_magnet
from model_manager.download.torrent_published import compare_with_hub
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts, sibling_parts
from model_manager.layout.origin import read_origin
from model_manager.library.library import LocalModel
from model_manager.library.verification import (
    Verification,
    pieces_to_redownload,
    record_verification,
    verify_all,
)
from model_manager.published import PublishedModel

KIB = 1024
LOOK_S = 0.1

_Result = TypeVar("_Result")


def entry(model: LocalModel) -> dict[str, Any]:
    """A model as ``models list --json`` writes it."""
    keys = ("id", "path", "bytes", "ready", "sha256", "verified_at", "quantisation", "name", "problem")
    published = model.published
    return {
        **{key: to_plain(getattr(model, key)) for key in keys},
        "published_id": published.model_id if published else None,
        "stacked": bool(published and published.stacked),
    }


def download_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Fetch a model and print its entry.  Raises UserError; after Ctrl+C what is here stays, and 130 is returned."""
    model = _here_already(services, arguments.id)
    if model is None:
        control = Control()
        if arguments.limit:
            control.limit_bytes_per_s = arguments.limit * KIB
        paths = _followed(
            control, ProgressLine("download", quiet=arguments.json), lambda: _fetch(services, arguments, control)
        )
        if paths is None:
            return INTERRUPTED
        model = services.library.resolve(str(paths[0]))
    _print_entry(model, arguments.json)
    return 0


def _here_already(services: ModelServices, model_id: str) -> LocalModel | None:
    try:
        model = services.library.resolve(model_id)
    except UserError:
        return None
    return model if model.ready else None


def _fetch(services: ModelServices, arguments: argparse.Namespace, control: Control) -> tuple[Path, ...]:
    def access() -> Any:
        return services.access(arguments.endpoint)

    if is_magnet(arguments.id):
        check_magnet(arguments.id)
        if not arguments.json:
            limit = UPLOAD_BYTES_PER_S // KIB
            sys.stderr.write(f"While this runs, parts of it are uploaded to others, at most {limit} KiB/s.\n")
        paths = download_magnet(arguments.id, services.models_folder, control)
        compare_with_hub(paths, access())
        return paths
    published = find_published(arguments.id, access())
    return download(published, services.models_folder, access, control, patience_s=arguments.patience)


def _followed(control: Control, line: ProgressLine, work: Callable[[], _Result]) -> _Result | None:
    """Do the work in a thread of its own and show how far it is; None after Ctrl+C.  Raises what it raises."""
    results: list[_Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="transfer", daemon=True)
    with stopped_by_interrupt(control.stop) as interrupted:
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_S)
            line.show(control.progress)
        line.close()
    if results:
        return results[0]
    if interrupted and isinstance(raised[0], Cancelled):
        return None
    raise raised[0]


def verify_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Compare a model with what was published.

    Raises UserError ``file_not_published`` where it is another, after the facts were printed as JSON.  ``--mend``
    fetches what is damaged again first.
    """
    model = services.library.resolve(arguments.id)
    control = Control()
    with stopped_by_interrupt(control.stop):
        expected = _expected(services, arguments, model)
        found = _verified(services, model.path, control, expected)
        if _matches(found) is False and arguments.mend:
            _mend(services, found, control, arguments)
            found = _verified(services, model.path, control, expected)
    if arguments.json:
        print_json(_verification(model, found))
    matches = _matches(found)
    if matches is False:
        bad = next(each for each in found if each.matches is False)
        raise _not_published(bad)
    if not arguments.json:
        first = found[0]
        if matches:
            print_columns([(str(each.path), f"is the published {each.published_id}") for each in found])
        else:
            print_columns([(str(first.path), f"nobody here knows what was published; SHA-256 {first.sha256}")])
    return 0


def _expected(services: ModelServices, arguments: argparse.Namespace, model: LocalModel) -> PublishedModel | None:
    if arguments.against:
        return find_published(arguments.against, services.access(arguments.endpoint))
    known = next((each for each in CATALOGUE if each.file_name == model.path.name and each.sha256 is None), None)
    origin = read_origin(model.path)
    if known is None or (origin is not None and origin.has_hashes):
        return None
    try:
        return find_published(known.id, services.access(arguments.endpoint))
    except UserError as error:
        # The hash is still worth having.
        sys.stderr.write(f"{known.id} could not be looked up ({error.code}).\n")
        return None


def _verified(
    services: ModelServices,
    path: Path,
    control: Control,
    expected: PublishedModel | None,
) -> tuple[Verification, ...]:
    line = ProgressLine("checking", quiet=True)
    try:
        found = verify_all(path, line.count, control.token, expected)
    finally:
        line.close()
    for each in found:
        record_verification(each, services.library, expected)
    return found


def _mend(
    services: ModelServices, found: Sequence[Verification], control: Control, arguments: argparse.Namespace
) -> None:
    for each in found:
        pieces = pieces_to_redownload(each, read_origin(each.path))
        if pieces is None:
            if each.matches is False:
                raise _not_published(each)
            continue
        published = reopen_for_mending(each.path, pieces)
        line = ProgressLine("download", quiet=True)
        folder = each.path.parent

        def fetch(published: PublishedModel = published, folder: Path = folder) -> tuple[Path, ...]:
            return download(published, folder, lambda: services.access(arguments.endpoint), control)

        if _followed(control, line, fetch) is None:
            raise Cancelled


def _matches(found: Sequence[Verification]) -> bool | None:
    answers = {each.matches for each in found}
    return False if False in answers else None if None in answers else True


def _not_published(found: Verification) -> UserError:
    return UserError(
        "file_not_published",
        path=found.path,
        published=found.published_id,
        bytes=found.bytes,
        expected_bytes=found.expected_bytes or 0,
    )


def _verification(model: LocalModel, found: Sequence[Verification]) -> dict[str, Any]:
    first = found[0]
    return {
        "id": model.id,
        "path": str(model.path),
        "matches": _matches(found),
        "published_id": first.published_id,
        "sha256": first.sha256,
        "published_sha256": _published_sha256(first),
        "stacked": first.stacked,
        "published_changed": any(each.published_changed for each in found),
        "files": [
            {
                "path": str(each.path),
                "matches": each.matches,
                "bytes": each.bytes,
                "expected_bytes": each.expected_bytes,
                "sha256": each.sha256,
                "published_sha256": _published_sha256(each),
                "damaged_pieces": list(each.damaged_pieces) if each.pieces_known else None,
            }
            for each in found
        ],
    }


def _published_sha256(found: Verification) -> str | None:
    return found.published_sha256 or (found.sha256 if found.matches and not found.stacked else None)


def repair_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Make a file loadable and print its path: join raw parts, stack experts.  Raises UserError and Cancelled."""
    path = _path_of(services, arguments.path)
    out = Path(arguments.out).expanduser() if arguments.out else None
    if out is not None and out.is_dir():
        out = out / path.name
    control = Control()
    line = ProgressLine("repair", quiet=True)
    with stopped_by_interrupt(control.stop):
        try:
            if part_of(path.name):
                joining = ProgressLine("joining", quiet=True)
                path = join_parts(sibling_parts(path) or (path,), joining.count, control.token)
                joining.close()
            done = stack_experts(path, out, line.count, control.token)
        finally:
            line.close()
    if arguments.json:
        print_json({"path": done})
    else:
        sys.stdout.write(f"{done}\n")
    return 0


def _path_of(services: ModelServices, text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() or "/" in text or "\\" in text or text.lower().endswith(".gguf"):
        # Also a name that is not there at the moment: a repair that was interrupted goes on under the file's own.
        return path.absolute()
    return services.library.resolve(text).path


def _print_entry(model: LocalModel, as_json: bool) -> None:
    if as_json:
        print_json(entry(model))
    else:
        print_columns([(model.id, gibibytes(model.bytes), str(model.path))])
