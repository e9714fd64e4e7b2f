"""The transcript: a virtualised page of messages that paints itself."""

from ui.transcript.item import Item
from ui.transcript.transcript import Transcript

__all__ = ["Item", "Transcript"]
