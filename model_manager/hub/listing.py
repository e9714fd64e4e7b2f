"""Models among the files of a repository, by their names alone.

Shards and raw parts become one model.  Files that aren't models by name (vision projectors, importance matrices, bare
vocabularies) are ignored; incomplete models are listed with the reason.  The header is checked by the download.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from model_manager.errors import UserError
from model_manager.gguf.split_part_names import grouped_parts, ordered_parts, part_of
from model_manager.gguf.tensor_types import quantisation_in
from model_manager.layout.file_names import targets_of
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
    groups = {base: names for base, names in grouped_parts(files).items() if _is_model_name(base)}
    sets: dict[_Set, set[str]] = defaultdict(set)
    for name in files:
        if part_of(name) is None and name.lower().endswith(".gguf") and _is_model_name(name):
            sets[_set_of(name)].add(name)
    for each, present in sets.items():
        # A name may claim 99,999 shards: the first missing ones suffice.
        numbers = range(1, each.count + 1)
        missing = list(
            islice((each.name(number) for number in numbers if each.name(number) not in present), _SHOWN + 1)
        )
        if missing:
            yield _incomplete(repository, each.name(1), missing)
        else:
            kind: PublishedKind = "file" if each.count == 1 else "shards"
            yield _model(repository, each.name(1), kind, [files[each.name(number)] for number in numbers])
    for base, names in groups.items():
        if base in files:
            continue  # also available in one piece
        try:
            ordered = ordered_parts(names)
        except UserError as error:
            if isinstance(gaps := error.data.get("missing"), list):
                yield _incomplete(repository, base, gaps)
            else:
                problem = UserError("published_parts_unclear", name=base, repository=repository.id)
                yield UnavailableModel(base, quantisation_in(base), problem)
        else:
            yield _model(repository, base, "parts", [files[name] for name in ordered])


def _model(
    repository: Repository, name: str, kind: PublishedKind, files: list[HubFile]
) -> PublishedModel | UnavailableModel:
    model = PublishedModel(
        id=f"{repository.id}:{name}",
        repository=repository.id,
        commit=repository.commit,
        file_name=_base(name),
        kind=kind,
        files=tuple(files),
        quantisation=quantisation_in(name),
        checksums_from=repository.listed_by,
    )
    try:
        targets_of(model)
    except UserError as error:
        return UnavailableModel(name, model.quantisation, error)
    return model


def _incomplete(repository: Repository, name: str, missing: list[str]) -> UnavailableModel:
    shown = missing if len(missing) <= _SHOWN else [*missing[:_SHOWN], "..."]
    problem = UserError("published_incomplete", name=name, repository=repository.id, missing=shown)
    return UnavailableModel(name, quantisation_in(name), problem)


@dataclass(frozen=True)
class _Set:
    """Set of shards named alike; ``count`` is 1 for any other name, which then is the ``stem``."""

    stem: str
    count: int

    def name(self, number: int) -> str:
        """Return the name of a shard, numbered from 1."""
        return self.stem if self.count == 1 else f"{self.stem}-{number:05}-of-{self.count:05}.gguf"


def _set_of(name: str) -> _Set:
    match = _SHARD.fullmatch(name)
    if match is None or not 1 <= int(match["number"]) <= int(match["count"]) > 1:
        return _Set(name, 1)
    return _Set(match["stem"], int(match["count"]))


def _is_model_name(name: str) -> bool:
    base = _base(name)
    if _NO_MODEL.search(base):
        return False
    # Models made with an importance matrix name it too, along with their quantisation.
    return not _MATRIX.search(base) or "Q" in (quantisation_in(base) or "")


def _base(name: str) -> str:
    return name.rpartition("/")[2]
