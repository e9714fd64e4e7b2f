"""APUS Chat without its window: settings, conversations, engine, exporters, command line.  No Qt, no words."""

__version__ = "0.1.0"
