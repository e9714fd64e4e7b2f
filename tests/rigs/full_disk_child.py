"""A download onto a RAM disk of 40 MiB that fills up in the middle.

    unshare --map-root-user --mount python -m tests.rigs.full_disk_child ENDPOINT FOLDER PUBLISHED

Prints the error code, the bytes kept, and the names in the folder after resuming with free space.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from model_manager.disk.json_file import from_json
from model_manager.download.download import DownloadOptions, download
from model_manager.download.partial_files import partial_bytes
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.published import PublishedModel

MIB = 1 << 20


def main(endpoint: str, folder: Path, published_json: str) -> None:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", str(folder)], check=True)
    published = from_json(published_json, PublishedModel)
    access = Access(endpoint, endpoint, proxy="")
    transfer = Transfer()
    transfer.limit_bytes_per_s = 10e6
    # A file system without preallocation
    options = DownloadOptions(
        MIB, RetryPolicy(2.0, 2.0, 0.05, 0.5), lambda file, n_bytes: file.truncate(n_bytes) and None
    )
    filler = folder / "filler"
    threading.Thread(target=_fill, args=(transfer, filler), daemon=True).start()
    try:
        download(published, folder, lambda: access, transfer, options=options)
        print("no error")
    except UserError as error:
        print(error.code)
    print(partial_bytes(published, folder))
    filler.unlink()
    download(published, folder, lambda: access, Transfer(), options=options)
    print(*sorted(path.name for path in folder.iterdir()))


def _fill(transfer: Transfer, filler: Path) -> None:
    tick = threading.Event()
    while transfer.status.progress.done < 2 * MIB:
        tick.wait(0.005)
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(MIB // 4))
        except OSError:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
