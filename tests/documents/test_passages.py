"""Passages of long texts, and which of them are chosen for a question."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from app.documents.passages import PASSAGE_BYTES, cut, page_count
from app.documents.ranking import index_of, rank, spread

ENGLISH = "\n\n".join(
    [
        "# Manual",
        "## Installation\n",
        "Copy the archive to the server and unpack it. " * 8,
        "## Configuration",
        "The retention period is set in days; backups older than that are deleted every night. " * 6,
        "### Networks",
        "The daemon listens on port 8443, and refuses connections without a certificate. " * 6,
    ]
    + [f"Chapter {n} tells of other matters, such as matter number {n}. " * 12 for n in range(40)]
)
CHINESE = "\n\n".join(
    [
        "[Page 1]",
        "# 员工手册",
        "本手册适用于全体员工。" * 10,
        "[Page 2]",
        "## 年假",
        "工作满一年的员工每年享有十天带薪年休假，未休的年假可以顺延到次年三月。" * 5,
        "[Page 3]",
        "## 报销",
        "差旅费用须在出差结束后三十日内提交报销单，并附上发票原件。" * 5,
        *(f"[Page {n}]\n\n" + f"其他规定第{n}条，详见附录。" * 3 for n in range(4, 60)),
    ]
)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, "x" * 20_000, "no end " * 5000, "a\n" * 9000, "", "\n\n\n"])
def test_passages_contain_the_whole_text_in_order_and_are_small(text: str) -> None:
    passages = cut(text)
    joined = "".join(text[each.start : each.end] for each in passages)
    assert "".join(joined.split()) == re.sub(r"\[Page \d+\]|\s", "", text)
    assert all(one.end <= two.start for one, two in pairwise(passages))
    assert all(len(text[each.start : each.end].encode()) <= 2 * PASSAGE_BYTES for each in passages)


def test_passages_know_their_pages_and_headings() -> None:
    passages = cut(CHINESE)
    assert page_count(CHINESE) == 59
    assert [each.page for each in passages] == sorted(each.page for each in passages)
    holiday = next(each for each in passages if "年休假" in CHINESE[each.start : each.end])
    assert (holiday.page, holiday.headings) == (2, "员工手册 › 年假")
    networks = next(each for each in cut(ENGLISH) if "8443" in ENGLISH[each.start : each.end])
    assert networks.headings == "Manual › Configuration › Networks"
    underlined = "Manual\n======\n\nIntroduction\n------------\n\nIt floats.\n\na | b\n-----\n\nSplash\n-"
    assert [each.headings for each in cut(underlined)] == ["Manual"]
    (first, *_, last) = cut(underlined.replace("It floats.", "It floats. " * 90))
    assert (first.headings, last.headings) == ("Manual", "Manual › Introduction")


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (ENGLISH, "Which port does the daemon use?", "8443"),
        (ENGLISH, "How long are old backups retained?", "retention period"),
        (ENGLISH, "How do I install it?", "unpack"),
        (CHINESE, "员工每年有多少天年假？", "十天带薪"),
        (CHINESE, "报销单什么时候提交？", "三十日内"),
        (CHINESE, "第 3 页讲了什么？", "报销"),
    ],
)
def test_the_passage_with_the_answer_is_first(text: str, question: str, answer: str) -> None:
    index = index_of(text)
    (_, place), *_ = rank([index], question)
    passage = index.passages[place]
    assert answer in text[passage.start : passage.end]


@pytest.mark.parametrize(
    "question",
    ["Summarise this", "What is this document about?", "总结一下", "这份文件主要讲了什么内容？", "", "xylophone"],
)
def test_question_that_names_nothing_gets_the_beginning_and_passages_all_over(question: str) -> None:
    indexes = [index_of(ENGLISH), index_of(CHINESE)]
    assert rank(indexes, question) == []
    everything = spread(indexes)
    assert sorted(everything) == [(n, place) for n, index in enumerate(indexes) for place in range(len(index.passages))]
    for few in (12, 20, 40):
        chosen = everything[:few]
        assert {(0, 0), (1, 0)} <= set(chosen)
        for number, index in enumerate(indexes):
            places = sorted(place for which, place in chosen if which == number)
            assert places[-1] > len(index.passages) * 0.7
            assert max(b - a for a, b in pairwise(places)) <= len(index.passages) / 2


def test_all_of_a_small_text_is_spread() -> None:
    index = index_of("One.\n\nTwo.")
    assert spread([index]) == [(0, 0)]
    assert spread([]) == []
