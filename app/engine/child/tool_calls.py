"""Calls of tools in a model's answer.

A model writes a call as its chat template shows one.  So the template is rendered once with a known call, and the form
is read from the result: JSON with name and arguments, a name in front of JSON, or keys and values in tags.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any

from app.thoughts import MARKS, partial_at
from app.tool_calls import ToolDefinition

Render = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], str | None]
"""Renders messages and tools; None where the template refuses them."""
Call = tuple[str, dict[str, Any]]
"""Name and arguments."""

_NAME, _RESULT, _ID = "apus_name", "apus_result", "apusid001"
_ARGUMENTS: dict[str, Any] = {"apus_first": "apus_text", "apus_second": 4711, "apus_third": "apus_end"}
_TOOLS = [ToolDefinition("other_tool", "Tells the time.", {"type": "object", "properties": {}}).to_openai()]
_QUESTION = {"role": "user", "content": "apus_question"}
_DECODER = json.JSONDecoder(strict=False)
_CDATA = re.compile(r"<!\[CDATA\[((?:(?!<!\[CDATA\[).)*?)\]\]>", re.DOTALL)
_MAX_NAME, _MAX_DEPTH = 256, 100
"""Characters of a name, and lists in lists around calls."""
_GAP = 120
"""Characters between a name and its JSON arguments that may differ from those in the template."""


@dataclass(frozen=True)
class CallForm:
    """How the models of a template write calls."""

    start: str
    """Begins the part of an answer with calls; empty where an answer that is JSON is a call."""
    name_start: str = ""
    """In front of a name; empty where name and arguments are one JSON value."""
    name_end: str = ""
    """Behind a name whose arguments are keys and values; empty where they are JSON."""
    key_start: str = ""
    text_start: str = ""
    text_end: str = ""
    """In front of a key; between it and a text; behind the text."""
    other_start: str = ""
    """Between a key and a value that is no text."""
    other_end: str = ""
    arguments_are_text: bool = False
    """Whether the template wants the arguments of earlier calls as text."""
    quote: str = ""
    """Around the texts of JSON arguments whose keys have no quotes."""

    @property
    def starts(self) -> tuple[str, ...]:
        """The texts that begin the part with calls."""
        # gpt-oss writes the recipient of a call in another place than its template.
        return (self.start, "<|channel|>commentary to=functions.") if "functions." in self.start else (self.start,)

    @property
    def marks(self) -> tuple[str, ...]:
        """All texts in which control tokens may be."""
        texts = (self.name_start, self.name_end, self.key_start, self.text_start, self.text_end, self.other_start)
        return (*self.starts, *texts, self.other_end, self.quote, "<|channel|>", "<|message|>", "<|constrain|>")

    def parse(self, text: str, tools: Mapping[str, Mapping[str, Any]]) -> list[Call]:
        """Return the calls in the part of an answer that begins with ``start``.

        ``tools`` are the schemas of the arguments by name, which tell texts from numbers.  Calls of other names are
        returned too, and refused by the caller.
        """
        if not self.name_start:
            return [call for value in _json_values(text) for call in _calls_in(value)]
        name_end = _loose(self.name_end) if self.key_start else rf"[^{{]{{0,{_GAP}}}?(?={{)"
        pattern = re.compile(rf"{_loose(self.name_start)}([^\s\"'<>{{}}\[\]=]{{1,{_MAX_NAME}}}){name_end}")
        calls = []
        units = [*pattern.finditer(text), None]
        for unit, following in pairwise(units):
            assert unit is not None
            part = text[unit.end() : following.start() if following else None]
            if self.key_start:
                arguments: Any = self._values(part, tools.get(unit[1], {}))
            else:
                arguments = next(_json_values(_requoted(part, self.quote)), None)
            if isinstance(arguments, dict):
                calls.append((unit[1], arguments))
        return calls

    def _values(self, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        found, properties = {}, schema.get("properties") or {}
        key_start = re.compile(_loose(self.key_start))
        middles = re.compile("|".join(map(_loose, {self.text_start, self.other_start})))
        ends = re.compile("|".join(map(_loose, {self.text_end, self.other_end})))
        place = 0
        while (
            (start := key_start.search(text, place))
            and (middle := middles.search(text, start.end()))
            and (end := ends.search(text, middle.end()))
        ):
            key, value = text[start.end() : middle.start()].strip(), text[middle.end() : end.start()]
            declared = properties.get(key)
            value = _CDATA.sub(r"\1", value)
            is_text = isinstance(declared, Mapping) and declared.get("type") == "string"
            found[key] = value if is_text else _value(value)
            place = end.end()
        return found


class CallStream:
    """Keeps the part with calls of a growing answer back."""

    def __init__(self, form: CallForm) -> None:
        self._form = form
        self._held = ""
        self._has_begun = False
        self._is_blank = True
        """Whether nothing but white space came yet."""

    def add(self, text: str) -> str:
        """Add text; return what is no call."""
        self._held += text
        if self._has_begun:
            return ""
        if not self._form.start:
            head = self._held.lstrip()
            if self._is_blank and (not head or head[0] in "{["):
                return ""
        places = [place for each in self._form.starts if each and (place := self._held.find(each)) >= 0]
        self._has_begun = bool(places)
        end = min(places) if places else min(partial_at(self._held, each) for each in self._form.starts)
        done, self._held = self._held[:end], self._held[end:]
        self._is_blank = self._is_blank and not done.strip()
        return done.rstrip() if self._has_begun else done

    def finish(self, tools: Mapping[str, Mapping[str, Any]]) -> tuple[str, list[Call]]:
        """Return the rest, at the end of the answer, as text or as calls."""
        may_call = self._has_begun or not self._form.start
        calls = self._form.parse(self._held, tools) if may_call else []
        return ("", calls) if calls else (self._held, [])


def call_form(render: Render) -> CallForm | None:
    """Return how the models of a template write calls; None where the template knows no tools."""
    before = render([_QUESTION], _TOOLS)
    rendered = _with_call(render, _ARGUMENTS)
    if is_text := rendered is None:
        rendered = _with_call(render, json.dumps(_ARGUMENTS))
    if before is None or rendered is None or _NAME not in rendered:
        return None
    place = rendered.index(_NAME)
    end = rendered.index(_RESULT) if _RESULT in rendered else len(rendered)
    head = rendered[_before_tag(_shared_start(before, rendered[:place])) : place]
    for marks in MARKS:
        head = head.rpartition(marks.close)[2]
    head, tail = head.lstrip(), rendered[place:end]
    form = _read_form(head, tail)
    if form is None or form.parse(head + tail, {}) != [(_NAME, _ARGUMENTS)]:
        return None
    return replace(form, arguments_are_text=is_text)


def _with_call(render: Render, arguments: object) -> str | None:
    call = {"id": _ID, "type": "function", "function": {"name": _NAME, "arguments": arguments}}
    messages: list[dict[str, Any]] = [
        _QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": _NAME, "tool_call_id": _ID, "content": _RESULT},
    ]
    return render(messages, _TOOLS)


def _read_form(head: str, tail: str) -> CallForm | None:
    """Read the form from the text in front of the name, and the name with what follows."""
    whole = head + tail
    for found in re.finditer(r"[\[{]", head):
        with suppress(ValueError):
            value, end = _DECODER.raw_decode(whole, found.start())
            if end > len(head) and any(name == _NAME for name, _ in _calls_in(value)):
                return CallForm(_first_mark(head[: found.start()]))
    name_start = head[max(head.rfind("<"), 0) :]
    after = tail[len(_NAME) :]
    for quote in ("", '<|"|>'):
        if next(_json_values(_requoted(after, quote)), None) == _ARGUMENTS:
            return CallForm(_first_mark(head), name_start, quote=quote)
    keys, texts = list(_ARGUMENTS), [str(each) for each in _ARGUMENTS.values()]
    if not all(each in after for each in (*keys, *texts)):
        return None
    parts = re.split("|".join(map(re.escape, [each for pair in zip(keys, texts, strict=True) for each in pair])), after)
    first, text_start, between, other_start, between_other = parts[:5]
    key_start = _shared_start(first[::-1], between[::-1])[::-1]
    key_start = key_start[max(key_start.rfind("<"), 0) :]
    return CallForm(
        _first_mark(head),
        name_start,
        first[: len(first) - len(key_start)],
        key_start,
        text_start,
        between[: len(between) - len(key_start)].rstrip(),
        other_start,
        between_other[: len(between_other) - len(key_start)].rstrip(),
    )


def _first_mark(text: str) -> str:
    """Return the first tag of a text, or the text."""
    found = re.match(r"<[^>]*>|\[[^\]]*\]", text)
    return found[0] if found else text.strip()


def _shared_start(one: str, other: str) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


def _before_tag(text: str) -> int:
    """Return where a tag begins that is not complete at the end of a text, or the end."""
    place = text.rfind("<")
    return place if place > text.rfind(">") else len(text)


def _loose(text: str) -> str:
    """Return a pattern for a text with any white space."""
    return re.sub(r"(?:\\?\s)+", r"\\s*", re.escape(text))


def _json_values(text: str) -> Iterator[Any]:
    place = 0
    while found := re.compile(r"[\[{]").search(text, place):
        try:
            value, place = _DECODER.raw_decode(text, found.start())
            yield value
        except RecursionError:
            # Models repeat themselves; no call is nested that deeply.
            return
        except ValueError:
            place = found.end()


def _calls_in(value: Any, depth: int = 0) -> Iterator[Call]:
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for each in value:
            yield from _calls_in(each, depth + 1)
        return
    if not isinstance(value, dict):
        return
    function = value.get("function", value)
    if isinstance(function, str):
        function = {**value, "name": function}
    if not isinstance(function, dict):
        return
    name = function.get("name")
    if isinstance(name, str):
        arguments: Any = next((function[key] for key in ("arguments", "parameters", "args") if key in function), {})
        arguments = _value(arguments) if isinstance(arguments, str) else arguments
        if isinstance(arguments, dict):
            yield name, arguments
    elif len(value) == 1 and isinstance(arguments := next(iter(value.values())), dict):
        # Apertus: the name is the key.
        yield next(iter(value)), arguments


def _requoted(text: str, quote: str) -> str:
    """Return JSON for JSON with another ``quote`` around texts and none around keys."""
    if not quote:
        return text
    pattern = rf"{re.escape(quote)}(.*?){re.escape(quote)}|(?<=[{{,])\s*([\w.-]+)\s*(?=:)"
    return re.sub(
        pattern, lambda found: json.dumps(found[1] if found[1] is not None else found[2]), text, flags=re.DOTALL
    )


def _value(text: str) -> Any:
    """Return the value that a text is in JSON or, as some templates write it, in Python; else the text."""
    for parse in (json.loads, ast.literal_eval):
        with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            # Python has values that JSON doesn't have.
            return json.loads(json.dumps(parse(text.strip())))
    return text
