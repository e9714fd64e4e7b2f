"""Pictures on devices: the projector on a Vulkan device gives the embeddings that it gives on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backend import ChatRequest, PromptMessage, PromptProgress, TextDelta, TokenControls
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from model_manager.gguf.projector import read_projector
from model_manager.plan.load_spec import CPU, LoadSpec
from tests.rigs.tiny_model import write_tiny_model
from tests.rigs.tiny_vision import picture, write_projector

pytestmark = pytest.mark.vulkan


def first_probabilities(engine: LocalEngine) -> dict[bytes, float]:
    message = PromptMessage(Role.USER, "What is it?", pictures=(picture(1),))
    request = ChatRequest((message,), Sampling(temperature=0.0, max_tokens=1), controls=TokenControls(top_logprobs=20))
    pieces = [each for each in engine.answer(request) if isinstance(each, TextDelta)]
    return {each.data: each.logprob for piece in pieces for row in piece.probabilities for each in row}


def test_projector_on_a_device(engine: LocalEngine, tmp_path: Path) -> None:
    model, projector = write_tiny_model(tmp_path / "m.gguf"), write_projector(tmp_path / "mmproj-m.gguf")
    found = {}
    for device in (CPU, "Vulkan0"):
        spec = LoadSpec(
            context=512, devices=("Vulkan0",), n_gpu_layers=-1, projector=str(projector), projector_device=device
        )
        list(engine.load(model, spec))
        assert engine.state is not None
        memory = engine.state.result.memory
        assert memory[device]["projector_bytes"] >= read_projector(projector).weights_bytes
        found[device] = first_probabilities(engine)
    assert found[CPU].keys() == found["Vulkan0"].keys()
    assert list(found["Vulkan0"].values()) == pytest.approx(list(found[CPU].values()), abs=0.05)


def test_stop_inside_a_picture_on_a_device(engine: LocalEngine, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "m.gguf")
    slow = write_projector(tmp_path / "mmproj-m.gguf", n_layer=120, image=128)
    spec = LoadSpec(context=512, devices=("Vulkan0",), n_gpu_layers=-1, projector=str(slow), projector_device="Vulkan0")
    list(engine.load(model, spec))
    token = CancelToken()
    message = PromptMessage(Role.USER, "What is it?", pictures=(picture(1),))
    request = ChatRequest((message,), Sampling(temperature=0.0, max_tokens=1))
    seen: list[PromptProgress] = []

    def stop_in_the_picture() -> None:
        for event in engine.answer(request, token):
            assert isinstance(event, PromptProgress)
            seen.append(event)
            if len(seen) == 3:
                token.cancel()

    with pytest.raises(Cancelled):
        stop_in_the_picture()
    assert engine.pid is not None
    # The second time the picture is in the cache.
    first, second = first_probabilities(engine), first_probabilities(engine)
    assert first.keys() == second.keys()
    assert list(second.values()) == pytest.approx(list(first.values()), abs=0.05)
