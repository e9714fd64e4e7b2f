"""Rehearsing loads in a child of their own, which never holds a loaded file and is gone afterwards.

What it tells replaces the estimate of a plan's compute buffers.  Where it cannot run the estimate stands: every
failure is a UserError, and none of them means that the load itself would fail.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType

from app.engine.link import EngineLink
from app.engine.outcome import Phase
from app.engine.protocol import DeviceList, ListDevices, LoadOptions, RehearsalDone, Rehearse
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import UserError

TIMEOUT_S = 15.0
_TELLING = frozenset(
    {
        "device_unknown",
        "kv_type_unknown",
        "rpc_not_in_build",
        "rpc_server_foreign",
        "rpc_server_other_version",
        "rpc_server_silent",
        "rpc_server_unreachable",
        "split_mode_not_on_device",
        "split_mode_unknown",
        "tensor_split_length",
    }
)
"""Codes that say by themselves what is wrong with the options."""


@dataclass(frozen=True)
class Rehearsal:
    """What one rehearsal told.

    ``devices`` maps the name of each device to ``compute_bytes``, ``free_bytes`` and ``total_bytes``, the latter two as
    its driver tells them with its backend up.  ``context`` in tokens as the engine rounds it.  ``seconds`` is all of
    it, with the start of the child where it was not up yet.
    """

    devices: Mapping[str, Mapping[str, int]]
    host_compute_bytes: int
    pipeline: bool
    flash_attention: bool
    context: int
    seconds: float

    @property
    def compute_bytes(self) -> dict[str, int]:
        """Compute buffers by the name of the device."""
        return {name: figures["compute_bytes"] for name, figures in self.devices.items()}


class Rehearser:
    """One child for one or several rehearsals: starting it takes longer than they do.

    Used from one thread at a time.  Give it a log file of its own.
    """

    def __init__(self, log_path: Path, *, gpus: bool = True) -> None:
        self._link = EngineLink(log_path, gpus=gpus)

    def __enter__(self) -> Rehearser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rehearse(
        self, options: LoadOptions, timeout_s: float = TIMEOUT_S, token: CancelToken = NEVER_CANCELLED
    ) -> Rehearsal:
        """Rehearse loading ``options.path``, a model or a header stub (``model_manager.gguf.header_stub``).

        Raises:
            UserError: ``rehearsal_failed`` with ``path``, ``cause`` (a code: ``load_refused``, ``engine_died``,
                ``engine_too_slow``, ...) and ``log``; or what is wrong with the options (``device_unknown``,
                ``rpc_server_silent`` and their like).
            Cancelled: ``token`` was cancelled.
        """
        begin = time.monotonic()
        try:
            for event in self._link.ask(lambda request: Rehearse(request, options), Phase.REHEARSING, token, timeout_s):
                if isinstance(event, RehearsalDone):
                    return Rehearsal(
                        devices=event.devices,
                        host_compute_bytes=event.host_compute_bytes,
                        pipeline=event.pipeline,
                        flash_attention=event.flash_attention,
                        context=event.context,
                        seconds=time.monotonic() - begin,
                    )
        except UserError as error:
            if error.code in _TELLING:
                raise
            log = error.data.get("log", "")
            raise UserError("rehearsal_failed", path=options.path, cause=error.code, log=log) from error
        raise AssertionError("the engine answered a request without its answer")

    def devices(self, rpc_servers: tuple[str, ...] = (), timeout_s: float = TIMEOUT_S) -> DeviceList:
        """The devices, from the same child.  Raises as ``LocalEngine.devices`` does."""
        command = partial(ListDevices, rpc_servers=rpc_servers)
        for event in self._link.ask(command, Phase.PROBING, NEVER_CANCELLED, timeout_s):
            if isinstance(event, DeviceList):
                return event
        raise AssertionError("the engine answered a request without its answer")

    def close(self) -> None:
        """End the child; what its backends held is free when this returns."""
        self._link.close()


def rehearse(options: LoadOptions, log_path: Path, timeout_s: float = TIMEOUT_S) -> Rehearsal:
    """One rehearsal in one child.  Raises as ``Rehearser.rehearse`` does."""
    with Rehearser(log_path) as rehearser:
        return rehearser.rehearse(options, timeout_s)
