"""Titles of conversations: from the first question, and improved once its answer is there.

The model is asked for a title only where neither the question nor the answer contains one.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from app.backend import AnswerFinished, ChatEvent, ChatRequest, PromptMessage, TextDelta
from app.chat.answer import RunningAnswer
from app.chat.prompt import answer_message
from app.config.settings import SettingsFile
from app.conversation import Attachment, Message, Role, Status
from app.sampling import Sampling
from app.store.store import ConversationStore
from app.thoughts import split_thought
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

TITLE_CHARACTERS = 48
MIN_SENTENCE_CHARACTERS = 8
MAX_TITLE_CHARACTERS = 72
"""Limit for a title from a model or a heading; longer text is a sentence of the answer."""
TITLE_TOKENS = 24
TITLE_PROMPT = (
    "Write a title for this conversation, at most eight words, in the language of the question above. "
    "Give the title alone, without quotation marks."
)
MAX_ANSWER_S = 20.0
"""A model that takes longer than this for an answer is not asked for a title."""
MAX_QUESTIONS = 3
"""Questions that a title is taken from; conversations with more keep theirs."""
MAX_MESSAGES = 64
"""Conversations with more messages, all versions included, keep their title: reading them takes a while."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s|(?<=[。！？])")
_GREETING = re.compile(
    r"(hi|hello|hey|hallo|hola|bonjour|good (morning|afternoon|evening)|thanks?( you)?|test(ing)?|are you there|"
    r"(good)?bye|ok(ay)?|"
    r"你好|您好|嗨|哈喽|在吗|在么|早上好|下午好|晚上好|早安|谢谢|测试|再见|拜拜|好的?)( there)?[\s,.!?~，。！？～…]*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_MARKUP = re.compile(r"[*_`~]+|^[#>\s]+|^(?:[-+]|\d+[.)])\s+")
_FORMULA = re.compile(r"\$([^$\s](?:[^$]*[^$\s])?)\$|\\\((.+?)\\\)")
_LABEL = re.compile(r"^(?:title|标题|题目)\s*[:：]\s*", re.IGNORECASE)
_QUOTES = "\"'“”‘’「」『』《》«»"

logger = logging.getLogger(__name__)


class Submit(Protocol):
    """Runs a job in the inference worker's thread, or beside it; the token cancels it."""

    def __call__(self, job: Callable[[], None], token: CancelToken, /, *, uses_engine: bool = True) -> object:
        """Run the job."""
        ...


def title_from(question: str) -> str:
    """Return a title from a question: its first line without a colon at the end, or a first sentence or beginning."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    if len(line) <= TITLE_CHARACTERS:
        return line.rstrip(":：") or line
    sentence = _SENTENCE_END.split(line, maxsplit=1)[0].strip()
    if MIN_SENTENCE_CHARACTERS <= len(sentence) <= TITLE_CHARACTERS:
        return sentence
    cut = line[: TITLE_CHARACTERS - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[TITLE_CHARACTERS // 2 :] else cut
    return at_word.rstrip() + "…"


def first_title(question: str, attachments: Sequence[Attachment] = ()) -> str:
    """Return the title of a new conversation: from the question, or the name of its first attachment."""
    return title_from(question) or (title_from(attachments[0].name) if attachments else "")


def is_greeting(question: str) -> bool:
    """Return whether a question only opens the conversation."""
    return _GREETING.fullmatch(question.strip()) is not None


def is_descriptive(question: str) -> bool:
    """Return whether a question makes a good title: it is neither a greeting nor too long."""
    title = title_from(question)
    return bool(title) and not title.endswith("…") and not is_greeting(question)


def title_from_answer(answer: str) -> str:
    """Return the heading at the beginning of an answer; empty where it has none."""
    heading = _HEADING.search(split_thought(answer)[2].lstrip()[:400])
    return clean_title(heading[1]) if heading else ""


def clean_title(text: str) -> str:
    """Return the title in a model's reply; empty where that is only a thought, or too long."""
    text = split_thought(text)[2]
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = _FORMULA.sub(lambda found: (found[1] or found[2]).strip(), line)
    line = _LABEL.sub("", _MARKUP.sub("", line)).strip().strip(_QUOTES).strip()
    line = line.rstrip(".。:：") if not line.endswith("...") else line
    return line if 2 <= len(line) <= MAX_TITLE_CHARACTERS else ""


class TitleUpdater:
    """Improves the title of a conversation after its first answers, unless the user has chosen one.

    ``on_change`` is called in the thread of ``update`` or in that of a job given to ``submit``.
    """

    def __init__(
        self,
        store: ConversationStore,
        settings: SettingsFile,
        submit: Submit,
        on_change: Callable[[], object],
    ) -> None:
        self._store, self._settings, self._submit, self._on_change = store, settings, submit, on_change
        self._token = CancelToken()

    def cancel(self) -> None:
        """Cancel the generation of a title: an answer is wanted."""
        self._token.cancel()

    def update(self, answer: RunningAnswer, message: Message, *, may_generate: bool) -> None:
        """Improve the title after an answer; ``may_generate`` says whether the model is idle."""
        try:
            self._update(answer, message, may_generate)
        except UserError as error:
            # Not worth an error message: the store reports its problems with the next question.
            logger.warning("no title: %s", error.code)

    def _update(self, answer: RunningAnswer, message: Message, may_generate: bool) -> None:
        store = self._store
        conversation = store.get(message.conversation_id)
        if (
            conversation.title_is_chosen
            or message.status is not Status.COMPLETE
            or conversation.message_count > MAX_MESSAGES
        ):
            return
        questions = [each for each in store.branch(conversation.id) if each.role is Role.USER]
        first = first_title(questions[0].content, questions[0].attachments)
        if len(questions) > MAX_QUESTIONS or conversation.title != first:
            return
        # What follows a long question is no better title than its beginning.
        telling = next((each for each in questions if not is_greeting(each.content)), questions[-1])
        title = title_from_answer(message.content) if telling is questions[-1] else ""
        if is_descriptive(telling.content):
            title = title_from(telling.content)
        if title:
            if title != conversation.title:
                store.set_automatic_title(conversation.id, title)
                self._on_change()
        elif may_generate and not all(is_greeting(each.content) for each in questions):
            self._generate(answer, message)

    def _generate(self, answer: RunningAnswer, message: Message) -> None:
        is_slow = time.monotonic() - answer.started_at > MAX_ANSWER_S
        if is_slow or answer.backend.is_remote or not self._settings.current.titles_by_model:
            return
        token = self._token = CancelToken()
        # It continues the conversation, so that the KV cache is reused.
        asked = (answer_message(message.content), PromptMessage(Role.USER, TITLE_PROMPT))
        sampling = replace(Sampling(), temperature=0.0, seed=0, max_tokens=TITLE_TOKENS)
        request = ChatRequest((*answer.request.messages, *asked), sampling)

        def job() -> None:
            try:
                title = _title_in(answer.backend.stream(request, token))
                if title and not token.is_cancelled:
                    self._store.set_automatic_title(message.conversation_id, title)
                    self._on_change()
            except Cancelled:
                return
            except UserError as error:
                logger.warning("no title: %s", error.code)

        self._submit(job, token)


def _title_in(events: Iterable[ChatEvent]) -> str:
    """Return the title in a reply; empty where it was cut at the token limit."""
    text, reason = "", ""
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, AnswerFinished):
            reason = event.finish_reason
    is_complete = reason == "stop" or (reason == "length" and "\n" in text.strip())
    return clean_title(text) if is_complete else ""
