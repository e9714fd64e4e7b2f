"""A local server over real services, on a free port of the loopback interface."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from openai import OpenAI

from app.config.paths import DataFolder
from app.local_server.access import Access
from app.served_models import ServedModels
from app.services import Services
from tests.rigs.tiny_model import write_tiny_model
from tests.tools.test_rounds import CALL, TEMPLATE

PATIENCE_S = 60.0


class Served:
    """Services whose local server runs, with requests as a program makes them."""

    def __init__(self, services: Services, model: str, access: Access) -> None:
        self.services = services
        self.connections: list[HTTPConnection] = []
        self.models = ServedModels(services, model)
        self.url = services.local_server.start(access, self.models)
        self.openai = OpenAI(base_url=f"{self.url}/v1", api_key=access.key or "none", max_retries=0, timeout=PATIENCE_S)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        """Send a request, and return the response before its body is read; ``body`` is JSON unless it is bytes."""
        return self.request(method, path, body, **headers).getresponse()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPConnection:
        """Send a request, and return its connection."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
        self.connections.append(connection)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        return connection

    def close(self) -> None:
        """Close all connections and the services."""
        self.openai.close()
        for connection in self.connections:
            connection.close()
        self.services.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the response."""
        response = self.send(method, path, body, **headers)
        return response.status, json.loads(response.read())

    def ask(self, text: str = "Hello", **fields: Any) -> tuple[int, Any]:
        """Ask a question."""
        return self.call("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": text}], **fields})


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[Served] = []

    def begin(model: Path | str = "starter", **access: Any) -> Served:
        services = Services(DataFolder(tmp_path / f"data{len(started)}"))
        started.append(Served(services, str(model), Access(**access)))
        return started[-1]

    yield begin
    for each in started:
        each.close()


@pytest.fixture(scope="module")
def starter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    services = Services(DataFolder(tmp_path_factory.mktemp("served")))
    served = Served(services, "starter", Access())
    yield served
    served.close()


@pytest.fixture(scope="module")
def tiny_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its answers end after a hundred thousand tokens."""
    folder = tmp_path_factory.mktemp("served")
    services = Services(DataFolder(folder))
    services.settings.change(context=1 << 17)
    served = Served(services, str(write_tiny_model(folder / "tiny.gguf", context_length=1 << 17)), Access())
    yield served
    served.close()


@pytest.fixture(scope="module")
def calling_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its model calls ``add`` with 2 and 3, and has an answer for a result."""
    folder = tmp_path_factory.mktemp("served")
    model = write_tiny_model(folder / "calls.gguf", chat_template=TEMPLATE, script=CALL, reply=("It is", " five."))
    served = Served(Services(DataFolder(folder / "data")), str(model), Access())
    yield served
    served.close()
