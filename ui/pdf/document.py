"""The PDF format: a conversation from its messages to the bytes of the file, with the parts that Qt does not write."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice
from PySide6.QtGui import QGuiApplication, QPdfWriter

from app import __version__
from app.conversation import ConversationTree, Role
from app.export.entries import ExportedMessage, entries, thought_label, title_of
from app.export.export import PDF
from app.export.formats import ExportFormat, ExportOptions
from app.markdown.blocks import Block, Code
from app.markdown.parser import parse_part
from ui.pdf.blocks import Area, BlockLayouter
from ui.pdf.glyphs import CharacterMaps
from ui.pdf.lines import clean
from ui.pdf.pages import Bookmark, Group, Pages, Strip
from ui.pdf.pictures import Pictures
from ui.pdf.style import PADDING, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, PageStyle, installed_families

MESSAGE_GAP = 260
LONGEST_TITLE = 80
"""Characters of an outline entry."""
REPORTED_CHARACTERS = 12
"""Missing characters that a warning names."""


def pdf_format() -> ExportFormat:
    """Return the format with the fonts of this machine; only for the window's thread, ``parts`` for any.

    Where there is no Qt application yet, as on the command line, one without a screen is created.
    """
    application = QCoreApplication.instance() or QGuiApplication(["apus-chat", "-platform", "offscreen"])
    write = partial(_write, installed_families(), application)
    return replace(PDF, parts=lambda trees, options: (write(tree, options) for tree in trees))


def _write(
    families: tuple[list[str], list[str]],
    _application: QCoreApplication,
    tree: ConversationTree,
    options: ExportOptions,
) -> bytes:
    """``_application`` must exist as long as the format."""
    title = title_of(tree, options)
    style = PageStyle(*families)
    pictures = Pictures(style, options.formula_renderer, _all_text(tree, options))
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator(f"APUS Chat {__version__}")
    pages = Pages(writer, options.paper, style, title, options.labels.page, options.cancel.raise_if_cancelled)
    try:
        layouter = BlockLayouter(style, pictures, pages.height)
        for group in _groups(tree, title, layouter, pages.width, options):
            pages.add(group)
    finally:
        # A painter that outlives its device ends the program.
        pages.end()
        buffer.close()
    characters = CharacterMaps(style, pictures.meanings)
    if characters.missing:
        has_chinese = any("\u3400" <= character <= "\u9fff" for character in characters.missing)
        code = "pdf_chinese_face_missing" if has_chinese else "pdf_characters_missing"
        options.warn(code, {"characters": " ".join(sorted(characters.missing)[:REPORTED_CHARACTERS])})
    return _finish(bytes(content.data()), characters, pages.bookmarks, options.labels.language)


def _all_text(tree: ConversationTree, options: ExportOptions) -> str:
    attachments = (each.name + each.content for message in tree.messages for each in message.attachments)
    messages = (message.content for message in tree.messages)
    return "".join(
        (repr(options.labels), tree.conversation.title, tree.conversation.system_prompt, *messages, *attachments)
    )


def _groups(
    tree: ConversationTree, title: str, layouter: BlockLayouter, width: float, options: ExportOptions
) -> Iterator[Group]:
    area, quiet_area = Area(0.0, width), Area(0.0, width, "quiet_text", SMALL_SIZE)
    conversation = tree.conversation
    yield layouter.line(title, area, gap=0.0, bold=True, size=TITLE_SIZE)
    yield layouter.line(f"{conversation.created_at:%Y-%m-%d %H:%M} UTC", quiet_area, gap=40.0)
    if conversation.system_prompt.strip():
        yield layouter.line(options.labels.system, quiet_area, gap=MESSAGE_GAP, bold=True)
        yield from layouter.blocks(parse_part(conversation.system_prompt), _beside_a_bar(quiet_area))
    for entry in entries(tree, options, options.formula_renderer):
        yield from _message(entry, layouter, area, quiet_area, options)


def _message(
    entry: ExportedMessage, layouter: BlockLayouter, area: Area, quiet_area: Area, options: ExportOptions
) -> Iterator[Group]:
    is_question = entry.message.role is Role.USER
    speaker = layouter.line(entry.speaker, quiet_area, gap=MESSAGE_GAP, bold=True)
    if is_question:
        speaker.bookmark = " ".join(clean(entry.text).split()) or entry.speaker
    yield speaker
    for attachment in entry.message.attachments:
        name = " ".join(attachment.name.split())
        if attachment.picture is not None:
            yield layouter.picture(attachment.picture, name, area)
            continue
        yield layouter.line(f"{options.labels.attachment}: {name}", quiet_area, gap=60.0)
        content = Code(clean(attachment.content, in_code=True))
        yield from layouter.code(content, area, 40.0, keep_together=False)
    if entry.thought:
        yield layouter.line(thought_label(entry, options), quiet_area, gap=60.0)
        yield from layouter.blocks(entry.thought_blocks, _beside_a_bar(quiet_area))
    if entry.text_blocks and is_question:
        yield from _on_a_background(layouter, entry.text_blocks, area)
    elif entry.text_blocks:
        yield Group([Strip(110 if entry.thought else 50)], keep_with_next=True)
        yield from layouter.blocks(entry.text_blocks, area)
    if entry.status:
        status = f"({entry.status}{f': {entry.error}' if entry.error else ''})"
        yield layouter.line(status, Area(0.0, area.width, "bad", SMALL_SIZE), gap=60.0, keep_with_next=False)
    if entry.details:
        text = "   ".join(f"{label}: {value}".replace(" ", "\u00a0") for label, value in entry.details)
        yield layouter.line(text, quiet_area, gap=110.0, keep_with_next=False, line_height=1.5)


def _beside_a_bar(area: Area) -> Area:
    return Area(area.left + 120, area.width - 120, area.role, TEXT_SIZE - 8, ((area.left, 18.0, "hairline"),))


def _on_a_background(layouter: BlockLayouter, blocks: Iterable[Block], area: Area) -> Iterator[Group]:
    fills = ((area.left, area.width, "question"),)
    inner = Area(area.left + PADDING * 1.4, area.width - PADDING * 2.8, fills=fills)
    yield Group([Strip(PADDING * 0.9)], 40.0, keep_with_next=True, fills=fills)
    yield from layouter.blocks(blocks, inner)
    yield Group([Strip(PADDING * 0.9)], is_end=True, fills=fills)


def _finish(content: bytes, characters: CharacterMaps, bookmarks: Sequence[Bookmark], language: str) -> bytes:
    """Add the true characters behind the glyphs, an outline and the language, such as ``zh-CN``, to a PDF of Qt."""
    # Deferred: the import takes 120 ms, which the export dialog does not wait for.
    from pypdf import PdfWriter
    from pypdf.generic import Fit, NameObject, TextStringObject

    writer = PdfWriter(fileobj=io.BytesIO(content), incremental=True)
    fonts: dict[int, Any] = {}
    for page in writer.pages:
        resources: Any = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            fonts[font.get_object().indirect_reference.idnum] = font.get_object()
    for font in fonts.values():
        if "/ToUnicode" in font:
            table = font["/ToUnicode"].get_object()
            name = str(font["/BaseFont"]).removeprefix("/")
            table.set_data(characters.corrected(name, table.get_data(), _glyph_count(font)))
    for bookmark in bookmarks:
        title = bookmark.title
        title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        writer.add_outline_item(title=title, page_number=bookmark.page, fit=Fit.xyz(top=round(bookmark.top, 1)))
    writer.root_object[NameObject("/Lang")] = TextStringObject(language)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _glyph_count(font: Any) -> int:
    """Return how many glyphs an embedded font contains (OpenType, table ``maxp``); 0 where it is not TrueType."""
    descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
    program = descriptor["/FontFile2"].get_object().get_data() if "/FontFile2" in descriptor else b""
    for at in range(12, 12 + 16 * int.from_bytes(program[4:6]), 16):
        if program[at : at + 4] == b"maxp":
            start = int.from_bytes(program[at + 8 : at + 12])
            return int.from_bytes(program[start + 4 : start + 6])
    return 0
