"""Entry point of the subcommands: runs one, and reports an error as one line and an exit code."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from app.cli.output import print_note, safe_output
from app.config.paths import DataFolder, data_folder
from app.log import start_log
from model_manager.errors import Cancelled, UserError

if TYPE_CHECKING:
    from app.cli.conversations import PdfFormat
    from app.downloads import ModelDownloads


@safe_output()
def run(arguments: argparse.Namespace, pdf_format: PdfFormat) -> int:
    """Run a subcommand and return its exit code: 0, 1 with one line on standard error, or 130 when interrupted."""
    log = None
    try:
        folder = data_folder(arguments.data_dir)
        log = start_log(folder.logs)
        _run(folder, arguments, pdf_format)
        return 0
    except UserError as error:
        print_note(error)
        return 1
    except (Cancelled, KeyboardInterrupt):
        # 128 + SIGINT.
        return 130
    except BrokenPipeError:
        # The reader of the output closed it, as ``head`` does.
        sys.stderr.close()
        return 1
    finally:
        if log is not None:
            log.close()


def _run(folder: DataFolder, arguments: argparse.Namespace, pdf_format: PdfFormat) -> None:
    # Each command imports only what it needs, which shortens its start.
    match arguments.command:
        case "chat" | "serve":
            from app.cli import chat, serve
            from app.services import Services

            with closing(Services(folder)) as services:
                _report(*services.file_problems())
                if arguments.speculation is not None:
                    services.speculation = arguments.speculation == "auto"
                (chat if arguments.command == "chat" else serve).run(services, arguments)
        case "lend":
            from app.cli import lend

            lend.run(folder, arguments)
        case "conversations":
            from app.cli import conversations
            from app.config.presets import Presets
            from app.store.store import ConversationStore

            try:
                store = ConversationStore.open(folder.conversations)
            except UserError as error:
                conversations.recover(folder.conversations, arguments, error)
                return
            with store:
                conversations.run(store, Presets(folder.presets_file), arguments, pdf_format)
        case "models" if arguments.action == "recommend":
            from app.cli import plan

            plan.run(folder, _downloads(folder), arguments)
        case "models":
            from app.cli import models

            models.run(_downloads(folder), arguments)
        case "tools":
            from app.cli import tools

            tools.run(folder, arguments)
        case "doctor":
            from app.cli import doctor

            doctor.run(folder, _downloads(folder).settings, arguments)
        case "devices" | "plan" | "recommend" | "bench":
            from app.cli import plan

            plan.run(folder, _downloads(folder), arguments)


def _downloads(folder: DataFolder) -> ModelDownloads:
    """Open the settings and the model library; report damaged files."""
    from app.config.secrets import Secrets
    from app.config.settings import SettingsFile
    from app.downloads import ModelDownloads

    downloads = ModelDownloads(folder, SettingsFile(folder.settings_file), Secrets())
    _report(downloads.settings.problem, downloads.library.problem)
    return downloads


def _report(*problems: UserError | None) -> None:
    for problem in problems:
        if problem is not None:
            print_note(problem)
