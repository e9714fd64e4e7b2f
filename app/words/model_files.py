"""Sentences about getting model files: hubs, downloads, verification, repair, import."""

from __future__ import annotations

from app.words.marking import QT_TRANSLATE_NOOP

MODEL_FILES: dict[str, str] = {
    "web_unreachable": QT_TRANSLATE_NOOP(
        "errors", "{host} cannot be reached ({detail}). Check the network and the proxy, or choose another mirror."
    ),
}
