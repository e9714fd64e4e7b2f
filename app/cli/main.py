"""Entry point of the subcommands: runs one, and reports an error as one line and an exit code."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from app.cli.interrupts import INTERRUPTED
from app.config.paths import DataFolder, data_folder
from app.log import start_log
from app.messages import sentence
from model_manager.errors import Cancelled, UserError

if TYPE_CHECKING:
    from app.cli.conversations import LazyFormats


def run(arguments: argparse.Namespace, lazy_formats: LazyFormats) -> int:
    """Run a subcommand and return its exit code: 0, 1 with one line on standard error, or 130 when interrupted.

    ``lazy_formats``: export formats that need the window's libraries.
    """
    log = None
    try:
        folder = data_folder(arguments.data_dir)
        log = start_log(folder.logs)
        return _run(folder, arguments, lazy_formats)
    except UserError as error:
        sys.stderr.write(f"apus-chat: {sentence(error)}\n")
        return 1
    except (Cancelled, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output closed it, as ``head`` does.
        sys.stderr.close()
        return 1
    finally:
        if log is not None:
            log.close()


def _run(folder: DataFolder, arguments: argparse.Namespace, lazy_formats: LazyFormats) -> int:
    # Each command imports only what it needs, which shortens its start.
    match arguments.command:
        case "chat":
            from app.cli import chat
            from app.cli.model_services import open_settings
            from app.services import build_services

            services = build_services(folder, open_settings(folder))
            try:
                return chat.run(services, arguments)
            finally:
                services.close()
        case "conversations":
            from app.cli import conversations
            from app.store.store import ConversationStore

            store = ConversationStore.open(folder.conversations)
            try:
                return conversations.run(store, arguments, lazy_formats)
            finally:
                store.close()
        case "models":
            from app.cli import models
            from app.cli.model_services import build_model_services

            return models.run(build_model_services(folder), arguments)
        case "devices" | "plan" | "recommend" | "bench":
            from app.cli import plan

            return plan.run(folder, arguments)
        case _:
            from app.cli import doctor
            from app.cli.model_services import open_settings
            from app.config.secrets import Secrets
            from app.doctor.doctor import Doctor
            from app.planning.machine import MachineReader

            settings = open_settings(folder)
            reader = MachineReader(folder.logs / "devices.log", lambda: settings.now.device_preferences())
            checks = Doctor(folder, settings, Secrets(), lambda: reader.read(refresh=True))
            return doctor.run(checks, arguments)
