"""``apus-chat models``: list, search, show, import, download, verify, repair and remove (``recommend``: ``plan``).

Long actions show their progress; Ctrl+C stops them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.output import attributes, print_columns, print_json, print_result
from app.cli.progress import ProgressLine, cancel_on_interrupt
from app.downloads import ModelDownloads
from app.messages import sentence
from app.units import KIB, size_text
from model_manager.cancellation import CancelToken
from model_manager.download.download import download
from model_manager.download.partial_files import discard, partial_bytes, reopen_for_redownload, unfinished
from model_manager.download.torrent import (
    UPLOAD_BYTES_PER_S,
    check_magnet,
    discard_magnet,
    download_magnet,
    is_magnet,
    magnet_bytes,
)
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.gguf.shards import read_model
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE, find_entry
from model_manager.hub.client import HubClient
from model_manager.hub.listing import published_models
from model_manager.hub.resolver import fetch_repository, find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts, sibling_parts
from model_manager.layout.origin import read_origin
from model_manager.library.library import LocalModel
from model_manager.library.removal import delete, removal_of
from model_manager.library.scan import ImportCandidate, inspect_paths
from model_manager.library.verification import (
    Verification,
    find_expected,
    pieces_to_redownload,
    record_verification,
    verify_all,
    worst_verification,
)
from model_manager.published import PublishedModel, Repository

_NOT_LOCAL = ("model_unknown", "model_not_downloaded", "starter_missing")
"""Errors of the library for an id that a hub may know."""
_ENTRY_KEYS = ("id", "path", "bytes", "ready", "sha256", "verified_at", "quantisation", "name", "problem", "embeds")


def run(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Run a ``models`` action.  Raises ``UserError`` and ``Cancelled`` as ``model_manager``."""
    actions = {
        "list": _list,
        "search": _search,
        "show": _show,
        "download": download_model,
        "import": _import,
        "verify": verify_model,
        "repair": repair_model,
        "remove": _remove,
    }
    actions[arguments.action](downloads, arguments)


