"""Command line arguments."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any, TypeAlias

from app import __version__
from app.config.settings import ALL_ADDRESSES, DEFAULT_PORT, LEND_PORT
from app.context import ContextPolicy
from app.export.formats import FORMAT_NAMES, ThoughtExport
from app.imports import PROGRAM_NAMES
from app.parameter import parameters
from app.sampling import SamplerParameters, Sampling

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser.  ``command`` is None without a subcommand, which opens the window."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object or list and nothing else")
    # SUPPRESS: an option given before the subcommand must not be overwritten by the subcommand's own default.
    common.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help="folder of all data")

    parser = argparse.ArgumentParser(prog="apus-chat", description="Chat with very large models on your own desktop.")
    parser.add_argument("--version", action="version", version=f"apus-chat {__version__}")
    parser.add_argument("--data-dir", metavar="DIR", default=None, help="folder of all data")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="without a window")

    _add_chat_and_planning(commands, common)
    _add_models(commands, common)
    _add_conversations(commands, common)
    _add_tools(commands, common)
    doctor = commands.add_parser("doctor", parents=[common], help="diagnostics of this computer, with fixes")
    doctor.add_argument("--network", action="store_true", help="also check the hub and the servers, for up to 5 s")
    doctor.add_argument("--report", action="store_true", help="print Markdown for a bug report, without personal names")
    return parser


def sampling_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of ``Sampling`` that are given as options of ``chat``."""
    values = {field.name: getattr(arguments, field.name, None) for field in dataclasses.fields(Sampling)}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if value is not None
    }


def _add_chat_and_planning(commands: _Commands, common: argparse.ArgumentParser) -> None:
    rpc = _option("--rpc", action="append", metavar="HOST:PORT", help="a llama.cpp RPC server; may be repeated")
    context, gpu, ram = _machine_options()
    kv = _option("--kv", choices=("auto", "f16", "q8_0", "q4_0"), default="auto", help="type of the KV cache")
    device = _option("--device", action="append", metavar="NAME", help="use this device; may be repeated")
    speculation = _option(
        "--speculation",
        choices=("auto", "off"),
        help="guess text that repeats, where that gains time and the answer stays the same; default: the setting",
    )
    loading = [common, context, kv, device, rpc]

    chat = commands.add_parser(
        "chat", parents=[*loading, speculation], help="ask one question and print the answer as it arrives"
    )
    chat.add_argument("--model", metavar="ID|PATH", help="default: the model used last, else starter")
    chat.add_argument("--message", metavar="TEXT", required=True)
    chat.add_argument("--system", metavar="TEXT", help="system prompt")
    place = chat.add_mutually_exclusive_group()
    place.add_argument("--conversation", metavar="ID", help="continue this conversation")
    place.add_argument("--folder", metavar="NAME", help="begin it in this folder, with its settings and documents")
    chat.add_argument("--no-save", action="store_true", help="don't save the conversation")
    chat.add_argument("--max-tokens", type=_positive, metavar="N")
    for name, declared in parameters(SamplerParameters).items():
        option = f"--{name.replace('_', '-')}"
        choices = [*declared.choices] or None
        kind = type(declared.default)
        chat.add_argument(option, type=kind, choices=choices, metavar="N", help=declared.description)
    chat.add_argument(
        "--dry-sequence-breakers", action="extend", nargs="+", metavar="TEXT", help="texts at which a repetition ends"
    )
    chat.add_argument("--seed", type=int, metavar="N")
    chat.add_argument("--stop", action="extend", nargs="+", metavar="TEXT", help="end the answer before this text")
    chat.add_argument(
        "--thinking",
        choices=[*filter(None, parameters(Sampling)["thinking"].choices)],
        help="whether, or how much, the model thinks, where its chat template has such a switch",
    )
    form = chat.add_mutually_exclusive_group()
    form.add_argument("--json-schema", metavar="FILE", help="answer in JSON that is valid against this JSON schema")
    form.add_argument("--grammar", metavar="FILE", help="answer in the language of this GBNF grammar of llama.cpp")
    chat.add_argument(
        "--tools",
        action="extend",
        nargs="+",
        metavar="SERVER",
        help="tool servers whose tools the model may call; web: search and pages",
    )
    chat.add_argument("--run-tools", action="store_true", help="run every call of a tool without asking")
    chat.add_argument(
        "--attach",
        action="extend",
        nargs="+",
        metavar="PATH",
        help="attach pictures, documents or text files to the message",
    )
    chat.add_argument(
        "--context-policy",
        choices=[each.value for each in ContextPolicy],
        help="when the context is full: refuse the question, leave out the oldest turns, or summarise them first",
    )
    chat.add_argument(
        "--endpoint", metavar="URL", help="API base of a server, with /v1; --model is then its name of the model"
    )
    chat.add_argument("--api-key-env", metavar="VAR", help="environment variable with the server's API key")

    lend = commands.add_parser("lend", parents=[common], help="lend this computer's GPUs to another PC in the network")
    lend.add_argument("--host", metavar="ADDRESS", default=ALL_ADDRESSES, help="default: all networks")
    lend.add_argument("--port", type=_own_port, metavar="N", default=LEND_PORT, help=f"default: {LEND_PORT}")
    lend.add_argument("--limit", type=_gibibytes, metavar="GIB", help="lend at most this much memory; default: all")
    serve = commands.add_parser(
        "serve", parents=[*loading, speculation], help="answer other programs that speak OpenAI's or Anthropic's API"
    )
    serve.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="default: this computer only")
    serve.add_argument("--port", type=_port, metavar="N", default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}")
    serve.add_argument("--model", metavar="ID|PATH", help="default: the model used last, else starter")
    serve.add_argument("--api-key-env", metavar="VAR", help="environment variable with the key that requests need")
    serve.add_argument(
        "--plain-http",
        action="store_true",
        help="don't encrypt for other computers: needed for other programs than APUS Chat on them; anyone in the "
        "network can then read everything",
    )
    serve.add_argument(
        "--allow-origin", action="append", metavar="ORIGIN", help="a web site that may use the server; may be repeated"
    )

    commands.add_parser("devices", parents=[common, rpc], help="list the devices the engine can use")
    plan = commands.add_parser(
        "plan", parents=[common, context, kv, gpu, ram, rpc], help="show a model's memory layout"
    )
    plan.add_argument("model", metavar="MODEL", help="an id, a path, or apus:Q2_K before it is downloaded")
    plan.add_argument(
        "--llama-server-args", action="store_true", help="print a llama-server command with the same memory layout"
    )
    commands.add_parser(
        "recommend", parents=[common, context, gpu, ram], help="recommend a quantisation of APUS for this computer"
    )
    bench = commands.add_parser("bench", parents=loading, help="measure the speed of a model")
    bench.add_argument("model", metavar="MODEL", help="an id or a path")
    bench.add_argument(
        "--report", metavar="FILE", help="write a full report for sending: FILE as JSON, and the same as a web page"
    )
    bench.add_argument("--tune", action="store_true", help="also measure other plans, and keep the fastest")


