"""Device preferences: excluded and limited devices, and RPC servers that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.backend import AnswerFinished, ChatEvent, ChatRequest, ModelLoaded, PlanChanged, TextDelta
from app.backends import backend_for
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.prompt import prompt_messages
from app.config.device_preferences import DevicePreferences, server_address
from app.config.settings import Settings
from app.conversation import Status
from app.messages import sentence
from app.messages.plans import replanned_sentence
from app.planning.basis import applicable_options
from app.planning.machine import SIMULATED_GPUS_VARIABLE, Machine, with_preferences
from app.sampling import Sampling
from app.services import Services
from model_manager.devices.devices import Device, device_keys
from model_manager.errors import UserError
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from tests.planning.conftest import Ask
from tests.rigs.rpc_device import serving

GIB = 1 << 30


@pytest.fixture
def leaving() -> Iterator[tuple[str, str, ExitStack]]:
    """Two servers, and what ends the second."""
    with serving() as first, ExitStack() as second:
        yield first, second.enter_context(serving()), second


def keep(services: Services, options: DevicePreferences) -> None:
    services.settings.change(**options.to_settings())


def test_preferences_survive_the_settings_file() -> None:
    options = DevicePreferences(("10.0.0.2:50052",)).with_device("CUDA 0000:01:00.0", use=False)
    options = options.with_device("CUDA1", ceiling_gib=12.5, reserve_gib=1.0)
    settings = Settings(**options.to_settings())
    assert settings.device_preferences() == options
    assert options.with_device("CUDA1", ceiling_gib=None, reserve_gib=None).devices.keys() == {"CUDA 0000:01:00.0"}


@pytest.mark.parametrize("text", ["{", "[]", '{"CUDA0": 1}', '{"CUDA0": {"use": 1}}', '{"CUDA0": {"ceiling_gib": -1}}'])
def test_invalid_device_preferences_are_ignored(services: Services, text: str) -> None:
    services.settings.change(devices=text)
    assert services.settings.current.device_preferences().devices == {}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.20:50052", "192.168.1.20:50052"),
        ("Desk.local", "desk.local:50052"),
        (" rpc://pc-2:7000/ ", "pc-2:7000"),
        ("[fe80::1]:50052", "[fe80::1]:50052"),
        ("[fe80::1]", "[fe80::1]:50052"),
        ("", None),
        ("two words:1", None),
        ("pc:0", None),
        ("pc:65536", None),
        ("pc:x", None),
        ("-pc:1", None),
        ("box:" + "1" * 5000, None),
    ],
)
def test_server_addresses_are_normalised(text: str, address: str | None) -> None:
    assert server_address(text) == address


def test_device_keys_are_stable_under_renumbering() -> None:
    def device(name: str, backend: str, description: str, pci: str = "") -> Device:
        return Device(name, GIB, GIB, backend=backend, description=description, pci_bus_id=pci)

    before = [
        device("CUDA0", "CUDA", "a", "0000:01:00.0"),
        device("RPC0", "RPC", "pc:1"),
        device("RPC1", "RPC", "pc:1"),
    ]
    after = [device("CUDA1", "CUDA", "a", "0000:01:00.0"), device("RPC2", "RPC", "pc:1"), device("RPC3", "RPC", "pc:1")]
    assert list(device_keys(before).values()) == list(device_keys(after).values())
    assert len(set(device_keys(before).values())) == 3


def test_preferences_exclude_and_limit_devices() -> None:
    machine = Machine((Device("GPU0", 24 * GIB), Device("GPU1", 16 * GIB)))
    options = DevicePreferences().with_device("GPU0", use=False).with_device("GPU1", ceiling_gib=8.0, reserve_gib=2.0)
    chosen = with_preferences(machine, options)
    (device,) = chosen.devices
    assert (device.name, device.ceiling_bytes, device.reserve_bytes) == ("GPU1", 8 * GIB, 2 * GIB)
    assert chosen.left_out == {"GPU0"}
    assert [each.name for each in chosen.offered] == ["GPU0", "GPU1"]
    assert with_preferences(machine, DevicePreferences()) is machine
    by_hand = PlanOptions(devices=("GPU0", "GPU1"), tensor_split=(2.0, 1.0), n_gpu_layers=7, main_gpu="GPU0")
    assert applicable_options(by_hand, chosen) == PlanOptions(devices=("GPU1",))
    assert applicable_options(PlanOptions(devices=("GPU9",)), chosen) == PlanOptions(devices=("GPU9",))


def test_preferences_apply_to_recommendations_and_plans(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    both = {each.id: each for each in services.planning.recommend(simulated_ram=64)}
    keep(services, DevicePreferences().with_device("GPU1", use=False).with_device("GPU0", ceiling_gib=10.0))
    one = {each.id: each for each in services.planning.recommend(simulated_ram=64)}
    assert both["apus:IQ3_XXS"].plan.verdict == "gpu"
    assert one["apus:IQ3_XXS"].plan.verdict == "experts_in_ram"
    (device,) = one["apus:IQ3_XXS"].plan.devices
    assert device.weights_bytes + device.kv_bytes + device.compute_bytes <= 10 * GIB
    assert [each.name for each in services.planning.basis("apus:Q2_K").machine.devices] == ["GPU0"]


def test_servers_of_the_settings_are_used_like_required_ones(services: Services, ask: Ask, starter: Path) -> None:
    with serving() as first, serving() as second:
        keep(services, DevicePreferences((first,)))
        assert [each.description for each in services.planning.machine().devices] == [first]
        # Named ones come first, and number the devices.
        named = services.planning.machine((second,))
        assert [each.description for each in named.devices] == [second, first]
        assert named.rpc_servers == (second, first)
        ask("starter", context=512)
        loaded = services.planning.loader.loaded
        assert loaded is not None
        assert loaded.plan.spec.rpc_servers == (first,)
        assert loaded.result.memory["RPC0"]["weights_bytes"] > 0
        # The server speaks with the engine alone now; what is known of it is from before the load.
        (device,) = services.planning.machine(refresh=True).devices
        assert (device.description, device.name) == (first, "RPC0")
        basis = services.planning.basis("starter")
        assert basis.plan(PlanOptions(context=512)).verdict == "gpu"
        assert services.planning.rehearsed(basis, PlanOptions()) is basis
        keep(services, DevicePreferences((first, second)))
        assert [each.name for each in services.planning.machine(refresh=True).devices] == ["RPC0", "RPC1"]


def test_missing_optional_server_is_left_out_and_reported(
    services: Services, ask: Ask, starter: Path, leaving: tuple[str, str, ExitStack]
) -> None:
    first, second, end = leaving
    keep(services, DevicePreferences((first, second)))
    services.planning.overrides.set("starter", PlanOptions(tensor_split=(1.0, 1.0), devices=("RPC0", "RPC1")))
    ask("starter", context=512)
    loaded = services.planning.loader.loaded
    assert loaded is not None
    assert len(loaded.plan.used_devices) == 2
    services.engine.release()
    end.close()
    events = ask("starter", context=512)
    (reported,) = [event for event in events if isinstance(event, PlanChanged)]
    assert (reported.because.code, reported.because.data["server"]) == ("rpc_server_unreachable", second)
    assert second in replanned_sentence(reported.plan, str, reported.because)
    assert isinstance(events[-1], AnswerFinished)
    loaded = services.planning.loader.loaded
    assert loaded is not None
    assert loaded.plan.spec.rpc_servers == (first,)
    machine = services.planning.machine(refresh=True)
    assert [error.data["server"] for error in machine.missing] == [second]
    assert [each.description for each in machine.devices] == [first]


def test_server_lost_before_the_answer_is_replaced_by_a_new_plan(
    services: Services, ask: Ask, starter: Path, leaving: tuple[str, str, ExitStack]
) -> None:
    first, second, end = leaving
    keep(services, DevicePreferences((first, second)))

    def leave(event: ChatEvent) -> None:
        if isinstance(event, ModelLoaded):
            end.close()

    events = ask("starter", context=512, tensor_split=(1.0, 1.0), on_event=leave)
    assert isinstance(events[-1], AnswerFinished)
    assert [event.because.data["server"] for event in events if isinstance(event, PlanChanged)] == [second]


def test_server_lost_during_the_answer_is_an_error(
    services: Services, ask: Ask, starter: Path, leaving: tuple[str, str, ExitStack]
) -> None:
    first, second, end = leaving
    keep(services, DevicePreferences((first, second)))

    def leave(event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            end.close()

    with pytest.raises(UserError) as caught:
        ask("starter", context=512, tensor_split=(1.0, 1.0), on_event=leave)
    assert (caught.value.code, caught.value.data["server"]) == ("rpc_server_lost", second)
    assert isinstance(ask("starter", context=512)[-1], AnswerFinished)


def test_partial_answer_is_kept_and_the_next_works_without_the_device(
    services: Services, leaving: tuple[str, str, ExitStack], tiny_model: Path
) -> None:
    """Its answers never end by themselves."""
    first, second, end = leaving
    keep(services, DevicePreferences((first, second)))
    store = services.store
    conversation = store.create()
    plans: list[LoadPlan] = []

    def leave(event: ChatEvent) -> None:
        loaded = services.planning.loader.loaded
        if isinstance(event, TextDelta) and loaded is not None and loaded.plan not in plans:
            plans.append(loaded.plan)
            end.close()

    def ask(question: str, most: int) -> AnswerResult:
        _, answer = store.begin_turn(conversation.id, question)
        source = backend_for(services, str(tiny_model), PlanOptions(tensor_split=(1.0, 1.0)))
        prompt = prompt_messages("", store.branch(conversation.id)[:-1])
        request = ChatRequest(prompt, Sampling(seed=1, max_tokens=most))
        return RunningAnswer(answer, store, source, request, str(tiny_model)).generate(leave)

    died = ask("Hello.", 1500)
    assert died.error is not None
    assert died.error.code == "rpc_server_lost"
    assert second in sentence(died.error)
    assert "\n" not in sentence(died.error)
    assert (died.message.status, bool(died.message.content)) == (Status.INTERRUPTED, True)

    again = ask("And then?", 8)
    assert again.error is None
    kept = store.branch(conversation.id)
    assert [message.status for message in kept[1::2]] == [Status.INTERRUPTED, Status.COMPLETE]
    assert kept[1].content == died.message.content
    assert [len(plan.used_devices) for plan in plans] == [2, 1]
    assert plans[1].devices[0].weights_bytes > plans[0].devices[0].weights_bytes
