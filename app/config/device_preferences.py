"""Preferences about devices for all models: which to use, ceilings, reserves, and RPC servers.

Stored in two settings: RPC servers separated by spaces, and JSON with the preferences by device key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from model_manager.disk.json_file import JsonError, from_json, to_json

MOST_GIB = 4096.0
DEFAULT_RPC_PORT = 50052
"""Port of llama.cpp's ``rpc-server``."""
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.%]+\]")


@dataclass(frozen=True)
class DevicePreference:
    """Preference for one device.  Sizes are in GiB; None is automatic."""

    use: bool = True
    ceiling_gib: float | None = None
    """Maximum that plans use on the device."""
    reserve_gib: float | None = None
    """Memory that plans leave free on the device."""


@dataclass(frozen=True)
class DevicePreferences:
    """Preferences of all devices by ``device_keys``; ``rpc_servers`` are HOST:PORT, oldest first."""

    rpc_servers: tuple[str, ...] = ()
    devices: Mapping[str, DevicePreference] = field(default_factory=dict)

    def of(self, key: str) -> DevicePreference:
        """Return the preference of the device with this key."""
        return self.devices.get(key, DevicePreference())

    def with_device(self, key: str, **values: Any) -> DevicePreferences:
        """Return a copy with other values for one device."""
        found = dict(self.devices)
        preference = replace(self.of(key), **values)
        if preference == DevicePreference():
            found.pop(key, None)
        else:
            found[key] = preference
        return replace(self, devices=found)

    def to_settings(self) -> dict[str, str]:
        """Return the two settings that hold this."""
        defaults = asdict(DevicePreference())
        devices = {
            key: {name: value for name, value in asdict(preference).items() if value != defaults[name]}
            for key, preference in self.devices.items()
        }
        return {
            "rpc_servers": " ".join(self.rpc_servers),
            "devices": to_json(devices).decode() if devices else "",
        }


def parse_device_preferences(rpc_servers: str, devices: str) -> DevicePreferences:
    """Parse the two settings; invalid parts are ignored."""
    servers = tuple(dict.fromkeys(found for each in rpc_servers.split() if (found := server_address(each))))
    return DevicePreferences(servers, _parse_devices(devices))


def server_address(text: str) -> str | None:
    """Return HOST:PORT in its stored form; the port may be omitted.  None for an invalid address."""
    text = text.strip().removeprefix("rpc://").rstrip("/")
    host, colon, port = text.rpartition(":")
    if not colon or (text.startswith("[") and text.endswith("]")):
        host, port = text, str(DEFAULT_RPC_PORT)
    is_host = _HOST_NAME.fullmatch(host) or _IPV6.fullmatch(host)
    if not is_host or not (port.isascii() and port.isdigit() and len(port) < 10) or not 0 < int(port) < 1 << 16:
        return None
    return f"{host.lower()}:{int(port)}"


def _parse_devices(text: str) -> dict[str, DevicePreference]:
    try:
        found = from_json(text, dict[str, DevicePreference]) if text else {}
    except JsonError:
        return {}
    sizes = [size for each in found.values() for size in (each.ceiling_gib, each.reserve_gib) if size is not None]
    return found if all(0 <= size <= MOST_GIB for size in sizes) else {}
