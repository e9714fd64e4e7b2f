"""Runs a subcommand and turns what goes wrong into one line and an exit code."""

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
    from app.cli.export import LateFormats


def run(arguments: argparse.Namespace, late_formats: LateFormats | None = None) -> int:
    """Run the subcommand: 0, or 1 with one line on standard error, or 130 when interrupted.

    ``late_formats`` are export formats that need what this part of the program may not use.
    """
    log = None
    try:
        folder = data_folder(arguments.data_dir)
        log = start_log(folder.logs)
        return _run(folder, arguments, late_formats)
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


def _run(folder: DataFolder, arguments: argparse.Namespace, late_formats: LateFormats | None) -> int:
    # Each command imports what it needs: a script that calls the program a hundred times notices.
    match arguments.command:
        case "chat":
            from app.cli import chat
            from app.services import build_services

            services = build_services(folder)
            try:
                return chat.run(services, arguments)
            finally:
                services.close()
        case "conversations":
            from app.cli import conversations
            from app.store.store import ConversationStore

            store = ConversationStore.open(folder.conversations)
            try:
                return conversations.conversations(store, arguments, late_formats)
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
            from app.config.secrets import Secrets
            from app.config.settings import SettingsFile
            from app.doctor import terminal
            from app.doctor.doctor import Doctor
            from app.planning.machine import MachineReader

            settings = SettingsFile(folder.settings_file)
            reader = MachineReader(folder.logs / "devices.log", lambda: settings.now.device_wishes())
            checks = Doctor(folder, settings, Secrets(), lambda: reader.now(refresh=True), terminal.check)
            return doctor.run(checks, arguments)
