"""Text is handed out in whole characters, and never a part of what a stop string might become."""

from __future__ import annotations

import pytest

from app.engine.child.sampler import TextStream

TEXT = "héllo 你好, 😀 end"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_characters_are_complete_for_any_split_of_bytes(size: int) -> None:
    data, stream = TEXT.encode(), TextStream(())
    pieces = [stream.add(data[place : place + size]) for place in range(0, len(data), size)]
    assert "".join(pieces) + stream.finish() == TEXT
    assert all("\ufffd" not in piece for piece in pieces)


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_stop_string_is_not_part_of_the_text(size: int) -> None:
    data, stream = b"answer<|im_end|>more", TextStream(("<|im_end|>",))
    shown = ""
    for place in range(0, len(data), size):
        shown += stream.add(data[place : place + size])
        assert "answer".startswith(shown)
    assert shown + stream.finish() == "answer"
    assert stream.stopped


def test_partial_stop_string_is_returned_at_the_end() -> None:
    stream = TextStream(("STOP",))
    assert stream.add(b"a ST") == "a "
    assert stream.add(b"AR") == "STAR"
    assert stream.add(b"S") == ""
    assert stream.finish() == "S"
    assert not stream.stopped


def test_first_of_several_stop_strings_applies() -> None:
    stream = TextStream(("later", "b", ""))
    assert stream.add(b"a b later") == "a "
    assert stream.stopped


def test_incomplete_character_at_the_end_is_dropped() -> None:
    stream = TextStream(())
    assert stream.add("好".encode()[:2]) == ""
    assert stream.finish() == ""
