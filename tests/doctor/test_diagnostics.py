"""What the doctor finds: on this machine, on machines that are values, and where something is broken."""

from __future__ import annotations

import ast
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import Settings, SettingsFile
from app.doctor import engine, network, program, storage
from app.doctor.diagnostic import Diagnostic, Severity, anonymise, name_text, remedy_text, report, value_text
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.engine.external_engine import DESCRIPTION_FILE, VARIABLE
from app.engine.protocol import DeviceList, Failure
from app.messages.doctor import NAMES, TEXTS
from app.messages.doctor import PARTS as PART_NAMES
from app.planning.machine import Machine, MachineReader, simulated_machine
from app.servers.registry import Servers
from app.store.store import ConversationStore
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.devices.devices import Device, Memory
from model_manager.devices.nvidia import GpuProcess, NvidiaGpu, NvidiaInfo
from model_manager.devices.system_gpus import SystemGpu
from model_manager.errors import Cancelled, UserError
from model_manager.library.library import ModelLibrary
from tests.rigs.apus_shapes import write_shape
from tests.rigs.fake_hub import FakeHub
from tests.rigs.openai_server import openai_server
from tests.rigs.tiny_model import write_tiny_model

SOURCES = Path(engine.__file__).parent
GIB = 1 << 30


def cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token


def by_id(results: Iterator[Diagnostic] | tuple[Diagnostic, ...]) -> dict[str, Diagnostic]:
    return {f"{each.id} {each.subject}".strip(): each for each in results}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    folder = DataFolder(tmp_path / "data")
    folder.root.mkdir()
    reader = MachineReader(folder)
    return Doctor(folder, SettingsFile(folder.settings_file), Secrets({}), lambda: reader.read(refresh=True))


# All of it


def test_every_code_has_a_text() -> None:
    sources = (*SOURCES.glob("*.py"), *(SOURCES.parents[1] / "ui/doctor").glob("*.py"))
    nodes = [node for path in sources for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant)}
    assert TEXTS.keys() <= strings, "texts of no check"
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        match call.func:
            case ast.Name(id="Diagnostic"):
                keywords = {each.arg: each.value for each in call.keywords}
                assert literals(call.args[0]) <= NAMES.keys()
                assert literals(call.args[2], keywords.get("remedy")) <= TEXTS.keys()
            case ast.Attribute(attr="warning_if"):
                assert literals(call.args[1]) <= TEXTS.keys()
    assert NAMES.keys() <= strings
    assert PART_NAMES.keys() == {*PARTS, NETWORK}


