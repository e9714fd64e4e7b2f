"""Runs a subcommand and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import sys

from app.cli import chat, data, doctor
from app.engine.local_engine import LocalEngine
from app.log import start_log
from app.paths import DataFolder, data_folder
from app.services import build_services
from app.store.store import ConversationStore
from app.words import sentence
from model_manager.errors import Cancelled, UserError
from model_manager.library import ModelLibrary

INTERRUPTED = 130


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand: 0, or 1 with one line on standard error, or 130 when interrupted."""
    log = None
    try:
        folder = data_folder(arguments.data_dir)
        log = start_log(folder.logs)
        return _run(folder, arguments)
    except UserError as error:
        sys.stderr.write(f"apus-chat: {sentence(error)}\n")
        return 1
    except (Cancelled, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has enough of it; there is nobody to tell.
        sys.stderr.close()
        return 1
    finally:
        if log is not None:
            log.close()


def _run(folder: DataFolder, arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "chat":
            services = build_services(folder)
            try:
                return chat.run(services, arguments)
            finally:
                services.close()
        case "conversations":
            store = ConversationStore.open(folder.conversations)
            try:
                return data.conversations(store, arguments)
            finally:
                store.close()
        case "models":
            return data.models(ModelLibrary(folder.models), arguments)
        case "devices":
            return data.devices(LocalEngine(folder.logs / "devices.log"), arguments)
        case _:
            return doctor.run(folder, LocalEngine(folder.logs / "devices.log"), arguments)
