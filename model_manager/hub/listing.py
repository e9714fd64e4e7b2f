"""Models among the files of a repository, by their names alone.

Shards and split parts become one model, with the projector beside them for one that reads pictures.  Other files that
aren't models by name (importance matrices, bare vocabularies) are ignored; incomplete models are listed with the
reason.  The header is checked by the download.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from model_manager.errors import UserError
from model_manager.gguf.projector import is_projector_name, matching_projectors
from model_manager.gguf.split_part_names import grouped_parts, ordered_parts, part_of
from model_manager.gguf.tensor_types import quantisation_in
from model_manager.layout.file_names import target_files
from model_manager.published import HubFile, PublishedKind, PublishedModel, Repository

_NO_MODEL = re.compile(r"(^|[-._])mmproj([-._]|$)|^ggml-vocab-", re.IGNORECASE)
_MATRIX = re.compile(r"imatrix", re.IGNORECASE)
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.ASCII | re.DOTALL)
"""As in ``gguf.shards``; here names may contain folders."""
_SHOWN = 5


@dataclass(frozen=True)
class UnavailableModel:
    """Files that look like a model but can't be downloaded as one, for the reason ``problem``.

    ``name`` is the FILE that its id would have.
    """

    name: str
    quantisation: str | None
    problem: UserError


def published_models(repository: Repository) -> tuple[PublishedModel, ...]:
    """Return the models that can be downloaded, smallest first.

    Ids are ``OWNER/REPO:FILE``, FILE with its folders.
    """
    found = (each for each in _candidates(repository) if isinstance(each, PublishedModel))
    return tuple(sorted(found, key=lambda model: (model.bytes, model.id)))


def unavailable_models(repository: Repository) -> tuple[UnavailableModel, ...]:
    """Return the models that can't be downloaded.

    Problems: published_incomplete(name, repository, missing), published_parts_unclear(name, repository),
    name_not_allowed(name).
    """
    found = (each for each in _candidates(repository) if isinstance(each, UnavailableModel))
    return tuple(sorted(found, key=lambda each: each.name))


def _candidates(repository: Repository) -> Iterator[PublishedModel | UnavailableModel]:
    files = {file.name: file for file in repository.files}
    folders: dict[str, dict[str, HubFile]] = defaultdict(dict)
    for file in repository.files:
        if _is_model_name(file.name) or is_projector_name(_base(file.name)):
            folders[file.name.removesuffix(_base(file.name))][_base(file.name)] = file
    # Only these are searched for each model.
    pictured = {folder: inside for folder, inside in folders.items() if any(map(is_projector_name, inside))}
    for name, kind, names, missing in (*_shard_sets(files), *_part_sets(files)):
        model = PublishedModel(
            id=f"{repository.id}:{name}",
            repository=repository.id,
            commit=repository.commit,
            file_name=_base(name),
            kind=kind,
            files=tuple(files[each] for each in names),
            quantisation=quantisation_in(name),
            checksums_from=repository.listed_by,
            projector=_projector(name, pictured),
        )
        try:
            if missing:
                shown = missing if len(missing) <= _SHOWN else [*missing[:_SHOWN], "..."]
                raise UserError("published_incomplete", name=name, repository=repository.id, missing=shown)
            if not names:
                raise UserError("published_parts_unclear", name=name, repository=repository.id)
            target_files(model)
        except UserError as error:
            yield UnavailableModel(name, model.quantisation, error)
        else:
            yield model


_FileSet = tuple[str, PublishedKind, Sequence[str], Sequence[str]]
"""FILE of the id, kind, names of the files in order, and missing names; without any names the parts are unclear."""


def _shard_sets(files: Collection[str]) -> Iterator[_FileSet]:
    sets: dict[tuple[str, int], set[str]] = defaultdict(set)
    for name in files:
        if part_of(name) is None and name.lower().endswith(".gguf") and _is_model_name(name):
            match = _SHARD.fullmatch(name)
            is_shard = match is not None and 1 <= int(match["number"]) <= int(match["count"]) > 1
            sets[(match["stem"], int(match["count"])) if match and is_shard else (name, 1)].add(name)
    for (stem, count), present in sets.items():
        if count == 1:
            yield stem, "file", [stem], []
            continue
        # Generators: a name may claim 99,999 shards, of which the first missing ones suffice.
        names = (f"{stem}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1))
        missing = list(islice((name for name in names if name not in present), _SHOWN + 1))
        yield f"{stem}-00001-of-{count:05}.gguf", "shards", [] if missing else sorted(present), missing


def _part_sets(files: Collection[str]) -> Iterator[_FileSet]:
    for base, names in grouped_parts(files).items():
        # Otherwise it is also available in one piece.
        if base not in files and _is_model_name(base):
            try:
                yield base, "parts", ordered_parts(names), []
            except UserError as error:
                gaps = error.data.get("missing")
                yield base, "parts", [], gaps if isinstance(gaps, list) else []


def _projector(name: str, folders: Mapping[str, Mapping[str, HubFile]]) -> HubFile | None:
    """Return the projector in the folder of a model, or in the repository's first folder."""
    for each in dict.fromkeys((name.removesuffix(_base(name)), "")):
        inside = folders.get(each, {})
        for found in matching_projectors(_base(name), {*inside, _base(name)}):
            if found in inside:
                return inside[found]
    return None


def _is_model_name(name: str) -> bool:
    base = _base(name)
    if _NO_MODEL.search(base):
        return False
    # Models made with an importance matrix name it too, along with their quantisation.
    return not _MATRIX.search(base) or "Q" in (quantisation_in(base) or "")


def _base(name: str) -> str:
    return name.rpartition("/")[2]
