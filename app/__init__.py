"""APUS Chat without its window: settings, conversations, engine, exporters, command line.  No Qt, no interface text."""

__version__ = "0.1.0"
