"""Import of conversations: our own JSON, and the exports and data folders of other programs."""

PROGRAM_NAMES = ("apus", "chatgpt", "claude", "lmstudio", "openwebui", "jan", "sillytavern", "cherry", "jsonl")
"""Names of ``app.imports.importer.PROGRAMS``, for the command line, which does not import the programs."""
