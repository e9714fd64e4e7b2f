"""Headers of published models before their download: read by Range requests, or estimated from a sibling's.

The quantisations of one repository differ only in the types of their tensors, so one header approximates its siblings,
whose tensors are larger or smaller in proportion to their files.  A model's own header is read on request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from app.planning.service import PlanningService
from model_manager.download.source import DownloadSource
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, TensorInfo
from model_manager.gguf.header_stub import HeaderStub
from model_manager.gguf.reader import MAX_HEADER_BYTES
from model_manager.hub.access import Access
from model_manager.hub.http import HttpClient
from model_manager.hub.remote_header import read_remote_header
from model_manager.layout.stacking import layout_for
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.recommendation import Candidate
from model_manager.published import HubFile, PublishedModel, TargetFile

_EXACT_TYPES = frozenset({"F32", "F16", "BF16", "F64"})
"""Norms and the like keep their type in every quantisation."""
_KEPT_BYTES = 2 * MAX_HEADER_BYTES
"""Headers of a session beyond this are dropped, the oldest first."""


@dataclass(frozen=True)
class PublishedHeader:
    """The headers of all files of a published model, and the files as a rehearsal needs them."""

    headers: tuple[GgufHeader, ...]
    files: tuple[HeaderStub, ...] = field(repr=False, default=())

    @property
    def head_bytes(self) -> int:
        """Bytes before the tensor data in all files."""
        return sum(len(file.head) for file in self.files)


class PublishedHeaders:
    """Headers of published models, each read once.  Safe to use from several threads."""

    def __init__(self, access: Callable[[], Access]) -> None:
        """``access`` may query the system's keyring."""
        self._access = access
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], PublishedHeader] = {}

    def known(self, model: PublishedModel) -> PublishedHeader | None:
        """Return a header that was read before, else None."""
        return self._known.get(_key(model))

    def of_id(self, model_id: str) -> PublishedHeader | None:
        """Return the header of a model id, from the commit that was read last, else None."""
        return next((found for (_, known), found in reversed(self._known.items()) if known == model_id), None)

    def read(self, model: PublishedModel) -> PublishedHeader:
        """Read the headers of all files of a model; the first time, some MiB are fetched.

        Raises:
            UserError: as ``read_remote_header``, ``layout_for`` and ``RemoteFile.read``.
        """
        with self._lock:
            found = self._known.get(_key(model))
            if found is None:
                access = self._access()
                with HttpClient(access) as client:
                    found = _read_all(client, model)
                self._known[_key(model)] = found
                while sum(known.head_bytes for known in self._known.values()) > _KEPT_BYTES:
                    del self._known[next(iter(self._known))]
            return found


def _key(model: PublishedModel) -> tuple[str, str]:
    return (model.commit, model.id)


def _read_all(client: HttpClient, model: PublishedModel) -> PublishedHeader:
    found = PublishedHeader(())
    for target in model.weight_targets():
        header, file = _read(client, model, target)
        found = PublishedHeader((*found.headers, header), (*found.files, file))
        if found.head_bytes > MAX_HEADER_BYTES:
            raise UserError("gguf_damaged", path=header.path, detail=f"headers of {found.head_bytes} bytes")
    return found


def _read(client: HttpClient, model: PublishedModel, target: TargetFile) -> tuple[GgufHeader, HeaderStub]:
    source = DownloadSource(client, model)

    def read_part(part: HubFile, start: int, length: int) -> bytes:
        return source.file(part).read(start, length)

    header, head = read_remote_header(target, read_part)
    layout = layout_for(header, head)
    return header, HeaderStub(target.file_name, layout.target_head or head, layout.target_bytes)


def families(models: Sequence[PublishedModel]) -> tuple[tuple[PublishedModel, ...], ...]:
    """Group the models of a repository into quantisations of the same weights, by their names."""
    found: dict[str, list[PublishedModel]] = {}
    for model in models:
        name = model.file_name.casefold()
        found.setdefault(name.replace((model.quantisation or "").casefold(), ""), []).append(model)
    return tuple(tuple(family) for family in found.values())


def candidates(
    models: Sequence[PublishedModel], headers: PublishedHeaders, first: PublishedModel | None = None
) -> tuple[Candidate, ...]:
    """Return the quantisations of one family with their own headers, or with ones estimated from a sibling's.

    Where none is known, one is read: that of ``first``, or the smallest.  Raises as ``PublishedHeaders.read``.
    """
    if first in models and first is not None:
        headers.read(first)
    known = {model.id: found for model in models if (found := headers.known(model)) is not None}
    if not known:
        smallest = min(models, key=lambda model: model.bytes)
        known[smallest.id] = headers.read(smallest)
    reference = next(iter(known.values())).headers
    return tuple(
        Candidate(
            model.id,
            model.quantisation or "",
            model.bytes,
            known[model.id].headers if model.id in known else estimate_headers(reference, model.weight_bytes),
        )
        for model in models
    )


def estimate_headers(sibling: Sequence[GgufHeader], file_bytes: int) -> tuple[GgufHeader, ...]:
    """Estimate the headers of a quantisation of ``file_bytes`` bytes from those of another one of the same weights."""
    tensors = [tensor for header in sibling for tensor in header.tensors]
    fixed = sum(tensor.n_bytes for tensor in tensors if tensor.type in _EXACT_TYPES)
    own = sum(tensor.n_bytes for tensor in tensors)
    if fixed == own:
        fixed = 0
    share = max(0.0, (file_bytes - fixed) / max(1, own - fixed))

    def scaled(tensor: TensorInfo) -> TensorInfo:
        if fixed and tensor.type in _EXACT_TYPES:
            return tensor
        return replace(tensor, n_bytes=round(tensor.n_bytes * share))

    return tuple(replace(header, tensors=tuple(map(scaled, header.tensors))) for header in sibling)


@dataclass(frozen=True)
class PublishedFit:
    """Plan of one published model.  ``is_expected``: by the header of a sibling."""

    plan: LoadPlan
    recommended: bool
    is_expected: bool


def judge_published(
    planning: PlanningService,
    models: Sequence[PublishedModel],
    headers: PublishedHeaders,
    options: PlanOptions,
    first: PublishedModel | None = None,
    *,
    room: int | None = None,
) -> dict[str, PublishedFit]:
    """Plan each model of a repository, by its id; models without a readable header are left out.

    ``room`` is as in ``PlanningService.recommend``.
    """
    found: dict[str, PublishedFit] = {}
    for family in families(models):
        try:
            judging = candidates(family, headers, first)
            judged = planning.recommend(options, judging, room=room)
            plans = {each.id: planning.load_plan_of(each, judging, options) for each in judged}
        except UserError:
            # A header that cannot be read, or an unsupported model, is an error of the download.
            continue
        exact = {model.id for model in family if headers.known(model) is not None}
        for each in judged:
            found[each.id] = PublishedFit(plans[each.id], each.recommended, each.id not in exact)
    return found
