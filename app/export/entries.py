"""Messages prepared for the human-readable formats: speaker, thought, text, status and details."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from app.conversation import ConversationTree, Message, Provenance, Role, Status
from app.export.formats import ExportLabels, ExportOptions, ThoughtExport
from app.formulas import Formula as FormulaKey
from app.formulas import FormulaRenderer
from app.markdown.blocks import Block, Formula, Prose, Span, spans_of, with_picture_word
from app.markdown.control_characters import without_escapes
from app.markdown.parser import parse_part
from app.sampling import Sampling, shown_samplers
from app.thoughts import split_thought
from model_manager.hub.catalogue import find_entry

_OVERRIDES, _ISOLATES = "\u202a\u202b\u202c\u202d\u202e", "\u2066\u2067\u2068\u2069"
_NAMES = {ord(character): f"[U+{ord(character):04X}]" for character in _OVERRIDES + _ISOLATES}
_NAMES_OF_OVERRIDES = {code: name for code, name in _NAMES.items() if chr(code) in _OVERRIDES}
_PREFETCHED_MESSAGES = 40
MAX_PARSED = 1_000_000
"""Characters of a message that is read as Markdown, which takes some 30 bytes for each; a longer one stays as it is."""


@dataclass(frozen=True)
class ExportedMessage:
    """A message, ready to be written."""

    message: Message
    speaker: str
    thought: str
    """Empty where there is none or it is left out."""
    text: str
    status: str
    """Empty for a complete message."""
    error: str
    """Code of the error that ended the answer, or empty."""
    details: tuple[tuple[str, str], ...]
    """Labels and values of the model, settings and speed; empty where they are left out."""
    picture_word: str
    """For embedded pictures without a description."""

    @cached_property
    def thought_blocks(self) -> list[Block]:
        """The thought as parsed Markdown."""
        return _blocks(self.thought, self.picture_word)

    @cached_property
    def text_blocks(self) -> list[Block]:
        """The text as parsed Markdown."""
        return _blocks(self.text, self.picture_word)


def title_of(tree: ConversationTree, options: ExportOptions) -> str:
    """Return the title on one line, without bidirectional controls."""
    return name_bidi_controls(" ".join(tree.conversation.title.split())) or options.labels.untitled


def name_bidi_controls(text: str, *, in_prose: bool = False) -> str:
    """Replace bidirectional controls, which could show text in another order than it has, by their names.

    ``in_prose`` keeps isolates, which text in Hebrew or Arabic needs.
    """
    return text.translate(_NAMES_OF_OVERRIDES if in_prose else _NAMES)


def entries(
    tree: ConversationTree, options: ExportOptions, renderer: FormulaRenderer | None = None
) -> Iterator[ExportedMessage]:
    """Yield the messages of the shown branch; report progress after each.

    ``renderer`` draws the formulas of the next messages in the background, before the exporter needs them.
    """
    branch = [each for message in tree.branch() for each in _with_summary(message, options.labels)]
    upcoming = (_entry(message, options, speaker) for message, speaker in branch)
    waiting: deque[ExportedMessage] = deque()
    for number in range(1, len(branch) + 1):
        for entry in islice(upcoming, (_PREFETCHED_MESSAGES if renderer else 1) - len(waiting)):
            waiting.append(entry)
            if renderer is not None:
                renderer.request(_formulas((*entry.thought_blocks, *entry.text_blocks)), lambda _key, _display: None)
        yield waiting.popleft()
        options.report(number / len(branch))


def thought_label(entry: ExportedMessage, options: ExportOptions) -> str:
    """Return the label of the thoughts, with their duration where it is known."""
    seconds = entry.message.provenance.thought_s if entry.message.provenance else None
    return options.labels.thoughts if seconds is None else options.labels.thoughts_for.format(seconds=f"{seconds:.1f}")


def history(tree: ConversationTree, message_id: str) -> ConversationTree:
    """Return the conversation with a message and those before it alone."""
    shown = ConversationTree(replace(tree.conversation, leaf_id=message_id), tree.messages)
    branch = tuple(shown.branch())
    count = sum(each.role is not Role.SYSTEM for each in branch)
    return ConversationTree(replace(shown.conversation, message_count=count), branch)


def branches(tree: ConversationTree) -> list[ConversationTree]:
    """Return each branch as a separate conversation, in the order in which their last messages were created."""
    parents = {message.parent_id for message in tree.messages}
    return [history(tree, message.id) for message in tree.messages if message.id not in parents]


def _with_summary(message: Message, labels: ExportLabels) -> Iterator[tuple[Message, str]]:
    """Yield a message with its speaker, and below it the summary that the model gets of the branch down to it."""
    speakers = {Role.SYSTEM: labels.system, Role.USER: labels.user, Role.ASSISTANT: labels.assistant}
    yield message, speakers[message.role]
    if message.summary:
        summary = replace(message, role=Role.SYSTEM, status=Status.COMPLETE, content=message.summary, error=None)
        yield replace(summary, attachments=()), labels.summary


def _entry(message: Message, options: ExportOptions, speaker: str) -> ExportedMessage:
    labels = options.labels
    is_answer = message.role is Role.ASSISTANT
    thought, _closed, text = split_thought(message.content) if is_answer else ("", True, message.content)
    return ExportedMessage(
        message=message,
        speaker=speaker,
        thought="" if options.thoughts is ThoughtExport.DROP else thought.strip("\n"),
        text=text.lstrip("\n") if thought else text,
        status=labels.status(message.status),
        error=str((message.error or {}).get("code") or ""),
        details=tuple(_details(message, labels)) if options.metadata and is_answer else (),
        picture_word=labels.picture,
    )


def _blocks(text: str, picture_word: str) -> list[Block]:
    text = without_escapes(text)
    if len(text) > MAX_PARSED:
        return [Prose((Span(paragraph),)) for paragraph in text.split("\n\n")]
    return with_picture_word(parse_part(text), picture_word) if text.strip() else []


def _formulas(blocks: Iterable[Block]) -> Iterator[FormulaKey]:
    for block in blocks:
        if isinstance(block, Formula):
            yield block.formula, True
        yield from ((span.formula, False) for span in spans_of(block) if span.formula)


def _details(message: Message, labels: ExportLabels) -> list[tuple[str, str]]:
    """Return labels and values; unknown values are left out.  Times are in UTC."""
    details: list[tuple[str, object]] = [(labels.time, f"{message.created_at:%Y-%m-%d %H:%M:%S} UTC")]
    if provenance := message.provenance:
        thought_s, speed = provenance.thought_s, provenance.tokens_per_second
        details += [
            (labels.model, _model_name(provenance)),
            (labels.endpoint, provenance.endpoint),
            (labels.quantisation, provenance.quantisation),
            (labels.file_sha256, provenance.file_sha256),
            (labels.plan, _plan(provenance.plan)),
            (labels.seed, provenance.seed),
            (labels.sampling, _sampling(provenance.sampling)),
            (labels.prompt_tokens, provenance.prompt_tokens or None),
            (labels.left_out, len(provenance.left_out) or None),
            (labels.completion_tokens, provenance.answer_tokens or None),
            (labels.finish_reason, provenance.finish_reason),
            (labels.thought_time, None if thought_s is None else f"{thought_s:.1f} s"),
            (labels.tokens_per_second, None if speed is None else f"{speed:.2f}"),
            (labels.engine, provenance.engine),
            (labels.program, provenance.program),
        ]
    return [(label, str(value)) for label, value in details if value not in (None, "")]


def _model_name(provenance: Provenance) -> str:
    """Return the name of a model, for a reader who does not have its file and need not know its folder."""
    model_id = provenance.model_id
    if (entry := find_entry(model_id)) is not None:
        return entry.name
    if provenance.endpoint:
        return model_id.partition("/")[2] or model_id
    return re.split(r"[/\\](?=[^/\\]*\.gguf$)", model_id)[-1]


def _plan(plan: Mapping[str, Any]) -> str:
    """Return the memory plan on one line, in the terms of the engine; unknown or malformed values are left out."""
    single = {key: value for key, value in plan.items() if isinstance(value, str | int) and not isinstance(value, bool)}
    lists = {key: value for key, value in plan.items() if isinstance(value, list | tuple)}
    names = (("context", "context"), ("kv_type", "KV"), ("n_gpu_layers", "GPU layers"))
    parts = [f"{name} {single[key]}" for key, name in names if key in single]
    if split := lists.get("tensor_split"):
        parts.append("tensor split " + ", ".join(f"{each:g}" for each in split if isinstance(each, int | float)))
    if experts := lists.get("experts_in_ram"):
        parts.append(f"experts of {len(experts)} layers in RAM")
    devices = [each for each in lists.get("devices", ()) if isinstance(each, Mapping) and each.get("name")]
    if devices:
        parts.append("on " + ", ".join(str(each["name"]) for each in devices))
    return "; ".join(parts)


def _sampling(sampling: Sampling | None) -> str:
    if sampling is None:
        return ""
    parts = [f"{name} {value:g}" for name, value in shown_samplers(sampling).items()]
    if sampling.max_tokens is not None:
        parts.append(f"max_tokens {sampling.max_tokens}")
    if sampling.thinking:
        parts.append(f"thinking {sampling.thinking}")
    if sampling.json_schema:
        parts.append(f"json_schema {sampling.json_schema}")
    if sampling.stop:
        parts.append(f"stop {' '.join(map(repr, sampling.stop))}")
    return ", ".join(parts)
