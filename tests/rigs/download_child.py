"""A download in a separate process that can be killed.

    python -m tests.rigs.download_child ENDPOINT FOLDER PUBLISHED [--piece-bytes N]

PUBLISHED is the model as JSON.  Prints the paths or the error code.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from pathlib import Path

from model_manager.disk.json_file import from_json, to_json
from model_manager.download.download import DownloadOptions, download
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.published import PublishedModel

ROOT = Path(__file__).resolve().parents[2]


def start_download(
    endpoint: str, folder: Path, published: PublishedModel, *, piece_bytes: int = 1 << 20, file_limit: int | None = None
) -> subprocess.Popen[str]:
    """Start a download in a child process; ``file_limit`` is the largest file it may write."""
    command = [sys.executable, "-m", "tests.rigs.download_child", endpoint, str(folder)]
    command += [to_json(published).decode(), "--piece-bytes", str(piece_bytes)]
    if file_limit is not None:
        command += ["--file-limit", str(file_limit)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("folder", type=Path)
    parser.add_argument("published")
    parser.add_argument("--piece-bytes", type=int, default=1 << 20)
    parser.add_argument("--file-limit", type=int)
    args = parser.parse_args()
    if args.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (args.file_limit, args.file_limit))
    published = from_json(args.published, PublishedModel)
    options = DownloadOptions(args.piece_bytes, RetryPolicy(2.0, 2.0, 0.05, 0.5))
    access = Access(args.endpoint, args.endpoint, proxy="")
    try:
        paths = download(published, args.folder, lambda: access, Transfer(), options=options)
    except UserError as error:
        print(error.code, flush=True)
        return 1
    print(*paths, sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
