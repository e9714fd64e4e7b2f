"""APUS Chat without its window: settings, conversations, the engine, exporters and the command line.  No Qt, no words."""

__version__ = "0.1.0"
