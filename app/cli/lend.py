"""The ``lend`` command: this PC's devices for other PCs, until it is interrupted."""

from __future__ import annotations

import argparse
import sys
import threading

from app.cli.output import print_json, print_note
from app.cli.progress import cancel_on_interrupt
from app.config.paths import DataFolder
from app.config.settings import ALL_ADDRESSES
from app.engine.lender import Lender, own_addresses
from model_manager.cancellation import CancelToken


def run(folder: DataFolder, arguments: argparse.Namespace) -> None:
    """Lend, and print the address for the other PC.

    Raises:
        UserError: as ``Lender.start``, and ``engine_died`` if the server ends.
        KeyboardInterrupt: the usual end.
    """
    lender, token, ended = Lender(folder.lent, folder.logs / "lending.log"), CancelToken(), threading.Event()
    limit = int(arguments.limit * (1 << 30)) if arguments.limit else None
    try:
        with cancel_on_interrupt(token.cancel), token.on_cancel(ended.set):
            state = lender.start(arguments.host, arguments.port, limit)
            lender.on_change = lambda: ended.set() if lender.state is None else None
            hosts = own_addresses() if arguments.host == ALL_ADDRESSES else [arguments.host]
            addresses = [f"{host}:{arguments.port}" for host in hosts or ["127.0.0.1"]]
            if arguments.json:
                print_json({"addresses": addresses, "devices": list(state.devices), "limit_bytes": limit})
            else:
                sys.stdout.write(f"{addresses[0]}\n")
            sys.stdout.flush()
            print_note(f"lending {', '.join(state.devices)}; on the other PC: apus-chat chat --rpc {addresses[0]} ...")
            print_note("no password, nothing is encrypted: lend only in a network that you trust; Ctrl+C ends it")
            ended.wait()
        lender.raise_problem()
    finally:
        lender.stop()
    raise KeyboardInterrupt