def _add_conversations(commands: _Commands, common: argparse.ArgumentParser) -> None:
    actions = commands.add_parser("conversations", help="list, search, export and back up conversations")
    conversations = actions.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = conversations.add_parser("list", parents=[common])
    _with_argument(conversations, common, "show", "id", "ID", "print all messages of one")
    search = _with_argument(
        conversations, common, "search", "text", "TEXT", 'search titles and messages for all words, or a "phrase"'
    )
    search.add_argument(
        "--limit", type=_positive, default=200, metavar="N", help="newest results to show; default: 200"
    )
    export = _with_argument(conversations, common, "export", "id", "ID|all", "write one or all to a file or folder")
    folder_help = {
        listed: "only the conversations in this folder",
        search: "search only in this folder",
        export: "with all: only this folder; a name in .zip makes an archive with its settings and documents",
    }
    for parser, text in folder_help.items():
        parser.add_argument("--folder", metavar="NAME", help=text)
    export.add_argument("--format", choices=FORMAT_NAMES, required=True)
    export.add_argument("--out", metavar="PATH", required=True)
    export.add_argument("--message", metavar="ID", help="only this message of the conversation")
    export.add_argument("--no-metadata", action="store_true", help="leave out answer details; json is always complete")
    export.add_argument(
        "--thoughts",
        choices=[each.value for each in ThoughtExport],
        default=ThoughtExport.FOLD.value,
        help="reasoning of the model: keep it, fold it where the format can, or drop it",
    )
    export.add_argument("--all-branches", action="store_true", help="jsonl: every branch, not only the selected one")
    export.add_argument(
        "--unfinished", action="store_true", help="jsonl: include answers that were stopped or interrupted"
    )
    export.add_argument("--paper", choices=("a4", "letter"), default="", help="pdf; default: as usual in this country")
    import_ = _with_argument(
        conversations, common, "import", "path", "PATH", "add the conversations of an export, a folder or an archive"
    )
    import_.add_argument(
        "--from",
        dest="from_program",
        choices=("auto", *PROGRAM_NAMES),
        default="auto",
        help="program that the files are from; default: recognised",
    )
    import_.add_argument("--dry-run", action="store_true", help="show what would be imported, and change nothing")
    _with_argument(conversations, common, "backup", "path", "PATH", "copy the database to a file")
    _with_argument(
        conversations, common, "restore", "path", "PATH", "replace everything by a backup; a backup is made before"
    )


