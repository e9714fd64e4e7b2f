"""Published files as one endpoint serves them: resolved links, and checks that they are the published ones.

A hub redirects to a signed link of a content network that is valid for minutes or hours; it is reused until it is
refused.  What the hub announces about the file is compared with the listing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from model_manager.errors import UserError
from model_manager.hub.access import host_of
from model_manager.hub.http import HttpClient, HttpResponse, TransientError, file_url, header_number
from model_manager.published import HubFile, PublishedModel

LINK_EXPIRED = frozenset({401, 403, 404, 410})

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LFS_POINTER = b"version https://git-lfs"


class ReplacedError(UserError):
    """A server replaced a file whose hash isn't known during its download, so that its data belongs to two files.

    The code is published_file_changed(name, repository, host).
    """


class DownloadSource:
    """All files of a published model at one endpoint, used until the access settings change.

    Usable by any number of threads.
    """

    def __init__(
        self, client: HttpClient, published: PublishedModel, heads: dict[str, bytearray] | None = None
    ) -> None:
        """``heads`` keeps what ``RemoteFile.read`` receives, by the name of the file, also for later sources."""
        self.client = client
        self.supports_ranges = True
        """Whether the server answers range requests; otherwise one connection reads whole files."""
        self.not_before = 0.0
        """Monotonic time before which the server accepts no requests."""
        self._published = published
        self._lock = threading.Lock()
        self._files: dict[str, RemoteFile] = {}
        self._heads = {} if heads is None else heads

    def file(self, part: HubFile) -> RemoteFile:
        """Return one of the published files."""
        with self._lock:
            head = self._heads.setdefault(part.name, bytearray())
            return self._files.setdefault(part.name, RemoteFile(self.client, self._published, part, head))

    def close(self) -> None:
        """End all requests; they raise ``Cancelled``."""
        self.client.abort()
        self.client.close()


class RemoteFile:
    """One published file at one endpoint, usable by any number of threads."""

    def __init__(self, client: HttpClient, published: PublishedModel, part: HubFile, head: bytearray) -> None:
        self.part = part
        self._client = client
        self._published = published
        self._lock = threading.Lock()
        self._revision = published.commit
        self._link: str | None = None
        self._identities: dict[tuple[str, str], str] = {}
        """Identities of the content by host and name of the header."""
        self._head = head

    def open(self, start: int, length: int) -> tuple[HttpResponse, bool]:
        """Request a range; return the response and whether it is that range, false for the whole file.

        Raises as ``HttpClient`` and ``HttpResponse.check_range`` do, ``TransientError`` link_ended(host, status),
        ``ReplacedError``, and ``UserError`` published_file_changed(name, repository, host), lfs_pointer_instead(name).
        """
        link = self._link
        response = self._request(link, start, length)
        try:
            if response.status in LINK_EXPIRED and not self._is_from_hub(response):
                raise self._expired(link, response)
            is_range = self._check(response, start, length)
            self._compare_identity(response, "ETag" if "ETag" in response.headers else "Last-Modified")
        except BaseException:
            response.drain() if response.status >= 400 else response.close()
            raise
        with self._lock:
            if link is None and not self._is_from_hub(response):
                self._link = response.url
        return response, is_range

    def read(self, start: int, length: int, on_received: Callable[[int], object] = lambda _: None) -> bytes:
        """Return bytes near the beginning of the file.

        All bytes up to there are kept, also after an error, so that the next attempt continues.  For one thread at a
        time.  ``on_received`` gets the size of each chunk.  Raises as ``open``.
        """
        head, end = self._head, start + length
        if len(head) < end:
            response, is_range = self.open(len(head), end - len(head))
            skip = 0 if is_range else len(head)
            with response:
                for chunk in response.chunks():
                    head += chunk[skip:]
                    # What is behind a range isn't the file's.
                    del head[end:]
                    skip = max(0, skip - len(chunk))
                    on_received(len(chunk))
                    if len(head) >= end:
                        break
            if len(head) < end:
                raise TransientError("connection_lost", host=host_of(response.url), detail="the response ended early")
        return bytes(head[start:end])

    def _request(self, link: str | None, start: int, length: int) -> HttpResponse:
        if link is not None:
            return self._client.get_range(link, start, length, self._compare)
        response = self._client.get_range(self._resolve_url(self._revision), start, length, self._compare)
        is_unknown = response.status == 404 and response.headers.get("X-Error-Code") == "RevisionNotFound"
        if is_unknown and self._revision != "main" and self.part.sha256:
            # A mirror may lack the commit: its latest revision is used if the file is the same.
            response.drain()
            self._revision = "main"
            return self._client.get_range(self._resolve_url("main"), start, length, self._compare)
        return response

    def _resolve_url(self, revision: str) -> str:
        return file_url(self._client.access.endpoint, self._published.repository, revision, self.part.name)

    def _is_from_hub(self, response: HttpResponse) -> bool:
        return response.url in (self._resolve_url(self._revision), self._resolve_url("main"))

    def _expired(self, link: str | None, response: HttpResponse) -> TransientError:
        with self._lock:
            if self._link == link:
                self._link = None
        data = {"host": host_of(response.url), "status": response.status}
        return TransientError("link_ended", retry_after_s=0 if link else None, **data)

    def _compare(self, response: HttpResponse) -> None:
        """Compare what a response announces about the file with the listing."""
        if response.status >= 400:
            return
        etag = response.headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
        commit = response.headers.get("X-Repo-Commit", self._published.commit)
        size = header_number(response.headers.get("X-Linked-Size"))
        expected = (self.part.sha256 or "").lower()
        is_other = etag != expected and bool(_SHA256.fullmatch(etag))
        if not expected:
            is_other = commit != self._published.commit
        if is_other or (size is not None and size != self.part.bytes):
            raise self._changed(response)
        self._compare_identity(response, "X-Linked-Etag")

    def _compare_identity(self, response: HttpResponse, header: str) -> None:
        """Check that all responses of a host are of one file, where no hash verifies the whole."""
        identity = response.headers.get(header, "").removeprefix("W/")
        if identity and not self.part.sha256:
            with self._lock:
                known = self._identities.setdefault((host_of(response.url), header), identity)
            if known != identity:
                raise self.replaced(response)

    def replaced(self, response: HttpResponse) -> ReplacedError:
        """Return the error of a response with the content of another file."""
        return ReplacedError("published_file_changed", **self._changed(response).data)

    def _check(self, response: HttpResponse, start: int, length: int) -> bool:
        try:
            return response.check_range(start, length, self.part.bytes)
        except UserError as error:
            if error.code != "published_size_differs":
                raise
            size = error.data["bytes"]
            is_small = response.status != 416 and isinstance(size, int) and size < 1024 and start == 0
            if is_small and response.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError("lfs_pointer_instead", name=self.part.name) from error
            raise self._changed(response) from error

    def _changed(self, response: HttpResponse) -> UserError:
        repository, host = self._published.repository, host_of(response.url)
        return UserError("published_file_changed", name=self.part.name, repository=repository, host=host)
