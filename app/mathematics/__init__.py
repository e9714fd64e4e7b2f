"""Formulas as pictures: LaTeX in, scalable drawings out, made in a process that may be ended at any time."""

from app.mathematics.drawn import Drawn, Shape
from app.mathematics.mathematics import Formula, Mathematics

__all__ = ["Drawn", "Formula", "Mathematics", "Shape"]
