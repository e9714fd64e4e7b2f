"""The models among the files of a repository: a pure function from a listing to what a person can choose from.

Shards and raw parts become one entry.  What is no model by its name (vision projectors, importance matrices, bare
vocabularies) is left out in silence; what would be one but cannot be had is left out with its reason.  What a file
really holds is found out from its header, when it is fetched.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from model_manager.errors import UserError
from model_manager.gguf.quantisation_names import quantisation_in
from model_manager.gguf.split_part_names import grouped_parts, ordered_parts, part_of
from model_manager.layout.file_names import targets_of
from model_manager.published import HubFile, PublishedKind, PublishedModel, Repository

_NO_MODEL = re.compile(r"(^|[-._])mmproj([-._]|$)|^ggml-vocab-", re.IGNORECASE)
_MATRIX = re.compile(r"imatrix", re.IGNORECASE)
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.ASCII | re.DOTALL)
"""As ``shards`` reads the names of files on disk; here a name may hold folders, and is looked at as text alone."""
_SHOWN = 5


@dataclass(frozen=True)
class LeftOut:
    """Files that look like a model and cannot be fetched as one; ``problem`` says why, ``name`` as an id would."""

    name: str
    quantisation: str | None
    problem: UserError


def published_models(repository: Repository) -> tuple[PublishedModel, ...]:
    """Every quantisation that can be fetched, the smallest first.

    Ids are ``OWNER/REPO:FILE`` with the folders in FILE; ``checksums_from`` is left empty.
    """
    found = (each for each in _candidates(repository) if isinstance(each, PublishedModel))
    return tuple(sorted(found, key=lambda model: (model.bytes, model.id)))


def left_out(repository: Repository) -> tuple[LeftOut, ...]:
    """What ``published_models`` leaves out, for people to see.

    The problem of each is published_incomplete(name, repository, missing), published_parts_unclear(name, repository)
    or name_not_allowed(name).
    """
    found = (each for each in _candidates(repository) if isinstance(each, LeftOut))
    return tuple(sorted(found, key=lambda each: each.name))


def _candidates(repository: Repository) -> Iterator[PublishedModel | LeftOut]:
    files = {file.name: file for file in repository.files}
    groups = {base: names for base, names in grouped_parts(files).items() if _may_be_a_model(base)}
    sets: dict[_Set, set[str]] = defaultdict(set)
    for name in files:
        if part_of(name) is None and name.lower().endswith(".gguf") and _may_be_a_model(name):
            sets[_set_of(name)].add(name)
    for each, there in sets.items():
        # Of a hundred thousand that a name may speak of, the first that are missing are enough to tell.
        numbers = range(1, each.count + 1)
        missing = list(islice((each.name(number) for number in numbers if each.name(number) not in there), _SHOWN + 1))
        if missing:
            yield _incomplete(repository, each.name(1), missing)
        else:
            kind: PublishedKind = "file" if each.count == 1 else "shards"
            yield _model(repository, each.name(1), kind, [files[each.name(number)] for number in numbers])
    for base, names in groups.items():
        if base in files:
            continue  # there in one piece as well
        try:
            ordered = ordered_parts(names)
        except UserError as error:
            if isinstance(gaps := error.data.get("missing"), list):
                yield _incomplete(repository, base, gaps)
            else:
                problem = UserError("published_parts_unclear", name=base, repository=repository.id)
                yield LeftOut(base, quantisation_in(base), problem)
        else:
            yield _model(repository, base, "parts", [files[name] for name in ordered])


def _model(repository: Repository, name: str, kind: PublishedKind, files: list[HubFile]) -> PublishedModel | LeftOut:
    model = PublishedModel(
        id=f"{repository.id}:{name}",
        repository=repository.id,
        commit=repository.commit,
        file_name=_base(name),
        kind=kind,
        files=tuple(files),
        quantisation=quantisation_in(name),
    )
    try:
        targets_of(model)
    except UserError as error:
        return LeftOut(name, model.quantisation, error)
    return model


def _incomplete(repository: Repository, name: str, missing: list[str]) -> LeftOut:
    shown = missing if len(missing) <= _SHOWN else [*missing[:_SHOWN], "..."]
    problem = UserError("published_incomplete", name=name, repository=repository.id, missing=shown)
    return LeftOut(name, quantisation_in(name), problem)


@dataclass(frozen=True)
class _Set:
    """The shards that a name speaks of; ``count`` is 1 for a name of none, which then stands for itself."""

    stem: str
    count: int

    def name(self, number: int) -> str:
        """That of one of them, from 1 on."""
        return self.stem if self.count == 1 else f"{self.stem}-{number:05}-of-{self.count:05}.gguf"


def _set_of(name: str) -> _Set:
    match = _SHARD.fullmatch(name)
    if match is None or not 1 <= int(match["number"]) <= int(match["count"]) > 1:
        return _Set(name, 1)
    return _Set(match["stem"], int(match["count"]))


def _may_be_a_model(name: str) -> bool:
    base = _base(name)
    if _NO_MODEL.search(base):
        return False
    # Some models say in their names that a matrix was used for them; they name their quantisation as well.
    return not _MATRIX.search(base) or "Q" in (quantisation_in(base) or "")


def _base(name: str) -> str:
    return name.rpartition("/")[2]
