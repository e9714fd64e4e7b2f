"""Loads that run out of memory: an abort and a segmentation fault in the driver, and a refused allocation.

Each falls back to a smaller plan that works, which is used at once the next time.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from app.backend import AnswerFinished, ModelLoaded, PlanChanged
from app.backends import loaded_plan
from app.engine.local_engine import WRAPPER_VARIABLE
from app.messages.plans import replanned_sentence
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.vulkan.conftest import Ask

pytestmark = [
    pytest.mark.vulkan,
    pytest.mark.skipif(shutil.which("prlimit") is None, reason="limits the child's address space with prlimit"),
]

MIB = 1 << 20
CPU = {"devices": ("CPU",)}
ENDINGS = {
    "an abort": ({"context": 8192, "kv_type": "q8_0", "micro_batch": 128}, 50, {}, "SIGABRT"),
    "a segmentation fault": ({"context": 4096, "kv_type": "q8_0", "micro_batch": 128}, 8, {}, "SIGSEGV"),
    "a refusal": ({"context": 4096, "kv_type": "q8_0", "micro_batch": 128, "devices": ("CPU",)}, 40, CPU, None),
}
"""A smaller plan, MiB added to the address space of its load, the requested plan, and the child's first exit.

The first answer needs memory for the shaders, so the plan that works can be one on the CPU.
"""


def addresses(services: Services, **options: object) -> int:
    """Return the peak address space of the child in bytes when it loads the starter with this plan."""
    path = services.library.resolve("starter").path
    request = services.planning.load_request(path, PlanOptions(**options))  # type: ignore[arg-type]
    list(services.planning.loader.load(request))
    status = Path(f"/proc/{services.engine.pid}/status").read_text()
    services.engine.release()
    (peak,) = re.findall(r"VmPeak:\s+(\d+) kB", status)
    return 1024 * int(peak)


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_climbs_down_to_a_plan_that_answers(
    services: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    smaller, beside, options, signal = ENDINGS[ending]
    # Their memory is this machine's RAM, of which other programs can free some.
    monkeypatch.setattr("app.planning.saved_options.MORE_BYTES", 1 << 40)
    monkeypatch.setattr("app.planning.saved_options.MORE_RAM", 100.0)
    limit = addresses(services, **smaller) + beside * MIB
    monkeypatch.setenv(WRAPPER_VARIABLE, f"prlimit --as={limit}")
    events = ask("starter", **options)
    steps = [event for event in events if isinstance(event, PlanChanged)]
    assert steps
    assert {step.because.code for step in steps} == {"engine_out_of_memory"}
    assert steps[0].because.data.get("signal") == signal
    assert steps[0].because.data["phase"] == "loading"
    assert "\n" not in replanned_sentence(steps[-1].plan, str)
    assert isinstance(events[-1], AnswerFinished)
    assert events[-1].completion_tokens == 4
    worked = loaded_plan(services.planning)
    assert any(isinstance(event, ModelLoaded) for event in events)

    services.engine.release()
    again = ask("starter", **options)
    assert [event for event in again if isinstance(event, PlanChanged)] == []
    taken = loaded_plan(services.planning)
    for key in ("context", "kv_type", "n_gpu_layers", "tensor_split", "experts_in_ram"):
        assert taken[key] == worked[key]
