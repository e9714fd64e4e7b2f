"""Fixtures of the whole suite: an empty home, the offscreen platform, models and services."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In a background job of a shell; the programs that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that need a special rig or hours unless their marker is selected; slow ones run first.

    Workers share what is left, so that short tests at the end keep all of them busy.
    """
    asked_for = config.getoption("-m")
    rigs = [name for name in ("bundle", "faults", "fuzz", "kills", "vllm", "vulkan") if name not in asked_for]
    left_away = [item for item in items if any(item.get_closest_marker(name) for name in rigs)]
    if left_away:
        config.hook.pytest_deselected(items=left_away)
        items[:] = [item for item in items if item not in left_away]
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    for name in (
        "HOME",
        "USERPROFILE",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "APPDATA",
        "LOCALAPPDATA",
    ):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("APUS_CHAT_DATA_DIR", raising=False)
    return home


@pytest.fixture(scope="session")
def starter() -> Path:
    from model_manager.library.starter import find_starter

    path = find_starter()
    assert path is not None, "the starter model is missing: python3 start.py installs it"
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real chat model of half a megabyte whose answers have no end."""
    from tests.rigs.tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[object]:
    from app.config.paths import DataFolder
    from app.services import Services

    built = Services(DataFolder(tmp_path / "data"))
    yield built
    built.close()
