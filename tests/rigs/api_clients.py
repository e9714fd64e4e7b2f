"""Many clients of a local server at once, in a process of their own: streamed and whole, some of which hang up.

    python -m tests.rigs.api_clients URL SECONDS CLIENTS < ANSWERS.json      a list of [question, answer]

Prints how many answers were right, failed with an error, or were hung up; ends with an error at the first wrong one.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

LIMIT = 24
"""Tokens of an answer."""


def body(question: str, *, stream: bool, limit: int = LIMIT) -> bytes:
    messages = [{"role": "user", "content": question}]
    return json.dumps({"messages": messages, "temperature": 0, "max_tokens": limit, "stream": stream}).encode()


def answer_in(response: HTTPResponse, *, stream: bool) -> str:
    """Return the answer, or the code of the error."""
    data = response.read()
    if not stream or response.status != 200:
        value = json.loads(data)
        return str(value["error"]["code"] if "error" in value else value["choices"][0]["message"]["content"])
    assert data.endswith(b"data: [DONE]\n\n") or b'"error"' in data
    events: list[dict[str, Any]] = [json.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: {")]
    if "error" in events[-1]:
        return str(events[-1]["error"]["code"])
    return "".join(each["choices"][0]["delta"].get("content", "") for each in events)


class Clients:
    def __init__(self, url: str, seconds: float, answers: list[tuple[str, str]]) -> None:
        self._address = urlsplit(url).netloc
        self._end = time.monotonic() + seconds
        self._answers = answers
        self.counts: Counter[str] = Counter()
        self.wrong: list[tuple[str, str]] = []

    def run(self, seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < self._end and not self.wrong:
            question, expected = chance.choice(self._answers)
            stream, hangs_up = chance.random() < 0.5, chance.random() < 1 / 3
            connection = HTTPConnection(self._address, timeout=300)
            try:
                endless = body(question, stream=stream, limit=10_000)
                data = endless if hangs_up else body(question, stream=stream)
                connection.request("POST", "/v1/chat/completions", data)
                if hangs_up:
                    time.sleep(chance.random())
                    connection.sock.shutdown(socket.SHUT_RDWR)
                    self.counts["hung up"] += 1
                    continue
                response = connection.getresponse()
                answer = answer_in(response, stream=stream)
                if response.status == 429:
                    time.sleep(min(1, int(response.headers["Retry-After"])))
                if response.status == 200 and answer == expected:
                    self.counts["right"] += 1
                elif answer in ("engine_died", "queue_full"):
                    self.counts[answer] += 1
                else:
                    self.wrong.append((expected, answer))
            except (OSError, HTTPException) as error:
                self.wrong.append(("", repr(error)))
            finally:
                connection.close()


def main() -> None:
    url, seconds, count = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    clients = Clients(url, seconds, [(question, answer) for question, answer in json.load(sys.stdin)])
    threads = [threading.Thread(target=clients.run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({**clients.counts, "wrong": clients.wrong}))


if __name__ == "__main__":
    main()
