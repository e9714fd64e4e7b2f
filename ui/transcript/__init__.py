"""The transcript: a virtualised page of messages that paints for itself."""

from ui.transcript.item import Item
from ui.transcript.widget import Transcript

__all__ = ["Item", "Transcript"]
