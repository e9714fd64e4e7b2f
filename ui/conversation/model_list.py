"""List of the model picker: models on this computer, of servers, and those that can be downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.servers.registry import is_server_model
from app.services import Services
from app.units import size_text
from model_manager.errors import UserError
from model_manager.hub.catalogue import APUS
from model_manager.library.library import LocalModel
from model_manager.plan.load_plan import LoadPlan
from ui.conversation.context_gauge import short_token_count
from ui.plan.bar_data import verdict_kind
from ui.widgets.filter_panel import Entry, EntryIndex, FilterPanel

if TYPE_CHECKING:
    from ui.models.fits import ModelFits

OPEN = "open:"
"""Beginning of the key of a model that can't be used yet: its row leads to the models page."""
SERVERS = f"{OPEN}servers"
"""Key of a server whose models aren't known: its row leads to the settings."""
ADD_SERVER = f"{OPEN}server"
"""Key of the row that leads to the settings of servers."""
MAX_FOUND = 500
"""Most models that are shown: a hosted server has hundreds."""

translate = QCoreApplication.translate


class ModelPanel(FilterPanel):
    """The list in a panel."""

    def __init__(
        self,
        window: QWidget,
        placeholder: str,
        entries: Callable[[], list[Entry]],
        *,
        anchor: QWidget | None = None,
        footer: Sequence[QWidget] = (),
    ) -> None:
        self._entries = entries
        self._index = EntryIndex(entries())
        empty = translate("model_picker", "No model matches. Look for it on the models page (Ctrl+M).")
        super().__init__(window, "modelPanel", placeholder, self._find, anchor=anchor, footer=footer, empty=empty)

    def reload(self) -> None:
        """Show what is known now: plans and downloads go on while the panel is open."""
        self._index = EntryIndex(self._entries())
        self.refresh()

    def _find(self, text: str) -> list[Entry]:
        sections = list(dict.fromkeys(entry.section for entry in self._index.entries))
        found = [entry for _, entry in self._index.search(text, MAX_FOUND)]
        if not text.strip():
            # What is too large is only found by its name.
            found = [entry for entry in found if entry.kind != "bad" or not entry.key.startswith(OPEN)]
        return sorted(found, key=lambda entry: sections.index(entry.section))


def model_entries(services: Services, fits: ModelFits, current: str | None) -> list[Entry]:
    """Return the models in sections, in each the recently used ones first.

    Raises:
        UserError: as ``ModelLibrary.list`` and the store.
    """
    models = [model for model in services.library.list() if not model.embeds]
    if current is not None and not is_server_model(current) and current not in {model.id for model in models}:
        # A file that was opened without registering it.
        with suppress(UserError):
            models.append(services.library.resolve(current))
    ranks = {model_id: rank for rank, model_id in enumerate(services.store.recent_models())}
    local = [_local(services, fits, model, current) for model in models]
    sections = [sorted(local, key=lambda entry: (entry.is_dim, ranks.get(entry.key, len(ranks))))]
    for server in services.servers.list():
        served = [
            _served(server.model_id(name), name, server.title, server.contexts, current) for name in server.models
        ]
        if not served:
            note = translate("model_picker", "No models listed. Refresh them in the settings.")
            served = [Entry(SERVERS, server.title, server.title, note=note, kind="warning", is_dim=True)]
        sections.append(sorted(served, key=lambda entry: ranks.get(entry.key, len(ranks))))
    entries = [*(entry for section in sections for entry in section), *downloadable_entries(services, fits, models)]
    return [*entries, Entry(ADD_SERVER, translate("model_picker", "Add a server…"))]


