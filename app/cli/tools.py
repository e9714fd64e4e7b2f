"""``apus-chat tools``: list, add, remove and test MCP servers."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from typing import Any

from app.cli.output import attributes, print_note, print_result
from app.cli.progress import cancel_on_interrupt
from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.downloads import proxy_of
from app.tools.registry import ToolServers
from app.tools.server import ToolServer, parse_servers
from app.tools.web import WebTools
from model_manager.cancellation import CancelToken


def run(folder: DataFolder, arguments: argparse.Namespace) -> None:
    """Run an action.

    Raises:
        UserError: as ``parse_servers`` and the methods of ``ToolServers``.
    """
    settings = SettingsFile(folder.settings_file)
    secrets = Secrets()
    web = WebTools(lambda: settings.current, secrets)
    tools = ToolServers(folder.tools_file, secrets, lambda: proxy_of(settings.current), built_in=(web,))
    with closing(tools) as servers:
        if servers.problem is not None:
            print_note(servers.problem)
        actions = {"list": _list, "add": _add, "remove": _remove, "test": _test}
        actions[arguments.action](servers, arguments)


def _list(servers: ToolServers, arguments: argparse.Namespace) -> None:
    _print(servers.list(), arguments)


def _add(servers: ToolServers, arguments: argparse.Namespace) -> None:
    added = parse_servers(arguments.text)
    if arguments.name and len(added) == 1:
        added = (replace(added[0], name=arguments.name),)
    servers.add(*added)
    _print(added, arguments)


def _remove(servers: ToolServers, arguments: argparse.Namespace) -> None:
    _print((servers.remove(arguments.name),), arguments)


def _test(servers: ToolServers, arguments: argparse.Namespace) -> None:
    token = CancelToken()
    with cancel_on_interrupt(token.cancel):
        tools = servers.connect(arguments.name, token)
    left_out = servers.status(arguments.name).left_out
    value = {
        "name": arguments.name,
        "tools": [attributes(each, "name", "description", "schema") for each in tools],
        "left_out": left_out,
    }
    print_result(arguments.json, value, [(each.name, each.description.partition("\n")[0]) for each in tools])
    if left_out:
        print_note(f"{left_out} tools left out: too many, too large, or without a valid name")


def _print(servers: tuple[ToolServer, ...], arguments: argparse.Namespace) -> None:
    rows = [(each.name, "on" if each.is_on else "off", each.address or "built in") for each in servers]
    print_result(arguments.json, [_entry(each) for each in servers], rows)


def _entry(server: ToolServer) -> dict[str, Any]:
    """Return the JSON form, with the names of secrets only."""
    shown = attributes(server, "name", "command", "url", "is_on")
    return shown | {"env": [*server.env], "headers": [*server.headers]}