def _add_models(commands: _Commands, common: argparse.ArgumentParser) -> None:
    hub = [
        common,
        _option("--endpoint", metavar="URL", help="hub or mirror to use instead of the one in the settings"),
    ]
    models = commands.add_parser("models", help="find, download, verify and convert models").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    models.add_parser("list", parents=[common], help="list the models on this computer")
    models.add_parser(
        "recommend", parents=[*hub, *_machine_options()], help="recommend a model that suits this computer"
    )
    search = models.add_parser("search", parents=hub, help="search the hub for GGUF models")
    search.add_argument("text", metavar="TEXT")
    show = models.add_parser("show", parents=hub, help="show the header of a local model, or the files on a hub")
    show.add_argument("id", metavar="ID", help="local id, apus:Q2_K, OWNER/REPO, or OWNER/REPO:FILE")
    download = models.add_parser("download", parents=hub, help="download a model, or resume its download")
    download.add_argument("id", metavar="ID", help="apus:Q2_K, OWNER/REPO:FILE, or a magnet link")
    download.add_argument("--limit", type=_positive, metavar="KIB", help="limit in KiB per second")
    download.add_argument("--patience", type=_positive, metavar="S", help="give up after S seconds without data")
    _with_argument(models, common, "import", "path", "PATH", "register a file, or all files in a folder, in place")
    verify = models.add_parser("verify", parents=hub, help="compare a file with the published one")
    verify.add_argument("id", metavar="ID|PATH")
    verify.add_argument("--against", metavar="ID", help="published model to compare with")
    # ``--mend`` is the old name, kept for scripts.
    verify.add_argument("--redownload", "--mend", action="store_true", help="download damaged parts again")
    repair = _with_argument(models, common, "repair", "path", "PATH", "make a file loadable: stack experts, join parts")
    repair.add_argument("--out", metavar="PATH", help="write a new file and keep the old one")
    remove = _with_argument(models, common, "remove", "id", "ID", "unregister a model; its file stays")
    remove.add_argument("--delete", action="store_true", help="also delete its files, or an unfinished download")
    remove.add_argument("--yes", action="store_true", help="don't ask for confirmation")


def _add_tools(commands: _Commands, common: argparse.ArgumentParser) -> None:
    tools = commands.add_parser("tools", help="MCP servers, whose tools models can call").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    tools.add_parser("list", parents=[common], help="list the servers")
    add = _with_argument(tools, common, "add", "text", "TEXT", "add servers; nothing is started")
    add.epilog = "TEXT is the JSON from a server's documentation, a command line in quotes, or an address."
    add.add_argument("--name", metavar="NAME", help="name of the server; default: from the text")
    _with_argument(tools, common, "remove", "name", "NAME", "remove a server and its secrets")
    _with_argument(tools, common, "test", "name", "NAME", "start a server and list its tools")


def _machine_options() -> tuple[argparse.ArgumentParser, ...]:
    """Return the parent parsers of the context, the simulated GPUs and the simulated RAM."""
    return (
        _option("--context", type=_positive, metavar="N", help="context size in tokens; default: automatic"),
        _option("--gpu", type=_gpu, action="append", metavar="GIB", help="simulate a GPU with this much free memory"),
        _option("--ram", type=_gibibytes, metavar="GIB", help="simulate this much available RAM"),
    )


def _option(name: str, **declaration: Any) -> argparse.ArgumentParser:
    """Return a parent parser with one option."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(name, **declaration)
    return parser


def _with_argument(
    commands: _Commands, common: argparse.ArgumentParser, name: str, argument: str, metavar: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, parents=[common], help=text)
    parser.add_argument(argument, metavar=metavar)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return number


def _own_port(text: str) -> int:
    if not (number := _port(text)):
        raise argparse.ArgumentTypeError("must be from 1 to 65535")
    return number


def _gibibytes(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1 << 20:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _gpu(text: str) -> float | None:
    return None if text == "none" else _gibibytes(text)