def _list(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    models = downloads.library.list()
    rows = [
        (each.id, size_text(each.bytes), each.quantisation or "", each.problem or "", str(each.path)) for each in models
    ]
    print_result(arguments.json, [entry(each) for each in models], rows)


def _search(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    words = arguments.text.casefold().split()
    known = dict.fromkeys(
        entry.repository
        for entry in CATALOGUE
        if words and all(word in f"{entry.id} {entry.name} {entry.repository}".casefold() for word in words)
    )
    found = HubClient(downloads.access(arguments.endpoint)).search(arguments.text)
    if arguments.json:
        listed = {each.id for each in found}
        keys = ("id", "downloads", "updated_at", "licence", "gated")
        extra = [{"id": repository} for repository in known if repository not in listed]
        print_json([*extra, *(attributes(each, *keys) for each in found)])
        return
    print_columns([(each.id, each.name, size_text(each.bytes)) for each in CATALOGUE if each.repository in known])
    print_columns([(each.id, each.licence or "", "gated" if each.gated else "") for each in found])


def _show(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    try:
        model = downloads.library.resolve(arguments.id)
    except UserError as error:
        if not _may_be_on_a_hub(arguments.id, error):
            raise
        _show_published(downloads, arguments)
        return
    headers = read_model(model.path)
    metadata = {**entry(model), **_header_metadata(headers)}
    if arguments.json:
        print_json(metadata)
        return
    template = metadata.pop("chat_template")
    metadata["chat_template"] = f"{len(template)} characters (--json shows it)" if template else None
    _print_attributes({**metadata, "bytes": size_text(model.bytes)})


def _may_be_on_a_hub(text: str, error: UserError) -> bool:
    if error.code in _NOT_LOCAL:
        return find_entry(text) is not None or "/" in text
    return error.code == "file_missing" and text.count("/") == 1 and not text.startswith((".", "~", "/"))


def _header_metadata(headers: Sequence[GgufHeader]) -> dict[str, Any]:
    header = headers[0]
    types: dict[str, int] = {}
    for each in headers:
        for tensor in each.tensors:
            types[tensor.type] = types.get(tensor.type, 0) + 1
    legacy = any(each.experts_in_separate_tensors for each in headers)

    def number(name: str) -> object:
        return header.metadata.get(f"{header.architecture}.{name}")

    return {
        "architecture": header.architecture,
        "layers": header.block_count,
        "experts": header.expert_count,
        "experts_used": number("expert_used_count"),
        "context": header.context_length,
        "embedding": number("embedding_length"),
        "heads": number("attention.head_count"),
        "kv_heads": number("attention.head_count_kv"),
        "parameters": sum(each.parameter_count for each in headers),
        "tensors": sum(len(each.tensors) for each in headers),
        "tensor_types": types,
        "layout": "legacy" if legacy else "stacked" if header.expert_count else "dense",
        "licence": header.text("general.license"),
        "chat_template": header.chat_template,
        "files": [each.path for each in headers],
    }


def _show_published(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    access = downloads.access(arguments.endpoint)
    if find_entry(arguments.id) is None and ":" not in arguments.id:
        repository = fetch_repository(arguments.id, access)
        metadata, models = _repository(repository), published_models(repository)
        if arguments.json:
            print_json({**metadata, "models": [_published(each) for each in models]})
            return
        _print_attributes(metadata)
        print_columns([(each.id, each.quantisation or "", size_text(each.bytes)) for each in models])
        return
    published = find_published(arguments.id, access)
    metadata = {**_repository(fetch_repository(published.repository, access)), **_published(published)}
    if arguments.json:
        print_json(metadata)
        return
    del metadata["files"]
    _print_attributes({**metadata, "bytes": size_text(published.bytes)})
    print_columns([(each.name, size_text(each.bytes), each.sha256 or "no checksum") for each in published.files])


def _repository(repository: Repository) -> dict[str, Any]:
    updated_at = repository.updated_at.isoformat() if repository.updated_at else None
    keys = ("id", "commit", "licence", "gated", "downloads")
    return {**attributes(repository, *keys), "repository": repository.id, "updated_at": updated_at}


def _published(model: PublishedModel) -> dict[str, Any]:
    return attributes(model, "id", "quantisation", "bytes", "kind", "file_name", "checksums_from", "files")


def _print_attributes(values: dict[str, Any]) -> None:
    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{count} x {name}" for name, count in value.items())
        elif isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        if value not in (None, "", False):
            rows.append((key.replace("_", " "), "yes" if value is True else str(value)))
    print_columns(rows)


def _import(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    path = Path(arguments.path).expanduser()
    added: list[LocalModel] = []
    problems: list[UserError] = []
    for each in inspect_paths([path]):
        if each.action == "register":
            added.append(downloads.library.register(each.paths[0], each.name if path.is_dir() else None))
        else:
            problems.append(_problem(each))
    if not added:
        raise problems[0]
    entries = [entry(each) for each in added]
    print_models(added, entries if path.is_dir() else entries[0], arguments.json)
    for problem in problems:
        sys.stderr.write(f"left out: {sentence(problem)}\n")


def _problem(candidate: ImportCandidate) -> UserError:
    if candidate.action == "join":
        return UserError("parts_to_be_joined", path=candidate.paths[0], count=len(candidate.paths))
    return candidate.problem or UserError("not_gguf", path=candidate.paths[0])


def _remove(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    if not arguments.delete:
        try:
            downloads.library.remove(arguments.id)
        except UserError as error:
            model = downloads.library.resolve(arguments.id) if error.code == "model_in_folder" else None
            if model is None or not model.in_models_folder:
                raise
            # A file in the models folder can't be unregistered: the next scan would find it again.
            raise UserError("deletion_unconfirmed", path=model.path, bytes=model.bytes) from error
        print_result(arguments.json, {"id": arguments.id, "deleted": [], "bytes": 0}, [])
        return
    if (freed := _remove_unfinished(downloads, arguments)) is not None:
        deleted: list[Path] = []
    else:
        removal = removal_of(downloads.library.resolve(arguments.id))
        _confirm(arguments, removal.path or Path(arguments.id), removal.bytes)
        delete(removal, downloads.library)
        deleted, freed = list(removal.paths), removal.bytes
    value = {"id": arguments.id, "deleted": deleted, "bytes": freed}
    print_result(arguments.json, value, [(f"{size_text(freed)} freed",)])


def _remove_unfinished(downloads: ModelDownloads, arguments: argparse.Namespace) -> int | None:
    """Discard an unfinished download, and return its size in bytes; None without one of this id."""
    folder = downloads.folder()
    published = next((each for each in unfinished(folder) if each.id == arguments.id), None)
    if published is not None:
        freed = partial_bytes(published, folder)
        _confirm(arguments, folder / published.file_name, freed)
        discard(published, folder)
        return freed
    if is_magnet(arguments.id) and (freed := magnet_bytes(arguments.id, folder)):
        _confirm(arguments, folder, freed)
        discard_magnet(arguments.id, folder)
        return freed
    return None


def _confirm(arguments: argparse.Namespace, path: Path, n_bytes: int) -> None:
    if arguments.yes:
        return
    error = UserError("deletion_unconfirmed", path=path, bytes=n_bytes)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise error
    sys.stderr.write(f"Delete {path} ({size_text(n_bytes)}) permanently? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise error


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
        with cancel_on_interrupt(transfer.token.cancel):
            yield transfer


@contextmanager
def _long_work(action: str) -> Iterator[tuple[ProgressLine, CancelToken]]:
    """Show the progress of work in a terminal; Ctrl+C cancels the token."""
    token = CancelToken()
    with ProgressLine(action, quiet=True) as line, cancel_on_interrupt(token.cancel):
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
    if arguments.redownload and worst_verification(results).matches is False:
        for damaged in [each for each in results if each.matches is False]:
            _redownload(downloads, damaged, arguments)
        results = _verify(downloads, model.path, expected)
    matches = worst_verification(results).matches
    if arguments.json:
        print_json(_results(model, results))
    if matches is False:
        raise _not_published(worst_verification(results))
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
        "matches": worst_verification(results).matches,
        "stacked": results[0].origin.stacked,
        "published_sha256": files[0]["published_sha256"],
        "published_changed": any(each.published_changed for each in results),
        "files": files,
    }


def _published_sha256(result: Verification) -> str | None:
    origin = result.origin
    return origin.published_sha256 or (result.sha256 if result.matches and not origin.stacked else None)


def repair_model(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Join split parts, stack experts, and print the path of the loadable file.  Raises UserError and Cancelled."""
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
