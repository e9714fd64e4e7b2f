"""The list of MCP servers: texts from which they are added, the file, and secrets."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from app.config.secrets import SERVICE, Secrets
from app.tools.registry import ToolServers
from app.tools.server import ToolServer, parse_servers
from model_manager.errors import UserError
from tests.config.test_secrets import Safe

FILES = ("npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/me/My Documents")
ENTRY = {"command": FILES[0], "args": list(FILES[1:]), "env": {"TOKEN": "t1"}}
README = {"mcpServers": {"files": ENTRY, "site": {"url": "https://mcp.example.com/mcp", "headers": {"X-Key": "k"}}}}
WEB = ToolServer("site", url="https://mcp.example.com/mcp", headers={"X-Key": "k"})
FILES_SERVER = ToolServer("files", FILES, {"TOKEN": "t1"})


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        (json.dumps(README), [FILES_SERVER, WEB]),
        (f"\ufeff{json.dumps(README)}", [FILES_SERVER, WEB]),
        (f"```json\n{json.dumps(README, indent=2)}\n```\n", [FILES_SERVER, WEB]),
        (json.dumps({"servers": README["mcpServers"]}), [FILES_SERVER, WEB]),
        (json.dumps(README["mcpServers"]), [FILES_SERVER, WEB]),
        (f'"files": {json.dumps(ENTRY)},', [FILES_SERVER]),
        (json.dumps(ENTRY), [ToolServer("server-filesystem", FILES, {"TOKEN": "t1"})]),
        ('{"command": "uvx git", "disabled": true}', [ToolServer("git", ("uvx", "git"), is_on=False)]),
        (f'npx -y {FILES[2]} "{FILES[3]}"', [ToolServer("server-filesystem", FILES)]),
        ("A=1 B='x y' uvx time@2.1", [ToolServer("time", ("uvx", "time@2.1"), {"A": "1", "B": "x y"})]),
        (json.dumps({"command": r'"C:\My tools\x.exe" -v'}), [ToolServer("x", (r"C:\My tools\x.exe", "-v"))]),
        (f"{sys.executable} -v {__file__}", [ToolServer("test_servers", (sys.executable, "-v", __file__))]),
        ("docker run -i --rm mcp/fetch", [ToolServer("fetch", ("docker", "run", "-i", "--rm", "mcp/fetch"))]),
        ('{"command": "C:\\\\tools\\\\weather.exe"}', [ToolServer("weather", (r"C:\tools\weather.exe",))]),
        (" https://mcp.example.com/mcp\n", [ToolServer("example.com", url="https://mcp.example.com/mcp")]),
    ],
)
def test_texts_of_readmes_are_understood(text: str, servers: list[ToolServer]) -> None:
    assert list(parse_servers(text)) == servers


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ("", "tool_text_invalid", ""),
        ("two\nlines", "tool_text_invalid", ""),
        ("{", "tool_text_invalid", "line 1"),
        ("[" * 100_000, "tool_text_invalid", ""),
        ('{"mcpServers": {}}', "tool_text_invalid", ""),
        ('{"mcpServers": {"x": {"args": []}}}', "tool_text_invalid", "x"),
        ('{"mcpServers": {"x": 1}}', "tool_text_invalid", "x"),
        ('{"x": {"url": "ftp://example.com"}}', "tool_text_invalid", "x"),
        ('{"x": {"type": "sse", "url": "https://example.com/sse"}}', "tool_transport_unsupported", ""),
        ('npx "unclosed', "tool_text_invalid", "quotation"),
        ("A=1", "tool_text_invalid", ""),
        ("This is not JSON", "tool_program_unknown", ""),
        ("这不是 JSON", "tool_program_unknown", ""),
        ("no-such-program --stdio", "tool_program_unknown", ""),
    ],
)
def test_other_texts_are_refused(text: str, code: str, detail: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_servers(text)
    assert caught.value.code == code
    assert detail in str(caught.value.data.get("log", ""))


@pytest.fixture
def safe() -> Iterator[Safe]:
    before, made = keyring.get_keyring(), Safe()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_secrets_are_in_the_keyring_and_not_in_the_file(tmp_path: Path, safe: Safe) -> None:
    file = tmp_path / "tools.json"
    ToolServers(file, Secrets({})).add(FILES_SERVER, WEB)
    assert "t1" not in file.read_text()
    assert json.loads(safe.kept[SERVICE, "tools:files"]) == {"env": {"TOKEN": "t1"}, "headers": {}}
    servers = ToolServers(file, Secrets({}))
    assert [each.name for each in servers.list()] == ["files", "site"]
    assert servers.list()[0].env == {"TOKEN": ""}
    removed = servers.remove("files")
    assert removed == FILES_SERVER
    assert (SERVICE, "tools:files") not in safe.kept
    servers.add(removed)
    assert ToolServers(file, Secrets({})).remove("files") == FILES_SERVER


def test_without_a_keyring_secrets_are_in_the_private_file(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        ToolServers(tmp_path / "tools.json", Secrets({})).add(FILES_SERVER)
        assert ToolServers(tmp_path / "tools.json", Secrets({})).remove("files") == FILES_SERVER
    finally:
        keyring.set_keyring(before)
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "tools.json").stat().st_mode) == 0o600


def test_an_entry_without_command_and_address_takes_no_name(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    ToolServers(file, Secrets({})).add(ToolServer("x", ("true",)))
    file.write_text(file.read_text().replace('"true"', ""))
    servers = ToolServers(file, Secrets({}))
    assert servers.list() == ()
    servers.add(ToolServer("x", ("true",)))
    assert [each.name for each in servers.list()] == ["x"]


def test_changes_of_two_programs_are_both_kept(tmp_path: Path, safe: Safe) -> None:
    file = tmp_path / "tools.json"
    one, other = ToolServers(file, Secrets({})), ToolServers(file, Secrets({}))
    one.add(FILES_SERVER)
    other.add(WEB)
    one.switch("files", False)
    assert [(each.name, each.is_on) for each in ToolServers(file, Secrets({})).list()] == [
        ("files", False),
        ("site", True),
    ]
    with pytest.raises(UserError) as caught:
        one.add(ToolServer("third", ("x",)), ToolServer("site", ("x",), {"TOKEN": "t2"}))
    assert caught.value.code == "tool_server_exists"
    assert one.remove("site").headers == {"X-Key": "k"}
    assert [each.name for each in one.list()] == ["files"]
    file.write_text("[{]")
    damaged = ToolServers(file, Secrets({}))
    assert damaged.problem is not None
    assert damaged.problem.code == "file_set_aside"
