"""Text of documents, which a child process with limits on time and memory reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from app.process.child_process import DOCUMENTS, LimitedProcess
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

LIMIT_BYTES = 1536 << 20
"""Memory of the process."""
STEP_LIMIT_S = 60.0
"""Seconds for one step, which usually takes a fraction of one: only a single page or table can take longer."""
_PAGE_NUMBERS = re.compile(r"\[Page \d+\]")


def extract(path: Path, name: str, limit_bytes: int, token: CancelToken, report: Callable[[float], object]) -> str:
    """Return the text of a document as Markdown; ``report`` is called with the share that was read.

    Raises:
        UserError: ``attachment_encrypted``, ``attachment_scan``, ``attachment_damaged``, ``attachment_old_format`` or
            ``attachment_not_text`` (name), ``attachment_too_large`` (name, bytes, limit_bytes), or ``file_unreadable``
            (path, detail): the process did not start.
        Cancelled: ``token`` was cancelled.
    """

    def is_over() -> bool:
        token.raise_if_cancelled()
        return False

    parts, size = [], 0
    try:
        process = LimitedProcess(DOCUMENTS, LIMIT_BYTES, quiet=True)
    except OSError as error:
        raise UserError("file_unreadable", path=path, detail=str(error)) from error
    try:
        request = {"path": str(path.absolute())}
        while True:
            answer = process.ask(request, STEP_LIMIT_S, is_over) or {"refused": "damaged"}
            if "refused" in answer:
                raise UserError(f"attachment_{answer['refused']}", name=name)
            parts.append(str(answer["text"]))
            size += len(parts[-1].encode())
            if size > limit_bytes:
                raise UserError("attachment_too_large", name=name, bytes=size, limit_bytes=limit_bytes)
            if answer["end"]:
                break
            report(float(answer["done"]))
            request = {}
    except OSError as error:
        raise UserError("file_unreadable", path=path, detail=str(error)) from error
    finally:
        process.close()
    text = "".join(parts).strip()
    if not _PAGE_NUMBERS.sub("", text).strip():
        raise UserError("attachment_scan", name=name)
    return text + "\n"
