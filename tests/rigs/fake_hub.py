"""A Hugging Face hub on 127.0.0.1 with fault injection.

Standard library only.  It implements the part of the Hub protocol that
``huggingface_hub`` (2.4.0) and a plain HTTP range downloader need:

    GET  /api/models?search=TEXT                    list_models
    GET  /api/models/{repo}                         model_info
    GET  /api/models/{repo}/revision/{rev}          model_info(revision=, files_metadata=)
    GET  /api/models/{repo}/tree/{rev}              list_repo_tree, HfFileSystem
    POST /api/models/{repo}/paths-info/{rev}        get_paths_info
    GET  /api/models/{repo}/xet-read-token/{rev}    only if a file has ``xet=True``
    HEAD/GET /{repo}/resolve/{rev}/{file}           302 to the "CDN" (or the body, with direct=True)
    GET  /cdn/{sha256}?name=...                     the bytes; Range, ETag, If-Range

Use in a test:

    with FakeHub() as hub:
        f = hub.add_file("me/repo", "model.gguf", pathlib.Path("big.bin"))
        hub.fault("cdn", "cut", after=5_000_000, times=1)
        HfApi(endpoint=hub.url).hf_hub_download("me/repo", "model.gguf", ...)
        assert hub.count("cdn", "GET") == 2

Stand-alone:  python fake_hub.py --port 8123 me/repo:model.gguf=/path/to/file ...
              then POST {"where": "cdn", "kind": "cut", "after": 1000} to /_fake/fault
              and GET /_fake/log, POST /_fake/reset.

Faults (``where`` is "api", "resolve" or "cdn"; ``times=-1``: always):

    cut            close the connection (FIN) after ``after`` body bytes, or a random number between two
    reset          the same with a TCP RST
    stall          send ``after`` bytes, then nothing for ``seconds``, then close
    trickle        send at ``rate`` bytes/s
    status         answer ``code`` (with ``headers``, texts or functions) instead of the resource
    corrupt        flip the byte at absolute file offset ``offset``; with several connections use times=-1, since
                   the fault is spent on the first request that matches, whether or not its range has that byte
    length         announce ``delta`` bytes more (or fewer) than are sent / exist
    truncate       behave as if the file had only ``size`` bytes
    ignore_range   answer 200 and the whole file to a Range request
    wrong_range    answer 206 but with bytes from offset + ``shift``
    redirect_loop  302 to itself
    drop_headers   leave out the response headers named in ``names``
    delay          wait ``seconds`` before answering
    page           answer with a web page, as a captive portal does
    headers        answer normally, with the response headers ``headers`` added or replaced
    redirect       302 to ``to``

Every fault may have ``rate``, the bytes per second of its body.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.rigs.fake_hub_answers import Answers, FakeFile, Fault, LogEntry, sha256_of


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect, as many tests do; any other error is a bug."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class FakeHub:
    def __init__(self, port: int = 0, host: str = "127.0.0.1", sndbuf: int | None = None) -> None:
        self.repos: dict[str, dict[str, FakeFile]] = {}
        self.gated: dict[str, str] = {}  # repo -> token that opens it
        self.licences: dict[str, str] = {}  # repo -> licence shown in its card data
        self.tags: dict[str, list[str]] = {}  # repo -> tags other than "gguf"
        self.downloads: dict[str, int] = {}  # repo -> number of downloads, default 100
        self.faults: list[Fault] = []
        self.log: list[LogEntry] = []
        self.lock = threading.Lock()
        self.random = random.Random(0)
        self.sndbuf = sndbuf
        hub = self

        class Handler(Answers):
            pass

        Handler.hub = hub
        self.server = _Server((host, port), Handler)
        self.url = f"http://{host}:{self.server.server_address[1]}"
        # The "CDN" must be another origin, or clients would treat it as the Hub itself and forward the token.
        self.cdn_url = f"http://localhost:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    # -- lifecycle ---------------------------------------------------------------------------------
    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    # -- content ------------------------------------------------------------------------------
    def add_file(self, repo: str, name: str, path: Path, *, sha256: str | None = None, **kw: Any) -> FakeFile:
        path = Path(path)
        f = FakeFile(name, path, path.stat().st_size, sha256 or sha256_of(path), **kw)
        self.repos.setdefault(repo, {})[name] = f
        return f

    def commit(self, repo: str) -> str:
        """Return a commit id that changes with any file of the repository."""
        state = ",".join(f"{f.name}:{f.sha256}" for f in self.repos[repo].values())
        return hashlib.sha1(f"{repo} {state}".encode()).hexdigest()

    # -- faults and log -----------------------------------------------------------------------
    def fault(
        self, where: str, kind: str, *, times: int = 1, match: str = "", method: str = "", skip: int = 0, **opt: Any
    ) -> Fault:
        f = Fault(where, kind, times, match, method, skip, opt)
        with self.lock:
            self.faults.append(f)
        return f

    def reset(self) -> None:
        with self.lock:
            self.faults.clear()
            self.log.clear()

    def count(self, where: str, method: str = "") -> int:
        return sum(e.where == where and (not method or e.method == method) for e in self.log)

    def bytes_sent(self) -> int:
        return sum(e.sent for e in self.log)

    def take_fault(self, where: str, method: str, path: str) -> Fault | None:
        with self.lock:
            for f in self.faults:
                if f.where != where or f.match not in path or (f.method and f.method != method) or f.times == 0:
                    continue
                if f.skip > 0:
                    f.skip -= 1
                    continue
                f.times -= 1
                return f
        return None


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--port", type=int, default=8123)
    p.add_argument("--direct", action="store_true", help="no CDN redirect")
    p.add_argument("--xet", action="store_true", help="announce xet hashes")
    p.add_argument("--nohash", action="store_true", help="invent the sha256 (fast start with huge files)")
    p.add_argument("file", nargs="+", help="owner/repo:name=/path")
    a = p.parse_args()
    with FakeHub(a.port) as hub:
        for spec in a.file:
            repo, rest = spec.split(":", 1)
            name, path = rest.split("=", 1)
            sha = hashlib.sha256(spec.encode()).hexdigest() if a.nohash else None
            f = hub.add_file(repo, name, Path(path), sha256=sha, direct=a.direct, xet=a.xet)
            print(f"{hub.url}/{repo}/resolve/main/{name}  {f.size}  {f.sha256}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
