"""Local server against the engine that it serves: first token, throughput, and the window beside 50 clients, as JSON.

    python -m tests.benchmarks.local_server [--out FILE]     about six minutes; close other programs

The answers of the server alternate with those of its backend in the same process, on the same engine and KV cache.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from app.backend import ChatRequest, PromptMessage, TextDelta
from app.config.paths import DataFolder
from app.conversation import Role
from app.local_server.access import Access
from app.local_server.model import ServedModel
from app.sampling import Sampling
from app.served_models import ServedModels
from app.services import Services
from model_manager.cancellation import CancelToken
from tests.benchmarks.figures import ROOT, Figure, at_least, at_most, median, report, reported, rounded

PAIRS = 30
OWN, SERVED = 0, 1
TOKENS = 300
CROWD, CROWD_S = 50, 120
HANG_UPS = 20
BEAT_S = 0.005
QUESTION = "Write a very long and detailed story about a lighthouse keeper, the sea and a lost ship."


def own(model: ServedModel, seed: int) -> tuple[float, float]:
    """Return the seconds to the first piece and to the end of an answer from the backend."""
    sampling = Sampling(seed=seed, max_tokens=TOKENS)
    begin, first = time.perf_counter(), 0.0
    for event in model.backend.stream(ChatRequest((PromptMessage(Role.USER, QUESTION),), sampling), CancelToken()):
        if isinstance(event, TextDelta):
            first = first or time.perf_counter() - begin
    return first, time.perf_counter() - begin


def served(connection: HTTPConnection, seed: int) -> tuple[float, float]:
    """Return the same for a stream of the server, over a connection that stays open, as programs do."""
    message = {"role": "user", "content": QUESTION}
    body = json.dumps({"messages": [message], "seed": seed, "max_tokens": TOKENS, "stream": True})
    # The server has closed it where the answer before this one took long.
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except OSError:
        connection.close()
    begin, first = time.perf_counter(), 0.0
    connection.request("POST", "/v1/chat/completions", body)
    for line in connection.getresponse():
        # The first event is sent together with the first piece.
        if line.startswith(b"data: {") and not first:
            first = time.perf_counter() - begin
    return first, time.perf_counter() - begin


def compare(url: str, model: ServedModel) -> list[Figure]:
    connection = HTTPConnection(urlsplit(url).netloc)
    served(connection, 0), own(model, 0)
    added, ratios, cpu_s, times = [], [], [0.0, 0.0], [(0.0, 0.0)] * 2
    for seed in range(1, PAIRS + 1):
        # They take turns at being first: a machine that slows down must not count against one of them.
        for side in (OWN, SERVED) if seed % 2 else (SERVED, OWN):
            begin = time.process_time()
            times[side] = own(model, seed) if side == OWN else served(connection, seed)
            cpu_s[side] += time.process_time() - begin
        (our_first, our_whole), (first, whole) = times
        added.append((first - our_first) * 1000)
        ratios.append(our_whole / whole)
    connection.close()
    return [
        reported(at_most("first token added, ms", median(added), 5, all=rounded(added))),
        reported(at_least("throughput", median(ratios), 0.97, all=[round(r, 3) for r in ratios], cpu_s=rounded(cpu_s))),
    ]


def hang_ups(url: str, services: Services) -> list[Figure]:
    """Let clients hang up while their prompt is read and while their answer is written."""
    waits = []
    for number in range(HANG_UPS):
        connection = HTTPConnection(urlsplit(url).netloc)
        is_long = number % 2
        # Another prompt each time, so that no part of it was read before.
        text = f"{number} {' '.join(map(str, range(600)))}" if is_long else QUESTION
        body = json.dumps({"messages": [{"role": "user", "content": text}], "stream": True, "max_tokens": 5000})
        connection.request("POST", "/v1/chat/completions", body)
        if is_long:
            while not services.local_server.status().running:
                time.sleep(0.001)
            time.sleep(0.1 * number)
        else:
            connection.getresponse().readline()
        assert services.local_server.status().running
        begin = time.perf_counter()
        connection.sock.shutdown(socket.SHUT_RDWR)
        while services.local_server.status().running:
            time.sleep(0.001)
        waits.append((time.perf_counter() - begin) * 1000)
        connection.close()
    return [reported(at_most("slowest stop after a hang-up, ms", max(waits), 1000, all=rounded(waits)))]


def crowd(url: str, model: ServedModel) -> list[Figure]:
    """Let 50 clients ask, and measure how long a thread of this process, such as the window's, can be kept waiting."""
    from PySide6.QtCore import QCoreApplication, QTimer

    expected = []
    for number in range(8):
        question = f"What is {number} + 1?"
        sampling = Sampling(temperature=0, max_tokens=24)
        events = model.backend.stream(ChatRequest((PromptMessage(Role.USER, question),), sampling), CancelToken())
        expected.append([question, "".join(each.text for each in events if isinstance(each, TextDelta))])
    application, gaps, last = QCoreApplication([]), [0.0], time.perf_counter()

    def beat() -> None:
        nonlocal last
        gaps.append(time.perf_counter() - last - BEAT_S)
        last = time.perf_counter()
        if clients.poll() is not None:
            application.quit()

    command = [sys.executable, "-m", "tests.rigs.api_clients", url, str(CROWD_S), str(CROWD)]
    clients = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert clients.stdin is not None
    assert clients.stdout is not None
    clients.stdin.write(json.dumps(expected).encode())
    clients.stdin.close()
    timer = QTimer(interval=round(BEAT_S * 1000))
    timer.timeout.connect(beat)
    timer.start()
    cpu = time.process_time()
    application.exec()
    counts = json.loads(clients.stdout.read())
    counts["cpu_s"] = round(time.process_time() - cpu, 1)
    return [
        reported(at_most("wrong answers to 50 clients", len(counts["wrong"]), 0, **counts)),
        reported(at_most("longest wait of the window, ms", max(gaps[1:]) * 1000, 50)),
    ]


def main() -> int:
    """Measure and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        services = Services(DataFolder(Path(folder)))
        try:
            models = ServedModels(services, "starter")
            url = services.local_server.start(Access(), models)
            return report([*compare(url, models()), *hang_ups(url, services), *crowd(url, models())])
        finally:
            services.close()


if __name__ == "__main__":
    sys.exit(main())
