"""Formulas on an HTML page: SVG in the text, in its colour and size, with the source as their name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.formulas import Mathematics, Shape

STEPS = 20
"""Of an em: how finely a formula is set to its baseline."""


@dataclass
class FormulaPictures:
    """Draws the formulas of one page and knows which rules of style they need.

    A style attribute would have to be allowed for the whole page; a class for each depth is a rule of the one sheet.
    """

    mathematics: Mathematics | None
    depths: set[int] = field(default_factory=set)

    def inline(self, formula: str, source: str, escape: Callable[[str], str]) -> str:
        """A formula in a line, or its source where it cannot be drawn."""
        shape = self._shape(formula, display=False)
        if shape is None:
            return f'<code class="source">{escape(source)}</code>'
        depth = max(0, round((shape.height - shape.baseline) * STEPS))
        self.depths.add(depth)
        return _svg(shape, escape(source), f"d{depth}")

    def display(self, formula: str, source: str, escape: Callable[[str], str]) -> str:
        """A formula on a line of its own."""
        shape = self._shape(formula, display=True)
        if shape is None:
            return f'<pre class="source"><code>{escape(source.strip())}</code></pre>'
        return f'<div class="formula">{_svg(shape, escape(source), "display")}</div>'

    def rules(self) -> str:
        """The rules of style for the formulas that were drawn."""
        return "\n".join(f".d{depth} {{ vertical-align: -{depth / STEPS:g}em; }}" for depth in sorted(self.depths))

    def _shape(self, formula: str, *, display: bool) -> Shape | None:
        return self.mathematics.shape(formula, display) if self.mathematics is not None else None


def _svg(shape: Shape, name: str, kind: str) -> str:
    name = " ".join(name.split())
    head = (
        f'<svg class="{kind}" role="img" aria-label="{name}" width="{shape.width:.3f}em" height="{shape.height:.3f}em" '
    )
    return shape.svg.replace("<svg ", head, 1)
