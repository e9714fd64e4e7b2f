"""A conversation as PDF, from its messages to the bytes of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QPdfWriter

from app import __version__
from app.conversation import Role
from app.export.entries import thought_label, title_of, visible
from app.export.formats import Format, Options, Watch
from app.export.rendered_messages import Rendered, rendered
from app.markdown.blocks import Block
from app.markdown.parser import parse_part
from app.store.conversation_trees import ConversationTree
from ui.pdf.compose import Area, Composer, text_code
from ui.pdf.faces import PAD, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, Faces, Families
from ui.pdf.finishing import finished
from ui.pdf.letters import Letters
from ui.pdf.missing import missing_characters
from ui.pdf.pages import Pages
from ui.pdf.strips import Group, Strip

BETWEEN = 260
"""Free space between two messages."""
SAMPLE = 12
"""Characters without a face that are named."""


def pdf_format() -> Format:
    """The format, with the faces of this machine.  To be made in the window's thread; it may write in any other."""
    return Format(suffix=".pdf", many_in_one_file=False, write=partial(_write, Families.of_this_machine()))


def _write(families: Families, trees: Sequence[ConversationTree], options: Options) -> bytes:
    tree, faces = trees[0], Faces(families, options.mathematics)
    title = title_of(tree, options)
    letters = Letters(faces, _all_text(tree, options))
    faces.letter = letters.of
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator(f"APUS Chat {__version__}")
    done = _Done(options.watch)
    options = replace(options, watch=replace(options.watch, progress=done.progress))
    pages = Pages(writer, options.paper, faces, title, options.labels.page, done.again)
    try:
        _fill(pages, tree, title, faces, options)
    finally:
        # A painter that is still at work when its device goes ends the program.
        pages.end()
        buffer.close()
    missing = missing_characters(faces)
    if missing:
        options.watch.warn(_code_of(missing), {"characters": " ".join(sorted(missing)[:SAMPLE])})
    return finished(bytes(content.data()), faces, letters.meanings, pages.marks, options.labels.language)


@dataclass
class _Done:
    """The share that is done, told again at each page: a long message has many."""

    watch: Watch
    share: float = 0.0

    def progress(self, share: float) -> None:
        self.share = share
        self.watch.progress(share)

    def again(self) -> None:
        self.watch.progress(self.share)


def _all_text(tree: ConversationTree, options: Options) -> str:
    attached = (each.name + each.content for message in tree.messages for each in message.attachments)
    words = (message.content for message in tree.messages)
    return "".join((repr(options.labels), tree.conversation.title, tree.conversation.system_prompt, *words, *attached))


def _fill(pages: Pages, tree: ConversationTree, title: str, faces: Faces, options: Options) -> None:
    whole = Area(0.0, pages.width)
    quiet = Area(0.0, pages.width, "quiet_text", SMALL_SIZE)
    composer = Composer(faces, pages.height)
    conversation = tree.conversation
    pages.add(composer.line(title, whole, gap=0.0, bold=True, size=TITLE_SIZE))
    pages.add(composer.line(f"{conversation.created_at:%Y-%m-%d %H:%M} UTC", quiet, gap=40.0))
    if conversation.system_prompt.strip():
        pages.add(composer.line(options.labels.system, quiet, gap=BETWEEN, bold=True))
        for group in composer.blocks(parse_part(conversation.system_prompt), _beside_a_bar(quiet)):
            pages.add(group)
    for message in rendered(tree, options):
        for group in _message(message, composer, whole, quiet, options):
            pages.add(group)


def _message(message: Rendered, composer: Composer, whole: Area, quiet: Area, options: Options) -> Iterator[Group]:
    entry = message.entry
    speaker = composer.line(entry.speaker, quiet, gap=BETWEEN, bold=True)
    if entry.message.role is Role.USER:
        speaker.mark = " ".join(visible(entry.text).split()) or entry.speaker
    yield speaker
    for attachment in entry.attachments:
        name = " ".join(attachment.name.split())
        yield composer.line(f"{options.labels.attachment}: {name}", quiet, gap=60.0)
        yield from composer.code(text_code(attachment.content), whole, 40.0)
    if entry.thought:
        yield composer.line(thought_label(entry, options), quiet, gap=60.0)
        yield from composer.blocks(message.thought, _beside_a_bar(quiet))
    if message.text:
        if entry.message.role is Role.USER:
            yield from _on_a_ground(composer, message.text, whole)
        else:
            yield Group([Strip(110 if entry.thought else 50)], keep_with_next=True)
            yield from composer.blocks(message.text, whole)
    if entry.status:
        status = f"({entry.status}{f': {entry.error}' if entry.error else ''})"
        yield composer.line(status, Area(0.0, whole.width, "bad", SMALL_SIZE), gap=60.0, keep=False)
    if entry.facts:
        yield composer.facts(entry.facts, quiet, gap=110.0)


def _beside_a_bar(area: Area) -> Area:
    return Area(area.left + 120, area.width - 120, area.role, TEXT_SIZE - 8, ((area.left, 18.0, "hairline"),))


def _on_a_ground(composer: Composer, blocks: Iterable[Block], whole: Area) -> Iterator[Group]:
    fills = ((whole.left, whole.width, "question"),)
    inner = Area(whole.left + PAD * 1.4, whole.width - PAD * 2.8, fills=fills)
    yield Group([Strip(PAD * 0.9)], 40.0, keep_with_next=True, fills=fills)
    yield from composer.blocks(blocks, inner)
    yield Group([Strip(PAD * 0.9)], 0.0, is_end=True, fills=fills)


def _code_of(missing: set[str]) -> str:
    has_chinese = any("\u3400" <= character <= "\u9fff" for character in missing)
    return "pdf_chinese_face_missing" if has_chinese else "pdf_characters_missing"
