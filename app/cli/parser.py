"""The arguments that the program understands."""

from __future__ import annotations

import argparse

from app import __version__
from app.export.export import FORMATS
from app.export.formats import Thoughts


def make_parser() -> argparse.ArgumentParser:
    """The parser.  ``command`` is None where the window is wanted."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object or list on standard output, nothing else")
    # SUPPRESS: an option given before the subcommand must not be overwritten by the subcommand's own default.
    common.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help="where everything is kept")

    parser = argparse.ArgumentParser(prog="apus-chat", description="Chat with very large models on your own desktop.")
    parser.add_argument("--version", action="version", version=f"apus-chat {__version__}")
    parser.add_argument("--data-dir", metavar="DIR", default=None, help="where everything is kept")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="without a window")

    chat = commands.add_parser("chat", parents=[common], help="ask one question and print the answer as it comes")
    chat.add_argument("--model", metavar="ID|PATH", help="default: the model used last, else starter")
    chat.add_argument("--message", metavar="TEXT", required=True)
    chat.add_argument("--system", metavar="TEXT", help="the system prompt")
    chat.add_argument("--conversation", metavar="ID", help="go on with this conversation")
    chat.add_argument("--max-tokens", type=_positive, metavar="N")
    chat.add_argument("--temperature", type=float, metavar="T")
    chat.add_argument("--seed", type=int, metavar="N")
    chat.add_argument("--context", type=_positive, metavar="N", help="in tokens")
    chat.add_argument(
        "--context-policy", choices=("stop", "roll"), help="when the context is full: refuse, or leave out oldest turns"
    )
    chat.add_argument("--kv", metavar="TYPE", choices=("f16", "q8_0", "q4_0"), help="type of the KV cache")
    chat.add_argument("--device", action="append", metavar="NAME", help="use this device; may be repeated")
    chat.add_argument(
        "--endpoint", metavar="URL", help="a server's API base, with /v1; --model is its name for the model"
    )
    chat.add_argument("--api-key-env", metavar="VAR", help="the environment variable that holds the server's key")
    chat.add_argument("--rpc", action="append", metavar="HOST:PORT", help="a llama.cpp RPC server; may be repeated")
    chat.add_argument("--no-save", action="store_true", help="keep nothing of it")

    _add_planning(commands, common)
    _add_models(commands, common)

    conversations = commands.add_parser("conversations", help="what was said").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    conversations.add_parser("list", parents=[common])
    _with_argument(conversations, common, "show", "id", "ID", "all messages of one")
    _with_argument(conversations, common, "search", "text", "TEXT", "in titles and messages")
    export = _with_argument(conversations, common, "export", "id", "ID|all", "write one or all to a file or folder")
    _add_export(export)
    _with_argument(conversations, common, "import", "path", "PATH", "add what a JSON export holds")
    _with_argument(conversations, common, "backup", "path", "PATH", "copy the whole database")
    _with_argument(conversations, common, "restore", "path", "PATH", "replace all by a copy; what is here is kept")

    doctor = commands.add_parser("doctor", parents=[common], help="what this machine offers, and what is missing")
    doctor.add_argument("--network", action="store_true", help="ask the hub and the servers too, five seconds at most")
    doctor.add_argument("--report", action="store_true", help="as Markdown to hand on, without names of people")
    return parser


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("--format", choices=list(FORMATS), required=True)
    export.add_argument("--out", metavar="PATH", required=True)
    export.add_argument("--message", metavar="ID", help="only this message of the conversation")
    export.add_argument(
        "--no-metadata", action="store_true", help="without what made each answer; json is always whole"
    )
    export.add_argument(
        "--thoughts",
        choices=[each.value for each in Thoughts],
        default=Thoughts.FOLD.value,
        help="what a model wrote to itself: as it is, folded where the format can, or left out",
    )
    export.add_argument(
        "--all-branches", action="store_true", help="jsonl: each branch, not only the one that is shown"
    )
    export.add_argument(
        "--unfinished", action="store_true", help="jsonl: answers that were stopped or interrupted, too"
    )
    export.add_argument("--paper", choices=("a4", "letter"), default="", help="pdf; default: what is usual here")


def _add_planning(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    context = argparse.ArgumentParser(add_help=False)
    context.add_argument("--context", type=_positive, metavar="N", help="in tokens; default: what fits well")
    kv = argparse.ArgumentParser(add_help=False)
    kv.add_argument("--kv", choices=("auto", "f16", "q8_0", "q4_0"), default="auto", help="type of the KV cache")
    rpc = argparse.ArgumentParser(add_help=False)
    rpc.add_argument("--rpc", action="append", metavar="HOST:PORT", help="a llama.cpp RPC server; may be repeated")
    pretend = argparse.ArgumentParser(add_help=False)
    pretend.add_argument(
        "--gpu", type=_gpu, action="append", metavar="GIB", help="pretend a GPU with so much free, or none; repeatable"
    )
    pretend.add_argument("--ram", type=_gibibytes, metavar="GIB", help="pretend so much available RAM")

    commands.add_parser("devices", parents=[common, rpc], help="what the engine can use")
    plan = commands.add_parser("plan", parents=[common, context, kv, pretend, rpc], help="where a model would lie")
    plan.add_argument("model", metavar="MODEL", help="an id, a path, or apus:Q2_K before it is downloaded")
    commands.add_parser(
        "recommend", parents=[common, context, pretend], help="which quantisation of APUS to take on this machine"
    )
    bench = commands.add_parser("bench", parents=[common, context, kv, rpc], help="measure how fast a model answers")
    bench.add_argument("model", metavar="MODEL", help="an id or a path")
    bench.add_argument("--device", action="append", metavar="NAME", help="use this device; may be repeated")
    bench.add_argument("--tune", action="store_true", help="measure other plans too, and keep the fastest")


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    endpoint = argparse.ArgumentParser(add_help=False)
    endpoint.add_argument("--endpoint", metavar="URL", help="the hub or mirror to ask, instead of the settings'")
    hub = [common, endpoint]
    models = commands.add_parser("models", help="models: find, download, verify, repair").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    models.add_parser("list", parents=[common], help="what is on this machine")
    search = models.add_parser("search", parents=hub, help="repositories of GGUF models on the hub")
    search.add_argument("text", metavar="TEXT")
    show = models.add_parser("show", parents=hub, help="what the header of a model says, or what a hub has")
    show.add_argument("id", metavar="ID", help="of a model here, apus:Q2_K, OWNER/REPO, or OWNER/REPO:FILE")
    download = models.add_parser("download", parents=hub, help="fetch a model; goes on with what is here")
    download.add_argument("id", metavar="ID", help="apus:Q2_K, OWNER/REPO:FILE, or a magnet link")
    download.add_argument("--limit", type=_positive, metavar="KIB", help="KiB per second at most")
    download.add_argument("--patience", type=_positive, metavar="S", help="give up after S seconds without a byte")
    _with_argument(models, common, "import", "path", "PATH", "register a file, or all in a folder, where they lie")
    verify = models.add_parser("verify", parents=hub, help="compare a file with the published one")
    verify.add_argument("id", metavar="ID|PATH")
    verify.add_argument("--against", metavar="ID", help="what it should be, for a file that was not downloaded here")
    verify.add_argument("--mend", action="store_true", help="fetch what is damaged again")
    repair = _with_argument(models, common, "repair", "path", "PATH", "stack experts, join parts: make it loadable")
    repair.add_argument("--out", metavar="PATH", help="a new file; the old one stays as it is")
    remove = _with_argument(models, common, "remove", "id", "ID", "forget a registered file; the file stays")
    remove.add_argument("--delete", action="store_true", help="delete the files, too, or an unfinished download")
    remove.add_argument("--yes", action="store_true", help="without asking")


def _with_argument(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
    name: str,
    argument: str,
    metavar: str,
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, parents=[common], help=text)
    parser.add_argument(argument, metavar=metavar)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _gibibytes(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1 << 20:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _gpu(text: str) -> float | None:
    return None if text == "none" else _gibibytes(text)
