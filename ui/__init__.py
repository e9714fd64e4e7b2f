"""Qt user interface; keeps no data that would be lost with it."""

import builtins

import PySide6.QtCore

# PySide reads the source of every module that is imported, to see whether ``from __feature__ import …`` concerns it.
# Nothing here uses that, and imports take a fifth less time without it.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
del builtins, PySide6
