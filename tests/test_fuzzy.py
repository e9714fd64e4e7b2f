"""Fuzzy search: parts of words, first letters, pinyin initials, and its order; no text makes it slow."""

from __future__ import annotations

import random
import time

import pytest

from app.fuzzy import FuzzyIndex


def found(texts: list[str], query: str, limit: int = 10) -> list[str]:
    return [texts[match.number] for match in FuzzyIndex(texts).search(query, limit)]


def marked(text: str, query: str) -> str:
    (match,) = FuzzyIndex([text]).search(query, 1)
    return "".join(f"[{each}]" if at in match.positions else each for at, each in enumerate(text))


def test_better_matches_come_first() -> None:
    texts = ["a reset by mistake", "Unset", "Settings", "My settings", "south east town", "Closest"]
    assert found(texts, "set") == ["Settings", "My settings", "a reset by mistake", "Unset", "south east town"]
    assert found(texts, "sgs") == ["Settings", "My settings"]
    assert found(texts, "") == texts
    assert found(texts, "settings my") == ["My settings"]
    assert found(texts, "zzz") == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("量子力学导论", "lzlx"),
        ("银行开户", "yhkh"),
        ("重庆火锅", "cq"),
        ("重要的事", "zy"),
        ("关于 Python 的问题", "gyp"),
        ("鑫璐的琵琶", "xldpp"),
        ("電腦與網路", "dnywl"),
        ("量子力学导论", "力学"),
        ("新建对话", "xjdh"),
        ("Café Ölberg", "ölb"),
        ("导出对话", "daochu"),
        ("导出对话", "daochuduihua"),
        ("导出对话", "daoch"),
        ("导出对话", "dcduihua"),
        ("绿色主题", "lvse"),
        ("西安方案", "xianfangan"),
        ("临时对话（不保存）", "linshiduihuabubaocun"),
        ("重庆银行", "chongqing"),
        ("重要的事", "zhongyaodeshi"),
    ],
)
def test_chinese_is_found_by_initials_and_by_itself(text: str, query: str) -> None:
    assert found(["nothing", text, "其他"], query) == [text]


def test_matched_characters_are_known() -> None:
    assert marked("New conversation", "nc") == "[N]ew [c]onversation"
    assert marked("量子力学 notes", "lx") == "量子[力][学] notes"
    assert marked("My settings", "tin") == "My set[t][i][n]gs"
    assert marked("把对话导出为文件", "daochu") == "把对话[导][出]为文件"
    assert marked("red and green", "green red") == "[r][e][d] and [g][r][e][e][n]"


def test_special_characters_are_literal() -> None:
    texts = ["a.b", "axb", "C++ [draft]", "x^y-z", "50 % & more", "back\\slash", "two\nlines"]
    assert found(texts, "a.b") == ["a.b"]
    assert found(texts, "c++") == ["C++ [draft]"]
    assert found(texts, "]") == ["C++ [draft]"]
    assert found(texts, "^") == ["x^y-z"]
    assert found(texts, "\\s") == ["back\\slash"]
    assert found(texts, "lines") == ["two\nlines"]
    assert FuzzyIndex([]).search("a", 5) == []


def test_every_match_contains_the_letters_in_order() -> None:
    random.seed(3)
    letters = "ab c量力导"
    texts = ["".join(random.choices(letters, k=random.randrange(12))) for _ in range(500)]
    index = FuzzyIndex(texts)
    for query in ("ab", "c a", "ldl", "abc", "量力", "aaa"):
        matches = index.search(query, 500)
        assert len({match.number for match in matches}) == len(matches)
        assert [match.rank for match in matches] == sorted(match.rank for match in matches)
        contiguous = {n for n, text in enumerate(texts) if all(word in text for word in query.split())}
        assert contiguous <= {match.number for match in matches}


def test_no_text_makes_it_slow() -> None:
    hostile = ["a" * 2000 + "b" * 2000, "ab " * 1500, "aaaa bbbb " * 400, "。" * 4000]
    index = FuzzyIndex(hostile * 5)
    before = time.process_time()
    for query in ("a" * 40 + "c", "an" * 40 + "c", "abababababc", "abcabc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaz"):
        assert index.search(query, 10) == []
    assert time.process_time() - before < 5


def test_a_paste_is_searched_by_its_beginning() -> None:
    title = "A title that is somewhat longer than what is compared of it, so that its end makes no difference"
    begin = time.thread_time()
    assert found([title, "other"], title * 20_000) == [title]
    assert time.thread_time() - begin < 2
