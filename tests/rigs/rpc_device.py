"""This machine's CPU as llama.cpp devices over TCP.

Each server is another device of GPU type for the engine, so tensor split, experts in RAM, memory per device and a
device that fails can be tested without a GPU.

    python -m tests.rigs.rpc_device 127.0.0.1:50061      serves until killed

    with serving() as first, serving() as second:        two processes, each "127.0.0.1:PORT"
        ...

Needs llama-cpp-python built with the RPC backend: CMAKE_ARGS="-DGGML_RPC=ON".
On the client side (ctypes; open the libraries in llama_cpp/lib by their SONAME, ``libggml.so.0`` and so on: the wheel
holds copies, and ``libggml.so`` would be a second registry beside the one that libllama uses):
    reg = ggml_backend_rpc_add_server(b"127.0.0.1:50061")     libggml-rpc.so.0
    ggml_backend_register(reg)                                libggml.so.0
    devices = [ggml_backend_dev_get(i) for i in range(ggml_backend_dev_count())]
    llama_model_params.devices = NULL-terminated array of the devices wanted
    llama_model_params.tensor_split = one share a device
The reported memory of such a device is this machine's own.  The protocol has no authentication: bind to loopback only.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICE_TYPE_CPU = 0
START_TRIES = 400


def library_folder() -> Path | None:
    """Return the engine's library folder, None if it is missing or was built without RPC."""
    package = importlib.util.find_spec("llama_cpp")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "lib"
    return folder if (folder / "libggml-rpc.so.0").exists() else None


def serve(endpoint: str, n_threads: int = 1) -> None:
    """Serve until the process is killed; ``endpoint`` is HOST:PORT."""
    lib = library_folder()
    if lib is None:
        sys.exit('no llama-cpp-python with an RPC backend: build it with CMAKE_ARGS="-DGGML_RPC=ON"')
    ctypes.CDLL(str(lib / "libggml-base.so.0"), mode=ctypes.RTLD_GLOBAL)
    if (lib / "libggml-cpu.so.0").exists():
        ctypes.CDLL(str(lib / "libggml-cpu.so.0"), mode=ctypes.RTLD_GLOBAL)
    rpc = ctypes.CDLL(str(lib / "libggml-rpc.so.0"), mode=ctypes.RTLD_GLOBAL)
    ggml = ctypes.CDLL(str(lib / "libggml.so.0"), mode=ctypes.RTLD_GLOBAL)
    ggml.ggml_backend_dev_by_type.restype = ctypes.c_void_p
    if not ggml.ggml_backend_dev_by_type(DEVICE_TYPE_CPU):  # builds with CPU variants loaded at run time
        ggml.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
        for folder in (lib, lib.parent.parent / "bin"):
            ggml.ggml_backend_load_all_from_path(str(folder).encode())
    device = ggml.ggml_backend_dev_by_type(DEVICE_TYPE_CPU)
    if not device:
        sys.exit("the engine finds no CPU backend")
    devices = (ctypes.c_void_p * 1)(device)
    start = rpc.ggml_backend_rpc_start_server
    start.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    start.restype = None
    start(endpoint.encode(), None, n_threads, 1, devices)
    sys.exit(f"could not serve at {endpoint}")


@contextmanager
def serving(n_threads: int = 1, python: str = sys.executable) -> Iterator[str]:
    """Run a server in a separate process; yield HOST:PORT once it accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"127.0.0.1:{port}"
    command = [python, str(Path(__file__).resolve()), endpoint, "--threads", str(n_threads)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, port)
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_TRIES):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            try:
                code = process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"the RPC server ended with exit code {code}") from None
    raise RuntimeError("the RPC server does not accept connections")


def main() -> None:
    parser = argparse.ArgumentParser(description="This machine's CPU as a llama.cpp device over TCP")
    parser.add_argument("endpoint", nargs="?", default="127.0.0.1:50061", metavar="HOST:PORT")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    serve(args.endpoint, args.threads)


if __name__ == "__main__":
    main()
