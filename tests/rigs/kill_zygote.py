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
from app.engine.child.conversation_cache import WRITE_BYTES, CacheKey, ConversationCache
from app.engine.protocol import CacheOptions
from app.store.store import ConversationStore
from model_manager.library.relocation import relocate_models
from tests.rigs.moves import other_disk

LONGEST = 100_000
"""Tokens of a state."""


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


def new_cache(folder: Path) -> ConversationCache:
    """Return a conversation cache as after a start of the engine."""
    cache = ConversationCache(CacheKey.of("engine", "model", "parameters"))
    cache.configure(CacheOptions(str(folder), 1 << 30, 1 << 30))
    return cache


def state_of(number: int) -> bytearray:
    """Return the state of this many tokens."""
    return bytearray([number % 251]) * (3 * WRITE_BYTES)


def states(folder: str) -> None:
    """Write longer and longer states of a conversation until it is killed, and print the length of each."""
    cache = new_cache(Path(folder))
    first = cache.best(range(LONGEST), LONGEST)[1] + 1
    for number in range(first, LONGEST):
        cache.keep("conversation", range(number), b"", state_of(number))
        for _ in cache.write():
            pass
        print(number, flush=True)


def folders(data: str) -> None:
    """Make, fill, move and delete folders of conversations until it is killed."""
    with ConversationStore.open(Path(data) / "conversations") as store:
        ids = [conversation.id for conversation in store.list()]
        for number in itertools.count():
            outer, other = store.add_folder(f"outer {number}"), store.add_folder("other")
            inner = store.add_folder("inner", outer.id)
            store.move_to_folder(inner.id, *ids)
            store.move_folder(other.id, None, 0)
            deleted = store.delete_folder(outer.id)
            if number % 3:
                store.restore_folder(deleted)
            print(number, flush=True)


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
