"""``apus-chat models`` actions that take long: download, verify, repair.  Each shows its progress; Ctrl+C stops it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli.interrupts import stopped_by_interrupt
from app.cli.model_services import ModelServices
from app.cli.output import print_columns, print_json, to_plain
from app.cli.progress import ProgressLine
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


def entry(model: LocalModel) -> dict[str, Any]:
    """Return a model as in ``models list --json``."""
    keys = ("id", "path", "bytes", "ready", "sha256", "verified_at", "quantisation", "name", "problem")
    published = model.published
    return {
        **{key: to_plain(getattr(model, key)) for key in keys},
        "published_id": published.model_id if published else None,
        "stacked": bool(published and published.stacked),
    }


def download_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Download a model and print its entry.  Raises UserError and Cancelled; the data so far is kept."""
    model = _ready_model(services, arguments.id)
    if model is None:
        with ProgressLine("download", quiet=arguments.json) as line:
            transfer = Transfer(arguments.id, line.show_status)
            if arguments.limit:
                transfer.limit_bytes_per_s = arguments.limit * KIB
            with stopped_by_interrupt(transfer.token.cancel):
                paths = _download(services, arguments, transfer)
        model = services.library.resolve(str(paths[0]))
    if arguments.json:
        print_json(entry(model))
    else:
        print_columns([(model.id, size_text(model.bytes), str(model.path))])
    return 0


def _ready_model(services: ModelServices, model_id: str) -> LocalModel | None:
    try:
        model = services.library.resolve(model_id)
    except UserError:
        return None
    return model if model.ready else None


def _download(services: ModelServices, arguments: argparse.Namespace, transfer: Transfer) -> tuple[Path, ...]:
    def access() -> Access:
        return services.access(arguments.endpoint)

    if is_magnet(arguments.id):
        check_magnet(arguments.id)
        if not arguments.json:
            limit = UPLOAD_BYTES_PER_S // KIB
            sys.stderr.write(f"During the download, parts of the file are uploaded to others, up to {limit} KiB/s.\n")
        return download_magnet(arguments.id, services.models_folder, access, transfer)
    published = find_published(arguments.id, access())
    return download(published, services.models_folder, access, transfer, patience_s=arguments.patience)


def verify_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Compare a model with the published one; or download its damaged pieces again.

    Raises UserError ``file_not_published`` for another file, after the result was printed as JSON.
    """
    model = services.library.resolve(arguments.id)
    token = CancelToken()
    with stopped_by_interrupt(token.cancel):
        expected = _expected(services, arguments, model)
        results = _verify(services, model.path, token, expected)
        if worst(results).matches is False and arguments.mend:
            for damaged in [each for each in results if each.matches is False]:
                _redownload(services, damaged, token, arguments)
            results = _verify(services, model.path, token, expected)
    if arguments.json:
        print_json(_results(model, results))
    if worst(results).matches is False:
        raise _not_published(worst(results))
    if not arguments.json:
        if worst(results).matches:
            print_columns([(str(each.path), f"is the published {each.published_id}") for each in results])
        else:
            print_columns([(str(results[0].path), f"no published checksum known; SHA-256 {results[0].sha256}")])
    return 0


def _expected(services: ModelServices, arguments: argparse.Namespace, model: LocalModel) -> PublishedModel | None:
    if arguments.against:
        return find_published(arguments.against, services.access(arguments.endpoint))
    try:
        return find_expected(model.path, lambda: services.access(arguments.endpoint))
    except UserError as error:
        # The file's hash is still useful.
        sys.stderr.write(f"Couldn't look up {model.path.name} ({error.code}).\n")
        return None


def _verify(
    services: ModelServices, path: Path, token: CancelToken, expected: PublishedModel | None
) -> tuple[Verification, ...]:
    with ProgressLine("checking", quiet=True) as line:
        results = verify_all(path, line.show, token, expected)
    for each in results:
        record_verification(each, services.library)
    return results


def _redownload(
    services: ModelServices, damaged: Verification, token: CancelToken, arguments: argparse.Namespace
) -> None:
    pieces = pieces_to_redownload(damaged, read_origin(damaged.path))
    if pieces is None:
        raise _not_published(damaged)
    published = reopen_for_redownload(damaged.path, pieces)
    with ProgressLine("download", quiet=True) as line:
        transfer = Transfer(published.id, line.show_status)
        with token.on_cancel(transfer.token.cancel):
            download(published, damaged.path.parent, lambda: services.access(arguments.endpoint), transfer)


def _not_published(result: Verification) -> UserError:
    return UserError(
        "file_not_published",
        path=result.path,
        published=result.published_id,
        bytes=result.bytes,
        expected_bytes=result.expected_bytes or 0,
    )


def _results(model: LocalModel, results: Sequence[Verification]) -> dict[str, Any]:
    first = results[0]
    return {
        "id": model.id,
        "path": str(model.path),
        "matches": worst(results).matches,
        "published_id": first.published_id,
        "sha256": first.sha256,
        "published_sha256": _published_sha256(first),
        "stacked": first.origin.stacked,
        "published_changed": any(each.published_changed for each in results),
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
            for each in results
        ],
    }


def _published_sha256(result: Verification) -> str | None:
    origin = result.origin
    return origin.published_sha256 or (result.sha256 if result.matches and not origin.stacked else None)


def repair_model(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Join raw parts, stack experts, and print the path of the loadable file.  Raises UserError and Cancelled."""
    path = _path_of(services, arguments.path)
    out = Path(arguments.out).expanduser() if arguments.out else None
    if out is not None and out.is_dir():
        out = out / path.name
    token = CancelToken()
    with stopped_by_interrupt(token.cancel):
        if part_of(path.name):
            with ProgressLine("joining", quiet=True) as line:
                path = join_parts(sibling_parts(path) or (path,), line.show, token)
        with ProgressLine("repair", quiet=True) as line:
            repaired = stack_experts(path, out, line.show, token)
    if arguments.json:
        print_json({"path": repaired})
    else:
        sys.stdout.write(f"{repaired}\n")
    return 0


def _path_of(services: ModelServices, text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() or "/" in text or "\\" in text or text.lower().endswith(".gguf"):
        # Also for a missing file: an interrupted repair continues under its name.
        return path.absolute()
    return services.library.resolve(text).path