def literals(*nodes: ast.AST | None) -> set[str]:
    """Strings that are possible values of these expressions."""
    options = [part for each in nodes for part in ([each.body, each.orelse] if isinstance(each, ast.IfExp) else [each])]
    return {each.value for each in options if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_this_machine_is_checked_for_real(doctor: Doctor) -> None:
    found = by_id(tuple(each for part in PARTS for each in doctor.check(part)))
    assert {
        "program",
        "libraries",
        "memory",
        "swap",
        "database",
        "data_folder",
        "disk_use",
        "disk_speed",
        "keyring",
    } <= found.keys()
    assert found["engine"].state is Severity.OK
    assert "CPU" in value_text(found["engine"])
    assert "device CPU" in found or any(key.startswith("device ") for key in found)
    assert not any(key.startswith("trouble") for key in found)
    assert "hub" not in " ".join(found), "nobody asked for the network"
    assert all(value_text(each) and name_text(each) for each in found.values())


def test_a_failing_part_does_not_affect_the_others(doctor: Doctor, tmp_path: Path) -> None:
    def broken() -> Machine:
        raise RuntimeError("out of order")

    failing = Doctor(doctor.folder, doctor.settings, doctor.secrets, broken, check_environment=lambda: [1 // 0])  # type: ignore[list-item]
    (engine_result,) = failing.check("engine")
    assert (engine_result.id, engine_result.state) == ("trouble", Severity.BAD)
    assert "out of order" in value_text(engine_result)
    assert name_text(engine_result) == "Not checked: Engine and GPUs"
    checked = by_id(failing.check("program"))
    assert {"program", "keyring", "trouble program"} <= checked.keys(), "what was found before stays"
    assert by_id(failing.check("memory"))["memory"].value


def test_all_checks_can_be_cancelled(doctor: Doctor) -> None:
    doctor.stop()
    for part in PARTS:
        with pytest.raises(Cancelled):
            doctor.check(part)
    assert not list(doctor.folder.root.rglob("*.part"))


# The engine


def machine_with(*devices: Device, **values: object) -> Machine:
    gpus = tuple(
        Device(device.name, device.free_bytes, description=device.description)
        for device in devices
        if device.kind == "gpu"
    )
    backends = ("CPU", *dict.fromkeys(device.backend for device in devices if device.kind == "gpu"))
    return Machine(devices=gpus, engine=DeviceList(devices, "llama.cpp (test)", backends), **values)  # type: ignore[arg-type]


CPU = Device("CPU", 64 * GIB, 64 * GIB, "cpu", "CPU", "A processor")
CARD = Device("CUDA0", 20 * GIB, 24 * GIB, "gpu", "CUDA", "NVIDIA GeForce RTX 4090", "0000:01:00.0")
IDLE = SystemGpu("NVIDIA", "NVIDIA GeForce RTX 4090", "0000:01:00.0", driver="nvidia")


def nvml_card(*processes: GpuProcess) -> NvidiaInfo:
    card = NvidiaGpu(0, CARD.description, CARD.pci_bus_id, 24 * GIB, 20 * GIB, False, 4, 4, 16, 16, processes)
    return NvidiaInfo("550.54.14", (card,))


def test_an_unused_gpu_comes_with_a_build_command(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_with(CPU, system=(IDLE, IDLE))
    found = by_id(engine.describe(machine))
    idle = found["graphics_card"]
    assert (idle.state, idle.command) == (Severity.WARNING, "python3 start.py --backend cuda")
    assert "RTX 4090" in value_text(idle)
    assert "runs on the CPU" in value_text(found["devices"])
    monkeypatch.setattr("sys.frozen", True, raising=False)
    bundled = by_id(engine.describe(machine_with(CPU, system=(IDLE, IDLE))))["graphics_card"]
    assert bundled.command == "", "a bundle builds nothing"
    assert "cuda bundle" in remedy_text(bundled)


def test_programs_that_use_a_gpu_are_named_except_the_own_engine() -> None:
    own, other = GpuProcess(7, "apus-chat", 20 * GIB), GpuProcess(8, "blender", 6 * GIB)
    alone = by_id(engine.describe(machine_with(CPU, CARD, nvidia=nvml_card(own)), engine_pid=7))
    assert alone[f"card {CARD.description}"].state is Severity.OK
    assert "CUDA0" in value_text(alone["devices"])
    held = by_id(engine.describe(machine_with(CPU, CARD, nvidia=nvml_card(own, other)), engine_pid=7))
    result = held[f"card {CARD.description}"]
    assert result.state is Severity.WARNING
    assert "blender 6.0 GiB" in value_text(result)
    assert "apus-chat" not in value_text(result)
    assert remedy_text(result)


def test_a_broken_driver_and_a_missing_rpc_server_are_reported() -> None:
    missing = Failure("rpc_server_unreachable", {"server": "10.0.0.2:50052"})
    machine = machine_with(
        CPU,
        problem=UserError("gpu_driver_broken", cause="engine_died"),
        missing=(UserError(missing.code, **missing.data),),
    )
    found = by_id(engine.describe(machine))
    assert "driver" in value_text(found["graphics_card"])
    assert "respond" in value_text(found["rpc_server 10.0.0.2:50052"])


def test_an_engine_that_does_not_start_is_reported_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Machine:
        raise UserError("engine_not_startable", detail="no such file", log="")

    (result,) = engine.check(broken, None, {})
    assert (result.state, result.command) == (Severity.BAD, "python3 start.py --rebuild")
    monkeypatch.setattr("sys.frozen", True, raising=False)
    (bundled,) = engine.check(broken, None, {})
    assert (bundled.command, bool(remedy_text(bundled))) == ("", True)


def test_an_external_engine_of_another_version_is_reported(tmp_path: Path) -> None:
    version = dict(program.library_versions())["llama_cpp_python"]
    for number, (version_in_file, state) in enumerate(((version, Severity.OK), ("0.0.1", Severity.BAD))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / DESCRIPTION_FILE).write_text(f'{{"llama_cpp_python": "{version_in_file}", "backend": "vulkan"}}')
        first = next(engine.check(lambda: simulated_machine([24]), None, {VARIABLE: str(folder)}))
        assert (first.id, first.state) == ("external_engine", state)
    assert "0.0.1" in value_text(first)
    assert remedy_text(first)


@pytest.mark.parametrize(
    ("memory", "states"),
    [
        (Memory(64 * GIB, 50 * GIB, 8 * GIB, 8 * GIB), (Severity.OK, Severity.OK)),
        (Memory(64 * GIB, 1 * GIB, 8 * GIB, 1 * GIB), (Severity.WARNING, Severity.WARNING)),
        (Memory(64 * GIB, 50 * GIB, 0, 0), (Severity.OK, Severity.OK)),
    ],
)
def test_low_memory_and_full_swap_are_warnings(memory: Memory, states: tuple[Severity, Severity]) -> None:
    found = list(engine.check_memory(memory))
    assert tuple(each.state for each in found) == states
    assert all(bool(remedy_text(each)) == (each.state is not Severity.OK) for each in found)


# The disk


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    path = tmp_path / "large.gguf"
    path.write_bytes(bytes(storage.MIN_BYTES))
    return path


def test_load_time_is_estimated_from_the_disk_speed(large_file: Path, tmp_path: Path) -> None:
    quick = by_id(
        storage.check_disk(tmp_path, tmp_path, storage.LoadFile("a small one", 1000, large_file), NEVER_CANCELLED)
    )["disk_speed"]
    assert quick.state is Severity.OK
    assert "loading a small one" in value_text(quick)
    assert value_text(quick).count("about 1 s") == 1
    slow = by_id(
        storage.check_disk(tmp_path, tmp_path, storage.LoadFile("a huge one", 10**16, large_file), NEVER_CANCELLED)
    )["disk_speed"]
    assert slow.state is Severity.WARNING
    assert " min" in value_text(slow)
    assert "faster disk" in remedy_text(slow)


def test_without_a_file_a_temporary_one_is_measured_and_removed(tmp_path: Path) -> None:
    found = by_id(storage.check_disk(tmp_path, tmp_path, storage.LoadFile("x", GIB), NEVER_CANCELLED))
    assert "takes about" in value_text(found["disk_speed"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Cancelled):
        list(storage.check_disk(tmp_path, tmp_path, storage.LoadFile("x", GIB), cancelled()))
    assert list(tmp_path.iterdir()) == []


def test_measuring_a_file_can_be_cancelled(large_file: Path) -> None:
    with pytest.raises(Cancelled):
        storage.read_speed(large_file, 60, cancelled())


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    found = by_id(
        storage.check_disk(tmp_path, tmp_path, storage.LoadFile("x", GIB, tmp_path / "gone.gguf"), NEVER_CANCELLED)
    )
    assert found["disk_speed"].state is Severity.WARNING
    assert "Couldn't be measured" in value_text(found["disk_speed"])


def test_the_load_time_is_that_of_the_selected_model(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "models")
    assert "APUS" not in storage.load_file(None, library).name, "that isn't here"
    for name in ("Q2_K", "IQ3_XXS"):
        write_shape(tmp_path / f"{name}.gguf", name)
    ids = [library.register(tmp_path / f"{name}.gguf").id for name in ("Q2_K", "IQ3_XXS")]
    for model_id in ids:
        file = storage.load_file(model_id, library)
        assert file.path == library.resolve(model_id).path
        assert file.n_bytes > 40 * 10**9


def test_disk_use_is_counted_by_kind(tmp_path: Path) -> None:
    folder, elsewhere = DataFolder(tmp_path / "data"), tmp_path / "elsewhere"
    sizes = {
        folder.models / "a" / "partial.gguf.part": 10,
        folder.conversations / "conversations.sqlite3": 200,
        folder.conversations / "backups" / "conversations-daily-20260101T000000000000Z.sqlite3": 5,
        folder.states / "one.state": 3000,
        folder.logs / "app.log": 40_000,
    }
    for path, size in sizes.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    elsewhere.mkdir()
    model = write_tiny_model(elsewhere / "tiny.gguf")
    use = storage.disk_use(folder, ModelLibrary(folder.models, models_folder=lambda: elsewhere))
    assert use == storage.DiskUse(10 + model.stat().st_size, 200, 5, 3000, 40_000)


# The conversations


def test_a_damaged_database_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    (nothing,) = storage.check_conversations(folder, NEVER_CANCELLED)
    assert nothing.state is Severity.OK
    with ConversationStore.open(folder) as store:
        for number in range(200):
            store.create(title=f"{number} " * 50)
        store.backup_now()
        found = by_id(storage.check_conversations(folder, NEVER_CANCELLED))
        assert found["database"].state is Severity.OK
        assert value_text(found["backups"]).startswith("1, newest from 20")
    database = folder / "conversations.sqlite3"
    content = bytearray(database.read_bytes())
    content[8192:24576] = b"\x5a" * 16384
    database.write_bytes(content)
    damaged = by_id(storage.check_conversations(folder, NEVER_CANCELLED))["database"]
    assert damaged.state is Severity.BAD
    assert remedy_text(damaged)
    assert database.read_bytes() == bytes(content), "nothing was changed"


def test_the_database_check_can_be_cancelled(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE messages (text)")
        connection.executemany("INSERT INTO messages VALUES (?)", (("x" * 50,) for _ in range(200_000)))
    with pytest.raises(Cancelled):
        list(storage.check_conversations(folder, cancelled()))


# The network


def settings_for(url: str) -> Settings:
    return Settings(endpoint=url, authority=url, proxy="none")


def test_hub_and_servers_get_only_their_own_keys(tmp_path: Path) -> None:
    secrets = Secrets({"HF_TOKEN": "hf_secret"})
    with FakeHub() as hub, openai_server(key="sk-right") as right, openai_server(key="sk-right") as wrong:
        known = Servers(tmp_path / "servers.json", secrets)
        known.add(right.url, key="sk-right")
        known.add(wrong.url, key="sk-other")
        found = list(network.check(settings_for(hub.url), tmp_path / "servers.json", secrets, ""))
        shown = [entry.auth for entry in hub.log]
        hosts = [each.url.removeprefix("http://").removesuffix("/v1") for each in (right, wrong)]
    by_subject = {each.subject: each for each in found}
    assert shown == [None], "asked once, without the token"
    assert by_subject[hub.url.removeprefix("http://")].state is Severity.OK
    assert re.fullmatch(r"responds in \d+ ms", value_text(by_subject[hosts[0]]))
    assert by_subject[hosts[1]].state is Severity.BAD
    assert "key" in value_text(by_subject[hosts[1]])
    assert "sk-" not in report({NETWORK: found})
    text = report({NETWORK: found}, lambda text: f"<{text}>")
    assert text.startswith("# <APUS Chat: report about this computer>\n")
    assert "- <ok>: " in text
    assert "- **<bad>**: " in text


def test_a_timeout_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        target = network._hub(url, "")
        (result,) = network.check_all([target], timeout_s=0.3)
    assert result.state is Severity.BAD
    assert "respon" in value_text(result)
    assert "proxy" in remedy_text(result)


def test_a_damaged_list_of_servers_is_reported_and_kept(tmp_path: Path) -> None:
    servers = tmp_path / "servers.json"
    servers.write_text("[{")
    with FakeHub() as hub:
        found = by_id(network.check(settings_for(hub.url), servers, Secrets({}), ""))
        assert found[f"hub {hub.url.removeprefix('http://')}"].state is Severity.OK
    assert found["server"].state is Severity.BAD
    assert "servers.json" in value_text(found["server"])
    assert [each.name for each in tmp_path.iterdir()] == ["servers.json"], "the file was not set aside"


def test_a_refused_connection_is_reported(tmp_path: Path, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    (result,) = network.check(settings_for(url), tmp_path / "servers.json", Secrets({}), "")
    assert result.state is Severity.BAD
    assert "Couldn't connect" in value_text(result)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


# The terminal, and the report


@pytest.mark.parametrize(
    ("face", "state", "words"),
    [("Noto Sans CJK SC", Severity.OK, "Noto"), ("", Severity.WARNING, "No font"), (None, Severity.OK, "Not checked")],
)
def test_fonts_with_chinese(face: str | None, state: Severity, words: str) -> None:
    result = program.check_fonts(face)
    assert result.state is state
    assert words in value_text(result)
    assert bool(remedy_text(result)) == (state is not Severity.OK)


def test_missing_emoji_are_reported() -> None:
    assert list(program.check_emoji(True)) == []
    (result,) = program.check_emoji(False)
    assert result.state is Severity.WARNING
    assert "boxes" in value_text(result)
    assert "Noto Color Emoji" in remedy_text(result)


def test_a_terminal_without_a_display_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert by_id(program.check_environment({}))["window"].state is Severity.WARNING
    assert by_id(program.check_environment({"DISPLAY": ":0"}))["window"].state is Severity.OK


def test_the_report_has_no_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("/home/mariana")
    text = anonymise(f"{home}/models/x.gguf, mariana's files, {home}", home, "mariana")
    assert text == "~/models/x.gguf, ~'s files, ~"
    assert anonymise("the top of it", Path("/home/to"), "to") == "the top of it", "too short a name to look for"
    assert anonymise("/home/ada/x adamant", Path("/home/ada"), "ada") == "~/x adamant"


def test_the_report_is_markdown_with_remedies(tmp_path: Path) -> None:
    command = Diagnostic("starter_model", Severity.BAD, "missing", remedy="set_up", command="python3 start.py")
    text = report({"program": (command, Diagnostic("system", Severity.OK, "plain", {"text": "Linux {x}"}))})
    assert "## Program" in text
    assert "- **bad**: Starter model: missing" in text
    assert "`python3 start.py`" in text
    assert "Linux {x}" in text


def test_a_blocked_keyring_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    class Waiting(Secrets):
        def is_usable(self) -> bool:
            return go_on.wait(60)

    monkeypatch.setattr(program, "KEYRING_TIMEOUT_S", 0.05)
    result = by_id(program.check(Waiting({})))["keyring"]
    go_on.set()
    assert result.state is Severity.WARNING
    assert "locked" in value_text(result)
