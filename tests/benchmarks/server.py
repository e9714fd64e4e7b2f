"""Overhead of the client over a server: first token and throughput against a bare HTTP client, as JSON.

    python tests/benchmarks/server.py URL KEY MODEL     for example from tests/rigs/serve_vllm.sh

Both send requests to the same server in alternating pairs; the output has the medians of differences and ratios.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.backend import ChatRequest, PromptMessage, TextDelta
from app.conversation import Role
from app.sampling import Sampling
from app.servers import protocol
from app.servers.backend import ServerBackend
from app.servers.client import ServerClient
from app.servers.protocol import Kind

PAIRS = 9
TOKENS = 600


def bare(connection: http.client.HTTPConnection, path: str, key: str, body: bytes) -> tuple[float, float, int]:
    """Return the seconds to the first and last token and the number of tokens, with minimal code."""
    began = time.perf_counter()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    first, words = 0.0, 0
    for line in answer:
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                words += 1
                first = first or time.perf_counter() - began
    return first, time.perf_counter() - began, words


def ours(source: ServerBackend, request: ChatRequest) -> tuple[float, float, int]:
    """Return the same for the program's client."""
    began = time.perf_counter()
    first, words = 0.0, 0
    for event in source.stream(request):
        if isinstance(event, TextDelta):
            words += 1
            first = first or time.perf_counter() - began
    return first, time.perf_counter() - began, words


def main() -> None:
    """Measure and print the figures."""
    request = ChatRequest(
        (PromptMessage(Role.USER, "Count the experts."),), Sampling(seed=1, temperature=0, max_tokens=TOKENS)
    )
    url, key, name = sys.argv[1:4]
    client = ServerClient(url, key)
    source = ServerBackend(lambda: client, "id", name)
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.netloc)
    body = protocol.chat_body(request, name, Kind.VLLM)
    ours(source, request), bare(connection, f"{split.path}/chat/completions", key, body)
    added, ratios, counts = [], [], set()
    for _ in range(PAIRS):
        first, whole, words = bare(connection, f"{split.path}/chat/completions", key, body)
        our_first, our_whole, our_words = ours(source, request)
        added.append((our_first - first) * 1000)
        ratios.append(whole / our_whole)
        counts |= {words, our_words}
    connection.close()
    client.close()
    figures = {
        "server": url,
        "words": sorted(counts),
        "first_token_added_ms": {"median": round(median(added), 2), "limit": 20},
        "throughput_ratio": {"median": round(median(ratios), 3), "limit": 0.95, "all": [round(r, 3) for r in ratios]},
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
