"""Formulas as pictures: LaTeX in, scalable drawings out, made in a process that may be ended at any time."""

from app.formulas.drawing import Drawn, Shape
from app.formulas.renderer import Formula, Mathematics

__all__ = ["Drawn", "Formula", "Mathematics", "Shape"]
