"""Hostile files of the data folder: each is read or set aside, what is read can be used, and nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.bounds import within_bounds
from app.config.drafts import Draft, Drafts
from app.config.presets import ConversationOverrides, Presets
from app.config.secrets import Secrets
from app.config.settings import PARAMETERS, SettingsFile
from app.context import ContextPolicy
from app.conversation import Attachment
from app.downloads import access_from
from app.messages import sentence
from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.saved_options import ModelOverrides, RememberedPlans
from app.sampling import Sampling
from app.servers.protocol import MAX_TOKENS
from app.servers.registry import Servers
from app.tools.registry import ToolServers
from app.tools.server import ToolServer
from model_manager.devices.devices import simulated_devices
from model_manager.download.queue import DownloadQueue
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary
from model_manager.plan.load_spec import PlanOptions
from tests.fuzz.hostile import case_count, hostile_cases, write
from tests.plan.plan_builders import ram

MODEL = "apus:Q2_K"
OPTIONS = PlanOptions(context=8192, kv_type="q8_0", devices=("GPU0",), tensor_split=(1.0,), n_gpu_layers=2, threads=4)
SECRETS = Secrets({})
Use = Callable[[Path, bool], UserError | None]
"""Uses what is in a file, and changes it if true; returns the error of reading it."""


def use_settings(path: Path, change: bool) -> UserError | None:
    file = SettingsFile(path)
    now = file.current
    assert all(each.accepts(getattr(now, name)) for name, each in PARAMETERS.items())
    assert within_bounds(now.sampling()) == now.sampling()
    access_from(now, SECRETS).token_for(now.endpoint)
    now.device_preferences()
    if change:
        theme = "dark" if now.theme == "light" else "light"
        assert file.change(theme=theme) == replace(now, theme=theme)
        assert file.current == SettingsFile(path).current
    return file.problem


def use_presets(path: Path, change: bool) -> UserError | None:
    presets = Presets(path)
    before = presets.list(lambda _context, text: text)
    assert all(within_bounds(each.sampling) == each.sampling for each in before if each.sampling)
    if change:
        presets.add("another", ConversationOverrides("prompt"))
        assert len(Presets(path).list(lambda _context, text: text)) == len(before) + 1
    return presets.problem


def use_drafts(path: Path, change: bool) -> UserError | None:
    drafts = Drafts(path)
    for draft in map(drafts.get, (*drafts.conversation_ids(), None)):
        assert tuple(map(within_bounds, draft.attachments)) == draft.attachments
        draft.after()
    if change:
        drafts.put("another", Draft("text"))
        drafts.save()
        again = Drafts(path)
        pairs = [(again.get(id_), drafts.get(id_)) for id_ in again.conversation_ids()]
        assert len(pairs) == len(drafts.conversation_ids())
        assert all(read == kept for read, kept in pairs)
    return drafts.problem


def use_servers(path: Path, change: bool) -> UserError | None:
    servers = Servers(path, SECRETS)
    before = servers.list()
    for server in before:
        assert isinstance(server.title + server.host, str)
        servers.at(server.url)
        for name in server.models:
            assert 0 <= servers.context_of(server.model_id(name)) <= MAX_TOKENS
            servers.backend(server.model_id(name))
    if change:
        added = servers.add("127.0.0.1:1", "another")
        assert Servers(path, SECRETS).list() == (*before, added)
    return servers.problem


def use_tools(path: Path, change: bool) -> UserError | None:
    tools = ToolServers(path, SECRETS)
    before = tools.list()
    for server in before:
        assert isinstance(server.address, str)
        tools.status(server.name)
    if change:
        added = ToolServer(max((each.name for each in before), default="", key=len) + "x", ("true",))
        tools.add(added)
        assert ToolServers(path, SECRETS).list() == (*before, added)
    return tools.problem


class Folder:
    """A model, a machine, and the files about them."""

    def __init__(self, folder: Path, model: Path) -> None:
        self._folder, self._model = folder, model
        self._basis = PlanBasis((read_header(model),), Machine(simulated_devices((24,))), ram(64))

    def use_library(self, path: Path, change: bool) -> UserError | None:
        """With hashes of files, and what was read of them."""
        library = ModelLibrary(path.parent, lambda: None)
        try:
            for model in library.list():
                assert library.resolve(model.id) == model
            if change:
                library.record_file_hash(self._model, "0123456789abcdef" * 4)
                assert library.known_hash(self._model) is not None
        except UserError as error:
            return error
        return library.problem

    def use_overrides(self, path: Path, change: bool) -> UserError | None:
        overrides = ModelOverrides(path)
        self._plan(overrides.get(MODEL))
        if change:
            ModelOverrides(path).set("another", OPTIONS)
            assert ModelOverrides(path).get("another") == OPTIONS
        return overrides.problem

    def use_plans(self, path: Path, change: bool) -> UserError | None:
        plans = RememberedPlans(path)
        if (noted := plans.find(self._basis, PlanOptions())) is not None:
            self._plan(noted)
        if change:
            plans.note(self._basis, OPTIONS, self._basis.plan(OPTIONS))
            assert RememberedPlans(path).find(self._basis, OPTIONS) is not None
        return plans.problem

    def _plan(self, options: PlanOptions) -> None:
        with suppress(UserError):
            json.dumps(self._basis.plan(options).to_json(), allow_nan=False)

    def use_downloads(self, path: Path, change: bool) -> UserError | None:
        queue = DownloadQueue(lambda: path.parent, lambda: Access("http://127.0.0.1:9", proxy=""))
        queue.start()
        with closing(queue):
            names = [each.id for each in queue.statuses()]
            if change:
                names.append("not in the file")
                queue.add(names[-1])
                queue.pause(names[-1])
        assert names == [each.id for each in queue.statuses()]
        return None

    def uses(self) -> dict[str, Use]:
        return {
            "settings.json": use_settings,
            "presets.json": use_presets,
            "drafts.json": use_drafts,
            "servers.json": use_servers,
            "tools.json": use_tools,
            "library.json": self.use_library,
            "wishes.json": self.use_overrides,
            "plans.json": self.use_plans,
            "downloads.json": self.use_downloads,
        }

    def write_valid(self) -> dict[str, Any]:
        """Write each file as the program does, with a value in every field; returns their contents."""
        sampling = Sampling(seed=7, max_tokens=100, stop=("</s>",), thinking="off")
        devices = '{"GPU0": {"use": false, "ceiling_gib": 8, "reserve_gib": 1}}'
        SettingsFile(self._folder / "settings.json").change(theme="dark", devices=devices, rpc_servers="a:1")
        Presets(self._folder / "presets.json").add("mine", ConversationOverrides("p", sampling, ContextPolicy.ROLL))
        drafts = Drafts(self._folder / "drafts.json")
        drafts.put("id", Draft("text", (Attachment("a.txt", "light", 3),), "id", before=Draft("earlier")))
        drafts.save()
        for name, use in self.uses().items():
            use(self._folder / name, True)
        downloads = {"format": 1, "downloads": {MODEL: True, "a/b:c.gguf": True, "magnet:?xt=urn:btih:0": True}}
        (self._folder / "downloads.json").write_text(json.dumps(downloads))
        ModelLibrary(self._folder, lambda: None).register(self._model)
        ModelOverrides(self._folder / "wishes.json").set(MODEL, OPTIONS)
        plans = RememberedPlans(self._folder / "plans.json")
        plans.note(self._basis, PlanOptions(), self._basis.plan(OPTIONS))
        return {name: json.loads((self._folder / name).read_bytes()) for name in self.uses()}


@case_count
def test_hostile_files_of_the_data_folder(
    count: int, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    folder = Folder(tmp_path, tiny)
    valid = folder.write_valid()
    ends: Counter[str] = Counter()
    for dice in hostile_cases(count):
        name, use = dice.choice(list(folder.uses().items()))
        path, aside = tmp_path / name, tmp_path / f"{name}.damaged"
        aside.unlink(missing_ok=True)
        content = dice.json_bytes(dice.mutated(valid[name]))
        write(path, content)
        try:
            problem = use(path, dice.chance(0.2))
            if problem is not None:
                assert "\n" not in sentence(problem)
            if aside.exists():
                assert aside.read_bytes() == content
            ends["aside" if aside.exists() else problem.code if problem else "used"] += 1
            assert problem is None or problem.code in ("file_set_aside", "library_too_new", "settings_invalid")
        except BaseException as error:
            error.add_note(f"{dice!r} {name}")
            raise
    assert ends["used"] + ends["settings_invalid"] > count / 3, ends
    assert ends["aside"] > count / 5, ends
