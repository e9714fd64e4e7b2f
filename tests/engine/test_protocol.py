"""Every message between the program and the engine survives the pipe; unknown lines are dropped."""

from __future__ import annotations

from typing import get_args

import pytest

from app.backend import LoadProgress, PromptMessage, PromptProgress, TextDelta, ToolsCalled
from app.conversation import Role
from app.engine import protocol as p
from app.sampling import Sampling
from app.tool_calls import ToolCall, ToolDefinition, ToolStep
from model_manager.devices.devices import Device
from model_manager.plan.load_plan import Rehearsal
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import AttentionShape

MESSAGES: list[p.Command | p.Event] = [
    p.Load("/m/a.gguf", LoadSpec(context=4096, tensor_split=(3.0, 2.0), experts_in_ram=(1, 5), devices=("CUDA0",))),
    p.Generate((PromptMessage(Role.USER, "你好\n“quoted”\u2028"),), Sampling(seed=7, stop=("a", "b")), "begun"),
    p.Generate(
        (
            PromptMessage(
                Role.ASSISTANT, "", steps=(ToolStep((ToolCall("find", {"a": [1, {"b": None}]}, "是"),), "t"),)
            ),
        ),
        Sampling(tools=("files",)),
        tools=(ToolDefinition("find", "Finds.", {"type": "object", "properties": {"a": {"type": "array"}}}),),
    ),
    ToolsCalled((ToolCall("find", {"a": 1.5}), ToolCall("find", {}, "no", has_failed=True))),
    p.ListDevices(("127.0.0.1:50061",)),
    p.Generate((), Sampling(), conversation="id", cache=p.CacheOptions("/states", 1 << 33, 1 << 31)),
    p.Forget(("one", "two")),
    p.Forgotten(),
    p.CountTokens((PromptMessage(Role.SYSTEM, "short"),), "begun", texts=("one", "二")),
    p.TokenCounts(40, (1, 2)),
    p.Stop(),
    p.Rehearse("/m/a.gguf", LoadSpec(split_mode="none", main_gpu="CUDA1", mmap=False, pipeline=False)),
    p.Bench(512, 64, 3),
    p.MeasureAttention(AttentionShape(9, 3, 64, 30)),
    p.FlashAttentionGain(1.25),
    p.Lend("0.0.0.0", 50052, "/c", 1 << 30),
    p.Lending(("CUDA0",), 5),
    p.Embed("/m/e.gguf", ("one", "二")),
    p.Embeddings(2, b"\x00\xff" * 8, (1, 2)),
    p.Ready(),
    LoadProgress(0.5, None),
    p.LoadResult(8192, 61, 60, "engine", {"CUDA0": {"weights_bytes": 5}}),
    PromptProgress(16, 100, 8, 1.5),
    TextDelta("\U0001f600 é \ud800", 3, 40),
    p.GenerateResult("stop", 10, 2, 0.25, 30),
    p.GenerateResult("stop", 10, 2, 0.25, 30, stop_string="END"),
    p.Tokenize("a<s>b", special=False, with_ends=True),
    p.Tokens((1, 2)),
    p.DeviceList(
        (Device("CPU", 8, 4, "cpu", "CPU", "x", "0000:01:00.0"),),
        "engine",
        ("CPU", "RPC"),
        ("127.0.0.1:1",),
        (p.Failure("rpc_server_silent", {"server": "127.0.0.1:2"}),),
    ),
    Rehearsal({"CUDA0": 5}, 7, True, False, 4096),
    p.BenchProgress(0.5, "prompt"),
    p.BenchResult(512, 64, (100.0, 101.5), (9.5, 9.75)),
    p.Failure("load_refused", {"path": "/x", "log": "a\nb"}),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_pipe(message: p.Command | p.Event) -> None:
    line = p.encode(17, message)
    assert line.count(b"\n") == 1
    assert p.decode(line) == (17, message)


def test_every_message_type_is_tested() -> None:
    assert {type(message) for message in MESSAGES} == {*get_args(p.Command), *get_args(p.Event)}


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"null", b"GGML_ASSERT failed", b"1 Nothing {}", b"1 Stop", b"x Stop {}", b"1 Bench []", b"\xff"],
)
def test_unknown_lines_are_none(line: bytes) -> None:
    assert p.decode(line)[1] is None
