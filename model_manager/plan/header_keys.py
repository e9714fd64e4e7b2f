"""Access to the numbers of a GGUF header, with the fallbacks of llama.cpp.

Source: ``llama_model_base::load_hparams`` in ``src/llama-model.cpp`` and ``src/llama-arch.cpp`` (the names of the keys)
of llama.cpp, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from dataclasses import dataclass

from model_manager.gguf.header import GgufHeader


@dataclass(frozen=True)
class Keys:
    """Reads ``<architecture>.<key>`` of one header (of a split model, the first file's)."""

    header: GgufHeader

    @property
    def architecture(self) -> str:
        """Name of the architecture, empty where the header has none."""
        return self.header.architecture or ""

    def number(self, key: str, default: int = 0) -> int:
        """Return an integer, of an array the largest; the default where the key is missing or has another type."""
        value = self.header.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, tuple):
            whole = [int(each) for each in value]
            return max(whole, default=default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return default
        return int(value)

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return f"{self.architecture}.{key}" in self.header.metadata

    def per_layer(self, key: str, layers: int, default: int = 0) -> tuple[int, ...]:
        """Return one number per layer, from an array or from one number for all."""
        value = self.header.metadata.get(f"{self.architecture}.{key}")
        if isinstance(value, tuple):
            given = tuple(int(each) for each in value[:layers])
            return given + (given[-1] if given else default,) * (layers - len(given))
        return (self.number(key, default),) * layers

    def array(self, key: str, layers: int) -> tuple[bool, ...] | None:
        """Return one boolean per layer; None where the key is missing or the array is too short."""
        value = self.header.metadata.get(f"{self.architecture}.{key}")
        if not isinstance(value, tuple) or len(value) < layers:
            return None
        return tuple(bool(each) for each in value[:layers])
