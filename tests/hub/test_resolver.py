"""Model ids resolved to published files: catalogue, names, quantisations, authority of the hashes, later changes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.messages import sentence
from model_manager.errors import UserError
from model_manager.hub.access import Access, host_of
from model_manager.hub.catalogue import STARTER
from model_manager.hub.listing import published_models
from model_manager.hub.resolver import fetch_repository, find_published
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin
from model_manager.library.verification import published_changed
from model_manager.published import HubFile, PublishedModel
from tests.hub.conftest import AddModel
from tests.rigs.fake_hub import FakeHub

REPO = "me/model-GGUF"
APUS = "xDAN-AI/APUS-xDAN-4.0-MOE"


def problem_of(model_id: str, access: Access) -> UserError:
    with pytest.raises(UserError) as caught:
        find_published(model_id, access)
    assert "?" not in sentence(caught.value), "every fact of the sentence is there"
    return caught.value


def two(hub: FakeHub, authority: FakeHub) -> Access:
    return Access(endpoint=hub.url, authority=authority.url, proxy="")


@pytest.mark.parametrize(
    "asked", ["sub/m-Q4_K_M.gguf", "m-Q4_K_M.gguf", "M-q4_k_m.GGUF", "Q4_K_M", "q4_k_m", "sub/m-Q4_K_M.gguf-split-b"]
)
def test_id_by_file_name_part_or_quantisation(hub: FakeHub, access: Access, add: AddModel, asked: str) -> None:
    first = add(hub, REPO, "sub/m-Q4_K_M.gguf-split-a", b"GGUF1")
    second = add(hub, REPO, "sub/m-Q4_K_M.gguf-split-b", b"rest")
    add(hub, REPO, "m-Q8_0.gguf")
    assert find_published(f"{REPO}:{asked}", access) == PublishedModel(
        id=f"{REPO}:sub/m-Q4_K_M.gguf",
        repository=REPO,
        commit=hub.commit(REPO),
        file_name="m-Q4_K_M.gguf",
        kind="parts",
        files=(HubFile("sub/m-Q4_K_M.gguf-split-a", 5, first), HubFile("sub/m-Q4_K_M.gguf-split-b", 4, second)),
        quantisation="Q4_K_M",
        checksums_from=host_of(hub.url),
    )


def test_id_by_any_shard(hub: FakeHub, access: Access, add: AddModel) -> None:
    for number in (1, 2):
        add(hub, REPO, f"m-0000{number}-of-00002.gguf", b"GGUF%d" % number)
    found = find_published(f"{REPO}:m-00002-of-00002.gguf", access)
    assert (found.id, found.kind) == (f"{REPO}:m-00001-of-00002.gguf", "shards")


def test_repository_with_one_model_needs_no_file_name(hub: FakeHub, access: Access, add: AddModel) -> None:
    add(hub, REPO, "m.gguf")
    assert find_published(REPO, access).id == f"{REPO}:m.gguf"
    add(hub, REPO, "n.gguf", b"GGUF2")
    problem = problem_of(REPO, access)
    assert (problem.code, problem.data["known"]) == ("published_ambiguous", ["m.gguf", "n.gguf"])


def test_file_name_in_two_folders(hub: FakeHub, access: Access, add: AddModel) -> None:
    for folder in ("Q2_K", "Q8_0"):
        add(hub, REPO, f"{folder}/m.gguf", folder.encode())
    assert problem_of(f"{REPO}:m.gguf", access).code == "published_ambiguous"
    assert find_published(f"{REPO}:Q8_0/m.gguf", access).id == f"{REPO}:Q8_0/m.gguf"


def test_missing_file_and_repository(hub: FakeHub, access: Access, add: AddModel) -> None:
    add(hub, REPO, "m-Q2_K.gguf")
    problem = problem_of(f"{REPO}:m-Q9.gguf", access)
    assert (problem.code, problem.data["known"]) == ("published_file_missing", ["m-Q2_K.gguf"])
    assert problem_of("me/nothing:x.gguf", access).code == "repository_missing"
    add(hub, "me/texts", "README.md")
    assert problem_of("me/texts", access).code == "published_file_missing"


@pytest.mark.parametrize("asked", ["m-Q2_K-00001-of-00002.gguf", "Q2_K"])
def test_incomplete_model(hub: FakeHub, access: Access, add: AddModel, asked: str) -> None:
    add(hub, REPO, "m-Q2_K-00001-of-00002.gguf")
    problem = problem_of(f"{REPO}:{asked}", access)
    assert (problem.code, problem.data["missing"]) == ("published_incomplete", ["m-Q2_K-00002-of-00002.gguf"])


@pytest.mark.parametrize("model_id", ["", "model", "apus:Q9", "magnet:xt=urn:btih:00", "a/b/c:d", "a b/c:d", "a/b:\n"])
def test_invalid_ids(access: Access, model_id: str, hub: FakeHub) -> None:
    assert problem_of(model_id, access).code == "hub_id_unclear"
    assert hub.count("api") == 0


def test_home_model_as_one_file_and_in_parts(hub: FakeHub, access: Access, add: AddModel) -> None:
    add(hub, APUS, "APUS-xDAN4.0-MoE-0402.Q2_K.gguf")
    for letter in "ab":
        add(hub, APUS, f"APUS-xDAN4.0-MoE-0402.Q3_K_M_Matrix.gguf-split-{letter}", letter.encode())
    found = find_published("apus:Q2_K", access)
    assert (found.id, found.kind, found.files[0].name) == ("apus:Q2_K", "file", "APUS-xDAN4.0-MoE-0402.Q2_K.gguf")
    found = find_published("apus:Q3_K_M", access)
    assert (found.id, found.kind, len(found.files)) == ("apus:Q3_K_M", "parts", 2)
    assert found.file_name == "APUS-xDAN4.0-MoE-0402.Q3_K_M_Matrix.gguf"
    assert problem_of("apus:Q4_K_M", access).code == "published_file_missing"


def test_renamed_home_model_is_found_by_its_quantisation(hub: FakeHub, access: Access, add: AddModel) -> None:
    add(hub, APUS, "apus-moe-q4_k_m.gguf")
    assert find_published("apus:Q4_K_M", access).file_name == "apus-moe-q4_k_m.gguf"


def test_starter_must_match_the_catalogue(hub: FakeHub, access: Access, add: AddModel, starter: Path) -> None:
    hub.add_file(STARTER.repository, STARTER.file_name, starter, sha256=STARTER.sha256)
    found = find_published("starter", access)
    assert (found.id, found.bytes, found.files[0].sha256) == ("starter", STARTER.bytes, STARTER.sha256)
    hub.add_file(STARTER.repository, STARTER.file_name, starter, sha256="0" * 64)
    assert problem_of("starter", access).code == "published_file_changed"
    add(hub, STARTER.repository, STARTER.file_name, b"GGUF")
    assert problem_of("starter", access).code == "published_file_changed"


def test_starter_gets_its_hash_from_the_catalogue(hub: FakeHub, access: Access, starter: Path) -> None:
    hub.add_file(STARTER.repository, STARTER.file_name, starter, sha256=STARTER.sha256, lfs=False)
    assert find_published("starter", access).files[0].sha256 == STARTER.sha256


def test_hashes_of_the_authority_are_used(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    add(hub, REPO, "m.gguf", b"forged")
    true = add(second_hub, REPO, "m.gguf", b"true one")
    assert hub.commit(REPO) != second_hub.commit(REPO)
    hub.fault("api", "delay", seconds=0)
    found = find_published(f"{REPO}:m.gguf", two(hub, second_hub))
    assert found.files == (HubFile("m.gguf", 8, true),)
    assert (found.commit, found.checksums_from) == (second_hub.commit(REPO), host_of(second_hub.url))


def test_slow_authority_is_waited_for(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    for fake in (hub, second_hub):
        add(fake, REPO, "m.gguf")
    second_hub.fault("api", "delay", seconds=0.5)
    assert find_published(REPO, two(hub, second_hub)).checksums_from == host_of(second_hub.url)


def test_endpoint_replaces_an_unreachable_authority(
    hub: FakeHub, second_hub: FakeHub, add: AddModel, refusing_url: str
) -> None:
    own = add(hub, REPO, "m.gguf")
    access = Access(endpoint=hub.url, authority=refusing_url, proxy="")
    found = find_published(REPO, access)
    assert (found.files[0].sha256, found.checksums_from) == (own, host_of(hub.url))
    assert find_published(REPO, two(hub, second_hub)).checksums_from == host_of(hub.url), "it knows no such repository"


def test_silent_authority_times_out(hub: FakeHub, add: AddModel, silent_url: str) -> None:
    add(hub, REPO, "m.gguf")
    started = time.monotonic()
    listing = fetch_repository(REPO, Access(endpoint=hub.url, authority=silent_url, proxy=""), authority_timeout_s=0.3)
    assert listing.listed_by == host_of(hub.url)
    assert 0.3 <= time.monotonic() - started < 3


def test_unreachable_mirror_with_reachable_authority(second_hub: FakeHub, add: AddModel, refusing_url: str) -> None:
    add(second_hub, REPO, "m.gguf")
    access = Access(endpoint=refusing_url, authority=second_hub.url, proxy="")
    assert find_published(REPO, access).checksums_from == host_of(second_hub.url)


def test_error_when_neither_answers(hub: FakeHub, second_hub: FakeHub, refusing_url: str) -> None:
    hub.gated[REPO] = "token"
    hub.repos[REPO] = {}
    assert problem_of(REPO, two(hub, second_hub)).code == "gated_without_token", "the endpoint has the bytes"
    access = Access(endpoint=refusing_url, authority=second_hub.url, proxy="")
    assert problem_of(REPO, access).code == "repository_missing", "the only one that said something"


def test_listing_of_a_repository(hub: FakeHub, second_hub: FakeHub, add: AddModel) -> None:
    for fake in (hub, second_hub):
        add(fake, REPO, "m-Q8_0.gguf", b"GGUF large")
        add(fake, REPO, "m-Q2_K.gguf")
        fake.licences[REPO] = "mit"
    repository = fetch_repository(REPO, two(hub, second_hub))
    models = published_models(repository)
    assert repository.licence == "mit"
    assert [each.quantisation for each in models] == ["Q2_K", "Q8_0"]
    assert {each.checksums_from for each in models} == {host_of(second_hub.url)}


def test_changes_of_a_published_model(hub: FakeHub, access: Access, add: AddModel) -> None:
    for name in ("m.gguf.part1", "m.gguf.part2", "README.md"):
        add(hub, REPO, name, name.encode())
    model = find_published(REPO, access)
    origin = Origin(model.id, REPO, model.commit, model.files, TensorLayout.identity(model.bytes), None)

    def is_changed(origin: Origin) -> bool:
        return published_changed(origin, find_published(origin.model_id, access))

    assert not is_changed(origin)
    add(hub, REPO, "README.md", b"other words")
    assert hub.commit(REPO) != model.commit
    assert not is_changed(origin), "a new commit that leaves the file alone"
    unhashed = replace(origin, parts=tuple(replace(part, sha256=None) for part in origin.parts))
    add(hub, REPO, "m.gguf.part2", b"m.gguf.part3")
    assert is_changed(origin)
    assert not is_changed(unhashed), "of the same size, and no more is known"
    add(hub, REPO, "m.gguf.part2", b"longer than it was")
    assert is_changed(unhashed)
