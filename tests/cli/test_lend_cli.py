"""One data folder lends this PC's devices, another one plays the other PC and answers over them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.parser import make_parser
from tests.cli.test_context_cli import ROOT, chat
from tests.engine.test_lending import free_port
from tests.rigs.rpc_device import library_folder


@pytest.mark.skipif(library_folder() is None, reason="the engine was built without RPC")
def test_another_data_folder_answers_over_the_lent_devices(tmp_path: Path, tiny_model: Path) -> None:
    port = str(free_port())
    command = [sys.executable, "-m", "app", "lend", "--host", "127.0.0.1", "--port", port, "--limit", "1"]
    environment = {**os.environ, "APUS_CHAT_DATA_DIR": str(tmp_path / "lender")}
    lender = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert lender.stdout is not None
        address = lender.stdout.readline().strip()
        assert address == f"127.0.0.1:{port}"
        options = ("--model", str(tiny_model), "--message", "hello", "--rpc", address, "--device", "RPC0")
        answer = json.loads(chat(tmp_path / "other", *options).stdout)
        assert answer["text"]
        (device,) = [each for each in answer["plan"]["devices"] if each["name"] == "RPC0"]
        assert device["actual"]["weights_bytes"] > 0
        assert device["free_bytes"] <= 1 << 30
    finally:
        lender.send_signal(signal.SIGINT)
        _, notes = lender.communicate(timeout=60)
    assert lender.returncode == 130
    assert "nothing is encrypted" in notes
    assert "Traceback" not in notes


@pytest.mark.parametrize("options", [("--limit", "nan"), ("--limit", "0"), ("--limit", "1e400"), ("--port", "0")])
def test_what_cannot_be_lent_is_refused(options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as caught:
        make_parser().parse_args(["lend", *options])
    assert caught.value.code == 2
