"""Thoughts: split from an answer, and translated from the marks of each model while they arrive."""

from __future__ import annotations

import pytest

from app.thoughts import MARKS, ThoughtMarks, ThoughtStream, split_thought, thinking_choices

HARMONY = next(marks for marks in MARKS if "analysis" in marks.open)
KIMI = next(marks for marks in MARKS if marks.sign == "<|open|>")


def read(text: str, size: int = 1000, **options: object) -> str:
    stream = ThoughtStream(**options)  # type: ignore[arg-type]
    return "".join(stream.add(text[at : at + size]) for at in range(0, len(text), size)) + stream.finish()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks.open)
def test_each_models_marks_become_the_standard_tags(marks: ThoughtMarks, size: int) -> None:
    thoughtful = f"\n{marks.open}a < b | [c]{marks.close}The answer <b>."
    assert read(thoughtful, size).lstrip() == "<think>a < b | [c]</think>The answer <b>."
    assert read(f"a thought{marks.close}The answer.", size, marks=marks, thinks=True, opened="<think>\n") == (
        "<think>\na thought</think>The answer."
    )
    assert read(f"{marks.answer}The answer.", size, marks=marks) == "The answer."
    assert read(f"{marks.open}only a thought", size) == "<think>only a thought"


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_harmony_with_several_messages(size: int) -> None:
    text = (
        "<|channel|>analysis<|message|>First.<|end|><|start|>assistant<|channel|>analysis<|message|>Second.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>The answer."
    )
    assert read(text, size, marks=HARMONY) == "<think>First.Second.</think>The answer."
    assert read("<|channel|>analysis<|message|>Cut.<|end|><|start|>assis", size, marks=HARMONY) == "<think>Cut."
    preamble = "<|channel|>commentary<|message|>Well.<|end|><|start|>assistant<|channel|>final<|message|>So."
    assert read(preamble, size, marks=HARMONY) == "Well.So."


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_marks_after_an_answer_are_no_part_of_it(size: int) -> None:
    text = "Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|><|close|>message<|sep|>"
    assert read(text, size, marks=KIMI, thinks=True, opened="<think>") == "<think>Hm.</think>Yes."


@pytest.mark.parametrize(
    "text", ["", "<", "<thin", "Here is", "Here is my plan: [THINK]", "a <|end|> b <channel|>", "\n\n"]
)
def test_other_text_is_not_changed(text: str) -> None:
    assert read(text, 1) == text
    assert read(text + " and more", 2) == text + " and more"


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>hm</think>\n\n<answer>42</answer>", "<think>hm</think>\n\n42"),
        ("<thinking>hm</thinking>\n<answer>\n42\n</answer>\n", "<think>hm</think>\n\n42\n\n"),
        ("<reasoning>hm</reasoning> 42", "<think>hm</think> 42"),
        ("<answer>42</answer> It is.", "42 It is."),
        ("<answer>cut off </ans", "cut off </ans"),
        ("<answer>It ends with `</answer>`.</answer>", "It ends with `</answer>`."),
        ("<answer>```\n</answer>\n```\nis XML.</answer>", "```\n</answer>\n```\nis XML."),
        ("The tag <answer> has </answer>.", "The tag <answer> has </answer>."),
        ("`<thinking>` comes before <answer>.", "`<thinking>` comes before <answer>."),
        (
            "<think>Is <answer> a </answer>?</think>Yes: <answer>.",
            "<think>Is <answer> a </answer>?</think>Yes: <answer>.",
        ),
        ("<answers>", "<answers>"),
        ("<think>hm</think>\n", "<think>hm</think>\n"),
    ],
)
def test_tags_around_an_answer_are_no_part_of_it(text: str, shown: str, size: int) -> None:
    assert read(text, size) == shown


@pytest.mark.parametrize("size", [1, 1000])
def test_tags_around_an_answer_after_a_thought_that_the_prompt_opened_or_left_out(size: int) -> None:
    assert read("hm</think><answer>42</answer>", size, thinks=True, opened="<think>\n") == "<think>\nhm</think>42"
    assert read("<answer>42</answer>", size, thinks=False) == "42"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The answer.", ("", True, "The answer.")),
        ("<think>hm</think>Yes.", ("hm", True, "Yes.")),
        (" \n<think>hm", ("hm", False, "")),
        ("Let me see.\n</think>\n\nYes.", ("Let me see.\n", True, "\n\nYes.")),
        ("I think</think>Yes.", ("I think", True, "Yes.")),
        ("</think>Yes.", ("", True, "Yes.")),
        ("The tag `</think>` ends a thought.", None),
        ("After <think> comes </think>.", None),
        ("```\na\n</think>\n```\nis a log.", None),
        ("It ends with “</think>” then.", None),
    ],
)
def test_split(text: str, parts: tuple[str, bool, str] | None) -> None:
    assert split_thought(text) == (parts or ("", True, text))


@pytest.mark.parametrize(
    ("template", "choices"),
    [
        ("{%- if enable_thinking is defined and enable_thinking is false %}x{% endif %}", ("off", "on")),
        ("{% if not thinking is defined %}{% set thinking = false %}{% endif %}", ("off", "on")),
        (
            "{%- if reasoning_effort is not defined %}{%- set reasoning_effort = 'medium' %}{% endif %}",
            ("low", "medium", "high"),
        ),
        ("{% if enable_thinking and reasoning_effort %}x{% endif %}", ("off", "on", "low", "medium", "high")),
        ("{{ message.thinking }}{{ message['thinking'] }} thinking {{ 'detailed thinking on' }}", ()),
        ("{{ not_thinking }}{{ thinking_modes }}", ()),
        ("{% set ns = namespace(enable_thinking = true) %}{% if ns.enable_thinking %}x{% endif %}", ()),
        ("{% set thinking = 'x' in messages[0].content %}{% if thinking %}x{% endif %}", ()),
        ("{% if thinking == true %}x{% endif %}", ("off", "on")),
        ("{%- set enable_thinking = enable_thinking | default(true) -%}", ("off", "on")),
        ("{% if reasoning_effort not in ['high', 'low', 'no_think'] %}x{% endif %}", ("low", "high")),
        ('{% if thinking and reasoning_effort == "max" %}x{% endif %}', ("off", "on", "max")),
        (
            "{% set reasoning = reasoning if reasoning is defined else reasoning_effort | lower != 'none' %}",
            ("off", "on"),
        ),
        ("", ()),
    ],
)
def test_choices_of_a_template(template: str, choices: tuple[str, ...]) -> None:
    assert thinking_choices(template) == choices


@pytest.mark.parametrize(
    "part", ["{{", "{% '", "{% reasoning_effort in [ ", "{{ thinking =", "{% reasoning_effort | x == '"]
)
def test_hostile_templates_are_searched_in_linear_time(part: str) -> None:
    """None of these would end here if the time grew faster than the length."""
    assert len(thinking_choices(part * 200_000)) <= 6
