"""Responses and faults of ``fake_hub``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import struct
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    from tests.rigs.fake_hub import FakeHub

BLOCK = 1 << 20
EXTRA = b"E" * 100
"""What a server of the fault ``extra`` sends behind a range."""


def sha256_of(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@dataclass
class FakeFile:
    """A file of a repository, stored at ``path``."""

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


class Answers(BaseHTTPRequestHandler):
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
            if fault and fault.kind == "redirect":
                return self._plain(302, "", {"Location": fault.opt["to"]})
            if fault and fault.kind == "page":
                page = "<!DOCTYPE html><html><title>Sign in</title></html>"
                return self._plain(200, page, {"Content-Type": "text/html; charset=utf-8"})
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
            repo, revision, name = m.groups()
            self._resolve(repo, revision, name, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # -- helpers ------------------------------------------------------------------------------
    def _start(self, code: int, headers: dict[str, Any]) -> None:
        self.entry.status = code
        self.send_response(code)
        for k, v in headers.items():
            self.send_header(k, v() if callable(v) else v)
        self.end_headers()

    def _plain(self, code: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self._start(code, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, obj: Any, headers: dict[str, str] | None = None) -> None:
        self._plain(200, json.dumps(obj), {"Content-Type": "application/json", **(headers or {})})

    def _open_repo(self, repo: str) -> bool:
        """Return whether the repository may be read; if not, send the error response."""
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
            "downloads": self.hub.downloads.get(repo, 100),
            "likes": 10,
            "pipeline_tag": "text-generation",
            "tags": [*self.hub.tags.get(repo, ["gguf"]), f"license:{licence}"],
            "cardData": {"license": licence},
            "lastModified": "2024-04-03T00:00:00.000Z",
            "siblings": [f.sibling(metadata) for f in self.hub.repos[repo].values()],
        }

    def _api(self, path: str, query: dict[str, list[str]]) -> None:
        if path.rstrip("/") == "/api/models":
            words = query.get("search", [""])[0].lower().split()
            limit = int(query.get("limit", ["1000"])[0])
            tags = set(query.get("filter", []))
            found = [r for r in self.hub.repos if all(w in r.lower() for w in words)]
            infos = [info for info in (self._info(r, False) for r in found) if tags <= set(info["tags"])]
            if query.get("sort") == ["downloads"]:
                infos.sort(key=lambda info: -info["downloads"])
            return self._json(infos[:limit])
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
        if fault and fault.kind == "headers":
            h |= fault.opt["headers"]
        h["Location"] = f"{self.hub.cdn_url}/cdn/{f.sha256}?name={quote(name)}&Signature=x"
        return self._plain(302, "", h)

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
                self._plain(416, "", {"Content-Range": f"bytes */{size}"})
                return
            code = 206
            headers = {**headers, "Content-Range": f"bytes {start}-{end}/{size}"}
        n = end - start + 1
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            **headers,
            "Content-Length": str(n + (opt["delta"] if kind == "length" else len(EXTRA) if kind == "extra" else 0)),
        }
        if kind == "drop_headers":
            headers = {k: v for k, v in headers.items() if k not in opt["names"]}
        if kind == "headers":
            headers |= opt["headers"]
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
        after = opt.get("after", n)
        limit = min(n, self.hub.random.randint(*after) if isinstance(after, tuple) else after)
        if kind == "length":
            limit = min(n, n + opt["delta"])
        fast = kind != "corrupt" and "rate" not in opt
        with f.path.open("rb") as src:
            done = 0
            while done < limit:
                want = min(BLOCK * 4, limit - done)
                if fast:
                    sent = os.sendfile(sock.fileno(), src.fileno(), start + done, want)
                    if sent == 0:  # a shifted range that reaches past the end: the promised length cannot be kept
                        self.close_connection = True
                        break
                else:
                    if "rate" in opt:
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
        if kind == "extra":
            sock.sendall(EXTRA)
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
