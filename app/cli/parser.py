"""The arguments that the program understands."""

from __future__ import annotations

import argparse

from app import __version__
from app.export.export import FORMATS


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
    chat.add_argument("--kv", metavar="TYPE", choices=("f16", "q8_0", "q4_0"), help="type of the KV cache")
    chat.add_argument("--device", action="append", metavar="NAME", help="use this device; may be repeated")
    chat.add_argument("--rpc", action="append", metavar="HOST:PORT", help="a llama.cpp RPC server; may be repeated")
    chat.add_argument("--no-save", action="store_true", help="keep nothing of it")

    devices = commands.add_parser("devices", parents=[common], help="what the engine can use")
    devices.add_argument("--rpc", action="append", metavar="HOST:PORT")

    models = commands.add_parser("models", help="model files on this machine").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    models.add_parser("list", parents=[common])
    _with_argument(models, common, "import", "path", "PATH", "register a file where it lies")
    _with_argument(models, common, "remove", "id", "ID", "forget a registered file; the file stays")

    conversations = commands.add_parser("conversations", help="what was said").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    conversations.add_parser("list", parents=[common])
    _with_argument(conversations, common, "show", "id", "ID", "all messages of one")
    _with_argument(conversations, common, "search", "text", "TEXT", "in titles and messages")
    export = _with_argument(conversations, common, "export", "id", "ID|all", "write one or all to a file or folder")
    export.add_argument("--format", choices=sorted(FORMATS), required=True)
    export.add_argument("--out", metavar="PATH", required=True)
    _with_argument(conversations, common, "import", "path", "PATH", "add what a JSON export holds")
    _with_argument(conversations, common, "backup", "path", "PATH", "copy the whole database")

    commands.add_parser("doctor", parents=[common], help="what this machine offers, and what is missing")
    return parser


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
