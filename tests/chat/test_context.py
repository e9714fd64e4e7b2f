"""What of a conversation fits: generated conversations against what is promised, and what is shown of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from app.backend import ChatRequest, ContextFitted, PromptMessage
from app.chat.context import (
    ROLL_TARGET,
    context_use,
    filled_context,
    fit,
    fit_by_estimate,
    horizon,
    left_out_before,
    room_for_answer,
    turns,
)
from app.chat.token_estimate import estimated_tokens
from app.context import ContextPolicy
from app.conversation import Message, Provenance, Role, Status
from app.sampling import Sampling
from model_manager.errors import UserError

ROLL, STOP = ContextPolicy.ROLL, ContextPolicy.STOP
USER, ASSISTANT, SYSTEM = Role.USER, Role.ASSISTANT, Role.SYSTEM


@dataclass
class Counter:
    """A vocabulary in which every letter is a token, and a template that adds some to each message."""

    per_message: int = 3
    prompts: list[int] = field(default_factory=list)

    def __call__(
        self, messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]
    ) -> tuple[int, tuple[int, ...]]:
        whole = 0
        if messages:
            whole = 2 + sum(len(m.content) + self.per_message for m in messages) + len(prefill)
            self.prompts.append(whole)
        return whole, tuple(map(len, texts))


def conversation(*lengths: int, pinned: Sequence[int] = (), system: int = 0) -> tuple[PromptMessage, ...]:
    """Questions and answers of so many tokens; the place in ``lengths`` is the id."""
    opening = (PromptMessage(SYSTEM, "s" * system),) if system else ()
    return opening + tuple(
        PromptMessage((USER, ASSISTANT)[place % 2], "x" * length, str(place), place in pinned)
        for place, length in enumerate(lengths)
    )


def request(
    messages: tuple[PromptMessage, ...], policy: ContextPolicy = ROLL, left_out: tuple[str, ...] = (), **more: object
) -> ChatRequest:
    return ChatRequest(messages, Sampling(seed=1), context_policy=policy, left_out=left_out, **more)  # type: ignore[arg-type]


def test_fitting_conversation_is_counted_once_and_sent_completely() -> None:
    count = Counter()
    asked = request(conversation(10, 10, 10), STOP)
    fitting, fitted = fit(asked, 256, count)
    assert fitting == asked
    assert (fitted.left_out, fitted.prompt_tokens, fitted.context) == ((), 41, 256)
    assert count.prompts == [41]


def test_stop_policy_raises_with_the_needed_tokens() -> None:
    with pytest.raises(UserError) as caught:
        fit(request(conversation(100, 100, 30), STOP), 256, Counter())
    assert caught.value.code == "context_full"
    assert caught.value.data == {"needed": 241 + 32, "context": 256, "prompt_tokens": 241}


def test_rolling_leaves_out_the_oldest_turns_in_steps() -> None:
    lengths = (50, 50, 30, 30, 20, 20, 20)
    fitting, fitted = fit(request(conversation(*lengths, system=10)), 256, Counter())
    assert fitted.left_out == ("0", "1")
    assert fitted.prompt_tokens == 2 + 13 + 2 * 33 + 2 * 23 + 23
    assert [m.id for m in fitting.messages] == ["", "2", "3", "4", "5", "6"]
    # Until the room is taken again, the beginning of the prompt stays the same.
    longer, reported = fit(request(conversation(*lengths, 10, 10, system=10), left_out=fitted.left_out), 256, Counter())
    assert reported.left_out == ("0", "1")
    assert longer.messages[: len(fitting.messages)] == fitting.messages


@pytest.mark.parametrize("policy", [ROLL, STOP])
def test_too_long_question_and_pins_are_refused(policy: ContextPolicy) -> None:
    """Under the policy to stop too: leaving out turns is no way out."""
    for length in (400, 40_000):
        with pytest.raises(UserError) as caught:
            fit(request(conversation(10, 10, length), policy), 256, Counter())
        assert caught.value.code == "question_too_long"
        assert caught.value.data["needed"] == 2 + length + 3 + 32
    with pytest.raises(UserError) as caught:
        fit(request(conversation(100, 90, 10, 10, 60, pinned=[1]), policy), 256, Counter())
    assert caught.value.code == "pinned_too_long"
    assert caught.value.data["prompt_tokens"] == 2 + 103 + 93 + 63


def test_turns_return_to_a_larger_context() -> None:
    messages = conversation(60, 60, 60, 60, 20)
    _, small = fit(request(messages), 256, Counter())
    assert small.left_out
    _, same = fit(request(messages, left_out=small.left_out), 256, Counter())
    assert same.left_out == small.left_out
    _, grown = fit(request(messages, left_out=small.left_out), 2048, Counter())
    assert grown.left_out == ()
    many = conversation(*([60] * 40), 20)
    _, small = fit(request(many), 256, Counter())
    _, grown = fit(request(many, left_out=small.left_out), 1024, Counter())
    assert 0 < len(grown.left_out) < len(small.left_out)


def test_stop_policy_after_rolling_keeps_what_was_left_out() -> None:
    messages = conversation(60, 60, 60, 60, 20)
    _, rolled = fit(request(messages), 256, Counter())
    _, stopped = fit(request(messages, STOP, rolled.left_out), 256, Counter())
    assert stopped.left_out == rolled.left_out
    with pytest.raises(UserError) as caught:
        fit(request((*messages, *conversation(*([60] * 5), 90)[5:]), STOP, rolled.left_out), 256, Counter())
    assert caught.value.code == "context_full"


def test_continuation_needs_less_room() -> None:
    messages = conversation(60, 60, 20)
    _, fitted = fit(request(messages, prefill="y" * 90), 256, Counter())
    assert fitted.left_out == ()
    assert fitted.prompt_tokens == 2 + 63 + 63 + 23 + 90
    _, fitted = fit(request(messages, prefill="y" * 150), 256, Counter())
    assert fitted.left_out == ("0", "1")


def test_messages_without_id_are_kept() -> None:
    nameless = tuple(replace(message, id="") for message in conversation(100, 100, 30))
    with pytest.raises(UserError) as caught:
        fit(request(nameless), 256, Counter())
    assert caught.value.code == "pinned_too_long"


def test_room_for_an_answer() -> None:
    assert room_for_answer(8192, None) == 1024
    assert room_for_answer(8192, 40) == 40
    assert room_for_answer(8192, 4000) == 1024
    assert room_for_answer(8192, None, "begun") == 256
    assert room_for_answer(4, None) == 1


def fit_or_not(asked: ChatRequest, context: int, count: Counter) -> tuple[ChatRequest, ContextFitted] | UserError:
    try:
        return fit(asked, context, count)
    except UserError as error:
        return error


@pytest.mark.parametrize("seed", range(60))
def test_invariants_of_generated_conversations(seed: int) -> None:
    """Turn after turn of a growing conversation, with pins that come and go and a context that changes."""
    chance = random.Random(seed)
    context = chance.choice([128, 256, 1000, 4096])
    count = Counter(per_message=chance.choice([0, 3, 9]))
    policy = chance.choice([ROLL, ROLL, STOP])
    system = chance.choice([0, 0, context // 20])
    lengths: list[int] = []
    pinned: set[int] = set()
    out: tuple[str, ...] = ()
    read: tuple[PromptMessage, ...] = ()
    anew = asked = 0
    was_pinned = False
    for _turn in range(40):
        lengths.append(chance.randint(1, max(2, context // 12)))
        if chance.random() < 0.05:
            pinned ^= {chance.randrange(len(lengths))}
            was_pinned = True
        messages = conversation(*lengths, pinned=sorted(pinned), system=system)
        wanted = request(messages, policy, out)
        room = context - room_for_answer(context, None)
        asked += 1
        result = fit_or_not(wanted, context, count)
        if isinstance(result, UserError):
            assert result.data["needed"] > context
            rolling = fit_or_not(replace(wanted, context_policy=ROLL), context, count)
            assert result.code == ("pinned_too_long" if isinstance(rolling, UserError) else "context_full")
            assert policy is STOP or result is not rolling
            lengths.pop()
            pinned = {place for place in pinned if place < len(lengths)}
            if policy is ROLL:
                pinned.clear()
            elif chance.random() < 0.5:
                policy = ROLL
            continue
        fitting, fitted = result
        gone = set(fitted.left_out)
        assert fitted.prompt_tokens == count(fitting.messages, "", ())[0] <= room
        # Nothing goes without being told, and nothing told is there.
        assert [m.id for m in messages if m not in fitting.messages] == list(fitted.left_out)
        assert fitting.left_out == fitted.left_out
        assert {p.id for p in messages if p.is_pinned}.isdisjoint(gone)
        assert messages[-1] in fitting.messages
        assert not system or fitting.messages[0].role is SYSTEM
        # Whole turns, the oldest first: what may go and is older than something that went has gone too.
        groups = [turn for turn in turns(messages) if turn.can_go]
        went = [all(messages[p].id in gone for p in turn.indices) for turn in groups]
        assert [any(messages[p].id in gone for p in turn.indices) for turn in groups] == went
        if not was_pinned:
            assert went == sorted(went, reverse=True)
        if policy is STOP:
            assert gone <= set(out)
        if gone - set(out):
            larger = max(sum(len(messages[p].content) + count.per_message for p in turn.indices) for turn in groups)
            # What the template adds to each message is shared out evenly, so the step is about as long as meant.
            assert fitted.prompt_tokens <= (ROLL_TARGET + 0.05) * room or all(went)
            assert fitted.prompt_tokens >= (ROLL_TARGET - 0.05) * room - larger or pinned
        anew += fitting.messages[: len(read)] != read
        out, read = fitted.left_out, fitting.messages
        lengths.append(chance.randint(1, max(2, context // 12)))
    # Most turns find the beginning of their prompt as the one before left it; pins may leave too little room for steps.
    assert was_pinned or anew <= 0.5 * asked


def test_server_context_is_fitted_by_estimate() -> None:
    messages = tuple(PromptMessage((USER, ASSISTANT)[place % 2], "word " * 68, str(place)) for place in range(9))
    _, fitted = fit_by_estimate(request(messages), 700)
    assert len(fitted.left_out) == 6
    assert fitted.prompt_tokens == 394  # 1.25 times three messages of 100 and 5 tokens
    # Whether everything fits is the server's to say, and what it did not leave out it saw.
    for policy, context in ((STOP, 900), (STOP, 0), (ROLL, 0)):
        sent, fitted = fit_by_estimate(request(messages, policy, ("0", "1")), context)
        assert fitted.left_out == sent.left_out == ()
        assert sent.messages == messages
    # What can't fit isn't sent: some servers cut it without a word.
    with pytest.raises(UserError) as caught:
        fit_by_estimate(request(messages, STOP, ("0", "1")), 512)
    assert (caught.value.code, caught.value.data["prompt_tokens"]) == ("context_full", 945)
    with pytest.raises(UserError) as caught:
        fit_by_estimate(request((*messages[:-1], replace(messages[-1], content="word " * 700)), STOP), 512)
    assert caught.value.code == "question_too_long"


def message(place: int, content: str = "word", **more: object) -> Message:
    role = (USER, ASSISTANT)[place % 2]
    values: dict[str, object] = {"status": Status.COMPLETE, "content": content, "created_at": datetime.now(UTC), **more}
    return Message(str(place), "c", str(place - 1) if place else None, role, **values)  # type: ignore[arg-type]


def provenance(prompt: int, completion: int, left_out: tuple[str, ...] = (), reason: str = "stop") -> Provenance:
    return Provenance("m", Sampling(), 1, prompt, completion, reason, plan={"context": 256}, left_out=left_out)


def test_horizon_is_the_first_message_that_is_seen() -> None:
    branch = [message(place, is_pinned=place == 3) for place in range(8)]
    assert horizon(branch, ()) is None
    line = horizon(branch, ("0", "1", "4", "5"))
    assert line is not None
    assert line.first_seen == "6"
    assert line.still_seen == {"2", "3"}, "a question stays with its pinned answer"
    assert horizon(branch, ("gone",)) is None


def test_context_use_comes_from_the_newest_answer() -> None:
    branch = [
        message(0),
        message(1, provenance=provenance(20, 10)),
        message(2),
        message(3, provenance=provenance(90, 30, ("0",))),
    ]
    assert left_out_before(branch) == ("0",)
    assert left_out_before(branch[:3]) == ()
    use = context_use(branch, "", 256)
    assert (use.used, use.free, use.is_estimate, use.left_out) == (120, 136, False, ("0",))
    # A question whose answer never came is not sent again.
    stopped = [
        *branch,
        message(4, "x" * 500),
        message(5, "", status=Status.STOPPED, provenance=provenance(0, 0, ("0",))),
    ]
    assert context_use(stopped, "", 256).used == 120
    refused = [*branch, message(4), message(5, "", error={"code": "context_full", "prompt_tokens": 300})]
    use = context_use(refused, "", 256)
    assert (use.used, use.free) == (300, 0)
    assert context_use([], "", 256).used == 0


def test_context_use_is_estimated_without_figures() -> None:
    branch = [message(0, "word " * 100), message(1, "你好" * 100, is_pinned=True)]
    use = context_use(branch, "Be brief.", 4096)
    assert use.is_estimate
    assert 260 < use.used < 340
    assert use.pinned == ("1",)
    died = [message(0, "word " * 100), message(1, "x" * 340, provenance=provenance(0, 7))]
    assert context_use(died, "", 0).is_estimate


def test_full_context_is_distinguished_from_the_token_limit() -> None:
    assert filled_context(provenance(200, 56, reason="length"))
    assert not filled_context(provenance(200, 40, reason="length"))
    assert not filled_context(provenance(200, 56))
    assert not filled_context(replace(provenance(200, 56, reason="length"), plan={}))


def test_estimates_of_latin_and_chinese_text() -> None:
    assert estimated_tokens("") == 0
    assert estimated_tokens("a" * 340) == 100
    assert estimated_tokens("汉" * 100) == 70
    assert estimated_tokens("汉" * 100 + "a" * 340) == 170