def downloadable_entries(services: Services, fits: ModelFits, models: Sequence[LocalModel]) -> list[Entry]:
    """Return the models that are not on this computer: running downloads, then those that fit, best first."""
    from ui.models.item import ModelItem
    from ui.models.row_text import progress_text, state_text

    section = translate("model_picker", "Not downloaded")
    origins = [model.published for model in models if model.published is not None]
    here = {*(model.id for model in models), *(each.model_id for each in origins)}
    repositories = {each.repository for each in origins}
    downloads = [each for each in services.downloads.queue.statuses() if each.state not in ("done", "cancelled")]
    entries = []
    for each in downloads:
        item = ModelItem(each.id, download=each, catalogue=next((entry for entry in APUS if entry.id == each.id), None))
        entries.append(
            Entry(
                f"{OPEN}{each.id}",
                item.title,
                section,
                label=item.quantisation or "",
                value=size_text(item.bytes) if item.bytes else "",
                note=progress_text(item) or state_text(item)[0],
                kind="accent",
            )
        )
    here |= {each.id for each in downloads}
    home = [
        Entry(
            f"{OPEN}{each.id}",
            APUS[0].name,
            section,
            label=each.quantisation,
            value=size_text(each.bytes),
            note=plan_text(fits, each.plan),
            kind=verdict_kind(each.plan),
            mark=translate("model_picker", "Recommended") if each.id == fits.best_id else "",
            is_dim=verdict_kind(each.plan) == "bad",
        )
        for each in fits.home
        if each.id not in here
    ]
    suggested = []
    for suggestion in fits.suggestions.models if fits.suggestions is not None else ():
        published = suggestion.published
        if published.repository in repositories or published.id in here:
            continue
        fit = fits.of(published.id)
        suggested.append(
            Entry(
                f"{OPEN}{published.id}",
                suggestion.model.name,
                section,
                label=published.quantisation or "",
                value=size_text(published.bytes),
                note=fit.brief if fit is not None else "",
                kind=fit.kind if fit is not None else "",
                mark=translate("model_picker", "Recommended") if published.id == fits.best_id else "",
                is_dim=not suggestion.fits,
            )
        )
    return entries + sorted([*suggested, *home], key=lambda entry: (entry.is_dim, not entry.mark))


def plan_text(fits: ModelFits, plan: LoadPlan) -> str:
    """Return how a model fits, and the context that it gets."""
    context = context_text(plan.context) if plan.verdict != "does_not_fit" else ""
    return " · ".join(filter(None, (fits.brief(plan), context)))


def context_text(tokens: int) -> str:
    """Return the size of a context; empty where it is not known."""
    return translate("model_picker", "{count} context").format(count=short_token_count(tokens)) if tokens else ""


def name_and_quantisation(model: LocalModel) -> tuple[str, str]:
    """Return the name of a model, and its quantisation where the name does not contain it."""
    name = model.name or model.path.stem
    quantisation = model.quantisation or ""
    return name, "" if quantisation in name else quantisation


def _local(services: Services, fits: ModelFits, model: LocalModel, current: str | None) -> Entry:
    loaded, plan = services.planning.loader.loaded, fits.plan_of(model.id)
    is_loaded = loaded is not None and loaded.request.path == model.path
    if loaded is not None and is_loaded:
        plan = services.planning.speeds.applied(model.path, loaded.plan)
    name, quantisation = name_and_quantisation(model)
    note, kind = context_text(model.context or 0), ""
    if not model.ready:
        is_old = model.problem == "experts_in_separate_tensors"
        note, kind = translate("model_rows", "Needs conversion" if is_old else "Can't be used"), "warning"
    elif plan is not None:
        note, kind = plan_text(fits, plan), verdict_kind(plan)
    if model.reads_pictures:
        note = " · ".join(filter(None, (note, translate("model_rows", "Reads pictures"))))
    return Entry(
        model.id if model.ready else f"{OPEN}{model.id}",
        name,
        translate("model_picker", "This computer"),
        label=quantisation,
        mark=translate("model_picker", "Loaded") if is_loaded else "",
        value=size_text(model.bytes) if model.bytes else "",
        note=note,
        kind=kind,
        is_checked=model.id == current,
        is_dim=not model.ready,
    )


def _served(model_id: str, name: str, server: str, contexts: Mapping[str, int], current: str | None) -> Entry:
    value = context_text(contexts.get(name, 0))
    return Entry(model_id, name, server, value=value, is_checked=model_id == current)
