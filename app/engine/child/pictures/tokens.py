"""Tokens of a prompt with pictures: places of the pictures among them, and the engine's positions.

A picture's embeddings have tokens of their own here, negative numbers that follow from its bytes: two prompts with the
same tokens have the same pictures.  Some models give a picture fewer positions than embeddings.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PicturePlace:
    """Embeddings of a picture, or of a part of it, among the tokens of a prompt."""

    start: int
    count: int
    positions: int
    picture: bytes
    """Digest of the picture."""
    part: int
    """Number of the part."""

    @property
    def end(self) -> int:
        """Index of the token behind."""
        return self.start + self.count


@dataclass(frozen=True)
class PromptTokens:
    """Tokens in order, with the places of pictures."""

    tokens: list[int] = field(default_factory=list)
    places: tuple[PicturePlace, ...] = ()

    def position(self, index: int) -> int:
        """Return the engine's position of the token with this index; within a picture that of its beginning."""
        return position(self.places, index)

    def up_to(self, index: int) -> int:
        """Return ``index``, or the start of the picture that it is in."""
        return next((each.start for each in self.places if each.start < index < each.end), index)

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, PicturePlace | None]]:
        """Yield the spans of text and the pictures between two indices, as start, end and picture."""
        for place in self.places:
            if start <= place.start and place.end <= end:
                if start < place.start:
                    yield start, place.start, None
                yield place.start, place.end, place
                start = place.end
        if start < end:
            yield start, end, None

    @property
    def of_text(self) -> list[int]:
        """The tokens without those of pictures."""
        return text_tokens(self.tokens) if self.places else self.tokens


def position(places: Sequence[PicturePlace], index: int) -> int:
    """Return the position of the token with this index."""
    shift = sum(each.positions - each.count for each in places if each.end <= index)
    inside = next((index - each.start for each in places if each.start < index < each.end), 0)
    return index + shift - inside


def text_tokens(tokens: Sequence[int]) -> list[int]:
    """Return the tokens without those of pictures."""
    return [token for token in tokens if token >= 0]


def picture_tokens(picture: bytes, part: int, count: int) -> list[int]:
    """Return the tokens of a part of a picture, which no other picture has."""
    data = hashlib.shake_128(picture + part.to_bytes(4, "little")).digest(4 * count)
    return [-1 - (value & 0x7FFFFFFF) for value in array("I", data)]
