"""Pictures from files, which a child process with limits on time and memory decodes."""

from __future__ import annotations

import base64
from types import TracebackType

from app.bounds import MAX_PICTURE_FILE_BYTES, within_bounds
from app.conversation import Attachment, Picture
from app.documents.extraction import LIMIT_BYTES
from app.process.child_process import DOCUMENTS, LimitedProcess
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.json_file import from_plain
from model_manager.errors import UserError

LIMIT_S = 30.0
"""Seconds for one picture, which takes one at most."""


class PictureReader:
    """Makes attachments of pictures.  For one thread; as a context manager it ends its process."""

    def __init__(self) -> None:
        self._process: LimitedProcess | None = None

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.close()

    def read(self, data: bytes, name: str, token: CancelToken = NEVER_CANCELLED) -> Attachment:
        """Return the picture in the bytes of a file.

        Raises:
            UserError: ``picture_format``, ``picture_damaged`` or ``picture_too_large`` (name), ``attachment_too_large``
                (name, bytes, limit_bytes), or ``file_unreadable`` (path, detail): the process did not start.
            Cancelled: ``token`` was cancelled.
        """
        if len(data) > MAX_PICTURE_FILE_BYTES:
            raise UserError("attachment_too_large", name=name, bytes=len(data), limit_bytes=MAX_PICTURE_FILE_BYTES)

        def is_over() -> bool:
            token.raise_if_cancelled()
            return False

        try:
            if self._process is None:
                self._process = LimitedProcess(DOCUMENTS, LIMIT_BYTES, quiet=True)
            answer = self._process.ask({"picture": base64.b64encode(data).decode()}, LIMIT_S, is_over)
        except OSError as error:
            raise UserError("file_unreadable", path=name, detail=str(error)) from error
        if answer is None:
            # The next picture needs another process.
            self._process.close()
            self._process = None
        answer = answer or {"refused": "damaged"}
        if "refused" in answer:
            raise UserError(f"picture_{answer['refused']}", name=name)
        picture = from_plain({**answer, "name": name}, Picture)
        return within_bounds(Attachment(name, "", picture=picture))


def read_picture(data: bytes, name: str, token: CancelToken = NEVER_CANCELLED) -> Attachment:
    """Return one picture.  Raises as ``PictureReader.read``."""
    with PictureReader() as reader:
        return reader.read(data, name, token)
