"""Messages as blocks for the formats that draw them: read a little ahead, so that formulas are drawn meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.export.entries import Entry, entry
from app.export.formats import Options
from app.formulas import Formula as Wanted
from app.formulas import Mathematics
from app.markdown.blocks import Block, Formula, Prose, Table
from app.markdown.parser import parse_part
from app.store.conversation_trees import ConversationTree

AHEAD = 40
"""Messages.  Formulas are drawn by another process, one after the other."""


@dataclass(frozen=True)
class Rendered:
    """One message, read."""

    entry: Entry
    thought: tuple[Block, ...]
    text: tuple[Block, ...]


def rendered(tree: ConversationTree, options: Options) -> Iterator[Rendered]:
    """The messages of the branch that is shown; tells the watch after each how far this conversation is."""
    branch = tree.branch()
    waiting: deque[Rendered] = deque()
    upcoming = iter(branch)
    for number in range(1, len(branch) + 1):
        while len(waiting) < AHEAD and (message := next(upcoming, None)) is not None:
            waiting.append(_read(entry(message, options), options.mathematics))
        yield waiting.popleft()
        options.watch.progress(number / len(branch))


def _read(found: Entry, mathematics: Mathematics | None) -> Rendered:
    thought = tuple(parse_part(found.thought)) if found.thought else ()
    text = tuple(parse_part(found.text)) if found.text.strip() else ()
    if mathematics is not None:
        mathematics.ask(_formulas((*thought, *text)), _nothing)
    return Rendered(found, thought, text)


def _formulas(blocks: Iterable[Block]) -> Iterator[Wanted]:
    for block in blocks:
        match block:
            case Formula():
                yield block.formula, True
            case Prose():
                yield from ((span.formula, False) for span in block.spans if span.formula)
            case Table():
                for row in (block.head, *block.rows):
                    yield from ((span.formula, False) for cell in row for span in cell if span.formula)


def _nothing(_formula: str, _display: bool) -> None:
    """Whoever draws asks again, and is answered at once."""
