"""Ranking of the catalogue's open models: for eight kinds of machine, and for hubs that lack models or are silent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.planning.open_models import ModelSuggestions, Suggestions, leads, open_models
from app.planning.published_model import PublishedHeaders, candidates
from app.services import Services
from model_manager.hub.access import Access
from model_manager.plan.load_spec import PlanOptions
from tests.plan.plan_builders import GIB, ram
from tests.rigs.fake_hub import FakeHub
from tests.rigs.open_model_files import publish_open_models

Rank = Callable[..., Suggestions]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        publish_open_models(fake, tmp_path_factory.mktemp("open_models"))
        yield fake


@pytest.fixture
def rank(services: Services, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Rank:
    """Rank for simulated GPUs and RAM, on a processor with 8 cores and two channels of memory."""
    reader = services.planning._reader
    monkeypatch.setattr(reader, "host", lambda *, available_bytes, measure=True: ram(available_bytes / GIB, 45e9))

    def rank(*gpus: float, ram_gib: float, url: str = hub.url) -> Suggestions:
        def access() -> Access:
            return Access(endpoint=url, authority=url, proxy="")

        hub.reset()
        headers = rank.headers = PublishedHeaders(access)  # type: ignore[attr-defined]
        return ModelSuggestions(services.planning, headers, access).rank(simulated_gpus=gpus, simulated_ram=ram_gib)

    return rank


@pytest.mark.parametrize(
    ("gpus", "ram_gib", "names", "least_speed"),
    [
        pytest.param((), 5.5, {"Qwen3.5 4B"}, 10, id="laptop, 8 GiB"),
        pytest.param((), 13, {"Qwen3.5 9B", "gpt-oss 20B", "Gemma 4 26B A4B"}, 10, id="laptop, 16 GiB"),
        pytest.param((), 28, {"Gemma 4 26B A4B", "Qwen3.6 35B A3B"}, 12, id="desktop, 32 GiB"),
        pytest.param((7.5,), 13, {"Qwen3.5 9B", "Gemma 4 26B A4B", "Qwen3.6 35B A3B"}, 25, id="8 GB GPU"),
        pytest.param(
            (11.5,), 28, {"Ministral 3 14B", "Qwen3.6 27B", "Qwen3.6 35B A3B", "Gemma 4 26B A4B"}, 10, id="12 GB GPU"
        ),
        pytest.param((15.5,), 28, {"Qwen3.6 27B", "Gemma 4 31B"}, 15, id="16 GB GPU"),
    ],
)
def test_each_machine_gets_a_model_that_suits_it(
    rank: Rank, services: Services, gpus: tuple[float, ...], ram_gib: float, names: set[str], least_speed: float
) -> None:
    found = rank(*gpus, ram_gib=ram_gib)
    best = found.best
    assert best is not None
    assert best.plan is not None
    assert best.model.name in names
    assert best.plan.verdict != "does_not_fit"
    assert best.tokens_per_second >= least_speed
    assert best.published.bytes < sum(gpus, ram_gib) * GIB
    assert best.published.quantisation in ("Q3_K_M", "Q4_K_M", "Q6_K", "Q8_0", "MXFP4")
    # All are listed, the good ones first and what does not fit last.
    assert {each.model for each in found.models} == set(open_models())
    fits = [each.fits for each in found.models]
    assert fits == sorted(fits, reverse=True)
    assert not all(fits)
    assert leads(services.planning.recommend(simulated_gpus=gpus, simulated_ram=ram_gib)) is None


@pytest.mark.parametrize(
    ("gpus", "ram_gib", "quantisation"),
    [
        pytest.param((23.5, 23.5, 23.5), 60, "Q4_K_M", id="three 24 GB GPUs"),
        pytest.param((79.5, 79.5), 120, "Q4_K_M", id="two 80 GB GPUs"),
    ],
)
def test_the_home_model_leads_where_it_runs_well(
    services: Services, gpus: tuple[float, ...], ram_gib: float, quantisation: str
) -> None:
    best = leads(services.planning.recommend(simulated_gpus=gpus, simulated_ram=ram_gib))
    assert best is not None
    assert best.quantisation == quantisation


def test_speeds_by_size_are_near_those_of_plans(rank: Rank) -> None:
    found = rank(23.5, 23.5, ram_gib=60).models
    by_size = [each for each in found if each.plan is None and each.fits]
    assert len(by_size) > 3
    # Nothing reads 3 billion weights for a token faster than it starts the work of all layers.
    assert max(each.tokens_per_second for each in by_size if each.model.active) < 260
    for each in by_size:
        usual = each.published.bytes * each.model.used_share / 0.8e12 + 48 * (80e-6 if each.model.active else 40e-6)
        assert each.tokens_per_second < 1.3 / usual, each.model.name


@pytest.mark.parametrize(("gpus", "ram_gib"), [((), 5.5), ((), 13), ((), 24), ((11.5,), 28)], ids=str)
def test_what_is_recommended_is_planned_by_its_own_header(
    rank: Rank, services: Services, gpus: tuple[float, ...], ram_gib: float
) -> None:
    best = rank(*gpus, ram_gib=ram_gib).best
    assert best is not None
    assert best.plan is not None
    candidate = candidates((best.published,), rank.headers)  # type: ignore[attr-defined]
    machine = {"simulated_gpus": gpus, "simulated_ram": ram_gib}
    (judged,) = services.planning.recommend(candidates=candidate, **machine)
    assert best.plan == services.planning.load_plan_of(judged, candidate, PlanOptions(), **machine)


def test_few_headers_are_read(rank: Rank, hub: FakeHub) -> None:
    best = rank(7.5, ram_gib=13).best
    assert best is not None
    assert 1 <= hub.count("cdn", "GET") <= 4
    assert hub.count("api", "GET") == len(open_models())


def test_a_repository_that_is_gone_disappears(rank: Rank, hub: FakeHub) -> None:
    gone = next(each for each in open_models() if each.name == "Qwen3.5 4B")
    files = hub.repos.pop(gone.repository)
    try:
        found = rank(ram_gib=5.5)
    finally:
        hub.repos[gone.repository] = files
    assert found.problem is None
    assert gone not in [each.model for each in found.models]
    assert found.best is not None


@pytest.mark.parametrize(
    ("gpus", "ram_gib"), [((), 5.5), ((), 13), ((7.5,), 13), ((11.5,), 28), ((15.5,), 28)], ids=str
)
def test_a_hub_that_cannot_be_reached_is_the_problem_and_the_likely_recommendation_is_known(
    rank: Rank, gpus: tuple[float, ...], ram_gib: float
) -> None:
    found = rank(*gpus, ram_gib=ram_gib, url="http://127.0.0.1:9")
    assert found.models == ()
    assert found.best is None
    assert found.problem is not None
    assert found.problem.data["host"] == "127.0.0.1:9"
    online = rank(*gpus, ram_gib=ram_gib)
    assert online.expected is None
    assert found.expected is not None
    # The files of the hub's listing have other sizes: it is one of those that are the best with them.
    scores = {each.model: each.score for each in online.models}
    assert scores[found.expected.model] > sorted(scores.values())[-3] - 0.1
    assert found.expected.bytes < sum(gpus, ram_gib) * GIB


def test_the_likely_recommendation_does_not_depend_on_other_programs(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(endpoint="http://127.0.0.1:9", authority="http://127.0.0.1:9", proxy="")
    suggestions = ModelSuggestions(services.planning, PublishedHeaders(lambda: access), lambda: access)
    expected = set()
    for free_gib in (7, 14, 21):
        host = replace(ram(free_gib, 45e9), total_bytes=24 * GIB)
        monkeypatch.setattr(services.planning._reader, "host", lambda host=host: host)
        expected.add(suggestions.rank(simulated_gpus=()).expected)
    assert len(expected) == 1


def test_without_a_hub_nothing_is_expected_where_nothing_fits(rank: Rank) -> None:
    assert rank(ram_gib=0.5, url="http://127.0.0.1:9").expected is None


def test_header_that_cannot_be_read_leaves_the_next_model(rank: Rank, hub: FakeHub) -> None:
    best = rank(ram_gib=5.5).best
    assert best is not None
    file = hub.repos[best.model.repository][best.published.files[0].name]
    path, file.path = file.path, file.path.with_name("mmproj-F16.gguf")
    try:
        second = rank(ram_gib=5.5).best
    finally:
        file.path = path
    assert second is not None
    assert second.model != best.model


def test_nothing_is_recommended_where_nothing_fits(rank: Rank) -> None:
    found = rank(ram_gib=0.5)
    assert found.best is None
    assert not any(each.fits for each in found.models)


def test_quality_and_speed_are_weighed() -> None:
    small, large = (next(each for each in open_models() if each.name == name) for name in ("Qwen3.5 4B", "Qwen3.5 9B"))
    assert large.score(4.8, 30) > small.score(4.8, 30)
    assert small.score(4.8, 12) > large.score(4.8, 6)
    assert small.score(4.8, 24) > small.score(8.5, 12) > small.score(2.5, 24) - 1
    assert small.score(4.8, 60) == small.score(4.8, 600)
    assert small.score(4.8, 0) == -math.inf


def test_facts_of_the_catalogue() -> None:
    models = open_models()
    assert len({each.repository for each in models}) == len({each.name for each in models}) == len(models)
    assert [each.parameters for each in models] == sorted(each.parameters for each in models)
    for each in models:
        assert each.repository.count("/") == 1
        assert each.source.startswith("https://")
        assert 0 <= each.active < each.parameters
