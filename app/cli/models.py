"""``apus-chat models``: list, search, show, import and remove.  Downloads and conversions are in ``transfers``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli import transfers
from app.cli.model_services import ModelServices
from app.cli.output import print_columns, print_json, to_plain
from app.messages import sentence
from app.units import size_text
from model_manager.download.partial_files import discard, partial_bytes, unfinished
from model_manager.download.torrent import discard_magnet, is_magnet, magnet_bytes
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import CATALOGUE, find_entry
from model_manager.hub.client import HubClient
from model_manager.hub.resolver import fetch_listing, find_published
from model_manager.library.library import LocalModel
from model_manager.library.removal import delete, removal_of
from model_manager.library.scan import ImportCandidate, inspect_paths
from model_manager.published import PublishedModel, Repository

_NOT_LOCAL = ("model_unknown", "model_not_downloaded", "starter_missing")
"""Errors of the library for an id that a hub may know."""


def run(services: ModelServices, arguments: argparse.Namespace) -> int:
    """Run a ``models`` action.  Raises ``UserError`` and ``Cancelled`` as ``model_manager``."""
    match arguments.action:
        case "list":
            _print_models(services.library.list(), arguments.json)
        case "search":
            _search(services, arguments)
        case "show":
            _show(services, arguments)
        case "download":
            return transfers.download_model(services, arguments)
        case "import":
            _import(services, arguments)
        case "verify":
            return transfers.verify_model(services, arguments)
        case "repair":
            return transfers.repair_model(services, arguments)
        case "remove":
            _remove(services, arguments)
    return 0


def _print_models(found: Sequence[LocalModel], as_json: bool) -> None:
    if as_json:
        print_json([transfers.entry(each) for each in found])
        return
    rows = [
        (
            each.id,
            size_text(each.bytes),
            each.quantisation or "",
            "" if each.ready else each.problem or "",
            str(each.path),
        )
        for each in found
    ]
    print_columns(rows)


def _search(services: ModelServices, arguments: argparse.Namespace) -> None:
    words = arguments.text.casefold().split()
    known = {
        entry.repository: entry
        for entry in CATALOGUE
        if words and all(word in f"{entry.id} {entry.name} {entry.repository}".casefold() for word in words)
    }
    found = HubClient(services.access(arguments.endpoint)).search(arguments.text)
    listed = {each.id for each in found}
    if arguments.json:
        extra = [{"id": repository} for repository in known if repository not in listed]
        keys = ("id", "downloads", "updated_at", "licence", "gated")
        print_json([*extra, *({key: to_plain(getattr(each, key)) for key in keys} for each in found)])
        return
    rows = [(entry.id, entry.name, size_text(entry.bytes)) for entry in CATALOGUE if entry.repository in known]
    print_columns(rows)
    print_columns([(each.id, each.licence or "", "gated" if each.gated else "") for each in found])


def _show(services: ModelServices, arguments: argparse.Namespace) -> None:
    try:
        model = services.library.resolve(arguments.id)
    except UserError as error:
        if not _may_be_on_a_hub(arguments.id, error):
            raise
        _show_published(services, arguments)
        return
    headers = read_model(model.path)
    facts = {**transfers.entry(model), **_header_facts(headers)}
    if arguments.json:
        print_json(facts)
        return
    template = facts.pop("chat_template")
    facts["chat_template"] = f"{len(template)} characters (--json shows it)" if template else None
    facts["bytes"] = size_text(model.bytes)
    _print_facts(facts)


def _may_be_on_a_hub(text: str, error: UserError) -> bool:
    if error.code in _NOT_LOCAL:
        return find_entry(text) is not None or "/" in text
    return error.code == "file_missing" and text.count("/") == 1 and not text.startswith((".", "~", "/"))


def _header_facts(headers: Sequence[GgufHeader]) -> dict[str, Any]:
    header = headers[0]
    types: dict[str, int] = {}
    for each in headers:
        for tensor in each.tensors:
            types[tensor.type] = types.get(tensor.type, 0) + 1
    legacy = any(each.experts_in_separate_tensors for each in headers)

    def number(name: str) -> object:
        return to_plain(header.metadata.get(f"{header.architecture}.{name}"))

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
        "files": [str(each.path) for each in headers],
    }


def _show_published(services: ModelServices, arguments: argparse.Namespace) -> None:
    access = services.access(arguments.endpoint)
    if find_entry(arguments.id) is None and ":" not in arguments.id:
        listing = fetch_listing(arguments.id, access)
        repository = listing.repository
        if arguments.json:
            print_json({**_repository(repository), "models": [_published(each) for each in listing.models()]})
            return
        _print_facts(_repository(repository))
        print_columns([(each.id, each.quantisation or "", size_text(each.bytes)) for each in listing.models()])
        return
    published = find_published(arguments.id, access)
    repository = fetch_listing(published.repository, access).repository
    facts = {**_repository(repository), **_published(published)}
    if arguments.json:
        print_json(facts)
        return
    files = facts.pop("files")
    facts["bytes"] = size_text(published.bytes)
    _print_facts(facts)
    print_columns([(each["name"], size_text(each["bytes"]), each["sha256"] or "no checksum") for each in files])


def _repository(repository: Repository) -> dict[str, Any]:
    return {
        "id": repository.id,
        "repository": repository.id,
        "commit": repository.commit,
        "licence": repository.licence,
        "gated": repository.gated,
        "downloads": repository.downloads,
        "updated_at": to_plain(repository.updated_at),
    }


def _published(model: PublishedModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "quantisation": model.quantisation,
        "bytes": model.bytes,
        "kind": model.kind,
        "file_name": model.file_name,
        "checksums_from": model.checksums_from,
        "files": [{"name": each.name, "bytes": each.bytes, "sha256": each.sha256} for each in model.files],
    }


def _print_facts(facts: dict[str, Any]) -> None:
    rows = []
    for key, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{count} x {name}" for name, count in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in (None, "", False):
            rows.append((key.replace("_", " "), "yes" if value is True else str(value)))
    print_columns(rows)


def _import(services: ModelServices, arguments: argparse.Namespace) -> None:
    path = Path(arguments.path).expanduser()
    candidates = inspect_paths([path])
    added: list[LocalModel] = []
    problems: list[UserError] = []
    for each in candidates:
        if each.action == "register":
            added.append(services.library.register(each.paths[0], each.name if path.is_dir() else None))
        else:
            problems.append(_problem(each))
    if not added:
        raise problems[0]
    if arguments.json:
        entries = [transfers.entry(each) for each in added]
        print_json(entries if path.is_dir() else entries[0])
    else:
        print_columns([(each.id, size_text(each.bytes), str(each.path)) for each in added])
    for problem in problems:
        sys.stderr.write(f"left out: {sentence(problem)}\n")


def _problem(candidate: ImportCandidate) -> UserError:
    if candidate.action == "join":
        return UserError("parts_to_be_joined", path=candidate.paths[0], count=len(candidate.paths))
    return candidate.problem or UserError("not_gguf", path=candidate.paths[0])


def _remove(services: ModelServices, arguments: argparse.Namespace) -> None:
    if not arguments.delete:
        try:
            services.library.remove(arguments.id)
        except UserError as error:
            model = services.library.resolve(arguments.id) if error.code == "model_in_folder" else None
            if model is None or not model.in_models_folder:
                raise
            # A file in the models folder can't be unregistered: the next scan would find it again.
            raise UserError("deletion_unconfirmed", path=model.path, bytes=model.bytes) from error
        if arguments.json:
            print_json({"id": arguments.id, "deleted": [], "bytes": 0})
        return
    if (freed := _remove_unfinished(services, arguments)) is not None:
        deleted: list[Path] = []
    else:
        removal = removal_of(services.library.resolve(arguments.id))
        _confirm(arguments, removal.path or Path(arguments.id), removal.bytes)
        delete(removal, services.library)
        deleted, freed = list(removal.paths), removal.bytes
    if arguments.json:
        print_json({"id": arguments.id, "deleted": deleted, "bytes": freed})
    else:
        sys.stdout.write(f"{size_text(freed)} freed\n")


def _remove_unfinished(services: ModelServices, arguments: argparse.Namespace) -> int | None:
    """Discard an unfinished download, and return its size in bytes; None without one of this id."""
    folder = services.models_folder
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
