"""Thoughts of a model before its answer: split from it, translated from a model's own marks, switched on and off.

Stored texts have the thoughts in ``THOUGHT_OPEN`` and ``THOUGHT_CLOSE``, whatever marks the model uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN

_CODE_FENCE = "```"
_ANSWER_OPEN, _ANSWER_CLOSE = "<answer>", "</answer>"
_QUOTES = ("`", '"', "'", "“", "‘", "「")


@dataclass(frozen=True)
class ThoughtMarks:
    """Marks of a family of models; many of them consist of control tokens."""

    open: str = THOUGHT_OPEN
    close: str = THOUGHT_CLOSE
    answer: str = ""
    """In front of an answer without thoughts."""
    others: tuple[str, ...] = ()
    """Further marks that are no part of the text."""
    sign: str = ""
    """Text in the chat templates of these models; empty for ``open``."""

    @property
    def all(self) -> tuple[str, ...]:
        """All marks."""
        return (self.open, self.close, self.answer, *self.others)


STANDARD = ThoughtMarks()
MARKS = (
    STANDARD,
    ThoughtMarks(  # gpt-oss (https://github.com/openai/harmony)
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|channel|>final<|message|>",
        ("<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>", "<|end|><|start|>assistant", "<|end|>"),
    ),
    ThoughtMarks("<|channel>thought\n", "<channel|>", sign="<|channel>"),  # Gemma 4
    ThoughtMarks(  # Kimi K3
        "<|open|>think<|sep|>",
        "<|close|>think<|sep|><|open|>response<|sep|>",
        "<|open|>response<|sep|>",
        ("<|close|>response<|sep|>", "<|close|>message<|sep|>", "<|close|>think<|sep|>"),
        sign="<|open|>",
    ),
    ThoughtMarks(  # Solar Open
        "<|think|>", "<|end|><|begin|>assistant<|content|>", "<|content|>", ("<|end|>",), sign="<|begin|>assistant"
    ),
    ThoughtMarks("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", ("<|END_RESPONSE|>",)),  # Command A
    ThoughtMarks(  # Muse
        " to=self<|message|>", "<|eom|><|start|>assistant<|message|>", "<|message|>", ("<|eom|>",), "to=self<|message|>"
    ),
    ThoughtMarks("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ThoughtMarks("[THINK]", "[/THINK]"),  # Magistral, Ministral
    ThoughtMarks("<seed:think>", "</seed:think>"),  # Seed-OSS
    ThoughtMarks("<thought>", "</thought>"),  # EXAONE Deep
    ThoughtMarks("<mm:think>", "</mm:think>"),  # MiniMax M3
    ThoughtMarks("<thinking>", "</thinking>"),  # Claude, and models that were trained on its answers
    ThoughtMarks("<reasoning>", "</reasoning>"),
    ThoughtMarks("<think:opensource>", "</think:opensource>", sign="HYTK = ':opensource'"),  # Hunyuan 3
    ThoughtMarks("◁think▷", "◁/think▷"),  # Kimi-VL
    ThoughtMarks("<longcat_think>", "</longcat_think>"),  # LongCat
    ThoughtMarks("<unused94>thought\n", "<unused95>", sign="<unused94>"),  # MedGemma
    ThoughtMarks("Here is my thought process:", "Here is my response:"),  # Granite 3.2
    ThoughtMarks(answer="<response>", others=("</response>",), sign="<response></response>"),  # Granite 3.3
    ThoughtMarks(  # Apriel
        "Here are my reasoning steps:\n",
        "[BEGIN FINAL RESPONSE]",
        others=("[END FINAL RESPONSE]",),
        sign="[BEGIN FINAL RESPONSE]",
    ),
)
_AT_END = re.compile(
    "|".join(
        rf"({re.escape(each.open)}\s*(?:{re.escape(each.close)}\s*)?\Z|{re.escape(each.close)}\s*\Z)" for each in MARKS
    )
)
MAX_TEMPLATE = 200_000
"""Characters of a template that are searched for its variables: ten times the longest known ones."""
_TAIL = 200
"""Characters at the end of a prompt that contain its opened or empty thought."""
_STATEMENT_START, _STATEMENT_END = re.compile(r"\{[{%]"), re.compile(r"[%}]\}")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_LEVELS = ("low", "medium", "high", "max")
_SWITCHES = ("enable_thinking", "thinking", "reasoning", "thinking_mode", "thinking_budget")
_EFFORTS = ("reasoning_effort", "thinking_effort", "reasoning_strength")
"""Variables of chat templates that switch thinking on and off, and that take one of the ``_LEVELS``."""
_VARIABLE = re.compile(rf"(?<![.\w])({'|'.join((*_SWITCHES, *_EFFORTS))})\b(\s*=(?!=))?")
_COMPARED = re.compile(
    rf"\b(?:{'|'.join(_EFFORTS)})(?:\s*\|\s*\w+)?\s*(?:(?:not\s+)?in\s*\[([^\]]{{0,200}})\]|[=!]=\s*({_STRING.pattern}))",
    re.DOTALL,
)


def split_thought(text: str) -> tuple[str, bool, str]:
    """Return the thought at the start of an answer, whether it has ended, and the text after it.

    Where a prompt opened the thought, servers and other programs return answers with the closing tag only.
    """
    head = text.lstrip()
    if head.startswith(THOUGHT_OPEN):
        thought, closing, answer = head[len(THOUGHT_OPEN) :].partition(THOUGHT_CLOSE)
        return thought, bool(closing), answer
    thought, closing, answer = text.partition(THOUGHT_CLOSE)
    # An answer may be about such tags.
    is_quoted = thought.endswith(_QUOTES) or thought.count(_CODE_FENCE) % 2 == 1
    if closing and THOUGHT_OPEN not in thought and not is_quoted:
        return thought, True, answer
    return "", True, text


def marks_of(template: str) -> ThoughtMarks:
    """Return the marks that a chat template mentions, else the standard ones."""
    return next((each for each in MARKS[1:] if (each.sign or each.open.strip()) in template), STANDARD)


def thought_at_end(prompt: str) -> tuple[int, ThoughtMarks, str | None] | None:
    """Find an opened or an empty thought at the end of a rendered prompt.

    Returns its start, its marks, and the white space after an opening mark, None for an empty thought.
    """
    found = _AT_END.search(prompt, max(0, len(prompt) - _TAIL))
    if found is None or found.lastindex is None:
        return None
    marks, text = MARKS[found.lastindex - 1], found[0]
    return found.start(), marks, None if marks.close in text else text[len(marks.open) :]


def thinking_choices(template: str) -> tuple[str, ...]:
    """Return the values of ``Sampling.thinking`` that make a difference to a chat template."""
    is_read: dict[str, bool] = {}
    template = template[:MAX_TEMPLATE]
    for part in _STATEMENT_START.split(template)[1:]:
        names: dict[str, bool] = {}
        statement = _STATEMENT_END.split(part, maxsplit=1)[0]
        for found in _VARIABLE.finditer(_STRING.sub("''", statement)):
            names[found[1]] = names.get(found[1], False) or not found[2]
        # A name that is assigned before it is read is the template's own.
        is_read = {**names, **is_read}
    switch = ("off", "on") if any(is_read.get(name) for name in _SWITCHES) else ()
    if not any(is_read.get(name) for name in _EFFORTS):
        return switch
    # Templates that compare the level have only these, others write any into the prompt.
    compared = "".join(map("".join, _COMPARED.findall(template)))
    return (*switch, *(level for level in _LEVELS if (level in compared if compared else level != "max")))


def template_variables(thinking: str) -> dict[str, Any]:
    """Return the variables of a chat template for a value of ``Sampling.thinking``."""
    if not thinking:
        return {}
    is_on = thinking != "off"
    variables: dict[str, Any] = dict.fromkeys(_SWITCHES[:3], is_on)
    variables["thinking_mode"] = "enabled" if is_on else "disabled"
    if not is_on:
        variables["thinking_budget"] = 0
    return {**variables, **dict.fromkeys(_EFFORTS, thinking)} if thinking in _LEVELS else variables


class ThoughtStream:
    """Translates the marks of a growing answer to the standard ones."""

    def __init__(self, marks: ThoughtMarks = STANDARD, *, thinks: bool | None = None, opened: str = "") -> None:
        """``marks`` are expected; others are recognised at the beginning.

        ``thinks``: whether the prompt ends within a thought or an answer, None where the model begins.  ``opened`` is
        the opening tag in the prompt, which belongs to the answer.
        """
        self.marks = marks
        self.thinks = thinks
        """Whether the text is within a thought, None while that is not known."""
        self._opened = opened
        self._held = ""
        self._unwrapper = AnswerUnwrapper(in_thought=bool(thinks))

    def add(self, text: str) -> str:
        """Add text; return the text that became final."""
        return self._unwrapper.add(self._with_standard_tags(text))

    def _with_standard_tags(self, text: str) -> str:
        self._held += text
        done, self._opened = self._opened, ""
        if self.thinks is None:
            head = self._held.lstrip()
            found = next((each for each in (self.marks, *MARKS) if head.startswith(each.open.lstrip())), None)
            if found is not None:
                self.marks, self.thinks, self._unwrapper.in_thought = found, True, True
                self._held, done = head[len(found.open.lstrip()) :], THOUGHT_OPEN
            elif any(each.open.lstrip().startswith(head) for each in MARKS):
                return ""
            else:
                self.thinks = False
        if self.marks is STANDARD:
            rest, self._held = self._held, ""
            return done + rest
        return done + self._translated()

    def finish(self) -> str:
        """Return the rest, at the end of the answer, without a mark that is not complete."""
        rest, self._held = self._held, ""
        if any(rest.startswith(mark) for mark in self._expected()):
            rest = ""
        return self._unwrapper.add(rest) + self._unwrapper.finish()

    def _expected(self) -> tuple[str, ...]:
        first = self.marks.close if self.thinks else self.marks.answer
        return tuple(filter(None, (first, *self.marks.others)))

    def _translated(self) -> str:
        done = ""
        while True:
            marks = self._expected()
            places = [(place, -len(mark), mark) for mark in marks if (place := self._held.find(mark)) >= 0]
            place, _, mark = min(places, default=(len(self._held), 0, ""))
            held = min((partial_at(self._held, each) for each in marks), default=place)
            end = min(place, held)
            done, self._held = done + self._held[:end], self._held[end:]
            if held <= place:
                return done
            self._held = self._held[len(mark) :]
            if self.thinks and mark == self.marks.close:
                self.thinks, done = False, done + THOUGHT_CLOSE


class AnswerUnwrapper:
    """Removes the tags that some models put around the answer after their thought; others in the text stay."""

    def __init__(self, *, in_thought: bool) -> None:
        self.in_thought = in_thought
        self._is_begun = self._is_wrapped = False
        self._held = ""
        self._since: list[str] = []
        """What was returned since the last closing tag."""
        self._fences = 0

    def add(self, text: str) -> str:
        """Add text whose thought is in the standard tags; return the text that became final."""
        self._held += text
        thought = ""
        if self.in_thought:
            end = self._held.find(THOUGHT_CLOSE)
            if end < 0:
                end = partial_at(self._held, THOUGHT_CLOSE)
                thought, self._held = self._held[:end], self._held[end:]
                return thought
            end += len(THOUGHT_CLOSE)
            thought, self._held, self.in_thought = self._held[:end], self._held[end:], False
        if not self._is_begun:
            head = self._held.lstrip()
            if len(head) < len(_ANSWER_OPEN) and _ANSWER_OPEN.startswith(head):
                return thought
            self._is_begun = True
            if head.startswith(_ANSWER_OPEN):
                self._is_wrapped, self._held = True, self._held.replace(_ANSWER_OPEN, "", 1)
        return thought + self._unwrapped()

    def finish(self) -> str:
        """Return the rest, at the end of the answer."""
        rest, self._held = self._held, ""
        return rest

    def _unwrapped(self) -> str:
        done = ""
        while self._is_wrapped and (place := self._held.find(_ANSWER_CLOSE)) >= 0:
            piece, self._held = self._held[:place], self._held[place + len(_ANSWER_CLOSE) :]
            before = "".join((*self._since, piece))
            self._fences += before.count(_CODE_FENCE)
            done += piece
            self._is_wrapped = before.endswith(_QUOTES) or self._fences % 2 == 1
            if self._is_wrapped:
                # It is a word of the answer.
                done, self._since = done + _ANSWER_CLOSE, []
        end = partial_at(self._held, _ANSWER_CLOSE) if self._is_wrapped else len(self._held)
        piece, self._held = self._held[:end], self._held[end:]
        if self._is_wrapped:
            self._since.append(piece)
        return done + piece


class ThoughtSplitter:
    """Splits a growing answer, whose thought is in the standard marks, into thought and answer."""

    def __init__(self) -> None:
        self._mark = THOUGHT_OPEN
        """What is expected next; empty within the answer."""
        self._is_blank = True
        """Whether the current part has no text yet; line breaks before it are left out."""
        self._held = ""

    def add(self, text: str) -> tuple[str, str]:
        """Add text; return what became final of the thought and of the answer."""
        self._held += text
        thought = ""
        if self._mark == THOUGHT_OPEN:
            head = self._held.lstrip()
            if head.startswith(THOUGHT_OPEN):
                self._mark, self._held = THOUGHT_CLOSE, head[len(THOUGHT_OPEN) :]
            elif THOUGHT_OPEN.startswith(head):
                return "", ""
            else:
                self._mark, self._is_blank = "", False
        if self._mark == THOUGHT_CLOSE:
            thought, mark, rest = self._held.partition(THOUGHT_CLOSE)
            if not mark:
                end = partial_at(self._held, THOUGHT_CLOSE)
                self._held = self._held[end:]
                return self._begun(thought[:end]), ""
            thought = self._begun(thought)
            self._mark, self._held, self._is_blank = "", rest, True
        answer, self._held = self._held, ""
        return thought, self._begun(answer)

    def finish(self) -> tuple[str, str]:
        """Return the rest, at the end of the answer."""
        rest, self._held = self._held, ""
        return (rest, "") if self._mark == THOUGHT_CLOSE else ("", rest)

    def _begun(self, text: str) -> str:
        text = text.lstrip("\n") if self._is_blank else text
        self._is_blank = self._is_blank and not text
        return text


def partial_at(text: str, mark: str) -> int:
    """Return where a beginning of ``mark`` at the end of the text starts, or the end."""
    lengths = range(min(len(mark) - 1, len(text)), 0, -1)
    return len(text) - next((length for length in lengths if text.endswith(mark[:length])), 0)
