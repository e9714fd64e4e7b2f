"""Ranking of passages for a question: BM25 over the beginnings of words, and over pairs of Chinese characters.

Words that the best passages share are searched too, with less weight.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from itertools import islice, takewhile

from app.documents.passages import Passage, cut
from app.store.folding import fold

K1, B = 1.2, 0.75
"""Parameters of BM25 (Robertson and Zaragoza 2009): saturation of frequent terms, weight of a passage's length."""
NEIGHBOUR = 0.3
"""Share of a passage's score, and of its similarity, that the passages before and after it get.

An answer can begin in one of them.
"""
COMMON, COMMON_SHARE = 1500, 4
"""A term in more passages than this number, and than this part of a text's, tells nothing and would take long."""
MEANING = 0.5
"""Weight of the similarities beside the scores of the words."""
COVERED = 0.5
"""A passage with this share of the score that a question's words can reach counts as much as the most similar one.

Where no passage has many of them, as for a question in other words, the similarities decide.
"""
FEEDBACK_PASSAGES, FEEDBACK_TERMS, FEEDBACK = 5, 30, 0.5
"""Passages whose words are searched too, the number of these words, and the weight of the first of them."""
BASE = 8
"""Of the numbers in the index: place of a passage times this, and how often it contains the word, at most 7."""
MAX_RANKED = 1000
MAX_TERMS = 48
MIN_STEM = 4
"""Letters; shorter words are searched as a whole."""
_ENDINGS = re.compile(r"(?<=\w)['’](?:s|t|d|m|ll|re|ve)\b")
"""Of *what's* and *operator's*: no words, and single letters occur everywhere."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\W_]+")
_PAGE = re.compile(r"\bpages? (\d{1,5})\b|\bp\. ?(\d{1,5})\b|第 ?(\d{1,5}) ?页")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")
_STOP_WORDS = """
    a about above according after again all also am an and any are as at be because been before being between
    both but by can could did do does doing down during each explain few find for from further get give had
    has have having he her here hers him his how i if in into is it its just like list made make many may me
    mention mentioned more most much must my name no nor not of off on once one only or other our out over own
    please said same say says she should show so some such take tell than that the their them then there these
    they this those through to too under until up us use used very was we were what when where which while who
    whom whose why will with would you your
"""
_GENERAL = """
    attached attachment attachments author brief briefly chapter chapters content contents describe document documents
    essential file files gist idea ideas important key main outline overview paper paragraph part pdf point points
    section short sum summaries summarise summarised summarising summarize summarized summarizing summary takeaways text
    topic topics translate whole
