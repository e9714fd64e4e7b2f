"""Ollama's folder of models: GGUF files named after their hashes, and manifests that tell what they are.

    manifests/HOST/NAMESPACE/MODEL/TAG     JSON: the layers of a model, as in a registry of container images
    blobs/sha256-64HEX                     the layers; the one of the type below is a GGUF file

Source of the form: ``manifest/manifest.go`` and ``manifest/paths.go`` of Ollama.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_MODEL_LAYER = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_MAX_MANIFEST_BYTES = 1 << 20
_MAX_MANIFESTS = 2000


def is_ollama_folder(folder: Path) -> bool:
    """Whether the folder is laid out as Ollama's."""
    try:
        return (folder / "manifests").is_dir() and (folder / "blobs").is_dir()
    except OSError:
        return False


def ollama_models(folder: Path) -> dict[str, Path]:
    """Files by names such as ``llama3.2-3b``, each file once.  Models in several files are left out."""
    found: dict[str, Path] = {}
    try:
        manifests = sorted((folder / "manifests").glob("*/*/*/*"))[:_MAX_MANIFESTS]
    except OSError:
        return found
    for manifest in manifests:
        path = _model_of(manifest, folder / "blobs")
        if path is None or path in found.values():
            continue
        model, tag = manifest.parent.name, manifest.name
        name = model if tag == "latest" else f"{model}-{tag}"
        namespace = manifest.parent.parent.name
        found[name if namespace == "library" and name not in found else f"{namespace}-{name}"] = path
    return found


def _model_of(manifest: Path, blobs: Path) -> Path | None:
    try:
        with manifest.open("rb") as file:
            stored = json.loads(file.read(_MAX_MANIFEST_BYTES))
        digests = [str(each["digest"]) for each in stored["layers"] if each["mediaType"] == _MODEL_LAYER]
        match = _DIGEST.fullmatch(digests[0]) if len(digests) == 1 else None
        if match is None:
            return None
        # Until version 0.1.45 or so the name had a colon where the system allows one.
        names = (f"sha256-{match[1]}", f"sha256:{match[1]}")
        return next((blobs / name for name in names if (blobs / name).is_file()), None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
