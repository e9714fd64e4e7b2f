"""A Hugging Face hub on 127.0.0.1, with fault injection.

Standard library only.  It speaks the part of the Hub protocol that
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

Faults (``where`` is "api", "resolve" or "cdn"; ``times=-1`` = for ever):

    cut            close the connection (FIN) after ``after`` body bytes
    reset          the same with a TCP RST
    stall          send ``after`` bytes, then nothing for ``seconds``, then close
    trickle        send at ``rate`` bytes/s
    status         answer ``code`` (with ``headers``) instead of the resource
    corrupt        flip the byte at absolute file offset ``offset``; with several connections use times=-1, since
                   the fault is spent on the first request that matches, whether or not its range has that byte
    length         announce ``delta`` bytes more (or fewer) than are sent / exist
    truncate       behave as if the file had only ``size`` bytes
    ignore_range   answer 200 and the whole file to a Range request
    wrong_range    answer 206 but with bytes from offset + ``shift``
    redirect_loop  302 to itself
    drop_headers   leave out the response headers named in ``names``
    delay          wait ``seconds`` before answering
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@dataclass
class FakeFile:
    """One file of a repository; the bytes lie in ``path`` on disk."""

    name: str
    path: Path
    size: int
    sha256: str
    lfs: bool = True  # False: a small git file, etag = git sha1
    direct: bool = False  # True: /resolve serves the body itself, no CDN redirect
    xet: bool = False  # True: announce X-Xet-Hash, as today's Hub does

    @property
    def blob_id(self) -> str:
        return hashlib.sha1(f"blob {self.name} {self.sha256}".encode()).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob_id

    def entry(self) -> dict[str, Any]:
        """As in /tree and /paths-info."""
        e: dict[str, Any] = {"type": "file", "path": self.name, "size": self.size, "oid": self.blob_id}
        if self.lfs:
            e["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 135}
        if self.xet:
            e["xetHash"] = self.sha256
        return e

    def sibling(self, metadata: bool) -> dict[str, Any]:
        """As in model_info."""
        s: dict[str, Any] = {"rfilename": self.name}
        if metadata:
            s |= {"size": self.size, "blobId": self.blob_id}
            if self.lfs:
                s["lfs"] = {"sha256": self.sha256, "size": self.size, "pointerSize": 135}
        return s


@dataclass
class Fault:
    where: str
    kind: str
    times: int = 1
    match: str = ""  # substring of the request path
    method: str = ""  # "", "GET" or "HEAD"
    skip: int = 0  # let this many matching requests through first
    opt: dict[str, Any] = field(default_factory=dict)


@dataclass
class LogEntry:
    t: float
    where: str
    method: str
    path: str
    range: str | None
    auth: str | None
    fault: str | None
    status: int = 0
    sent: int = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away (killed, cancelled) is what many tests want; anything else is a bug here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class FakeHub:
    def __init__(self, port: int = 0, host: str = "127.0.0.1", sndbuf: int | None = None) -> None:
        self.repos: dict[str, dict[str, FakeFile]] = {}
        self.gated: dict[str, str] = {}  # repo -> token that opens it
        self.licences: dict[str, str] = {}  # repo -> licence shown in its card data
        self.faults: list[Fault] = []
        self.log: list[LogEntry] = []
        self.lock = threading.Lock()
        self.sndbuf = sndbuf
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self.server = _Server((host, port), Handler)
        self.url = f"http://{host}:{self.server.server_address[1]}"
        # The "CDN" must be another origin, or clients would treat it as the Hub itself and forward the token.
        self.cdn_url = f"http://localhost:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    # -- life ---------------------------------------------------------------------------------
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
        """Changes whenever any file of the repository changes, as a git commit id does."""
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


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    # -- entry points -------------------------------------------------------------------------
    def do_GET(self) -> None:
        self._route()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._route()

    def log_message(self, *a: object) -> None:
        pass

    def _route(self) -> None:
        hub, split = self.hub, urlsplit(self.path)
        path = unquote(split.path)
        if path.startswith("/_fake/"):
            return self._control(path)
        where = "api" if path.startswith("/api/") else "cdn" if path.startswith("/cdn/") else "resolve"
        fault = hub.take_fault(where, self.command, self.path)
        self.entry = LogEntry(
            time.monotonic(),
            where,
            self.command,
            self.path,
            self.headers.get("Range"),
            self.headers.get("Authorization"),
            fault.kind if fault else None,
        )
        hub.log.append(self.entry)
        try:
            if fault and fault.kind == "delay":
                time.sleep(fault.opt["seconds"])
            if fault and fault.kind == "status":
                return self._plain(fault.opt["code"], fault.opt.get("text", ""), fault.opt.get("headers", {}))
            if fault and fault.kind == "redirect_loop":
                return self._plain(302, "", {"Location": self.path})
            if where == "api":
                return self._api(path, parse_qs(split.query))
            if where == "cdn":
                sha = path.split("/")[2]
                for files in hub.repos.values():
                    for f in files.values():
                        if f.sha256 == sha:
                            return self._serve(f, fault, {"ETag": f'"{f.etag}"'})
                return self._plain(403, "expired or unknown signed URL")
            m = re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path)
            if not m:
                return self._plain(404, "", {"X-Error-Code": "RepoNotFound"})
            self._resolve(*m.groups(), fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # -- helpers ------------------------------------------------------------------------------
    def _start(self, code: int, headers: dict[str, str]) -> None:
        self.entry.status = code
        self.send_response(code)
        for k, v in headers.items():
            self.send_header(k, v)
        self.end_headers()

    def _plain(self, code: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self._start(code, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, obj: Any, headers: dict[str, str] | None = None) -> None:
        self._plain(200, json.dumps(obj), {"Content-Type": "application/json", **(headers or {})})

    def _open_repo(self, repo: str) -> bool:
        """Answers the request itself and returns False when the repository may not be read."""
        if repo not in self.hub.repos:
            self._plain(404, "", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return False
        token, got = self.hub.gated.get(repo), self.headers.get("Authorization", "")
        if token and got != f"Bearer {token}":
            code = 403 if got else 401
            self._plain(
                code, "", {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to model {repo} is restricted."}
            )
            return False
        return True

    # -- the API ------------------------------------------------------------------------------
    def _info(self, repo: str, metadata: bool) -> dict[str, Any]:
        licence = self.hub.licences.get(repo, "apache-2.0")
        return {
            "id": repo,
            "modelId": repo,
            "sha": self.hub.commit(repo),
            "private": False,
            "gated": "auto" if repo in self.hub.gated else False,
            "downloads": 100,
            "likes": 10,
            "pipeline_tag": "text-generation",
            "tags": ["gguf", f"license:{licence}"],
            "cardData": {"license": licence},
            "lastModified": "2024-04-03T00:00:00.000Z",
            "siblings": [f.sibling(metadata) for f in self.hub.repos[repo].values()],
        }

    def _api(self, path: str, query: dict[str, list[str]]) -> None:
        if path.rstrip("/") == "/api/models":
            words = query.get("search", [""])[0].lower().split()
            limit = int(query.get("limit", ["1000"])[0])
            found = [r for r in self.hub.repos if all(w in r.lower() for w in words)]
            return self._json([self._info(r, False) for r in found[:limit]])
        m = re.fullmatch(
            r"/api/models/([^/]+/[^/]+|[^/]+?)(?:/(revision|tree|paths-info|xet-read-token)/([^/]+)(?:/(.*))?)?", path
        )
        if not m:
            return self._plain(404)
        repo, what, rev, sub = m.groups()
        if not self._open_repo(repo):
            return None
        files, commit = self.hub.repos[repo], self.hub.commit(repo)
        if rev not in (None, "main", commit):
            return self._plain(404, "", {"X-Error-Code": "RevisionNotFound"})
        if what in (None, "revision"):
            meta = query.get("blobs", ["false"])[0].lower() in ("true", "1")
            return self._json(self._info(repo, meta))
        if what == "tree":
            return self._json([f.entry() for f in files.values() if f.name.startswith(sub or "")])
        if what == "paths-info":
            try:
                paths = json.loads(self._body)["paths"]
            except ValueError:
                paths = parse_qs(self._body.decode()).get("paths", [])
            return self._json([files[p].entry() for p in paths if p in files])
        return self._json(
            {},
            {
                "X-Xet-Cas-Url": self.hub.cdn_url + "/cdn/cas",
                "X-Xet-Access-Token": "tok",
                "X-Xet-Token-Expiration": str(int(time.time()) + 3600),
            },
        )

    # -- files --------------------------------------------------------------------------------
    def _resolve(self, repo: str, rev: str, name: str, fault: Fault | None) -> None:
        if not self._open_repo(repo):
            return None
        commit = self.hub.commit(repo)
        f = self.hub.repos[repo].get(name)
        if rev not in ("main", commit):
            return self._plain(404, "", {"X-Error-Code": "RevisionNotFound"})
        if f is None:
            return self._plain(404, "", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        h = {
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(f.size),
            "X-Linked-Etag": f'"{f.etag}"',
            "ETag": f'"{f.blob_id}"',
            "Accept-Ranges": "bytes",
        }
        if f.xet:
            h["X-Xet-Hash"] = f.sha256
            h["Link"] = f'<{self.hub.url}/api/models/{repo}/xet-read-token/{commit}>; rel="xet-auth"'
        if not f.lfs or f.direct:
            h["ETag"] = f'"{f.etag}"'
            return self._serve(f, fault, h)
        if fault and fault.kind == "drop_headers":
            h = {k: v for k, v in h.items() if k not in fault.opt["names"]}
        h["Location"] = f"{self.hub.cdn_url}/cdn/{f.sha256}?name={quote(name)}&Signature=x"
        self._plain(302, "", h)

    def _serve(self, f: FakeFile, fault: Fault | None, headers: dict[str, str]) -> None:
        kind, opt = (fault.kind, fault.opt) if fault else ("", {})
        size = opt["size"] if kind == "truncate" else f.size
        start, end, code = 0, size - 1, 200
        rng = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if_range = self.headers.get("If-Range")
        if rng and kind != "ignore_range" and (if_range is None or if_range == headers.get("ETag")):
            a, b = rng.groups()
            start = int(a) if a else max(0, size - int(b))
            end = min(int(b), size - 1) if a and b else size - 1
            if start >= size:
                return self._plain(416, "", {"Content-Range": f"bytes */{size}"})
            code = 206
            headers = {**headers, "Content-Range": f"bytes {start}-{end}/{size}"}
        n = end - start + 1
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            **headers,
            "Content-Length": str(n + (opt["delta"] if kind == "length" else 0)),
        }
        if kind == "drop_headers":
            headers = {k: v for k, v in headers.items() if k not in opt["names"]}
        if "Content-Length" not in headers:
            self.close_connection = True
            headers["Connection"] = "close"
        self._start(code, headers)
        if self.command != "HEAD":
            self._body_out(f, start + (opt.get("shift", 0) if kind == "wrong_range" else 0), n, kind, opt)

    def _body_out(self, f: FakeFile, start: int, n: int, kind: str, opt: dict[str, Any]) -> None:
        sock = self.connection
        if self.hub.sndbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.hub.sndbuf)
        limit = min(n, opt["after"]) if kind in ("cut", "reset", "stall") else n
        if kind == "length":
            limit = min(n, n + opt["delta"])
        fast = kind not in ("corrupt", "trickle")
        with open(f.path, "rb") as src:
            done = 0
            while done < limit:
                want = min(BLOCK * 4, limit - done)
                if fast:
                    sent = os.sendfile(sock.fileno(), src.fileno(), start + done, want)
                    if sent == 0:  # a shifted range that reaches past the end: the promised length cannot be kept
                        self.close_connection = True
                        break
                else:
                    if kind == "trickle":
                        want = min(want, max(1, int(opt["rate"] / 20)))
                        time.sleep(want / opt["rate"])
                    src.seek(start + done)
                    block = bytearray(src.read(want))
                    at = opt.get("offset", -1) - (start + done)
                    if kind == "corrupt" and 0 <= at < len(block):
                        block[at] ^= 0xFF
                    sock.sendall(block)
                    sent = len(block)
                done += sent
                self.entry.sent = done
        if kind == "stall":
            time.sleep(opt.get("seconds", 60))
        if kind == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        if kind in ("cut", "reset", "stall") or (kind == "length" and opt["delta"] > 0):
            self.close_connection = True

    # -- remote control (stand-alone use) -----------------------------------------------------
    def _control(self, path: str) -> None:
        self.entry = LogEntry(0, "fake", self.command, path, None, None, None)
        if path == "/_fake/fault":
            d = json.loads(self._body)
            self.hub.fault(d.pop("where"), d.pop("kind"), **d)
        elif path == "/_fake/reset":
            self.hub.reset()
        return self._json([vars(e) for e in self.hub.log])


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