"""
"""Words that name nothing within a document."""
_NO_TERMS = frozenset((_STOP_WORDS + _GENERAL).split())
_CHINESE_STOP = re.compile(
    "请问|请|帮我|告诉|什么|怎么样|怎么|怎样|如何|哪些|哪个|哪里|哪儿|哪一|哪年|为什么|为何|多少|多久|是否|是不是|有没有|能不能|可以|"
    "这个|那个|这份|那份|这篇|这本|这些|那些|一下|一个|根据|按照|关于|其中|以及|"
    "的|了|吗|呢|吧|啊|是|在|和|与|或|及|对|把|被|从|到|里|中|上|下|有|用|我们|我|你|您|它|他|她|这|那|谁|几|个|会|要|能|应该|应|需要|需|"
    "说了|说|讲"
)
_CHINESE_GENERAL = re.compile(
    "文档|文件|文章|文本|附件|资料|论文|报告|全文|全书|本文|书|内容|总结|概括|概述|概要|摘要|归纳|梳理|要点|重点|主旨|大意|主要|介绍|说明|描述|简要|"
    "简述|简单|大概|翻译|分析"
)


@dataclass(frozen=True, slots=True)
class Term:
    """A word that is searched, or the beginning of words."""

    text: str
    is_prefix: bool
    weight: float = 1.0


class PassageIndex:
    """A text prepared for the ranking: which passages contain a word, or a pair of Chinese characters, how often."""

    def __init__(self, text: str) -> None:
        self.passages: Sequence[Passage] = cut(text)
        self.lengths: list[int] = []
        self._text = text
        self._found: dict[str, array[int]] = {}
        for place, passage in enumerate(self.passages):
            folded = f"{fold(passage.headings)}\n{self._folded(place)}"
            self.lengths.append(len(folded.encode("utf-8", "replace")))
            for word, count in Counter(_words(folded)).items():
                self._found.setdefault(word, array("I")).append(place * BASE + min(count, BASE - 1))
        self._vocabulary = sorted(self._found)

    def words(self, place: int) -> Counter[str]:
        """Return the words of a passage, and how often it contains them."""
        return Counter(_words(self._folded(place)))

    def frequencies(self, term: Term) -> dict[int, int]:
        """Return how often the passages contain a term, by their places."""
        words: Iterable[str] = (term.text,)
        if term.is_prefix:
            rest = islice(self._vocabulary, bisect_left(self._vocabulary, term.text), None)
            words = takewhile(lambda word: word.startswith(term.text), rest)
        found: dict[int, int] = {}
        for word in words:
            for each in self._found.get(word, ()):
                place, count = divmod(each, BASE)
                found[place] = found.get(place, 0) + count
        return found

    def _folded(self, place: int) -> str:
        return fold(self._text[self.passages[place].start : self.passages[place].end])


@lru_cache(maxsize=32)
def index_of(text: str) -> PassageIndex:
    """Return the index of a text; 2,000 pages take about a second, and nothing the next time."""
    return PassageIndex(text)


def rank(
    indexes: Sequence[PassageIndex], question: str, similarities: Sequence[Sequence[float]] | None = None
) -> list[tuple[int, int]]:
    """Return the passages that match a question, the best first, each as the places of its index and of itself.

    ``similarities`` of all passages to the question count beside its words.  Empty where the question names nothing
    that the texts contain, and there are no similarities.
    """
    folded = fold(question)
    scores: Sequence[Sequence[float]]
    scores, highest = _scores(indexes, _terms(folded))
    if similarities is not None:
        similarities = _with_neighbours(similarities)
    if expansion := _expansion(indexes, _with_meaning(_with_neighbours(scores), highest, similarities)):
        more, _ = _scores(indexes, expansion)
        scores = [[a + b for a, b in zip(*each, strict=True)] for each in zip(scores, more, strict=True)]
    scores = _with_meaning(_with_neighbours(scores), highest, similarities)
    pages = {int(number) for match in _PAGE.findall(folded) for number in match if number}
    if pages:
        bonus = 1 + max((max(row, default=0.0) for row in scores), default=0.0)
        scores = [
            [own + bonus * (passage.page in pages) for own, passage in zip(row, index.passages, strict=True)]
            for row, index in zip(scores, indexes, strict=True)
        ]
    ranked = ((-value, number, place) for number, row in enumerate(scores) for place, value in enumerate(row) if value)
    return [(number, place) for _, number, place in nsmallest(MAX_RANKED, ranked)]


def _with_meaning(
    scores: Sequence[Sequence[float]], highest: float, similarities: Sequence[Sequence[float]] | None
) -> Sequence[Sequence[float]]:
    """Return the mean of scores and similarities, where there are any.

    The scores are scaled by the highest one that is possible, the similarities by their range (as the theoretical
    normalisation of Bruch, Gai and Ingber 2023).
    """
    if similarities is None:
        return scores
    unit = COVERED * highest or 1.0
    values = [value for row in similarities for value in row]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [
        [
            (1 - MEANING) * own / unit + MEANING * (value - low) / (high - low or 1.0)
            for own, value in zip(*rows, strict=True)
        ]
        for rows in zip(scores, similarities, strict=True)
    ]


def names_something(question: str) -> bool:
    """Return whether a question contains words that can be searched."""
    return bool(_terms(fold(question)))


def spread(indexes: Sequence[PassageIndex]) -> list[tuple[int, int]]:
    """Return all passages for a question that names nothing, as ``rank`` does.

    Of any number of the first ones a quarter is from the beginning of the texts, and the others are at about equal
    distances: their places are those of van der Corput's sequence.
    """
    places = [(number, place) for number, index in enumerate(indexes) for place in range(len(index.passages))]
    bits = max(1, (len(places) - 1).bit_length())
    reversed_numbers = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    all_over = iter([places[number] for number in reversed_numbers if number < len(places)])
    beginning = iter(sorted(places, key=lambda each: each[1]))
    order = (next(beginning if number % 4 == 0 else all_over, None) for number in range(2 * len(places)))
    return [*dict.fromkeys(each for each in order if each is not None)]


def _scores(indexes: Sequence[PassageIndex], terms: Iterable[Term]) -> tuple[list[list[float]], float]:
    """Return the scores of all passages by BM25, and the highest score that is possible."""
    count = sum(len(index.passages) for index in indexes)
    average = sum(sum(index.lengths) for index in indexes) / max(1, count)
    scores, highest = [[0.0] * len(index.passages) for index in indexes], 0.0
    for term in terms:
        found = [index.frequencies(term) for index in indexes]
        containing = sum(map(len, found))
        if containing > max(COMMON, count // COMMON_SHARE):
            continue
        weight = term.weight * _rarity(count, containing)
        highest += weight * (K1 + 1)
        for index, score, frequencies in zip(indexes, scores, found, strict=True):
            for place, frequency in frequencies.items():
                norm = K1 * (1 - B + B * index.lengths[place] / average)
                score[place] += weight * frequency * (K1 + 1) / (frequency + norm)
    return scores, highest


def _rarity(count: int, containing: int) -> float:
    return math.log(1 + (count - containing + 0.5) / (containing + 0.5))


def _with_neighbours(scores: Sequence[Sequence[float]]) -> list[list[float]]:
    best = [map(max, [0.0, *score], [*score[1:], 0.0]) for score in scores]
    return [
        [own + NEIGHBOUR * beside for own, beside in zip(score, other, strict=False)]
        for score, other in zip(scores, best, strict=True)
    ]


def _expansion(indexes: Sequence[PassageIndex], scores: Sequence[Sequence[float]]) -> list[Term]:
    """Return words that the best passages share, for passages that say the same in other words.

    As the relevance model of Lavrenko and Croft 2001.
    """
    places = ((-value, number, place) for number, row in enumerate(scores) for place, value in enumerate(row) if value)
    best = nsmallest(FEEDBACK_PASSAGES, places)
    shares: dict[str, float] = {}
    for value, number, place in best:
        words = indexes[number].words(place)
        part = -value / max(1, words.total())
        for word, frequency in words.items():
            if len(word) > 1 and word not in _NO_TERMS and not word.isdigit() and not _CHINESE_STOP.search(word):
                shares[word] = shares.get(word, 0.0) + part * frequency
    count = sum(len(index.passages) for index in indexes)
    terms = {word: Term(word, is_prefix=False) for word in shares}
    rarities = {
        word: _rarity(count, sum(len(index.frequencies(term)) for index in indexes)) for word, term in terms.items()
    }
    chosen = nsmallest(FEEDBACK_TERMS, ((-share * rarities[word], word) for word, share in shares.items()))
    return [Term(word, False, FEEDBACK * value / chosen[0][0]) for value, word in chosen]


def _words(folded: str) -> Iterator[str]:
    """Yield the words of a folded text, and the pairs of Chinese characters with the last one of a run."""
    for word in _WORD.findall(folded):
        if _is_chinese(word):
            yield from (word[place : place + 2] for place in range(len(word)))
        else:
            yield word


def _terms(folded: str) -> list[Term]:
    """Return what a folded question names: the stems of its words, and the pairs of its Chinese characters."""
    terms: list[Term] = []
    for word in _WORD.findall(_ENDINGS.sub("", folded)):
        if _is_chinese(word):
            for part in _CHINESE_GENERAL.sub(" ", _CHINESE_STOP.sub(" ", word)).split():
                pairs = [Term(part[place : place + 2], is_prefix=False) for place in range(len(part) - 1)]
                terms += pairs or [Term(part, is_prefix=True)]
        elif word not in _NO_TERMS:
            stem = _stem(word)
            terms.append(Term(stem, is_prefix=len(stem) >= MIN_STEM))
    return list(dict.fromkeys(terms))[:MAX_TERMS]


def _stem(word: str) -> str:
    """Return the beginning that the forms of an English word share."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= MIN_STEM and not word.endswith("ss"):
            stem = word[: -len(suffix)]
            return stem[:-1] if stem[-1] == stem[-2] and len(stem) > MIN_STEM else stem
    return word


def _is_chinese(word: str) -> bool:
    return word[0] >= "\u3040"
