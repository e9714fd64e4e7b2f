"""Loads over a lent device through a network of 1 Gbit/s: the second one takes the weights from the lender's cache.

    python -m tests.benchmarks.lending [--layers 1] [--bytes-per-s 118e6]      needs about 2 GB for each layer

CPU seconds are those of the process that loads and of the lender together.
"""

from __future__ import annotations

import argparse
import json
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from app.engine.lender import Lender
from app.engine.local_engine import LocalEngine
from model_manager.plan.load_spec import LoadSpec
from tests.rigs.big_moe import write_big_moe


def slow_network(port: int, bytes_per_s: float) -> int:
    """Return a port that forwards to ``port``, towards it at this speed."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, limit: float) -> None:
        begin, sent = time.monotonic(), 0
        try:
            while data := source.recv(1 << 18):
                target.sendall(data)
                sent += len(data)
                wait = sent / limit - (time.monotonic() - begin)
                if wait > 0:
                    time.sleep(wait)
                elif wait < -0.05:  # it was idle
                    begin, sent = time.monotonic(), 0
        except OSError:
            pass
        # Closing alone would not end the other thread's ``recv``, and the lender serves one client at a time.
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(client, server, bytes_per_s), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, 1e12), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--bytes-per-s", type=float, default=118e6)
    arguments = parser.parse_args()
    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        size = write_big_moe(folder / "moe.gguf", n_layer=arguments.layers)
        lender = Lender(folder / "lent", folder / "lending.log")
        lender.start("127.0.0.1", port)
        server = f"127.0.0.1:{slow_network(port, arguments.bytes_per_s)}"
        spec = LoadSpec(context=256, rpc_servers=(server,), devices=("RPC0",), n_gpu_layers=-1)
        lender_pid = next(each.pid for each in psutil.Process().children())
        for _ in range(2):
            engine = LocalEngine(folder / "engine.log")
            engine.devices((server,), keep=True)
            before, begin = _cpu_s(lender_pid, engine.pid), time.monotonic()
            list(engine.load(folder / "moe.gguf", spec))
            wall.append(time.monotonic() - begin)
            cpu.append(_cpu_s(lender_pid, engine.pid) - before)
            engine.release()
        lender.stop()
    print(json.dumps({"bytes": size, "wall_s": wall, "cpu_s": cpu, "ratio": wall[0] / wall[1]}, indent=1))


def _cpu_s(*pids: int | None) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


if __name__ == "__main__":
    main()
