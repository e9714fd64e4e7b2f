"""Titles of conversations: at once from the first question, better once its answer is there.

The model that answered is asked only where neither the question nor the answer names the matter by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.backend import ChatRequest, PromptMessage
from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, Attachment, Role, Sampling

TITLE_CHARACTERS = 48
SHORTEST_SENTENCE = 8
LONGEST_OF_MODEL = 72
"""Characters of a title that a model or a heading gives; more is a sentence of the answer."""
TITLE_TOKENS = 24
ASKED_FOR = (
    "Write a title for this conversation, at most eight words, in the language of the question above. "
    "Give the title alone, without quotation marks."
)

_SENTENCE_END = re.compile(r"(?<=[.!?])\s|(?<=[。！？])")
_GREETING = re.compile(
    r"(hi|hello|hey|hallo|hola|bonjour|good (morning|afternoon|evening)|thanks?( you)?|test(ing)?|are you there|"
    r"你好|您好|嗨|哈喽|在吗|在么|早上好|下午好|晚上好|早安|谢谢|测试)( there)?[\s,.!?~，。！？～…]*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_MARKS = re.compile(r"[*_`~]+|^[#>\s]+|^(?:[-+]|\d+[.)])\s+")
_LABEL = re.compile(r"^(?:title|标题|题目)\s*[:：]\s*", re.IGNORECASE)
_QUOTES = "\"'“”‘’「」『』《》«»"


def title_from(question: str) -> str:
    """A title from a question: its first line, or that line's first sentence, or as much as fits, cut at a word."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    if len(line) <= TITLE_CHARACTERS:
        return line
    sentence = _SENTENCE_END.split(line, maxsplit=1)[0].strip()
    if SHORTEST_SENTENCE <= len(sentence) <= TITLE_CHARACTERS:
        return sentence
    cut = line[: TITLE_CHARACTERS - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[TITLE_CHARACTERS // 2 :] else cut
    return at_word.rstrip() + "…"


def first_title(question: str, attachments: Sequence[Attachment] = ()) -> str:
    """The title that a conversation begins with: of the question's words, or the name of what it brings along."""
    return title_from(question) or (title_from(attachments[0].name) if attachments else "")


def is_greeting(question: str) -> bool:
    """Whether it only opens the conversation."""
    return _GREETING.fullmatch(question.strip()) is not None


def is_telling(question: str) -> bool:
    """Whether the question's own words make a title: neither a greeting nor cut."""
    title = title_from(question)
    return bool(title) and not title.endswith("…") and not is_greeting(question)


def title_from_answer(answer: str) -> str:
    """The heading that an answer begins with; empty where it has none."""
    spoken = answer.rpartition("</think>")[2].lstrip()
    heading = _HEADING.search(spoken[:400])
    return cleaned(heading[1]) if heading else ""


def title_request(messages: tuple[PromptMessage, ...], answer: str) -> ChatRequest:
    """The question for a title: it follows the conversation, so that nothing of that has to be read again."""
    asked = (PromptMessage(Role.ASSISTANT, answer), PromptMessage(Role.USER, ASKED_FOR))
    return ChatRequest((*messages, *asked), replace(Sampling(), temperature=0.0, seed=0, max_tokens=TITLE_TOKENS))


def cleaned(text: str) -> str:
    """A title out of what a model wrote; empty where that is none, as a thought or a whole paragraph."""
    if THOUGHT_OPEN in text:
        text = text.rpartition(THOUGHT_CLOSE)[2] if THOUGHT_CLOSE in text else ""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = _LABEL.sub("", _MARKS.sub("", line)).strip().strip(_QUOTES).strip()
    line = line.rstrip(".。:：") if not line.endswith("...") else line
    return line if 2 <= len(line) <= LONGEST_OF_MODEL else ""
