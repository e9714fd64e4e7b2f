"""``apus-chat models`` actions that take long: download, verify, repair.  Each shows its progress; Ctrl+C stops it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.output import attributes, print_columns, print_json, print_result
from app.cli.progress import ProgressLine, stopped_by_interrupt
from app.downloads import ModelDownloads
from app.units import KIB, size_text
from model_manager.cancellation import CancelToken
from model_manager.download.download import download
from model_manager.download.partial_files import reopen_for_redownload
from model_manager.download.torrent import UPLOAD_BYTES_PER_S, check_magnet, download_magnet, is_magnet
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.access import Access
from model_manager.hub.resolver import find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts, sibling_parts
from model_manager.layout.origin import read_origin
from model_manager.library.library import LocalModel
from model_manager.library.verification import (
    Verification,
    find_expected,
    pieces_to_redownload,
    record_verification,
    verify_all,
    worst,
)
from model_manager.published import PublishedModel

_ENTRY_KEYS = ("id", "path", "bytes", "ready", "sha256", "verified_at", "quantisation", "name", "problem")


def entry(model: LocalModel) -> dict[str, Any]:
    """Return a model as in ``models list --json``."""
    published = model.published
    return {
        **attributes(model, *_ENTRY_KEYS),
        "published_id": published.model_id if published else None,
        "stacked": bool(published and published.stacked),
    }


def print_models(models: Sequence[LocalModel], value: object, as_json: bool) -> None:
    """Print ``value`` as JSON, or the models in columns."""
    print_result(as_json, value, [(each.id, size_text(each.bytes), str(each.path)) for each in models])


def download_model(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Download a model and print its entry.  Raises UserError and Cancelled; the data so far is kept."""
    model = _ready_model(downloads, arguments.id)
    if model is None:
        with _transfer(arguments.id, quiet=arguments.json) as transfer:
            if arguments.limit:
                transfer.limit_bytes_per_s = arguments.limit * KIB
            paths = _download(downloads, arguments, transfer)
        model = downloads.library.resolve(str(paths[0]))
    print_models([model], entry(model), arguments.json)


def _ready_model(downloads: ModelDownloads, model_id: str) -> LocalModel | None:
    try:
        model = downloads.library.resolve(model_id)
    except UserError:
        return None
    return model if model.ready else None


@contextmanager
def _transfer(model_id: str, *, quiet: bool = True) -> Iterator[Transfer]:
    """Show the progress of a download, which Ctrl+C stops."""
    with ProgressLine("download", quiet=quiet) as line:
        transfer = Transfer(model_id, line.show_status)
        with stopped_by_interrupt(transfer.token.cancel):
            yield transfer


@contextmanager
def _long_work(action: str) -> Iterator[tuple[ProgressLine, CancelToken]]:
    """Show the progress of work in a terminal; Ctrl+C cancels the token."""
    token = CancelToken()
    with ProgressLine(action, quiet=True) as line, stopped_by_interrupt(token.cancel):
        yield line, token


def _download(downloads: ModelDownloads, arguments: argparse.Namespace, transfer: Transfer) -> tuple[Path, ...]:
    def access() -> Access:
        return downloads.access(arguments.endpoint)

    if is_magnet(arguments.id):
        check_magnet(arguments.id)
        if not arguments.json:
            limit = UPLOAD_BYTES_PER_S // KIB
            sys.stderr.write(f"During the download, parts of the file are uploaded to others, up to {limit} KiB/s.\n")
        return download_magnet(arguments.id, downloads.folder(), access, transfer)
    published = find_published(arguments.id, access())
    return download(published, downloads.folder(), access, transfer, patience_s=arguments.patience)


def verify_model(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Compare a model with the published one; or download its damaged pieces again.

    Raises UserError ``file_not_published`` for another file, after the result was printed as JSON.
    """
    model = downloads.library.resolve(arguments.id)
    expected = _expected(downloads, arguments, model)
    results = _verify(downloads, model.path, expected)
    if arguments.mend and worst(results).matches is False:
        for damaged in [each for each in results if each.matches is False]:
            _redownload(downloads, damaged, arguments)
        results = _verify(downloads, model.path, expected)
    matches = worst(results).matches
    if arguments.json:
        print_json(_results(model, results))
    if matches is False:
        raise _not_published(worst(results))
    if matches and not arguments.json:
        print_columns([(str(each.path), f"is the published {each.published_id}") for each in results])
    elif not arguments.json:
        print_columns([(str(results[0].path), f"no published checksum known; SHA-256 {results[0].sha256}")])


def _expected(downloads: ModelDownloads, arguments: argparse.Namespace, model: LocalModel) -> PublishedModel | None:
    if arguments.against:
        return find_published(arguments.against, downloads.access(arguments.endpoint))
    try:
        return find_expected(model.path, lambda: downloads.access(arguments.endpoint))
    except UserError as error:
        # The file's hash is still useful.
        sys.stderr.write(f"Couldn't look up {model.path.name} ({error.code}).\n")
        return None


def _verify(downloads: ModelDownloads, path: Path, expected: PublishedModel | None) -> tuple[Verification, ...]:
    with _long_work("checking") as (line, token):
        results = verify_all(path, line.show, token, expected)
    for each in results:
        record_verification(each, downloads.library)
    return results


def _redownload(downloads: ModelDownloads, damaged: Verification, arguments: argparse.Namespace) -> None:
    pieces = pieces_to_redownload(damaged, read_origin(damaged.path))
    if pieces is None:
        raise _not_published(damaged)
    published = reopen_for_redownload(damaged.path, pieces)
    with _transfer(published.id) as transfer:
        download(published, damaged.path.parent, lambda: downloads.access(arguments.endpoint), transfer)


def _not_published(result: Verification) -> UserError:
    return UserError(
        "file_not_published",
        path=result.path,
        published=result.published_id,
        bytes=result.bytes,
        expected_bytes=result.expected_bytes or 0,
    )


def _results(model: LocalModel, results: Sequence[Verification]) -> dict[str, Any]:
    files = [
        {
            **attributes(each, "path", "matches", "bytes", "expected_bytes", "sha256"),
            "published_sha256": _published_sha256(each),
            "damaged_pieces": each.damaged_pieces if each.pieces_known else None,
        }
        for each in results
    ]
    return {
        **attributes(model, "id", "path"),
        **attributes(results[0], "published_id", "sha256"),
        "matches": worst(results).matches,
        "stacked": results[0].origin.stacked,
        "published_sha256": files[0]["published_sha256"],
        "published_changed": any(each.published_changed for each in results),
        "files": files,
    }


def _published_sha256(result: Verification) -> str | None:
    origin = result.origin
    return origin.published_sha256 or (result.sha256 if result.matches and not origin.stacked else None)


def repair_model(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Join raw parts, stack experts, and print the path of the loadable file.  Raises UserError and Cancelled."""
    path = _path_of(downloads, arguments.path)
    out = Path(arguments.out).expanduser() if arguments.out else None
    if out is not None and out.is_dir():
        out = out / path.name
    if part_of(path.name):
        with _long_work("joining") as (line, token):
            path = join_parts(sibling_parts(path) or (path,), line.show, token)
    with _long_work("repair") as (line, token):
        repaired = stack_experts(path, out, line.show, token)
    print_result(arguments.json, {"path": repaired}, [(str(repaired),)])


def _path_of(downloads: ModelDownloads, text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() or "/" in text or "\\" in text or text.lower().endswith(".gguf"):
        # Also for a missing file: an interrupted repair continues under its name.
        return path.absolute()
    return downloads.library.resolve(text).path
