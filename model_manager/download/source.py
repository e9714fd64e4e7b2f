"""Where the bytes of the published files come from just now: links resolved, checked, and resolved again when they end.

A hub answers with a signed link to a content network that is good for some minutes or hours.  It is kept until it is
refused.  Whatever a hub says on the way about the file that it will send is compared with what was published.
"""

from __future__ import annotations

import re
import threading

from model_manager.errors import UserError
from model_manager.hub.access import host_of
from model_manager.hub.http import HttpClient, HttpResponse, file_url
from model_manager.hub.http_errors import TransientError, header_number
from model_manager.published import HubFile, PublishedModel

MAX_FRESH_REFUSALS = 5
LINK_ENDED = frozenset({401, 403, 404, 410})

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LFS_POINTER = b"version https://git-lfs"


class RemoteFile:
    """One published file, as one endpoint serves it.  Any number of threads may use it at once."""

    def __init__(self, web: HttpClient, published: PublishedModel, part: HubFile) -> None:
        self.part = part
        self._web = web
        self._published = published
        self._lock = threading.Lock()
        self._revision = published.commit
        self._link: str | None = None
        self._refusals = 0
        self._etag = ""

    def open(self, start: int, length: int) -> tuple[HttpResponse, bool]:
        """The answer to a Range request, and whether it is that range; otherwise it is the whole file from byte 0 on.

        Raises as ``HttpClient`` and ``HttpResponse.check_range`` do, ``TransientError`` link_ended(host, status), and
        ``UserError`` published_file_changed(name, repository, host), lfs_pointer_instead(name).
        """
        link = self._link
        reply = self._ask(link, start, length)
        try:
            if reply.status in LINK_ENDED and not self._is_from_hub(reply):
                self._forget(link, reply)
            ranged = self._check(reply, start, length)
        except BaseException:
            reply.drain() if reply.status >= 400 else reply.close()
            raise
        with self._lock:
            self._refusals = 0
            if not self._is_from_hub(reply):
                self._link = reply.url
        return reply, ranged

    def read(self, start: int, length: int) -> bytes:
        """Some bytes of the file that fit into memory.  Raises as ``open`` does."""
        reply, ranged = self.open(start, length)
        skipped = 0 if ranged else start
        with reply:
            return reply.read_exactly(skipped + length)[skipped:]

    def _ask(self, link: str | None, start: int, length: int) -> HttpResponse:
        if link is not None:
            return self._web.get_range(link, start, length, self._compare)
        reply = self._web.get_range(self._resolve_url(self._revision), start, length, self._compare)
        unknown = reply.status == 404 and reply.headers.get("X-Error-Code") == "RevisionNotFound"
        if unknown and self._revision != "main":
            # A mirror may not know the commit: its newest state will do as long as it is the same file.
            reply.drain()
            self._revision = "main"
            return self._web.get_range(self._resolve_url("main"), start, length, self._compare)
        return reply

    def _resolve_url(self, revision: str) -> str:
        return file_url(self._web.access.endpoint, self._published.repository, revision, self.part.name)

    def _is_from_hub(self, reply: HttpResponse) -> bool:
        return reply.url in (self._resolve_url(self._revision), self._resolve_url("main"))

    def _forget(self, link: str | None, reply: HttpResponse) -> None:
        host = host_of(reply.url)
        with self._lock:
            if link is None:
                self._refusals += 1
            elif self._link == link:
                self._link = None
            refusals = self._refusals
        if refusals >= MAX_FRESH_REFUSALS:
            # Links that are refused as soon as they are made are not at their end.
            raise UserError("web_refused", host=host, status=reply.status)
        raise TransientError("link_ended", retry_after_s=0 if link else None, host=host, status=reply.status)

    def _compare(self, reply: HttpResponse) -> None:
        """Compare what an answer says about the file that it leads to."""
        if reply.status >= 400:
            return
        etag = reply.headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
        size = header_number(reply.headers.get("X-Linked-Size"))
        if self.part.sha256 is None and etag:
            # Nobody told a hash that the whole could be checked with: at least it must be one and the same file.
            self._etag = self._etag or etag
            if etag != self._etag:
                raise self._changed(reply)
        other_hash = self.part.sha256 and _SHA256.fullmatch(etag) and etag != self.part.sha256.lower()
        if other_hash or (size is not None and size != self.part.bytes):
            raise self._changed(reply)

    def _check(self, reply: HttpResponse, start: int, length: int) -> bool:
        try:
            return reply.check_range(start, length, self.part.bytes)
        except UserError as error:
            if error.code != "published_size_differs":
                raise
            size = error.data["bytes"]
            small = reply.status != 416 and isinstance(size, int) and size < 1024 and start == 0
            if small and reply.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError("lfs_pointer_instead", name=self.part.name) from error
            raise self._changed(reply) from error

    def _changed(self, reply: HttpResponse) -> UserError:
        repository = self._published.repository
        return UserError("published_file_changed", name=self.part.name, repository=repository, host=host_of(reply.url))


class Link:
    """One way to all files of a model, used until the access changes."""

    def __init__(self, web: HttpClient, published: PublishedModel) -> None:
        self.web = web
        self.ranges = True
        """Whether the server answers Range requests with ranges; without, one connection reads everything in order."""
        self.not_before = 0.0
        """When the server wants the next request, on the monotonic clock."""
        self.stream = threading.Lock()
        """Held by the one connection that reads a server without ranges."""
        self._published = published
        self._lock = threading.Lock()
        self._files: dict[str, RemoteFile] = {}
        self._users = 0
        self._ended = False

    def file(self, part: HubFile) -> RemoteFile:
        """One of the published files."""
        with self._lock:
            return self._files.setdefault(part.name, RemoteFile(self.web, self._published, part))

    def read(self, part: HubFile, start: int, length: int) -> bytes:
        """Bytes of one of the files.  Raises as ``RemoteFile.read``."""
        return self.file(part).read(start, length)

    def __enter__(self) -> Link:
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
        self._close_unused()

    def end(self) -> None:
        """End all requests; whoever leaves last closes the connections."""
        with self._lock:
            self._ended = True
        self.web.abort()
        self._close_unused()

    def _close_unused(self) -> None:
        with self._lock:
            last = self._ended and self._users == 0
        if last:
            # Closing a socket that another thread still reads could hand its number to another file.
            self.web.close()
