"""Where every message begins: heights in a Fenwick tree, so that one of many thousands changes in a few steps."""

from __future__ import annotations

from collections.abc import Iterable


class Heights:
    """A row of heights with the sums before each."""

    def __init__(self, heights: Iterable[float] = ()) -> None:
        self._heights = list(heights)
        self._tree = [0.0, *self._heights]
        size = len(self._tree)
        for at in range(1, size):
            above = at + (at & -at)
            if above < size:
                self._tree[above] += self._tree[at]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> float:
        return self._heights[index]

    def __setitem__(self, index: int, height: float) -> None:
        change = height - self._heights[index]
        if not change:
            return
        self._heights[index] = height
        at = index + 1
        while at < len(self._tree):
            self._tree[at] += change
            at += at & -at

    def append(self, height: float) -> None:
        """One more at the end."""
        self._heights.append(height)
        at = len(self._tree)
        total, below, stop = height, at - 1, at - (at & -at)
        while below > stop:
            total += self._tree[below]
            below -= below & -below
        self._tree.append(total)

    def before(self, index: int) -> float:
        """The sum of all heights before one."""
        total = 0.0
        while index > 0:
            total += self._tree[index]
            index -= index & -index
        return total

    @property
    def total(self) -> float:
        """The sum of all."""
        return self.before(len(self._heights))

    def at(self, place: float) -> int:
        """Which one lies at a distance from the beginning."""
        index, step = 0, 1 << (len(self._tree).bit_length() - 1)
        while step:
            following = index + step
            if following < len(self._tree) and self._tree[following] <= place:
                index = following
                place -= self._tree[index]
            step >>= 1
        return max(0, min(index, len(self._heights) - 1))
