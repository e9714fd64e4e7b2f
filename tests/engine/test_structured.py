"""Answers of real models in the form of a JSON schema or a grammar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from tests.benchmarks.structured import check_answers
from tests.engine.requests import ask, load
from tests.rigs.tiny_model import write_tiny_model

PERSON = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 30},
            "age": {"type": "integer", "minimum": 1, "maximum": 120},
            "tags": {"type": "array", "items": {"enum": ["new", "ält", "🐲"]}, "maxItems": 2},
        },
        "required": ["name", "age", "tags"],
        "additionalProperties": False,
    }
)
HOT = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def check_person(text: str) -> None:
    person = json.loads(text)
    assert list(person) == ["name", "age", "tags"]
    assert 1 <= len(person["name"]) <= 30
    assert 1 <= person["age"] <= 120
    assert len(person["tags"]) <= 2
    assert {*person["tags"]} <= {"new", "ält", "🐲"}


def test_answers_match_the_schema_and_can_be_continued_anywhere(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    question = "Describe Anna, who is 31, as JSON."
    answer = ask(shared_engine, question, json_schema=PERSON)
    check_person(answer.text)
    assert "Anna" in answer.text
    assert answer.finished is not None
    assert answer.finished.finish_reason == "stop"
    for seed in range(2):
        check_person(ask(shared_engine, question, json_schema=PERSON, seed=seed, repeat_penalty=1.4, **HOT).text)
    for end in (12, len(answer.text) - 3):
        rest = ask(shared_engine, question, prefill=answer.text[:end], json_schema=PERSON)
        check_person(answer.text[:end] + rest.text)
    with pytest.raises(UserError) as caught:
        ask(shared_engine, question, prefill="Anna is", json_schema=PERSON)
    assert caught.value.code == "answer_not_in_format"


def test_a_cut_answer_is_marked(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    for cut, reason in (({"max_tokens": 5}, "length"), ({"stop": ("age",)}, "stop_sequence")):
        answer = ask(shared_engine, "Describe Anna as JSON.", json_schema=PERSON, **cut)
        assert answer.finished is not None
        assert answer.finished.finish_reason == reason
        assert answer.text.startswith("{")
        assert "age" not in answer.text


def test_characters_of_several_tokens_and_bytes_that_are_none(shared_engine: LocalEngine, tiny_model: Path) -> None:
    # The vocabulary has bytes and ASCII characters only, and at this temperature it writes any of them.
    load(shared_engine, tiny_model)
    assert ask(shared_engine, "?", json_schema='{"const": "é🐲"}').text == '"é🐲"'
    anything = json.dumps({"type": "string", "minLength": 20, "maxLength": 20})
    for seed in range(2):
        hot = ask(shared_engine, "?", json_schema=anything, seed=seed, temperature=100.0, top_k=0, top_p=1.0, min_p=0.0)
        assert len(json.loads(hot.text)) == 20
        assert "\ufffd" not in hot.text


def test_control_tokens_are_no_text_of_an_answer(engine: LocalEngine, tmp_path: Path) -> None:
    template = "{{ messages[0].content }}>"
    load(engine, write_tiny_model(tmp_path / "m.gguf", chat_template=template, script=('"a', "<|other|>", "bb")))
    answer = ask(engine, "Why?", json_schema='{"type": "string", "minLength": 9, "maxLength": 9}')
    assert len(json.loads(answer.text)) == 9


@pytest.mark.parametrize(
    ("template", "script", "text"),
    [
        (">", ("<think>", "hm", "</think>", "yes"), '"no"'),
        (">{# </think> #}", ("<think>", "hm", "</think>", "yes"), '<think>hm</think>"no"'),
        (">{# </think> #}", ("<think>", "hm"), '<think>hm</think>"no"'),
        (">{# </think> #}", ("yes", "<think>"), '"no"'),
        ("<think>", ("hm", "</think>", "yes"), '<think>hm</think>"no"'),
        ("{# <response></response> #}>", ("yes", "<response>"), '"no"'),
        ("{# [THINK] #}>", ("[THINK]", "hm", "[/THINK]", "yes"), '<think>hm</think>"no"'),
    ],
    ids=["template without thoughts", "thought", "end in a thought", "no thought", "opened", "answer mark", "control"],
)
def test_the_schema_begins_after_the_thoughts(
    engine: LocalEngine, tmp_path: Path, template: str, script: tuple[str, ...], text: str
) -> None:
    template = "{{ messages[0].content }}" + template
    load(engine, write_tiny_model(tmp_path / "thinks.gguf", chat_template=template, script=script))
    answer = ask(engine, "Why?", json_schema='{"const": "no"}')
    assert answer.finished is not None
    assert (answer.text, answer.finished.finish_reason) == (text, "stop")


def test_a_grammar_that_is_wrong_or_explodes_ends_only_its_answer(shared_engine: LocalEngine, tiny_model: Path) -> None:
    load(shared_engine, tiny_model)
    child = shared_engine.pid
    for grammar, code in (
        ('root ::= ("yes', "grammar_invalid"),
        ("root ::= " + "(" * 5000 + '"a"' + ")" * 5000, "grammar_invalid"),
        ('other ::= "a"', "grammar_invalid"),
        ('root ::= "x" root "y" | "x" root "z"', "grammar_too_costly"),
    ):
        with pytest.raises(UserError) as caught:
            ask(shared_engine, "?", grammar=grammar)
        assert caught.value.code == code
    assert ask(shared_engine, "?", grammar='root ::= "yes" | "no"').text in ("yes", "no")
    with pytest.raises(UserError) as caught:
        ask(shared_engine, "?", json_schema='{"type": "object", "not": {}}')
    assert (caught.value.code, caught.value.data["keyword"]) == ("schema_unsupported", "not")
    assert shared_engine.pid == child


@pytest.mark.slow
def test_the_engine_accepts_the_grammars_of_the_public_suite(shared_engine: LocalEngine, tiny_model: Path) -> None:
    load(shared_engine, tiny_model)
    found = check_answers(shared_engine, 301, 40)
    assert found["problems"] == []
    assert found["valid"] > 100
