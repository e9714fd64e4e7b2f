"""``apus-chat tools``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from tests.rigs import hostile_tool_server


def test_servers_are_added_tested_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["tools", *arguments, "--data-dir", str(tmp_path)])
        return (status, *capsys.readouterr())

    entry = {"command": sys.executable, "args": [hostile_tool_server.__file__], "env": {"TOKEN": "secret"}}
    assert run("add", json.dumps({"mcpServers": {"rig": entry}}))[0] == 0
    assert run("add", "https://127.0.0.1:1/mcp", "--name", "site")[0] == 0
    status, output, _ = run("list", "--json")
    listed = json.loads(output)
    assert [(each["name"], each["env"]) for each in listed] == [("web", []), ("rig", ["TOKEN"]), ("site", [])]
    assert "secret" not in output
    status, output, _ = run("test", "rig", "--json")
    assert [each["name"] for each in json.loads(output)["tools"]] == [*hostile_tool_server.TOOLS]
    assert run("test", "rig")[1].splitlines()[0].split() == ["echo", "d"]
    for arguments, part in (
        (("test", "site"), "can't be reached"),
        (("add", "https://other.example", "--name", "rig"), "already"),
        (("add", "{"), "isn't the configuration of an MCP server"),
        (("remove", "nothing"), "no tool server nothing"),
    ):
        status, output, notes = run(*arguments)
        assert (status, output, len(notes.splitlines())) == (1, "", 1)
        assert part in notes
    assert run("remove", "rig")[0] == 0
    assert [each["name"] for each in json.loads(run("list", "--json")[1])] == ["web", "site"]
