"""JSON numbers within bounds as expressions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.structured.expressions import Expression, Expressions
from app.structured.pattern import parse_pattern

_SYNTAX = r"^-?(0|[1-9][0-9]{0,15})"
INTEGER = _SYNTAX + "$"
NUMBER = _SYNTAX + r"(\.[0-9]{1,16})?([eE][+-]?[1-9][0-9]?)?$"
BOUNDED = _SYNTAX + r"(\.[0-9]{1,8})?$"
"""Numbers without an exponent, in the digits that a double distinguishes."""


@dataclass(frozen=True)
class Bounds:
    """Which numbers are allowed."""

    low: Decimal | None = None
    high: Decimal | None = None
    excludes_low: bool = False
    excludes_high: bool = False
    is_integer: bool = False
    divisors: frozenset[int] = frozenset()

    def contains(self, value: Decimal) -> bool:
        """Whether a number is allowed."""
        divisors = (*self.divisors, *([1] if self.is_integer else []))
        return not (
            (self.low is not None and (value < self.low or (value == self.low and self.excludes_low)))
            or (self.high is not None and (value > self.high or (value == self.high and self.excludes_high)))
            # A remainder of decimals has limited digits.
            or any(value != int(value) or int(value) % divisor for divisor in divisors)
        )

    def expression(self, make: Expressions) -> Expression:
        """Return their texts."""
        is_free = self.low is None and self.high is None
        syntax = INTEGER if self.is_integer or self.divisors else NUMBER if is_free else BOUNDED
        parts = [parse_pattern(syntax, make)]
        sign = make.repeat(make.text("-"), 0, 1)
        parts += [make.sequence(sign, make.multiples(divisor)) for divisor in self.divisors]
        if not is_free:
            parts.append(make.union(self._positive(make), make.sequence(make.text("-"), self._negative(make))))
        return make.both(*parts)

    def _positive(self, make: Expressions) -> Expression:
        if self.high is not None and self.high < 0:
            return make.nothing
        parts = [make.sequence(_digits(make), make.anything)]
        if self.high is not None:
            parts.append(_at_most(make, self.high, is_less=self.excludes_high))
        if self.low is not None and self.low >= 0:
            parts.append(_at_least(make, self.low, is_greater=self.excludes_low))
        return make.both(*parts)

    def _negative(self, make: Expressions) -> Expression:
        """Return the texts after the sign; zero has none."""
        if self.low is not None and self.low >= 0:
            return make.nothing
        parts = [_at_least(make, Decimal(0), is_greater=True)]
        if self.low is not None:
            parts.append(_at_most(make, -self.low, is_less=self.excludes_low))
        if self.high is not None and self.high < 0:
            parts.append(_at_least(make, -self.high, is_greater=self.excludes_high))
        return make.both(*parts)


def _split(value: Decimal) -> tuple[str, str]:
    whole, _, fraction = f"{value:f}".partition(".")
    return whole.lstrip("0") or "0", fraction.rstrip("0")


def _digits(make: Expressions, low: str = "0", high: str = "9") -> Expression:
    return make.characters(((ord(low), ord(high)),) if low <= high else ())


def _beyond(make: Expressions, digits: str, *, is_more: bool) -> Expression:
    """Return digits of the same number as ``digits``, and more after them, that differ upwards or downwards."""
    rest = make.repeat(_digits(make))
    options = []
    for place, digit in enumerate(digits):
        other = _digits(make, chr(ord(digit) + 1)) if is_more else _digits(make, "0", chr(ord(digit) - 1))
        options.append(make.sequence(make.text(digits[:place]), other, rest))
    return make.union(*options)


def _whole(make: Expressions, digits: str, *, is_more: bool) -> Expression:
    """Return the whole numbers that are larger or smaller."""
    any_, first = _digits(make), _digits(make, "1")
    same = make.both(_beyond(make, digits, is_more=is_more), make.repeat(any_, len(digits), len(digits)))
    if is_more:
        longer = make.sequence(first, make.repeat(any_, len(digits)))
        return make.union(same, longer)
    shorter = make.union(make.text("0"), make.sequence(first, make.repeat(any_, 0, len(digits) - 2)))
    return make.union(same, shorter) if len(digits) > 1 else same


def _at_least(make: Expressions, value: Decimal, *, is_greater: bool) -> Expression:
    whole, fraction = _split(value)
    digits, point = make.repeat(_digits(make)), make.text(".")
    more = make.sequence(digits, _digits(make, "1"), digits)
    exactly = make.sequence(make.text(fraction), more if is_greater else digits)
    larger = make.union(_beyond(make, fraction, is_more=True), exactly)
    rest = make.sequence(point, larger)
    if not fraction and not is_greater:
        rest = make.union(rest, make.empty)
    return make.union(
        make.sequence(_whole(make, whole, is_more=True), make.repeat(make.sequence(point, digits), 0, 1)),
        make.sequence(make.text(whole), rest),
    )


def _at_most(make: Expressions, value: Decimal, *, is_less: bool) -> Expression:
    whole, fraction = _split(value)
    digits, point = make.repeat(_digits(make)), make.text(".")
    options = [_beyond(make, fraction, is_more=False)]
    options += [make.text(fraction[:length]) for length in range(1, len(fraction))]
    if not is_less:
        options.append(make.sequence(make.text(fraction), make.repeat(make.text("0"))))
    rest = make.sequence(point, make.union(*options))
    if fraction or not is_less:
        rest = make.union(rest, make.empty)
    return make.union(
        make.sequence(_whole(make, whole, is_more=False), make.repeat(make.sequence(point, digits), 0, 1)),
        make.sequence(make.text(whole), rest),
    )
