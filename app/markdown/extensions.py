"""Inline syntax beyond CommonMark that models write: HTML tags for text, footnotes, bare addresses.

No HTML is executed or copied to the output: a known tag becomes a style or a line break, any other remains text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.markdown import math_syntax
from app.markdown.blocks import Style
from app.markdown.math_syntax import PREVIEW, TAIL

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

STYLES: dict[str, Style] = {
    **dict.fromkeys(("b", "strong", "summary"), Style.STRONG),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), Style.EMPHASIS),
    **dict.fromkeys(("s", "del", "strike"), Style.STRUCK),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), Style.CODE),
    **dict.fromkeys(("u", "ins"), Style.UNDERLINED),
    **dict.fromkeys(("a", "abbr", "big", "font", "small", "span"), Style.PLAIN),
    "mark": Style.MARKED,
    "sub": Style.SUBSCRIPT,
    "sup": Style.SUPERSCRIPT,
}
"""Styles of the text between two tags."""
CONTAINERS = ("details", "div", "center", "p", "ul", "ol", "li")
"""Tags without a style of their own.  They are left out where they are alone on a line, or in pairs."""
MAX_TAGS = 60
"""Tags that are open at once; more remain text."""
_LONGEST_PREVIEW = 60
_TAG = re.compile(r"<(/?)([a-zA-Z]{1,10})(\s[^<>]*)?/?>")
_HREF = re.compile(r"""\shref\s*=\s*["']?([^\s"']+)""", re.IGNORECASE)
_EMBEDDED = re.compile(r"!\[([^\[\]\n]{0,200})\]\(<?data:[^\s()<>]*(?:>?(?:[ \t]+[\"'][^()\n]{0,200})?\)|\Z)")
"""A picture whose data are in its address; those of a text that is cut, or still growing, have no end."""
_FOOTNOTE = re.compile(r"\[\^([^\]\s^]{1,40})\](:?)")
_DEFINITION = re.compile(r"^[ \t]*\[\^([^\]\s^]{1,40})\]:", re.MULTILINE)

SAFE_LINK = re.compile(r"(https?://|mailto:)[^\s]", re.IGNORECASE)
_LETTERS = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Letters of scripts that have no space before or after an address."""
_NOT_IN_LINK = "\\s<>\"'`\u00a0\u00ab\u00bb\u2000-\u206f\u3000-\u3004\u3006\u3008-\u303f\uff00-\uffef"
_BARE_LINK = re.compile(
    # The path segments, values and the fragment that begin with such letters may have them; others end before them.
    rf"(?:https?://(?=[^/{_NOT_IN_LINK}{_LETTERS}])|(?<![\w.@/:-])www\.(?=[\w-]+\.))"
    rf"(?:[^{_NOT_IN_LINK}{_LETTERS}]|(?<=[/=#])[{_LETTERS}][^/=&#{_NOT_IN_LINK}]*)+"
    rf"|(?<![\w.+/:@-])[a-zA-Z0-9._+-]{{1,64}}@[a-zA-Z0-9-]{{1,63}}(?:\.[a-zA-Z0-9-]{{1,63}})+(?<![-_])(?![\w@])",
    re.ASCII,
)
_TRAILING = ".,;:!?*_~"


def tag(state: StateInline, silent: bool) -> bool:
    """Parse an HTML tag that has a meaning; whether it has a partner is known at the end of the paragraph."""
    if state.src[state.pos] != "<":
        return False
    match = _TAG.match(state.src, state.pos, state.posMax)
    name = match[2].lower() if match else ""
    if match is None or (name != "br" and name not in STYLES and name not in CONTAINERS):
        return False
    if not silent:
        token = state.push("tag", "", 0)
        is_near_the_end = state.posMax - match.end() < _LONGEST_PREVIEW and state.src is state.env.get(TAIL)
        token.content, token.markup = name, match[0]
        token.meta = {"closes": bool(match[1]), "is_open": bool(state.env.get(PREVIEW)) and is_near_the_end}
        if name == "a" and not match[1] and (href := _HREF.search(match[3] or "")):
            token.meta["href"] = href[1]
    state.pos = match.end()
    return True


def embedded_picture(state: StateInline, silent: bool) -> bool:
    """Parse a picture whose data are in its address."""
    if not state.src.startswith("![", state.pos):
        return False
    match = _EMBEDDED.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("embedded_picture", "", 0).content = match[1].strip()
    state.pos = match.end()
    return True


def footnote(state: StateInline, silent: bool) -> bool:
    """Parse the label of a footnote: a number, or one that is defined; at the start of a line with a colon its text."""
    text, start = state.src, state.pos
    match = _FOOTNOTE.match(text, start, state.posMax) if text.startswith("[^", start) else None
    if match is None:
        return False
    defines = bool(match[2]) and not text[text.rfind("\n", 0, start) + 1 : start].strip()
    if not (defines or match[1].isdecimal() or _reference(match[1]) in state.env.get("references", {})):
        return False
    if not silent:
        token = state.push("footnote", "", 0)
        token.content, token.meta = match[1], {"defines": defines}
    state.pos = match.end() if defines else match.end(1) + 1
    return True


def paragraph(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the paragraph rule, and remember the footnotes that it defines among the link references."""
    math_syntax.paragraph(state, start, end, silent)
    content = state.tokens[-2].content
    if "[^" in content:
        for match in _DEFINITION.finditer(content):
            state.env.setdefault("references", {}).setdefault(_reference(match[1]), {"title": "", "href": ""})
    return True


def _reference(label: str) -> str:
    """Return the key of a footnote; the space keeps it apart from those of links."""
    return f"^{label} "


def meaningful_tags(children: list[Token], *, may_be_alone: bool) -> set[int]:
    """Return the indices of tags that have a meaning: in pairs, ``br``, and containers alone on a line.

    ``may_be_alone`` is whether the paragraph may consist of one container only.
    """
    found: set[int] = set()
    opened: list[int] = []
    count: Counter[str] = Counter()
    for index, child in enumerate(children):
        if child.type != "tag":
            continue
        name = child.content
        if name == "br":
            found.add(index)
        elif not child.meta["closes"]:
            if len(opened) < MAX_TAGS:
                opened.append(index)
                count[name] += 1
        elif count[name]:
            while opened:
                partner = opened.pop()
                count[children[partner].content] -= 1
                if children[partner].content == name:
                    found |= {partner, index}
                    break
    found |= {index for index in opened if children[index].meta["is_open"]}
    if len(children) > 1 or may_be_alone:
        found |= {index for index in _alone_on_a_line(children) if index not in found}
    return found


def _alone_on_a_line(children: list[Token]) -> Iterator[int]:
    """Yield the containers that have only the ends of the line and other tags beside them."""
    for index, child in enumerate(children):
        if child.type == "tag" and child.content in CONTAINERS:
            beside = (children[at].type if 0 <= at < len(children) else "softbreak" for at in (index - 1, index + 1))
            if all(kind in {"softbreak", "hardbreak", "tag"} for kind in beside):
                yield index


def safe_link(address: str) -> str:
    """Return the address if its scheme is allowed, else an empty string."""
    return address if SAFE_LINK.match(address) else ""


def bare_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text in parts, each with the address that it is, or an empty string."""
    if "://" not in text and "www." not in text and "@" not in text:
        yield text, ""
        return
    end = 0
    for match in _BARE_LINK.finditer(text):
        address = match[0].rstrip(_TRAILING)
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(_TRAILING)
        is_url = "://" in address[:8]
        target = address if is_url else f"{'http://' if address.startswith('www.') else 'mailto:'}{address}"
        if not SAFE_LINK.match(target):
            continue
        yield text[end : match.start()], ""
        yield address, target
        end = match.start() + len(address)
    yield text[end:], ""
