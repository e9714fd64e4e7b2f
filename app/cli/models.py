"""``apus-chat models``: list, search, show, import and remove.  Downloads and conversions are in ``transfers``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli import transfers
from app.cli.output import attributes, print_columns, print_json, print_result
from app.downloads import ModelDownloads
from app.messages import sentence
from app.units import size_text
from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.download.torrent import discard_magnet, is_magnet, magnet_bytes
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import CATALOGUE, find_entry
from model_manager.hub.client import HubClient
from model_manager.hub.listing import published_models
from model_manager.hub.resolver import fetch_repository, find_published
from model_manager.library.library import LocalModel
from model_manager.library.removal import delete, removal_of
from model_manager.library.scan import ImportCandidate, inspect_paths
from model_manager.published import PublishedModel, Repository

_NOT_LOCAL = ("model_unknown", "model_not_downloaded", "starter_missing")
"""Errors of the library for an id that a hub may know."""


def run(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    """Run a ``models`` action.  Raises ``UserError`` and ``Cancelled`` as ``model_manager``."""
    actions = {
        "list": _list,
        "search": _search,
        "show": _show,
        "download": transfers.download_model,
        "import": _import,
        "verify": transfers.verify_model,
        "repair": transfers.repair_model,
        "remove": _remove,
    }
    actions[arguments.action](downloads, arguments)


def _list(downloads: ModelDownloads, arguments: argparse.Namespace) -> None:
    models = downloads.library.list()
    rows = [
        (each.id, size_text(each.bytes), each.quantisation or "", each.problem or "", str(each.path)) for each in models
    ]
    print_result(arguments.json, [transfers.entry(each) for each in models], rows)


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
    metadata = {**transfers.entry(model), **_header_metadata(headers)}
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
    entries = [transfers.entry(each) for each in added]
    transfers.print_models(added, entries if path.is_dir() else entries[0], arguments.json)
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
    if is_magnet(arguments.id):
        freed = magnet_bytes(arguments.id, folder)
        if not freed:
            return None
        _confirm(arguments, folder, freed)
        discard_magnet(arguments.id, folder)
        return freed
    for published in unfinished(folder):
        if published.id == arguments.id:
            freed = partial_bytes(published, folder)
            _confirm(arguments, folder / published.file_name, freed)
            discard(published, folder)
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
