"""Import of conversations: our own JSON, and the exports and data folders of other programs."""

from pathlib import Path

PROGRAM_NAMES = ("apus", "chatgpt", "claude", "lmstudio", "openwebui", "jan", "sillytavern", "cherry", "jsonl")
"""Names of ``app.imports.importer.PROGRAMS``, for the command line, which does not import the programs."""


def is_export(path: Path) -> bool:
    """Return whether a file is an export by its name, rather than a text to attach to a question."""
    name = path.name.lower()
    is_list = name.startswith("conversations") and name.endswith(".json")
    return is_list or name.endswith((".conversation.json", ".zip", ".bak", ".cherrybackup"))
