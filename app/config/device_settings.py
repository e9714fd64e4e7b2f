"""What a person fixed about the devices for all models: which to leave out, ceilings, reserves, and RPC servers.

Kept in the settings as two texts: servers separated by spaces, and JSON for the devices by their key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

MOST_GIB = 4096.0
DEFAULT_RPC_PORT = 50052
"""Of llama.cpp's ``rpc-server``."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_V6 = re.compile(r"\[[0-9A-Fa-f:.%]+\]")
_KEYS = {"use": bool, "ceiling_gib": float, "reserve_gib": float}


@dataclass(frozen=True)
class DeviceWish:
    """About one device.  GiB; None is the program's own choice."""

    use: bool = True
    ceiling_gib: float | None = None
    """The most that plans may use there."""
    reserve_gib: float | None = None
    """What plans leave free there."""


@dataclass(frozen=True)
class DeviceWishes:
    """About all of them, by ``device_keys``; ``rpc_servers`` are HOST:PORT, in the order in which they were added."""

    rpc_servers: tuple[str, ...] = ()
    devices: tuple[tuple[str, DeviceWish], ...] = ()

    @cached_property
    def _by_key(self) -> Mapping[str, DeviceWish]:
        return MappingProxyType(dict(self.devices))

    def of(self, key: str) -> DeviceWish:
        """What is fixed about the device with this key."""
        return self._by_key.get(key, DeviceWish())

    def with_device(self, key: str, **values: Any) -> DeviceWishes:
        """The same with something else fixed about one device."""
        found = dict(self.devices)
        wish = replace(self.of(key), **values)
        if wish == DeviceWish():
            found.pop(key, None)
        else:
            found[key] = wish
        return replace(self, devices=tuple(found.items()))

    def to_settings(self) -> dict[str, str]:
        """The two settings that hold this."""
        usual = DeviceWish()
        devices = {
            key: {name: getattr(wish, name) for name in _KEYS if getattr(wish, name) != getattr(usual, name)}
            for key, wish in self.devices
        }
        return {
            "rpc_servers": " ".join(self.rpc_servers),
            "devices": json.dumps(devices, separators=(",", ":")) if devices else "",
        }


class Keyed(Protocol):
    """A device of the engine, as far as it takes to know it again."""

    @property
    def name(self) -> str:
        """As the engine calls it now."""

    @property
    def backend(self) -> str:
        """The engine's name of it."""

    @property
    def description(self) -> str:
        """The card's name, or the address of an RPC server."""

    @property
    def pci_bus_id(self) -> str:
        """Where the card is, or empty."""


def device_keys(devices: Sequence[Keyed]) -> dict[str, str]:
    """By the name of each device what it is known by at another time: RPC devices and cards may get other numbers."""
    keys: dict[str, str] = {}
    counts: dict[str, int] = {}
    for device in devices:
        if device.backend.startswith("RPC"):
            number = counts.get(device.description, 0)
            counts[device.description] = number + 1
            keys[device.name] = f"rpc {device.description}/{number}"
        elif device.pci_bus_id:
            keys[device.name] = f"{device.backend} {device.pci_bus_id}"
        else:
            keys[device.name] = device.name
    return keys


def device_wishes(rpc_servers: str, devices: str) -> DeviceWishes:
    """What two settings say; a part that cannot be is left out."""
    servers = tuple(dict.fromkeys(found for each in rpc_servers.split() if (found := server_address(each))))
    return DeviceWishes(servers, _wishes_in(devices) or ())


def server_address(text: str) -> str | None:
    """HOST:PORT as it is kept; the port may be left away.  None for what is no address."""
    text = text.strip().removeprefix("rpc://").rstrip("/")
    host, colon, port = text.rpartition(":")
    if not colon or (text.startswith("[") and text.endswith("]")):
        host, port = text, str(DEFAULT_RPC_PORT)
    known = _NAME.fullmatch(host) or _V6.fullmatch(host)
    if not known or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 1 << 16:
        return None
    return f"{host.lower()}:{int(port)}"


def are_servers(value: object) -> bool:
    """Whether it is text that the setting of RPC servers may hold."""
    return isinstance(value, str) and all(server_address(each) for each in value.split())


def are_wishes(value: object) -> bool:
    """Whether it is text that the setting of devices may hold."""
    return isinstance(value, str) and _wishes_in(value) is not None


def _wishes_in(text: str) -> tuple[tuple[str, DeviceWish], ...] | None:
    if not text:
        return ()
    try:
        stored = json.loads(text)
    except ValueError:
        return None
    if not isinstance(stored, dict):
        return None
    found = []
    for key, values in stored.items():
        if not isinstance(values, dict) or not all(_is_possible(name, value) for name, value in values.items()):
            return None
        found.append((key, DeviceWish(**values)))
    return tuple(found)


def _is_possible(name: str, value: object) -> bool:
    if name == "use":
        return isinstance(value, bool)
    if name not in _KEYS or isinstance(value, bool):
        return False
    return isinstance(value, int | float) and 0 <= value <= MOST_GIB
