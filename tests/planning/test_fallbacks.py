"""Fallback to smaller plans when memory really runs out, and the plan that is remembered."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

from app.backend import AnswerFinished, ChatEvent, LoadProgress, ModelLoaded, PlanChanged, PromptProgress, TextDelta
from app.backends import loaded_plan
from app.engine.local_engine import WRAPPER_VARIABLE
from app.messages.plans import replanned_sentence
from app.services import Services
from model_manager.errors import UserError
from tests.planning.conftest import Ask
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("prlimit") is None,
    reason="limits the child's address space with prlimit",
)


def replanned(events: list[ChatEvent]) -> list[PlanChanged]:
    return [event for event in events if isinstance(event, PlanChanged)]


@pytest.fixture
def tight(services: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the child has address space for the starter with a cache of 8 bits, and not for one of 16."""
    # Otherwise every thread of the C library reserves 64 MiB, and goes without where they are not to be had.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    peaks: list[int] = []

    def measure(event: ChatEvent) -> None:
        if isinstance(event, ModelLoaded):
            status = Path(f"/proc/{services.engine.pid}/status").read_text()
            peaks.extend(1024 * int(peak) for peak in re.findall(r"VmPeak:\s+(\d+) kB", status))

    ask("starter", on_event=measure, kv_type="q8_0", micro_batch=128)
    services.engine.release()
    monkeypatch.setenv(WRAPPER_VARIABLE, f"prlimit --as={peaks[0] + 40 * MIB}")


@pytest.mark.usefixtures("tight")
def test_out_of_memory_falls_back_and_is_remembered(services: Services, ask: Ask) -> None:
    events = ask("starter")
    steps = replanned(events)
    assert len(steps) >= 2
    assert {step.because.code for step in steps} == {"engine_out_of_memory"}
    taken = [step.plan.host.used_bytes for step in steps]
    assert taken == sorted(taken, reverse=True)
    reported = replanned_sentence(steps[-1].plan, str)
    assert "\n" not in reported
    assert "{" not in reported
    assert isinstance(events[-1], AnswerFinished)
    worked = loaded_plan(services.planning)
    assert (worked["kv_type"], worked["context"]) == (steps[-1].plan.kv_type, steps[-1].plan.context)
    assert worked["kv_type"] == "q8_0"

    services.engine.release()
    again = ask("starter")
    assert replanned(again) == []
    assert loaded_plan(services.planning)["kv_type"] == "q8_0"


@pytest.mark.usefixtures("tight")
def test_fixed_options_are_kept_until_no_fallback_is_left(services: Services, ask: Ask) -> None:
    with pytest.raises(UserError) as caught:
        ask("starter", context=8192, kv_type="f16")
    assert caught.value.code == "engine_out_of_memory"
    assert services.engine.state is None


def server_process(endpoint: str) -> psutil.Process:
    (found,) = (each for each in psutil.Process().children() if endpoint in each.cmdline())
    return found


def test_memory_taken_between_plan_and_load(services: Services, ask: Ask, tmp_path: Path) -> None:
    """The second device tells the plan of gigabytes, and has room for a cache of 8 bits when the load comes."""
    import resource

    path = write_tiny_model(tmp_path / "long.gguf", n_layer=16, n_embd=256, context_length=32768)
    with serving() as first, serving() as second:
        seen: list[LoadProgress] = []
        limits: list[int] = []

        def take(event: ChatEvent) -> None:
            if isinstance(event, LoadProgress):
                seen.append(event)
            if len(seen) == 2 and not limits:  # the first comes before the plan
                server = server_process(second)
                limits.append(server.memory_info().vms + 110 * MIB)
                resource.prlimit(server.pid, resource.RLIMIT_AS, (limits[0], limits[0]))

        options = {"rpc_servers": (first, second), "tensor_split": (1.0, 1.0), "pipeline": False, "context": 32768}
        events = ask(path, on_event=take, **options)
        steps = replanned(events)
        assert steps
        assert {step.because.code for step in steps} == {"engine_out_of_memory"}
        assert isinstance(events[-1], AnswerFinished)
        worked = loaded_plan(services.planning)
        assert (worked["verdict"], worked["kv_type"], worked["context"]) == ("gpu", "q8_0", 32768)
        assert 50 * MIB < worked["devices"][1]["actual"]["kv_bytes"] < 110 * MIB

        services.engine.release()
        assert replanned(ask(path, **options)) == []


def test_crash_before_the_first_token_falls_back(services: Services, ask: Ask) -> None:
    killed: list[int] = []

    def kill_once(event: ChatEvent) -> None:
        if isinstance(event, PromptProgress) and not killed:
            killed.append(services.engine.pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    ask("starter")
    before = loaded_plan(services.planning)
    events = ask("starter", on_event=kill_once)
    (step,) = replanned(events)
    assert step.because.data["phase"] == "reading"
    assert isinstance(events[-1], AnswerFinished)
    assert [event for event in events if isinstance(event, TextDelta)]
    after = loaded_plan(services.planning)
    assert after["host"]["actual"]["compute_bytes"] < before["host"]["actual"]["compute_bytes"]
    assert sum(isinstance(event, ModelLoaded) for event in events) == 2


def test_crash_during_the_answer_is_an_error(services: Services, ask: Ask) -> None:
    def kill_at_the_first_piece(event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            os.kill(services.engine.pid or 0, signal.SIGKILL)

    with pytest.raises(UserError) as caught:
        ask("starter", on_event=kill_at_the_first_piece)
    assert caught.value.code == "engine_died"
    assert replanned(ask("starter")) == []
