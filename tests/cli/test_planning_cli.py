"""``devices``, ``plan``, ``recommend`` and ``bench`` as a script uses them: the real program in its own process."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.planning.machine import SIMULATED_GPUS_VARIABLE
from app.planning.open_models import open_models
from tests.rigs.fake_hub import FakeHub
from tests.rigs.gguf_bytes import F32, U32, with_keys
from tests.rigs.open_model_files import publish_open_models
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30
Run = Callable[..., subprocess.CompletedProcess[str]]
PLAN_KEYS = {
    "verdict", "context", "kv_type", "n_gpu_layers", "tensor_split", "experts_in_ram", "devices", "host",
    "tokens_per_second_estimate", "prompt_tokens_per_second_estimate", "reasons", "engine",
}  # fmt: skip
DEVICE_KEYS = {
    "name", "free_bytes", "weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "reserve_bytes",
    "left_bytes",
}  # fmt: skip
HOST_KEYS = {"weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "repack_bytes"}
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**os.environ, **OFFLINE, "APUS_CHAT_DATA_DIR": str(tmp_path / "data"), **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run_program


@pytest.fixture
def wide_model(tmp_path: Path) -> Path:
    """Its heads fill whole blocks of a quantised cache."""
    return write_tiny_model(tmp_path / "wide.gguf", n_embd=256)


def value(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def check_plan(plan: Any, actual: bool = False) -> None:
    more = {"actual"} if actual else set()
    assert set(plan) == PLAN_KEYS
    assert plan["verdict"] in ("gpu", "experts_in_ram", "layers_in_ram", "does_not_fit")
    assert set(plan["host"]) == HOST_KEYS | more
    for device in plan["devices"]:
        assert set(device) == DEVICE_KEYS | more
        parts = ("weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "reserve_bytes", "left_bytes")
        assert device["free_bytes"] == sum(device[part] for part in parts)
    assert len(plan["tensor_split"]) == len(plan["devices"])


def test_what_the_settings_say_of_devices_holds_here_too(run: Run, tmp_path: Path, wide_model: Path) -> None:
    with serving() as kept, serving() as named:
        settings = {"rpc_servers": f"{kept} 127.0.0.1:1"}
        (tmp_path / "data").mkdir()
        file = tmp_path / "data" / "settings.json"
        file.write_text(json.dumps(settings))
        found = [each for each in value(run("devices", "--rpc", named, "--json")) if each["backend"] == "RPC"]
        assert [each["description"] for each in found] == [named, kept]
        assert "127.0.0.1:1 doesn't respond" in run("devices").stdout
        plan = value(run("plan", str(wide_model), "--context", "512", "--json"))
        (device,) = plan["devices"]
        assert device["weights_bytes"] > 0
        arguments = ("--message", "hi", "--max-tokens", "2", "--context", "512", "--json")
        done = run("chat", "--model", str(wide_model), *arguments)
        assert "127.0.0.1:1 isn't available right now" in done.stderr
        assert json.loads(done.stdout)["plan"]["devices"][0]["actual"]["weights_bytes"] > 0
        file.write_text(json.dumps({**settings, "devices": json.dumps({f"rpc {kept}/0": {"ceiling_gib": 0}})}))
        bounded = value(run("plan", str(wide_model), "--context", "512", "--json"))
        assert sum(device["weights_bytes"] for device in bounded["devices"]) == 0


def test_a_plan_for_simulated_gpus_needs_neither_file_nor_network(run: Run) -> None:
    sizes = ("--gpu", "23.54", "--gpu", "23.54", "--ram", "64")
    plan = value(run("plan", "apus:IQ3_XXS", *sizes, "--context", "8192", "--json"))
    check_plan(plan)
    assert (plan["verdict"], plan["context"], plan["experts_in_ram"]) == ("gpu", 8192, [])
    assert "not_rehearsed" in plan["reasons"]
    assert [device["reserve_bytes"] for device in plan["devices"]] == [512 << 20, 512 << 20]
    assert [device["free_bytes"] for device in plan["devices"]] == [round(23.54 * GIB)] * 2
    tight = value(run("plan", "apus:Q3_K_M", *sizes, "--context", "8192", "--kv", "f16", "--json"))
    check_plan(tight)
    assert (tight["verdict"], tight["kv_type"]) == ("experts_in_ram", "f16")
    assert tight["experts_in_ram"]
    assert all(device["left_bytes"] >= 0 for device in tight["devices"])
    engine = tight["engine"]
    ((pattern, buffer),) = engine["tensor_buft_overrides"]
    experts = [layer for layer in range(60) if re.match(pattern, f"blk.{layer}.ffn_gate_exps.weight")]
    assert (experts, buffer) == (tight["experts_in_ram"], "CPU")
    assert (engine["n_ctx"], engine["n_gpu_layers"], engine["load_mode"]) == (8192, 61, "none")
    assert engine["tensor_split"] == tight["tensor_split"]
    command = run("plan", "apus:Q3_K_M", *sizes, "--context", "8192", "--kv", "f16", "--llama-server-args").stdout
    offload, program, *words = shlex.split(command)
    assert (offload, program) == (f"GGML_OP_OFFLOAD_MIN_BATCH={engine['op_offload_min_batch']}", "llama-server")
    options = dict(pairwise(words))
    assert options["--override-tensor"] == f"{pattern}=CPU"
    assert (options["--device"], options["--ctx-size"]) == ("GPU0,GPU1", "8192")
    assert [float(share) for share in options["--tensor-split"].split(",")] == engine["tensor_split"]


def test_what_does_not_fit_is_no_failure(run: Run) -> None:
    plan = value(run("plan", "apus:Q4_K_M", "--gpu", "none", "--ram", "8", "--json"))
    check_plan(plan)
    assert (plan["verdict"], plan["devices"]) == ("does_not_fit", [])
    assert "ram_too_small" in plan["reasons"]
    reported = run("plan", "apus:Q4_K_M", "--gpu", "none", "--ram", "8")
    assert (reported.returncode, reported.stderr) == (0, "")
    assert "Doesn't fit" in reported.stdout


def test_a_file_on_this_machine_is_rehearsed(run: Run, tiny_model: Path) -> None:
    with serving() as first, serving() as second:
        plan = value(run("plan", str(tiny_model), "--rpc", first, "--rpc", second, "--json"))
    check_plan(plan)
    assert plan["verdict"] == "gpu"
    assert [device["name"] for device in plan["devices"]] == ["RPC0", "RPC1"]
    assert "not_rehearsed" not in plan["reasons"]


def test_an_older_layout_has_a_plan_too(run: Run, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    plan = value(run("plan", str(path), "--json"))
    check_plan(plan)
    assert "not_rehearsed" not in plan["reasons"]


def test_the_quantisations_are_recommended_for_simulated_gpus(run: Run) -> None:
    judged = value(run("recommend", "--gpu", "24", "--gpu", "16", "--ram", "64", "--context", "4096", "--json"))
    assert [each["quantisation"] for each in judged] == ["Q2_K", "IQ3_XXS", "Q3_K_M", "Q4_K_M"]
    for each in judged:
        assert set(each) >= {"id", "quantisation", "bytes", "recommended", "plan"}
        check_plan(each["plan"])
        assert each["plan"]["context"] == 4096
    assert sum(each["recommended"] for each in judged) == 1
    assert [each["bytes"] for each in judged] == sorted(each["bytes"] for each in judged)
    reported = run("recommend", "--gpu", "24", "--gpu", "16", "--ram", "64")
    assert [line[0] for line in reported.stdout.splitlines()].count("*") == 1


def test_the_environment_pretends_gpus_too(run: Run) -> None:
    plan = value(run("plan", "apus:Q2_K", "--ram", "64", "--json", **{SIMULATED_GPUS_VARIABLE: "24,16"}))
    assert [device["free_bytes"] for device in plan["devices"]] == [24 * GIB, 16 * GIB]
    assert (
        value(run("plan", "apus:Q2_K", "--ram", "64", "--json", **{SIMULATED_GPUS_VARIABLE: "none"}))["devices"] == []
    )
    found = value(run("devices", "--json", **{SIMULATED_GPUS_VARIABLE: "24,16"}))
    assert [(device["kind"], device["free_bytes"]) for device in found] == [("gpu", 24 * GIB), ("gpu", 16 * GIB)]
    wrong = run("plan", "apus:Q2_K", **{SIMULATED_GPUS_VARIABLE: "many"})
    assert wrong.returncode == 1
    assert len(wrong.stderr.splitlines()) == 1
    assert "many" in wrong.stderr


def test_devices_tell_what_the_engine_has(run: Run) -> None:
    with serving() as server:
        found = value(run("devices", "--rpc", server, "--json"))
    assert [device["kind"] for device in found].count("cpu") == 1
    (lent,) = [device for device in found if device["backend"].startswith("RPC")]
    assert lent["total_bytes"] >= lent["free_bytes"] > 0
    reported = run("devices")
    assert (reported.returncode, reported.stderr) == (0, "")
    assert "llama.cpp" in reported.stdout
    assert "RAM:" in reported.stdout


def test_bench_measures_the_loaded_plan(run: Run, wide_model: Path) -> None:
    figures = value(run("bench", str(wide_model), "--context", "512", "--json"))
    check_plan(figures["plan"], actual=True)
    assert figures["prompt_tokens_per_second"] > 0
    assert figures["tokens_per_second"] > 0
    assert "alternatives" not in figures
    tuned = value(run("bench", str(wide_model), "--context", "512", "--tune", "--json"))
    assert [each["change"] for each in tuned["alternatives"]] == [
        "kv_q8_0",
        "large_batch",
        "small_batch",
        "flash_attention",
    ]
    for each in tuned["alternatives"]:
        assert (each["problem"], each["tokens_per_second"] > 0) == (None, True)
        check_plan(each["plan"], actual=True)
    assert tuned["best"] in ("present", "kv_q8_0", "large_batch", "small_batch", "flash_attention")


def test_a_chat_has_every_key_of_its_plan(run: Run, wide_model: Path) -> None:
    ask = ("chat", "--model", str(wide_model), "--message", "hi", "--max-tokens", "2", "--no-save", "--json")
    with serving() as server:
        answer = value(run(*ask, "--rpc", server, "--context", "512", "--kv", "q8_0", "--device", "RPC0"))
    check_plan(answer["plan"], actual=True)
    (device,) = answer["plan"]["devices"]
    assert (device["name"], answer["plan"]["kv_type"], answer["plan"]["context"]) == ("RPC0", "q8_0", 512)
    assert device["actual"]["weights_bytes"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan",),
        ("plan", "starter", "--gpu", "0"),
        ("plan", "starter", "--gpu", "many"),
        ("plan", "starter", "--ram", "-1"),
        ("plan", "starter", "--kv", "q5_1"),
        ("plan", "starter", "--context", "0"),
        ("recommend", "starter"),
        ("bench",),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_what_is_not_there_or_hostile_is_one_line(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    layers = with_keys(tiny_model, tmp_path / "layers.gguf", {"llama.block_count": (U32, 2**31 - 1)})
    heads = with_keys(tiny_model, tmp_path / "heads.gguf", {"llama.attention.head_count": (F32, float("nan"))})
    for arguments in (
        ("plan", str(layers)),
        ("chat", "--model", str(heads), "--message", "hello"),
        ("plan", "unheard-of"),
        ("plan", str(tmp_path / "none.gguf")),
        ("plan", "starter", "--rpc", "127.0.0.1:9"),
        ("bench", "apus:Q2_K"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "(" not in done.stderr.split(":")[1], "no code without a sentence"


def test_models_are_recommended_from_the_listing_of_the_hub(run: Run, tmp_path: Path) -> None:
    others = tuple(each.name for each in open_models() if each.name not in ("Qwen3.5 0.8B", "Qwen3.5 2B"))
    with FakeHub() as hub:
        publish_open_models(hub, tmp_path / "hub", others)
        ask = ("models", "recommend", "--endpoint", hub.url, "--ram", "8")
        found = value(
            run(*ask, "--gpu", "none", "--json", NO_PROXY="127.0.0.1,localhost", no_proxy="127.0.0.1,localhost")
        )
    assert {each["name"] for each in found} == {"Qwen3.5 0.8B", "Qwen3.5 2B"}
    assert [each["recommended"] for each in found] == [True, False]
    best = found[0]
    assert best["fits"]
    assert best["tokens_per_second_estimate"] > 0
    assert best["id"].startswith(f"{best['repository']}:")
    check_plan(best["plan"])


def test_without_a_hub_only_the_home_model_is_recommended(run: Run) -> None:
    ask = ("models", "recommend", "--endpoint", "http://127.0.0.1:9")
    found = value(run(*ask, "--gpu", "24", "--gpu", "24", "--gpu", "24", "--ram", "64", "--json"))
    assert [(each["id"], each["recommended"]) for each in found] == [("apus:Q4_K_M", True)]
    failed = run(*ask, "--gpu", "none", "--ram", "8")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1


def test_a_bench_report_can_be_sent(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    done = run("bench", str(tiny_model), "--context", "1024", "--report", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(path), str(path.with_suffix(".html"))]
    report = json.loads(path.read_text("utf-8"))
    check_plan(report["plan"], actual=True)
    assert [each["tokens"] for each in report["prompt"]] == [512]
    assert [each["tokens"] for each in report["generation"]] == [0]
    assert all(each["tokens_per_second"] > 0 for each in report["prompt"] + report["generation"])
    assert len(report["stop_s"]) == 5
    cache = report["conversation_cache"]
    assert cache["tokens"] > 300
    assert cache["restored_s"] < cache["read_whole_s"]
    assert report["engine_defaults"]["engine"]["n_ctx"] == 1024
    page = path.with_suffix(".html").read_text("utf-8")
    assert "conversation_cache" in page
