"""Processes of the program to be killed, which start in milliseconds: forked from one that has its modules.

    python -m tests.rigs.kill_zygote

Reads one JSON list a line from standard input, the name of a task below and its arguments, and prints the id of the
process that runs it.  Its standard output is the file that is the first argument.  POSIX only.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import app.cli.chat
import app.cli.conversations
import app.cli.models
import app.services  # noqa: F401
from app.__main__ import main as program
from app.config.settings import SettingsFile
from model_manager.library.relocation import relocate_models
from tests.rigs.moves import other_disk


def command(*arguments: str) -> None:
    """Run a subcommand of the program."""
    sys.exit(program(list(arguments)))


def settings(path: str) -> None:
    """Change the settings until it is killed."""
    file = SettingsFile(Path(path))
    for number in itertools.count():
        file.change(system_prompt=f"prompt-{number} " * 1000)


def move(source: str, target: str) -> None:
    """Move a models folder to another disk."""
    relocate_models(Path(source), Path(target), rename=other_disk)


def main() -> None:
    # The system reaps the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        task, output, *arguments = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), 1)
        os.dup2(1, 2)
        globals()[task](*arguments)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
