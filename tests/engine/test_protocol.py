"""What program and engine say to each other survives the pipe; what is not understood is dropped, not fatal."""

from __future__ import annotations

from typing import get_args

import pytest

from app.backend import PromptMessage
from app.conversation import Role, Sampling
from app.engine import protocol as p

MESSAGES = [
    p.Load(
        1, p.LoadOptions("/m/a.gguf", context=4096, tensor_split=(3.0, 2.0), experts_in_ram=(1, 5), devices=("CUDA0",))
    ),
    p.Generate(2, (PromptMessage(Role.USER, "你好\n“quoted”\u2028"),), Sampling(seed=7, stop=("a", "b")), "begun"),
    p.ListDevices(3, ("127.0.0.1:50061",)),
    p.Count(17, (PromptMessage(Role.SYSTEM, "short"),), "begun", ("one", "二")),
    p.Counted(18, 40, (1, 2)),
    p.Stop(4),
    p.Rehearse(12, p.LoadOptions("/m/a.gguf", split_mode="none", main_gpu="CUDA1", mmap=False, pipeline=False)),
    p.Bench(13, 512, 64, 3),
    p.Ready(),
    p.Loading(5, 0.5, None),
    p.LoadDone(6, 8192, 61, 60, "engine", {"CUDA0": {"weights_bytes": 5}}),
    p.Reading(7, 16, 100, 8, 1.5),
    p.TextPiece(8, "\U0001f600 é", 3, 40),
    p.AnswerDone(9, "stop", 10, 2, 0.25, 30),
    p.DeviceList(
        10,
        (p.EngineDevice("CPU", "x", "CPU", "cpu", 8, 4, "0000:01:00.0"),),
        "engine",
        ("CPU", "RPC"),
        ("127.0.0.1:1",),
        (p.MissingServer("127.0.0.1:2", "rpc_server_silent", {"server": "127.0.0.1:2"}),),
    ),
    p.RehearsalDone(14, {"CUDA0": {"compute_bytes": 5}}, 7, True, False, 4096, 0.25),
    p.BenchProgress(15, 0.5, "prompt"),
    p.BenchDone(16, 512, 64, (100.0, 101.5), (9.5, 9.75)),
    p.Failed(11, "load_refused", {"path": "/x", "log": "a\nb"}),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_pipe(message: p.Command | p.Event) -> None:
    line = p.encode(message)
    assert line.count(b"\n") == 1
    assert p.decode(line) == message


def test_every_kind_of_message_is_tried() -> None:
    assert {type(message) for message in MESSAGES} == {*get_args(p.Command), *get_args(p.Event)}


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"null", b"GGML_ASSERT failed", b'{"is":"Nothing"}', b'{"is":"Stop"}', b"\xff\xfe"]
)
def test_what_is_not_understood_is_none(line: bytes) -> None:
    assert p.decode(line) is None


def test_half_a_surrogate_does_not_break_the_line() -> None:
    decoded = p.decode(p.encode(p.TextPiece(1, "a\ud800b", 1, 1)))
    assert isinstance(decoded, p.TextPiece)
    assert decoded.text == "a?b"
