"""Model picker: the model button with its list, and the way to the models page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.chat.answer import RunningAnswer
from app.servers.registry import is_server_model, split_model_id
from app.services import Services
from app.units import rate_text, size_text
from model_manager.errors import UserError
from model_manager.hub.catalogue import APUS
from model_manager.hub.catalogue import STARTER as STARTER_ENTRY
from model_manager.library.library import LocalModel
from model_manager.library.starter import find_starter
from ui.conversation.header import Header
from ui.conversation.model_list import ADD_SERVER, OPEN, SERVERS, ModelPanel, model_entries, name_and_quantisation
from ui.plan.strings import computer_text, place_text, recommendation_text
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file
from ui.widgets.filter_panel import Entry
from ui.widgets.job import run_job
from ui.widgets.notice import NoticeBar
from ui.widgets.page import PageStack
from ui.widgets.tool_button import set_name, tool_button

if TYPE_CHECKING:
    from app.planning.open_models import Suggestion
    from model_manager.plan.load_plan import LoadPlan
    from model_manager.plan.load_spec import PlanOptions
    from model_manager.published import PublishedModel
    from ui.models.fits import ModelFits
    from ui.models.jobs import ModelJobs, Outcome
    from ui.plan.bar_data import Bar
    from ui.plan.model_plan import ModelPlan

STARTER = STARTER_ENTRY.id
ADVICE_MS = 400
"""Delay after the start: planning must not slow the first paint."""


@dataclass(frozen=True)
class Advice:
    """What is recommended for this computer, with all texts; empty while nothing is known.

    ``text`` is the sentence, ``details`` what the model is good at, or why there is no recommendation.  ``button``
    downloads ``model_id``, ``short_button`` is its text where the window is narrow; both are empty where nothing is
    recommended.  ``can_retry``: the hub could not be asked.  ``progress`` describes the download while there is one,
    ``fraction`` is its progress from 0 to 1, None where that is unknown, and ``action`` what the button does with it:
    ``pause``, ``resume`` or ``retry``.
    """

    computer: str = ""
    text: str = ""
    details: str = ""
    bars: tuple[Bar, ...] = ()
    model_id: str = ""
    name: str = ""
    published: PublishedModel | None = None
    button: str = ""
    short_button: str = ""
    room: str = ""
    """What the download needs on the disk."""
    lacks_room: bool = False
    can_retry: bool = False
    is_looking: bool = False
    """The best model is not known yet; ``button`` says so."""
    progress: str = ""
    fraction: float | None = None
    action: str = ""


class ModelPicker(QObject):
    """Shows the selected model on the model button; the selection itself is a setting."""

    changed = Signal()
    """The selected model, its name, its plan or what is known about the computer."""
    chosen = Signal()
    """The user has chosen a model."""
    settings_requested = Signal()
    """The settings of downloads."""
    servers_requested = Signal()
    """The settings of servers."""

    def __init__(
        self, services: Services, header: Header, notice: NoticeBar, window: QWidget, pages: PageStack
    ) -> None:
        super().__init__(window)
        self._services, self._header, self._notice, self._window = services, header, notice, window
        self._pages = pages
        self._names: dict[str, str] = {}
        self._is_any_running = False
        self.has_starter = find_starter() is not None
        """Whether the starter model is installed."""
        self._jobs: ModelJobs | None = None
        self._fits: ModelFits | None = None
        self._fits_for: tuple[object, ...] = ()
        self._advice_timer = QTimer(self, singleShot=True, interval=ADVICE_MS)
        self._advice_timer.timeout.connect(self._fits_now)
        header.model_button.clicked.connect(self.show_picker)

    def model_id(self) -> str | None:
        """Return the selected model: the last one used, else the starter model, else None."""
        return self._services.settings.current.model_id or (STARTER if self.has_starter else None)

    def name(self) -> str:
        """Return the display name of the selected model; empty for none."""
        model_id = self.model_id()
        return "" if model_id is None else self.name_of(model_id)

    def name_of(self, model_id: str) -> str:
        """Return the display name of a model."""
        if model_id not in self._names:
            self._names[model_id] = self._look_up(model_id)
        return self._names[model_id]

    def forget_names(self) -> None:
        """Forget the cached names: the library has changed."""
        self._names.clear()
        self.changed.emit()

    def use(self, model_id: str) -> None:
        """Select a model; it stays selected after a restart."""
        self._services.hasher.refresh()
        self._notice.attempt(lambda: self._services.settings.change(model_id=model_id))
        self.changed.emit()
        self.chosen.emit()

    def choose_file(self) -> None:
        """Let the user choose a model file, and use it."""
        kinds = self.tr("GGUF model files (*.gguf)")
        ask_for_file(self._window, self.tr("Choose a model file"), kinds, self.add_file)

    def add_file(self, path: Path) -> None:
        """Register a file in the library and use it."""
        library = self._services.library

        def use(model: LocalModel) -> None:
            if model.embeds:
                self.show_error(UserError("embedding_model", path=path.name))
            else:
                self.use(model.id)

        run_job(self, lambda: library.register(path), use, self.show_error)

    def show_error(self, error: UserError) -> None:
        """Show an error of a model, with a button to convert it where that helps."""
        selected = self.model_id()
        button, action = "", None
        if error.code == "experts_in_separate_tensors":
            button, action = self.tr("Convert…"), partial(self.show_page, [Path(str(error.data["path"]))])
        self._notice.show_error(error_text(error), button, action, lambda: self.model_id() == selected)

    def refresh(self, running: RunningAnswer | None, is_any_running: bool) -> None:
        """Show the state of the selected model on the button."""
        self._is_any_running = is_any_running
        self._refresh_fits()
        name = self.name()
        if not name:
            self._header.set_model(self.tr("Choose a model"), self.tr("No model selected"))
            return
        model_id = self.model_id()
        if model_id is not None and is_server_model(model_id):
            # In a narrow window its server is in the tool tip.
            self._header.set_model(name, name, split_model_id(model_id)[1])
            return
        place, tip = self._place(), self.tr("Loaded when you send a message")
        text, short = (f"{name} · {place}", name) if place else (name, "")
        if running is not None and running.load is not None:
            # The answer shows how far it is.
            tip = self.tr("Loading…")
        elif self._services.engine.state is not None:
            tip = self.tr("Loaded and ready")
        self._header.set_model(text, tip, short)

    def show_page(self, paths: Sequence[Path] = (), key: str = "", *, with_plan: bool = False) -> None:
        """Show the models page, which adds the files or offers to convert them, with the model ``key`` selected."""
        from ui.models.jobs import ModelJobs
        from ui.models.page import ModelsPage

        page = self._pages.find_page(ModelsPage)
        if page is None:
            if self._jobs is None:
                # Jobs continue when the page is left.
                self._jobs = ModelJobs(self)
                self._jobs.ended.connect(self._leave_deleted)
            fits = self._fits_now()
            page = ModelsPage(
                self._services.downloads,
                self.model_id(),
                fit_of=fits.of,
                jobs=self._jobs,
                plan_published=fits.plan_published,
                suggestions=lambda: fits.suggestions,
                ask_hub=fits.rank,
                make_plan=partial(self._make_plan, fits),
            )
            fits.changed.connect(page.refresh_fits)
            page.models_changed.connect(fits.refresh)
            page.models_changed.connect(self.forget_names)
            page.model_chosen.connect(self._pages.show_first)
            page.model_chosen.connect(self.use)
            page.settings_requested.connect(self.settings_requested)
        self._pages.show_page(page)
        if paths:
            page.add_paths(paths)
        if key:
            page.select(key)
        if with_plan:
            page.details.plan.setChecked(True)

    def _leave_deleted(self, outcome: Outcome) -> None:
        """Select no model where the selected one has been deleted."""
        model_id = self._services.settings.current.model_id
        if outcome.job.kind != "delete" or not model_id or is_server_model(model_id):
            return
        try:
            self._services.library.resolve(model_id)
        except UserError:
            self._notice.attempt(lambda: self._services.settings.change(model_id=None))
            self.changed.emit()

    def show_plan(self, model_id: str) -> None:
        """Show the memory plan of a model on the models page."""
        self.show_page(key=model_id, with_plan=True)

    def show_plan_of_selected(self) -> None:
        """Show the memory plan of the selected model."""
        model_id = self.model_id()
        if model_id is not None:
            self.show_plan(model_id)

    def _make_plan(self, fits: ModelFits, model_id: str) -> ModelPlan:
        from ui.plan.model_plan import ModelPlan

        plan = ModelPlan(self._services, model_id, published=fits.header_of(model_id))
        plan.kept.connect(partial(self._save_options, model_id))
        plan.measured.connect(fits.refresh)
        return plan

    def request_advice(self) -> None:
        """Look for the best model for this computer in the background; ``changed`` follows."""
        if self._fits is None and not self._advice_timer.isActive():
            self._advice_timer.start()

    def advice(self) -> Advice:
        """Return what is recommended for this computer."""
        fits, text = self._fits, self.tr("Looking for the best model for this computer…")
        looking = Advice(button=text, short_button=text, is_looking=True)
        if fits is None or fits.hardware is None:
            return looking
        found, advice = fits.suggestions, Advice(computer_text(fits.hardware.machine, fits.hardware.host))
        if not fits.best_id and found is None:
            return replace(looking, computer=advice.computer)
        if found is not None and found.problem is not None:
            advice = replace(advice, details=error_text(found.problem), can_retry=True)
        if (own := self._own_download(advice, fits)) is not None:
            return own
        if plan := fits.plan_of(fits.best_id):
            advice = self._with_progress(replace(advice, model_id=fits.best_id, bars=fits.bars(plan)))
        if (best := found.best if found is not None else None) and best.published.id == fits.best_id:
            return self._advise_open_model(advice, best)
        home = next((each for each in fits.home if each.id == fits.best_id), None)
        if home is not None:
            name = f"{APUS[0].name} {home.quantisation}"
            return self._advise(advice, name, recommendation_text(home), home.bytes, home.plan)
        if found is not None and found.expected is not None:
            from ui.models.row_text import expected_text

            return replace(advice, text=expected_text(found.expected))
        if advice.can_retry:
            return advice
        text = self.tr("None of the models fits on this computer. Use a server, or the starter model for a first try.")
        return replace(advice, text=text)

    def _own_download(self, advice: Advice, fits: ModelFits) -> Advice | None:
        """Return the advice to await a download that the user began, where it isn't the recommended model's."""
        from ui.models.item import ModelItem

        over = ("done", "cancelled")
        begun = [each for each in self._services.downloads.queue.statuses() if each.state not in over]
        if not begun or fits.best_id in [each.id for each in begun]:
            return None
        suggested = fits.suggestions.models if fits.suggestions is not None else ()
        found = next((each for each in suggested if each.published.id == begun[0].id), None)
        entry = next((each for each in APUS if each.id == begun[0].id), None)
        model = found.model if found is not None else None
        item = ModelItem(begun[0].id, download=begun[0], catalogue=entry, open_model=model)
        text, plan = self.tr("Your download: {name}").format(name=item.full_name), fits.plan_of(item.key)
        bars = fits.bars(plan) if plan is not None else ()
        advice = replace(advice, text=text, model_id=item.key, name=item.full_name, bars=bars)
        return self._with_progress(replace(advice, details="", can_retry=False))

    def cancel_download(self, advice: Advice) -> None:
        """Cancel the shown download, after a question where something of it is here."""
        from ui.models.controller import ask_to_cancel

        queue = self._services.downloads.queue
        download = next((each for each in queue.statuses() if each.id == advice.model_id), None)

        def cancel() -> None:
            run_job(self, lambda: queue.cancel(advice.model_id), lambda _none: self.changed.emit(), self.show_error)

        n_bytes = download.progress.done if download is not None else 0
        ask_to_cancel(self._window, advice.name, n_bytes, cancel)

    def download(self, advice: Advice) -> None:
        """Download the recommended model, pause or resume that, or use it where it is here.

        A finished download replaces the starter.
        """
        if advice.action:
            queue = self._services.downloads.queue
            (queue.pause if advice.action == "pause" else queue.resume)(advice.model_id)
            return
        try:
            self._services.library.resolve(advice.model_id)
        except UserError:
            self._notice.attempt(lambda: self._services.downloads.queue.add(advice.model_id, advice.published))
            self.changed.emit()
        else:
            self.use(advice.model_id)

    def retry_advice(self) -> None:
        """Ask the hub again; ``changed`` follows."""
        self._fits_now()

    def _advise_open_model(self, advice: Advice, best: Suggestion) -> Advice:
        from ui.models.row_text import open_model_text

        assert best.plan is not None
        details = " · ".join((open_model_text(best.model), best.model.licence, place_text(best.plan)))
        advice = replace(advice, published=best.published)
        return self._advise(advice, best.model.name, details, best.published.bytes, best.plan)

    def _advise(self, advice: Advice, name: str, details: str, n_bytes: int, plan: LoadPlan) -> Advice:
        from ui.models.row_text import room_text

        assert self._fits is not None
        # That of the models page: it may have been planned by its own header meanwhile.
        plan = self._fits.plan_of(advice.model_id) or plan
        hardware = self._fits.hardware
        room, kind = room_text(n_bytes, hardware.room if hardware is not None and not advice.action else None)
        size, short = size_text(n_bytes), self.tr("Download {name}, {size}")
        button = self.tr("Download {name}, {size}, about {speed} tokens/s")
        return replace(
            advice,
            text=self.tr("Best for this computer: {name}").format(name=name),
            name=name,
            details=details,
            button=advice.button
            or button.format(name=name, size=size, speed=rate_text(plan.tokens_per_second_estimate)),
            room=room,
            lacks_room=kind == "warning",
            short_button=advice.short_button or short.format(name=name, size=size),
            can_retry=False,
        )

    def _with_progress(self, advice: Advice) -> Advice:
        from ui.models.item import ModelItem
        from ui.models.row_text import button_text, problem_text, progress_text

        for each in self._services.downloads.queue.statuses():
            if each.id == advice.model_id and each.state not in ("done", "cancelled"):
                item = ModelItem(each.id, published=advice.published, download=each)
                texts = filter(None, (progress_text(item), problem_text(item)[0]))
                advice = replace(advice, progress="\n".join(texts), fraction=item.fraction, action=item.state.action)
                return replace(advice, button=button_text(item), short_button=button_text(item))
        return advice

    def close(self) -> None:
        """Stop conversions, measurements and other jobs."""
        self._pages.show_first()
        if self._jobs is not None:
            self._jobs.shut_down()

    def release(self) -> None:
        """Unload the model, after a running answer."""
        self._services.worker.submit(self._services.engine.release)

    def _make_fits(self) -> ModelFits:
        from ui.models.fits import ModelFits

        if self._fits is None:
            services = self._services
            self._fits = ModelFits(
                services.planning, services.library, lambda: services.settings.current, services.downloads.access, self
            )
            self._fits.changed.connect(self.changed)
        return self._fits

    def _fits_now(self) -> ModelFits:
        fits = self._make_fits()
        fits.refresh()
        fits.rank()
        return fits

    def _refresh_fits(self) -> None:
        """Plan again where the settings for devices or context have changed."""
        settings = self._services.settings.current
        now = (settings.devices, settings.rpc_servers, settings.context, settings.gpu_layers, settings.language)
        if self._fits is not None and now != self._fits_for:
            self._fits.refresh()
            self._fits.rank(again=True)
        self._fits_for = now

    def _place(self) -> str:
        """Return where the selected model is or would be loaded; empty where that is not known."""
        model_id, loaded = self.model_id(), self._services.planning.loader.loaded
        if model_id is None or is_server_model(model_id):
            return ""
        try:
            path = self._services.library.resolve(model_id).path
        except UserError:
            return ""
        if loaded is not None and path == loaded.request.path:
            return place_text(loaded.plan)
        plan = self._fits.plan_of(model_id) if self._fits is not None else None
        return place_text(plan) if plan is not None else ""

    def _save_options(self, model_id: str, options: PlanOptions) -> None:
        self._notice.attempt(lambda: self._services.planning.overrides.set(model_id, options))
        if self._fits is not None:
            self._fits.refresh()
        self.changed.emit()

    def show_picker(self) -> None:
        """Open the list of models below the model button, with what else can be done with the selected one."""
        model_id = self.model_id()
        plan = tool_button("showPlanButton", "sliders", with_text=True)
        plan.setText(self.tr("Memory layout"))
        plan.setEnabled(model_id is not None and not is_server_model(model_id))
        models = tool_button("showModelsButton", "models", with_text=True)
        models.setText(self.tr("Models…"))
        models.setToolTip(self.tr("Model files on this computer (Ctrl+M)"))
        release = tool_button("releaseButton", "eject", with_text=True)
        release.setText(self.tr("Unload"))
        set_name(release, self.tr("Unload model (frees its memory)"))
        release.setEnabled(self._services.engine.state is not None and not self._is_any_running)
        panel = self._open_panel(
            self.tr("Search models"), self.choose, anchor=self._header.model_button, footer=(plan, models, release)
        )
        for button, action in ((plan, self.show_plan_of_selected), (models, self.show_page), (release, self.release)):
            button.clicked.connect(panel.close_panel)
            button.clicked.connect(action)

    def ask_for_model(self, question: str, chosen: Callable[[str], object]) -> None:
        """Let the user choose a model for something else; ``chosen`` is called with its id."""
        self._open_panel(question, chosen)

    def entries(self) -> list[Entry]:
        """Return all models as rows; none where the library can't be read, which is shown."""
        try:
            return model_entries(self._services, self._make_fits(), self.model_id())
        except UserError as error:
            self.show_error(error)
            return []

    def is_ready(self, key: str) -> bool:
        """Return whether the model of a row can be used."""
        return not key.startswith(OPEN)

    def choose(self, key: str) -> None:
        """Use the model of a row, or show it on the models page where it can't be used yet."""
        if self.is_ready(key):
            self.use(key)
        elif key in (SERVERS, ADD_SERVER):
            self.servers_requested.emit()
        else:
            self.show_page(key=key.removeprefix(OPEN))

    def _open_panel(
        self,
        placeholder: str,
        chosen: Callable[[str], object],
        *,
        anchor: QWidget | None = None,
        footer: Sequence[QWidget] = (),
    ) -> ModelPanel:
        # Without asking the hub, which the models page does.
        self._make_fits().refresh()
        panel = ModelPanel(self._window, placeholder, self.entries, anchor=anchor, footer=footer)
        panel.chosen.connect(chosen)
        self.changed.connect(panel.reload)
        return panel

    def _look_up(self, model_id: str) -> str:
        try:
            if not is_server_model(model_id):
                return _name(self._services.library.resolve(model_id))
            server_id, name = split_model_id(model_id)
            server = self._services.servers.get(server_id).title
            return self.tr("{model} on {server}").format(model=name, server=server)
        except UserError:
            # The next request reports what is wrong with it.
            return split_model_id(model_id)[1] if is_server_model(model_id) else Path(model_id).stem


def _name(model: LocalModel) -> str:
    return " · ".join(filter(None, name_and_quantisation(model)))
