"""Items, texts and jobs of the models dialog, without a window."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.units import GIB, rate_text, size_text, speed_text
from model_manager.cancellation import CancelToken
from model_manager.download.transfer import DownloadStatus
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.tensor_types import FILE_TYPES
from model_manager.hub.catalogue import APUS
from model_manager.library.library import LocalModel
from model_manager.library.removal import Quarantined
from model_manager.library.scan import ImportCandidate
from model_manager.progress import OnProgress, Progress
from ui.models.actions import other_actions, primary_action
from ui.models.inventory import Activity, DiskScan, list_items
from ui.models.item import ModelItem, ModelJob
from ui.models.jobs import ModelJobs, Outcome
from ui.models.row_text import queue_text, row_text
from ui.models.search import repository_in
from ui.widgets.formats import (
    count_text,
    of_text,
    quality_of,
    quality_sentence,
    quality_text,
    time_left_text,
)


def test_a_download_has_the_name_of_the_catalogue_before_the_hub_answers() -> None:
    item = ModelItem("unsloth/Qwen3.5-4B-GGUF:Qwen3.5-4B-Q4_K_M.gguf")
    assert (item.title, item.quantisation) == ("Qwen3.5 4B", "Q4_K_M")
    item = ModelItem("somebody/files:folder/one-Q8_0.gguf")
    assert (item.title, item.quantisation) == ("one-Q8_0", "Q8_0")


@pytest.mark.parametrize(
    ("better", "worse"),
    [("Q8_0", "Q5_K_M"), ("Q5_K_S", "Q4_K_M"), ("Q4_K_S", "Q3_K_M"), ("Q3_K_M", "IQ3_XXS"), ("IQ3_XXS", "Q2_K"),
     ("Q2_K", "IQ2_XS"), ("IQ2_XS", "IQ1_S"), ("BF16", "Q6_K"), ("IQ4_NL", "IQ3_M")],
)  # fmt: skip
def test_qualities_are_ordered_by_loss(better: str, worse: str):
    order = ["original", "same", "very_close", "close", "small", "some", "noticeable", "heavy", "severe"]
    assert order.index(str(quality_of(better))) < order.index(str(quality_of(worse)))


def test_every_file_type_of_llama_cpp_has_a_quality_text():
    for name in FILE_TYPES.values():
        quality = quality_of(name)
        assert quality_text(quality), name
        assert quality_sentence(quality), name


def test_quality_ignores_the_case_and_prefix_of_a_name():
    assert quality_of("UD-Q2_K_XL") == quality_of("Q2_K_XL") == quality_of("q2_k")
    assert quality_of(None) is None
    assert quality_of("mystery") is None
    assert not quality_text(None)
    assert not quality_sentence(None)


def test_texts_of_sizes_speeds_and_times(qapp: QApplication):
    sizes = [size_text(n) for n in (0, 500 << 10, 94 << 20, 103 << 20, 54_398_799_296, -(72 << 20))]
    assert sizes == ["0.0 GiB", "500 KiB", "94 MiB", "0.1 GiB", "50.7 GiB", "-72 MiB"]
    assert [size_text(n, 2) for n in (2_200_000, 54_398_799_296)] == ["2.1 MiB", "50.66 GiB"]
    assert of_text(int(21.8 * GIB), int(50.7 * GIB)) == "21.8 of 50.7 GiB"
    assert of_text(300 << 10, 5 << 20) == "300 KiB of 5 MiB"
    assert of_text(24 << 20, int(2.4 * GIB)) == "24 MiB of 2.4 GiB"
    assert [speed_text(n) for n in (45_000, 12_300_000, 123_000_000)] == ["45 kB/s", "12.3 MB/s", "123 MB/s"]
    assert [rate_text(n) for n in (9.96, 12.3)] == ["10.0", "12"]
    assert [time_left_text(n) for n in (20, 750, 4320, 100_000)] == [
        "less than a minute left",
        "12 min left",
        "1 h 12 min left",
        "1 d 3 h left",
    ]
    assert [count_text(n) for n in (12, 45_210, 1_234_567, 250_000)] == ["12", "45.2k", "1.2M", "250k"]


def test_queue_text_counts_downloads_and_time_left():
    one = DownloadStatus("a", "downloading", Progress(10 * GIB, 20 * GIB, 5e6, 2147.0))
    assert not queue_text([])
    assert not queue_text([replace(one, state="done")])
    assert queue_text([one]) == "1 download, 36 min left"
    assert queue_text([one, DownloadStatus("b", "queued", Progress(0, 10 * GIB))]) == "2 downloads, 1 h 12 min left"
    assert queue_text([replace(one, state="paused")]) == "1 download, paused"
    assert queue_text([replace(one, state="waiting", progress=Progress(10 * GIB, 20 * GIB))]) == "1 download, waiting"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TheBloke/Yi-34B-Chat-GGUF", ("TheBloke/Yi-34B-Chat-GGUF", "")),
        ("https://hf-mirror.com/a/b", ("a/b", "")),
        ("https://huggingface.co/a/b/tree/main", ("a/b", "")),
        ("https://huggingface.co/a/b/blob/main/Q4/x.gguf", ("a/b", "Q4/x.gguf")),
        ("a/b:x.Q4_0.gguf", ("a/b", "x.Q4_0.gguf")),
        ("mixtral 8x7b", None),
        ("mixtral", None),
    ],
)
def test_addresses_are_distinguished_from_search_texts(text: str, expected: tuple[str, str] | None):
    assert repository_in(text) == expected


# Entries


def local(model_id: str, path: Path, **more: object) -> LocalModel:
    return replace(LocalModel(model_id, path, GIB, ready=True), **more)  # type: ignore[arg-type]


def item(key: str, *models: LocalModel, **activity: object) -> ModelItem:
    made = list_items(DiskScan(models), Activity(**activity))  # type: ignore[arg-type]
    return next(each for each in made if each.key == key)


def test_file_with_published_name_and_size_is_the_catalogue_model(tmp_path: Path):
    named = local("mine", tmp_path / APUS[0].file_name, bytes=APUS[0].bytes + 1000)
    assert item("apus:Q2_K", named).model == named
    made = list_items(DiskScan((replace(named, bytes=GIB),)), Activity())
    assert next(each for each in made if each.key == "apus:Q2_K").state == "available"
    assert next(each for each in made if each.key == "mine").state == "ready"


def test_item_keeps_its_key_from_the_queue_to_the_library(tmp_path: Path):
    key = "a/b:Q4/x.Q4_0.gguf"
    queued = item(key, downloads=(DownloadStatus(key, "queued"),))
    assert (queued.title, queued.quantisation, queued.state) == ("x.Q4_0", "Q4_0", "queued")
    done = DownloadStatus(key, "done", Progress(GIB, GIB))
    assert item(key, downloads=(done,), just_downloaded=frozenset({key})).state == "verifying"
    assert item(key, local(key, tmp_path / "x.gguf"), downloads=(done,)).state == "ready"
    assert [each.key for each in list_items(DiskScan(), Activity(downloads=(done,)))] == [
        *(e.id for e in APUS),
        "starter",
    ]


def test_failed_download_and_its_quarantined_file_are_one_item(tmp_path: Path):
    key, bad = "a/b:x.gguf", tmp_path / "x.gguf.bad"
    failed = DownloadStatus(key, "failed", problem=UserError("download_damaged", path=bad, name="x.gguf"))
    aside = Quarantined(bad, "x.gguf", GIB, None)
    made = list_items(DiskScan(quarantined=(aside,)), Activity(downloads=(failed,)))
    (row,) = [each for each in made if each.quarantined]
    assert (row.key, row.state, primary_action(row)) == (key, "quarantined", "redownload")
    assert "x.gguf" in row_text(row).problem


def test_file_of_another_program_can_not_be_deleted_or_removed(tmp_path: Path):
    theirs = local("theirs", tmp_path / "x.gguf", folder=tmp_path)
    ways = other_actions(item("theirs", theirs))
    assert "remove_folder" in ways
    assert not {"delete", "remove"} & set(ways)
    own = other_actions(item("theirs", replace(theirs, in_models_folder=True)))
    assert "delete" in own
    assert "remove" not in own
    registered = other_actions(item("theirs", replace(theirs, folder=None)))
    assert {"delete", "remove"} <= set(registered)


def test_only_a_published_model_has_a_page(tmp_path: Path):
    candidate = ImportCandidate((tmp_path / "old.gguf",), GIB, "old", action="repair")
    dropped = ModelItem(str(tmp_path / "old.gguf"), candidate=candidate)
    assert other_actions(dropped) == ("convert_copy", "copy_path", "show_in_folder", "remove")
    assert "open_page" in other_actions(item("a/b:x.gguf", downloads=(DownloadStatus("a/b:x.gguf", "queued"),)))


def test_running_job_determines_the_state(tmp_path: Path):
    model = local("mine", tmp_path / "x.gguf")
    job = ModelJob("mine", "verify", model.path, Progress(3 * GIB, 4 * GIB))
    row = item("mine", model, jobs=(job,))
    assert (row.state, row.fraction, primary_action(row)) == ("working", 0.75, "stop")
    assert row_text(row).state == "Verifying · 75 %"
    candidate = ImportCandidate((tmp_path / "old.gguf",), GIB, "old", action="repair")
    held = ModelJob(str(tmp_path / "old.gguf"), "convert", tmp_path / "old.gguf", candidate=candidate)
    # Also where the page that began it is gone with what it knew.
    assert item(held.key, jobs=(held,)).state == "working"


def test_every_row_has_a_spoken_text():
    for each in list_items(
        DiskScan(),
        Activity(downloads=(DownloadStatus("apus:Q2_K", "waiting", Progress(GIB, 2 * GIB), retry_in_s=9.4),)),
    ):
        assert each.title in row_text(each).spoken() or (each.quantisation or "") in row_text(each).spoken()
    waiting = item(
        "apus:Q2_K", downloads=(DownloadStatus("apus:Q2_K", "waiting", Progress(GIB, 2 * GIB), retry_in_s=9.4),)
    )
    assert row_text(waiting).spoken() == "Q2_K. 2.0 GiB. Noticeable loss of quality. Retrying in 9 s · 50 %"


# Work


def test_job_reports_progress_and_its_result(qtbot: QtBot, tmp_path: Path):
    jobs, seen = ModelJobs(), []
    jobs.changed.connect(lambda: seen.append([each.progress.fraction for each in jobs.running()]))
    go = threading.Event()

    def work(moved: OnProgress, _cancelled: object) -> str:
        moved(Progress(1, 4))
        go.wait(10)
        return "done"

    job = ModelJob("a", "verify", tmp_path)
    with qtbot.waitSignal(jobs.ended) as ended:
        assert jobs.start(job, work)
        assert not jobs.start(job, work)
        qtbot.waitUntil(lambda: [0.25] in seen)
        go.set()
    assert ended.args[0].result == "done"
    assert not jobs.running()
    jobs.shut_down()
    assert not jobs.start(job, work)


def test_jobs_can_be_stopped_and_report_errors(qtbot: QtBot, tmp_path: Path):
    jobs = ModelJobs()
    outcomes: list[Outcome] = []
    jobs.ended.connect(outcomes.append)
    stopped = threading.Event()

    def until_stopped(_moved: object, token: CancelToken) -> None:
        while not token.is_cancelled:
            stopped.wait(0.01)
        raise Cancelled

    def failing(_moved: object, _cancelled: object) -> None:
        raise UserError("disk_full", path="x")

    jobs.start(ModelJob("a", "convert", tmp_path), until_stopped)
    jobs.start(ModelJob("b", "convert", tmp_path), failing)
    jobs.stop("a")
    assert jobs.running()[0].stopping
    qtbot.waitUntil(lambda: len(outcomes) == 2)
    by_key = {each.job.key: each for each in outcomes}
    assert by_key["a"].result is Cancelled
    assert isinstance(by_key["b"].result, UserError)
    assert by_key["b"].result.code == "disk_full"
    jobs.shut_down()


def test_shut_down_cancels_running_jobs(tmp_path: Path, qapp: QApplication):
    jobs = ModelJobs()
    ended = threading.Event()

    def until_stopped(_moved: object, token: CancelToken) -> None:
        while not token.is_cancelled:
            ended.wait(0.01)
        ended.set()
        raise Cancelled

    jobs.start(ModelJob("a", "convert", tmp_path), until_stopped)
    jobs.shut_down()
    assert ended.is_set()
    assert not jobs.running()
    qapp.processEvents()
