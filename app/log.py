"""Log file of the program, limited in size and without content of conversations."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

LOG_BYTES = 1 << 20
LOG_NAME = "apus-chat.log"
VERBOSE_LIBRARIES = ("httpx2", "httpcore2")
"""Libraries that log every URL; those of files on a hub are signed and therefore secret."""


class _LogFile(logging.handlers.RotatingFileHandler):
    """Log file that never fails: records that can't be written, such as on a full disk, are dropped."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def start_log(folder: Path) -> logging.Handler | None:
    """Write log records to a file in ``folder``; returns None without a log where it can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / LOG_NAME, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in VERBOSE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def report_uncaught(show: Callable[[BaseException], None]) -> None:
    """Log uncaught exceptions of all threads, and pass them to ``show``."""

    def report(error: BaseException) -> None:
        logging.getLogger("bug").critical("not caught", exc_info=error)
        for handler in logging.getLogger().handlers:
            handler.flush()
        show(error)

    def in_main_thread(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        report(error)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            report(arguments.exc_value)

    sys.excepthook = in_main_thread
    threading.excepthook = in_thread
