"""Formulas as SVG: LaTeX is drawn in a child process that can be ended at any time."""

from app.formulas.renderer import Formula, FormulaRenderer, Shape

__all__ = ["Formula", "FormulaRenderer", "Shape"]
