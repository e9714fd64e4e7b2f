"""The program's log: a file of limited size that never holds what people write or read."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

LOG_BYTES = 1 << 20
LOG_NAME = "apus-chat.log"
TALKATIVE = ("httpx2", "httpcore2")
"""Libraries that would tell every address that is asked: a hub signs those of files, and that is a secret too."""


def start_log(folder: Path) -> logging.Handler | None:
    """Send log records to a file in ``folder``; None, and no log, where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            folder / LOG_NAME, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True
        )
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def on_bug(tell: Callable[[BaseException], None]) -> None:
    """Catch what nobody caught, in any thread: it is logged first, then told.

    Whatever stands in the conversations is in the database already and is not touched here.
    """

    def report(error: BaseException) -> None:
        logging.getLogger("bug").critical("not caught", exc_info=error)
        for handler in logging.getLogger().handlers:
            handler.flush()
        tell(error)

    def in_main_thread(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        report(error)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            report(arguments.exc_value)

    sys.excepthook = in_main_thread
    threading.excepthook = in_thread
