"""Fits of the home model and of the files of a repository, before their download."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QThreadPool
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QToolTip
from pytestqt.qtbot import QtBot

from app.planning.machine import SIMULATED_GPUS_VARIABLE
from app.planning.open_models import ModelSuggestions
from app.planning.published_model import PublishedHeaders, estimate_headers, families
from app.services import Services
from model_manager.gguf.header import read_header
from model_manager.hub.access import Access
from model_manager.hub.listing import published_models
from model_manager.hub.resolver import fetch_repository
from model_manager.published import PublishedModel
from tests.rigs.apus_shapes import write_shape
from tests.rigs.fake_hub import FakeHub
from tests.rigs.gguf_bytes import ARRAY, F32, U32, with_keys
from tests.rigs.open_model_files import use_small_catalogue
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model
from tests.window.input import PATIENCE_MS, find
from tests.window.plan_views import shown_plan
from ui.conversation.model_picker import STARTER
from ui.models.fits import ModelFits
from ui.models.page import ModelsPage
from ui.plan.bars import MemoryBar, SummaryBars
from ui.plan.model_plan import ModelPlan

pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")

REPOSITORY = "someone/shapes-GGUF"
QUANTISATIONS = ("Q2_K", "IQ3_XXS", "Q3_K_M", "Q4_K_M")
GIB = 1 << 30


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def shapes(hub: FakeHub, tmp_path: Path) -> FakeHub:
    """The four published shapes, each at its full size, in somebody's repository."""
    for number, name in enumerate(QUANTISATIONS):
        path = tmp_path / f"{name}.gguf"
        write_shape(path, name)
        hub.add_file(REPOSITORY, f"shape.{name}.gguf", path, sha256=f"{number:064x}")
    return hub


@pytest.fixture
def models(qtbot: QtBot, services: Services, hub: FakeHub) -> Callable[[], ModelsPage]:
    services.settings.change(endpoint=hub.url, authority=hub.url, proxy="none")

    def show() -> ModelsPage:
        owner = QLabel()
        qtbot.addWidget(owner)
        fits = ModelFits(
            services.planning, services.library, lambda: services.settings.current, services.downloads.access, owner
        )
        dialog = ModelsPage(
            services.downloads,
            None,
            fit_of=fits.of,
            plan_published=fits.plan_published,
            make_plan=lambda key: ModelPlan(services, key, published=fits.header_of(key)),
        )
        dialog.fits, dialog.owner = fits, owner  # type: ignore[attr-defined]
        qtbot.addWidget(dialog)
        fits.changed.connect(dialog.refresh_fits)
        with qtbot.waitExposed(dialog):
            dialog.show()
        return dialog

    return show


def open_repository(qtbot: QtBot, dialog: ModelsPage, name: str = REPOSITORY) -> None:
    dialog.field.setText(name)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.search.page == "repository", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: all(row.fit for row in dialog.search.models.rows().values()), timeout=PATIENCE_MS)


def header_bytes(hub: FakeHub) -> int:
    return sum(each.sent for each in hub.log if each.where == "cdn")


def test_quantisations_of_a_repository_are_planned_by_two_headers_and_the_best_is_selected(
    qtbot: QtBot, shapes: FakeHub, models: Callable[[], ModelsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "23.54,23.54")
    dialog = models()
    open_repository(qtbot, dialog)
    rows = list(dialog.search.models.rows().values())
    assert [row.title for row in rows] == list(QUANTISATIONS)
    assert [row.mark for row in rows] == ["", "Recommended", "", ""]
    assert rows[1].fit.startswith("About ")
    assert "in RAM" in rows[2].fit or rows[2].fit == "Doesn't fit"
    # The best one is selected and planned by its own header.
    best = list(dialog.search.models.rows())[1]
    assert dialog.search.models.key() == best
    qtbot.waitUntil(lambda: not dialog.fits._published[best].is_expected, timeout=PATIENCE_MS)  # type: ignore[attr-defined]
    # Two headers for all four, and not a byte of their weights.
    assert 0 < header_bytes(shapes) < 8 << 20
    assert shapes.count("cdn", "GET") <= 4


def test_selected_quantisation_is_planned_by_its_own_header(
    qtbot: QtBot, shapes: FakeHub, models: Callable[[], ModelsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "23.54,23.54")
    dialog = models()
    open_repository(qtbot, dialog)
    fits: ModelFits = dialog.fits  # type: ignore[attr-defined]
    first, best, *_, last = dialog.search.models.rows()
    qtbot.waitUntil(lambda: not fits._published[best].is_expected, timeout=PATIENCE_MS)
    assert fits._published[last].is_expected
    assert not fits._published[first].is_expected
    assert "Estimated from the header of another quantisation" in fits.of(last).sentence  # type: ignore[union-attr]
    assert "checks these figures" in fits.of(first).sentence  # type: ignore[union-attr]
    estimate = fits._published[last].plan
    asked = shapes.count("cdn", "GET")
    dialog.search.models.set_key(last)
    qtbot.waitUntil(lambda: not fits._published[last].is_expected, timeout=PATIENCE_MS)
    assert shapes.count("cdn", "GET") > asked
    own = fits._published[last].plan
    assert sum(device.weights_bytes for device in own.devices) + own.host.weights_bytes == pytest.approx(
        sum(device.weights_bytes for device in estimate.devices) + estimate.host.weights_bytes, rel=0.01
    )
    asked = shapes.count("cdn", "GET")
    for key in (first, last, first, last):
        dialog.search.models.set_key(key)
        QApplication.processEvents()
    QThreadPool.globalInstance().waitForDone()
    assert shapes.count("cdn", "GET") == asked


HOSTILE: dict[str, tuple[str, tuple[int, object]]] = {
    "layers": ("block_count", (U32, 2**31 - 1)),
    "heads": ("attention.head_count", (F32, float("nan"))),
    "widths": ("feed_forward_length", (ARRAY, (F32, [float("inf")] * 2))),
}


def test_hostile_headers_of_a_repository_have_no_plan(
    qtbot: QtBot, hub: FakeHub, models: Callable[[], ModelsPage], tmp_path: Path
) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.gguf")
    for name, (key, value) in HOSTILE.items():
        path = with_keys(tiny, tmp_path / f"{name}.gguf", {f"llama.{key}": value})
        hub.add_file("someone/hostile-GGUF", path.name, path)
    hub.add_file("someone/hostile-GGUF", "sound.gguf", tiny)
    dialog = models()
    dialog.field.setText("someone/hostile-GGUF")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(dialog.search.models.rows()) == len(HOSTILE) + 1, timeout=PATIENCE_MS)
    for key in dialog.search.models.rows():
        dialog.search.models.set_key(key)
    qtbot.waitUntil(lambda: any(row.fit for row in dialog.search.models.rows().values()), timeout=PATIENCE_MS)
    assert [row.title for row in dialog.search.models.rows().values() if row.fit] == ["sound"]


def test_hostile_file_in_the_library_shows_its_error(
    qtbot: QtBot, services: Services, models: Callable[[], ModelsPage], tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf")
    services.library.register(path)
    dialog = models()
    dialog.fits.refresh()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: "tiny" in dialog.list.rows() and bool(dialog.list.rows()["tiny"].fit), timeout=PATIENCE_MS)
    with_keys(path, path, {"llama.attention.head_count": (F32, float("nan"))})
    dialog.inventory.rescan()
    # Its plan is that of the file before.
    qtbot.waitUntil(lambda: bool(dialog.list.rows()["tiny"].problem), timeout=PATIENCE_MS)
    assert not dialog.list.rows()["tiny"].fit
    dialog.fits.refresh()  # type: ignore[attr-defined]
    QThreadPool.globalInstance().waitForDone()
    QApplication.processEvents()
    assert "tiny.gguf sets llama.attention.head_count = nan" in dialog.list.rows()["tiny"].problem


def test_estimated_header_is_close_to_the_real_one(tmp_path: Path) -> None:
    headers = {}
    for name in QUANTISATIONS:
        write_shape(tmp_path / f"{name}.gguf", name)
        headers[name] = read_header(tmp_path / f"{name}.gguf")
    for name, header in headers.items():
        (guess,) = estimate_headers((headers["Q2_K"],), header.file_bytes)
        truth = sum(tensor.n_bytes for tensor in header.tensors)
        assert sum(tensor.n_bytes for tensor in guess.tensors) == pytest.approx(truth, rel=0.001)
        norms = [tensor for tensor in guess.tensors if tensor.type == "F32"]
        assert norms == [tensor for tensor in headers["Q2_K"].tensors if tensor.type == "F32"]
        assert name == header.quantisation


def test_different_models_of_a_repository_are_different_families(hub: FakeHub, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf")
    for name in ("small.Q4_K_M.gguf", "small.Q8_0.gguf", "large.Q4_K_M.gguf"):
        hub.add_file("someone/two", name, path)
    found = published_models(fetch_repository("someone/two", Access(endpoint=hub.url, authority=hub.url)))
    sizes = sorted(len(family) for family in families(found))
    assert sizes == [1, 2]


def test_header_is_read_once_across_parts(hub: FakeHub, tmp_path: Path) -> None:
    whole = write_tiny_model(tmp_path / "tiny.gguf", n_layer=4).read_bytes()
    cut = len(whole) // 3
    for number, part in enumerate((whole[:cut], whole[cut : 2 * cut], whole[2 * cut :])):
        path = tmp_path / f"part{number}"
        path.write_bytes(part)
        hub.add_file("someone/parts", f"tiny.F32.gguf-split-{'abc'[number]}", path)
    access = Access(endpoint=hub.url, authority=hub.url)
    found = published_models(fetch_repository("someone/parts", access))
    (model,) = found
    assert isinstance(model, PublishedModel)
    headers = PublishedHeaders(lambda: access)
    read = headers.read(model)
    assert read.headers[0].block_count == 4
    assert len(read.headers[0].tensors) == len(read_header(tmp_path / "tiny.gguf").tensors)
    asked = hub.count("cdn")
    assert headers.read(model) is read
    assert headers.of_id(model.id) is read
    assert hub.count("cdn") == asked


def test_published_file_is_rehearsed_before_the_download(
    qtbot: QtBot, services: Services, hub: FakeHub, models: Callable[[], ModelsPage], tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf", n_layer=6, n_expert=4)
    hub.add_file("someone/tiny-GGUF", "tiny.F32.gguf", path)
    with serving() as one, serving() as other:
        services.settings.change(rpc_servers=f"{one} {other}")
        dialog = models()
        open_repository(qtbot, dialog, "someone/tiny-GGUF")
        fits: ModelFits = dialog.fits  # type: ignore[attr-defined]
        ((key, row),) = dialog.search.models.rows().items()
        QThreadPool.globalInstance().waitForDone()
        QApplication.processEvents()
        plan = fits.plan_of(key)
        assert plan is not None
        assert "not_rehearsed" not in plan.reasons
        assert plan.verdict == "gpu"
        assert row.mark == "Recommended"
        # And the picture of what is not here yet.
        picture = ModelPlan(services, key, published=fits.header_of(key))
        qtbot.addWidget(picture)
        picture.show()
        qtbot.waitUntil(lambda: picture.view.plan is not None, timeout=PATIENCE_MS)
        qtbot.waitUntil(
            lambda: picture.view.plan is not None and "not_rehearsed" not in picture.view.plan.reasons,
            timeout=PATIENCE_MS,
        )
        assert not picture.measure.measure.isEnabled()


def test_a_search_result_can_be_measured_right_after_its_download(
    qtbot: QtBot, hub: FakeHub, models: Callable[[], ModelsPage], tmp_path: Path
) -> None:
    hub.add_file("someone/tiny-GGUF", "tiny.F32.gguf", write_tiny_model(tmp_path / "tiny.gguf"))
    dialog = models()
    open_repository(qtbot, dialog, "someone/tiny-GGUF")
    (key,) = dialog.search.models.rows()
    dialog.details.plan.setChecked(True)
    plan = shown_plan(qtbot, dialog)
    qtbot.waitUntil(lambda: plan.view.plan is not None, timeout=PATIENCE_MS)
    assert plan.measure.state.text() == "Download the model to measure its speed."
    find(dialog, "downloadButton").click()
    qtbot.waitUntil(lambda: dialog.search.models.rows()[key].state == "Ready", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: dialog.details._plan not in (None, plan), timeout=PATIENCE_MS)
    here = dialog.details._plan
    assert here is not None
    # Hidden until the model is scanned.
    qtbot.waitUntil(here.measure.isVisible, timeout=PATIENCE_MS)
    assert here.measure.measure.isEnabled()
    # Nothing is planned and shown after the test.
    dialog.details.plan.setChecked(False)


def test_verdict_and_bars_stay_in_view_beside_the_options(
    qtbot: QtBot, services: Services, models: Callable[[], ModelsPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    dialog = models()
    dialog.fits.refresh()  # type: ignore[attr-defined]
    dialog.resize(1080, 700)
    dialog.select("apus:Q2_K")
    qtbot.waitUntil(dialog.details.plan.isVisible, timeout=PATIENCE_MS)
    dialog.details.plan.setChecked(True)
    plan = shown_plan(qtbot, dialog)
    qtbot.waitUntil(lambda: plan.view.plan is not None, timeout=PATIENCE_MS)
    area = dialog.details.area
    bar, pinned = area.verticalScrollBar(), area.pinned
    qtbot.waitUntil(lambda: bar.maximum() > 300, timeout=PATIENCE_MS)
    assert not pinned.isVisible(), "the bars themselves are in view"
    slider = plan.view.panel.context.slider

    def scroll() -> bool:
        bar.setValue(slider.mapTo(area.widget(), QPoint()).y() - area.viewport().height() // 2)
        return pinned.isVisible()

    qtbot.waitUntil(scroll)
    assert area.verdict.text() == plan.view.head.headline.text()
    assert pinned.geometry().bottom() < slider.mapTo(area, QPoint()).y()
    before = area.verdict.text()
    with qtbot.waitSignal(plan.view.options_changed):
        slider.setValue(0)
    assert area.verdict.text() == plan.view.head.headline.text() != before
    assert area.bars.bars == plan.view.bars
    # Back to the first border: it isn't covered.
    bar.setValue(slider.mapTo(area.widget(), QPoint()).y() - pinned.height() // 2)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Backtab)
    now = QApplication.focusWidget()
    assert plan.view.isAncestorOf(now)
    assert not pinned.isVisible() or now.mapTo(area, QPoint()).y() >= pinned.geometry().bottom()
    bar.setValue(0)
    assert not pinned.isVisible()
    # Nothing is planned and shown after the test.
    dialog.details.plan.setChecked(False)


def test_memory_layout_of_a_published_model_is_shown_without_a_header_read_before(
    qtbot: QtBot, services: Services, hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_file("someone/tiny-GGUF", "tiny.F32.gguf", write_tiny_model(tmp_path / "tiny.gguf", n_layer=3))
    services.settings.change(endpoint=hub.url, authority=hub.url, proxy="none")
    picture = ModelPlan(services, "someone/tiny-GGUF:tiny.F32.gguf")
    qtbot.addWidget(picture)
    picture.show()
    qtbot.waitUntil(lambda: picture.view.plan is not None, timeout=PATIENCE_MS)
    assert picture.view.plan is not None
    assert picture.view.plan.n_layer == 3
    assert picture.status.label.text() == ""


@pytest.mark.parametrize(
    ("gpus", "name", "words", "bars"),
    [
        ("24,24", "IQ3_XXS", "IQ3_XXS fits on your two GPUs with 16k context", 3),
        ("80", "Q4_K_M", "Q4_K_M fits on your GPU", 2),
    ],
)
def test_first_start_leads_with_the_home_model_where_it_fits_even_without_a_hub(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, gpus: str, name: str, words: str, bars: int
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, gpus)
    window = open_window()
    label: Any = find(window, "adviceLabel", QLabel)
    qtbot.waitUntil(lambda: bool(label.text().strip()), timeout=PATIENCE_MS)
    assert label.text() == f"Best for this computer: APUS-xDAN-4.0-MoE {name}"
    assert words in find(window, "adviceDetailsLabel", QLabel).text()
    welcome = window.controller.welcome
    assert welcome.download_button.isVisible()
    assert welcome.download_button.text().startswith(f"Download APUS-xDAN-4.0-MoE {name}, ")
    glance: Any = find(welcome, "planGlance", SummaryBars)
    assert len(glance.bars) == bars
    window.controller.models.use("starter")
    assert not label.isVisible()
    assert not glance.isVisible()


def test_first_start_without_a_hub_says_so_and_one_click_leads_to_an_answer(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path)
    window = open_window()
    controller, welcome = window.controller, window.controller.welcome
    qtbot.waitUntil(welcome.retry_button.isVisible, timeout=PATIENCE_MS)
    assert "127.0.0.1:9" in find(window, "adviceDetailsLabel", QLabel).text()
    # Judged by the catalogue alone.
    assert find(window, "adviceLabel", QLabel).text().startswith("Probably best for this computer: Tiny model, about ")
    # Lines of texts are about equally long: in a narrower label there would be more of them.
    wrapped = [label for label in welcome.findChildren(QLabel) if label.wordWrap() and label.isVisible()]

    def height(label: QLabel, width: int) -> int:
        flags = Qt.TextFlag.TextWordWrap
        return label.fontMetrics().boundingRect(QRect(0, 0, width, 9999), flags, label.text()).height()

    assert [
        (x.text(), x.width(), x.height(), height(x, x.width())) for x in wrapped if x.height() < height(x, x.width())
    ] == []
    several = [label for label in wrapped if label.height() > 1.5 * label.fontMetrics().height()]
    assert several
    assert all(height(label, label.width() - 8) > height(label, label.width()) for label in several)
    assert not welcome.download_button.isVisible()
    assert welcome.models_button.isVisible()
    controller.services.settings.change(authority=hub.url)
    hub.fault("api", "delay", seconds=0.3)
    qtbot.mouseClick(welcome.retry_button, Qt.MouseButton.LeftButton)
    assert window.controller.welcome.download_button.text().startswith("Looking for the best model")
    assert not window.controller.welcome.download_button.isEnabled()
    qtbot.waitUntil(welcome.download_button.isEnabled, timeout=PATIENCE_MS)
    assert not welcome.retry_button.isVisible()
    assert welcome.download_button.text().startswith("Download Tiny model, ")
    assert welcome.download_button.property("primary")
    assert "English and Chinese\xa0· 2026\xa0· MIT" in find(window, "adviceDetailsLabel", QLabel).text()
    qtbot.mouseClick(welcome.download_button, Qt.MouseButton.LeftButton)
    # Nothing else to click: the finished download is selected.
    qtbot.waitUntil(lambda: controller.services.settings.current.model_id == tiny, timeout=PATIENCE_MS)
    assert window.composer.field.hasFocus()
    qtbot.keyClicks(window.composer.field, "Hello")
    qtbot.keyClick(window.composer.field, Qt.Key.Key_Return)
    session = controller.conversation.session
    qtbot.waitUntil(lambda: session.running is not None and bool(session.running.text), timeout=PATIENCE_MS)
    session.stop()
    qtbot.waitUntil(lambda: session.running is None, timeout=PATIENCE_MS)


def test_first_start_pauses_and_continues_the_recommended_download(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path)
    window = open_window()
    services, button = window.controller.services, window.controller.welcome.download_button
    assert (button.text(), button.isEnabled()) == ("Looking for the best model for this computer…", False)
    services.settings.change(authority=hub.url)
    qtbot.mouseClick(window.controller.welcome.retry_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.text().startswith("Download Tiny model"), timeout=PATIENCE_MS)
    hub.fault("resolve", "status", code=401, times=-1)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.text() == "Try again", timeout=PATIENCE_MS)
    assert button.isVisible()
    state, problem = find(window, "adviceProgressLabel", QLabel).text().split("\n")
    assert state == "Stopped"
    assert problem
    assert find(window, "adviceProgressLabel", QLabel).property("bad")
    other: Any = window.controller.welcome.folder_button
    assert (other.text(), other.isVisible()) == ("Download settings…", True)
    hub.reset()
    hub.fault("cdn", "trickle", rate=40_000, times=-1)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.text() == "Pause", timeout=PATIENCE_MS)
    assert not button.property("primary")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.text() == "Resume", timeout=PATIENCE_MS)
    hub.reset()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: services.settings.current.model_id == tiny, timeout=PATIENCE_MS)


def test_finished_download_does_not_replace_a_chosen_model(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path)
    window = open_window()
    services = window.controller.services
    services.settings.change(authority=hub.url, model_id="another")
    services.downloads.queue.add(tiny)
    qtbot.waitUntil(lambda: "downloaded and verified" in window.notice.text(), timeout=PATIENCE_MS)
    # The catalogue's name, not that in the file.
    assert window.notice.text().startswith("Tiny model")
    assert services.settings.current.model_id == "another"
    window.notice.button.click()
    assert services.settings.current.model_id == tiny
    # The starter model is replaced, which is said and can be undone.
    services.settings.change(model_id=STARTER)
    window.controller.background.download_finished.emit(tiny)
    assert services.settings.current.model_id == tiny
    assert window.notice.text().endswith("It is the selected model now.")
    window.notice.button.click()
    assert services.settings.current.model_id == STARTER


def test_no_model_is_selected_after_its_deletion(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    services = window.controller.services
    write_tiny_model(services.downloads.folder() / "mine.gguf", name="Mine")
    services.settings.change(model_id="mine")
    window.controller.models.show_page()
    page: Any = find(window, "modelsDialog", ModelsPage)
    qtbot.waitUntil(lambda: "mine" in page.list.rows(), timeout=PATIENCE_MS)
    page.controller.run("delete", page.inventory.item("mine"))
    qtbot.mouseClick(find(window, "agreeButton", QPushButton), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: services.settings.current.model_id is None, timeout=PATIENCE_MS)


def test_models_page_leads_with_the_recommendation_and_asks_before_what_does_not_fit(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, huge = use_small_catalogue(monkeypatch, hub, tmp_path)
    window = open_window()
    window.controller.models.show_page()
    dialog: Any = find(window, "modelsDialog", ModelsPage)
    qtbot.waitUntil(lambda: "127.0.0.1:9" in dialog.status.label.text(), timeout=PATIENCE_MS)
    assert "Probably best for this computer: Tiny model, about " in dialog.status.label.text()
    assert tiny not in dialog.list.rows()
    window.controller.services.settings.change(authority=hub.url)
    qtbot.mouseClick(dialog.status.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tiny in dialog.list.rows(), timeout=PATIENCE_MS)
    assert not dialog.status.isVisible()
    rows = dialog.list.rows()
    assert next(iter(rows)) == tiny == dialog.list.key()
    assert (rows[tiny].title, rows[tiny].mark) == ("Tiny model", "Recommended")
    assert (rows[huge].fit, rows[huge].size) == ("Doesn't fit", "4096.0 GiB")
    assert "Its 4096.0 GiB don't fit into the " in dialog.inventory.item(huge).fit.sentence
    # The home model doesn't fit either, and is last.
    assert [key for key in rows if key.startswith("apus:")] == list(rows)[-4:]
    button = dialog.findChild(QPushButton, "downloadButton")
    qtbot.waitUntil(button.isVisible, timeout=PATIENCE_MS)
    assert button.property("primary")
    dialog.list.set_key(huge)
    assert not button.property("primary")
    button.click()
    box = dialog.findChild(QMessageBox, "modelQuestion")
    assert "It doesn't fit on this computer" in box.text()
    box.reject()
    assert window.controller.services.downloads.queue.statuses() == ()
    # What doesn't fit stays behind the models that are here.
    dialog.list.set_key(tiny)
    button.click()
    qtbot.waitUntil(lambda: dialog.list.rows()[tiny].state == "Ready", timeout=PATIENCE_MS)
    assert next(iter(dialog.list.rows())) == "starter"
    assert all("apus:" not in each for each in list(dialog.list.rows())[:2])
    dialog.back_button.click()


def test_a_selected_model_is_not_recommended_for_it(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path, "Second", "Third")
    window = open_window()
    window.controller.services.settings.change(authority=hub.url)
    window.controller.models.show_page()
    dialog: Any = find(window, "modelsDialog", ModelsPage)
    qtbot.waitUntil(lambda: tiny in dialog.list.rows(), timeout=PATIENCE_MS)
    order = list(dialog.list.rows())

    def is_planned() -> bool:
        return bool(dialog.inventory.item(dialog.list.key()).fit.bars)

    second, third = (f"makers/{name}-GGUF:{name}-Q8_0.gguf" for name in ("Second", "Third"))
    for key in (second, third):
        dialog.list.set_key(key)
        qtbot.waitUntil(is_planned, timeout=PATIENCE_MS)
        dialog.list.set_key(tiny)
    rows = dialog.list.rows()
    assert list(rows) == order
    assert [key for key, row in rows.items() if row.mark == "Recommended"] == [tiny]
    dialog.back_button.click()


def test_starter_is_called_a_test_model_with_a_link_to_a_better_one(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    hint = window.hint
    assert not hint.isVisible()
    window.controller.models.use("starter")
    assert hint.isVisible()
    assert hint.label.text() == "SmolLM2 135M Instruct is a tiny starter model; its answers are often wrong."
    qtbot.mouseClick(hint.action, Qt.MouseButton.LeftButton)
    find(window, "modelsDialog", ModelsPage).back_button.click()
    window.controller.models.use("another")
    assert not hint.isVisible()


def test_recommended_model_shows_its_memory_bars(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    window = open_window()
    window.controller.models.show_page()
    dialog: Any = find(window, "modelsDialog", ModelsPage)
    window.resize(1300, 700)
    qtbot.waitUntil(lambda: len(dialog.details.glance.bars) == 3, timeout=PATIENCE_MS)
    key = dialog.list.key()
    assert key == "apus:IQ3_XXS"
    assert dialog.list.rows()[key].mark == "Recommended"
    assert dialog.details._fit.text().startswith("Fits on your two GPUs with 16k context")
    assert dialog.details._fit.text().endswith("left on GPU 1.")
    assert "GPU 0" in dialog.details.glance.accessibleName()
    # Tool tips don't cover what is below.
    bar = dialog.details.glance.findChildren(MemoryBar)[1]
    QApplication.sendEvent(bar, QHelpEvent(QEvent.Type.ToolTip, bar.rect().center(), bar.mapToGlobal(QPoint(80, 8))))
    (tip,) = (each for each in QApplication.topLevelWidgets() if each.inherits("QTipLabel"))
    assert tip.geometry().bottom() < bar.mapToGlobal(QPoint()).y()
    QToolTip.hideText()
    dialog.back_button.click()


def test_what_does_not_fit_on_the_disk_is_no_primary_button(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, large_disk: Callable[[int], None]
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    large_disk(10 * GIB)
    window = open_window()
    welcome: Any = window.controller.welcome
    qtbot.waitUntil(welcome.download_button.isEnabled, timeout=PATIENCE_MS)
    assert not welcome.download_button.property("primary")
    room = find(window, "adviceRoomLabel", QLabel).text()
    assert room.startswith("Needs 40.7 GiB on the disk, but only 10.0 GiB are free: ")
    welcome.folder_button.click()
    assert window.centre.page.objectName() == "settingsDialog"
    window.centre.leave()
    window.controller.models.show_page()
    dialog: Any = find(window, "modelsDialog", ModelsPage)
    qtbot.waitUntil(lambda: "apus:IQ3_XXS" in dialog.list.rows(), timeout=PATIENCE_MS)
    dialog.list.set_key("apus:IQ3_XXS")
    qtbot.waitUntil(lambda: "of disk space missing" in dialog.list.rows()["apus:IQ3_XXS"].fit, timeout=PATIENCE_MS)
    button: Any = find(dialog, "downloadButton")
    assert not button.property("primary")
    assert "are missing" in find(dialog, "modelRoom", QLabel).text()
    assert find(dialog, "changeModelsFolderButton").isVisible()
    button.click()
    box = dialog.findChild(QMessageBox, "modelQuestion")
    assert "It doesn't fit on the disk" in box.text()
    box.reject()
    assert window.controller.services.downloads.queue.statuses() == ()
    large_disk(100 * GIB)
    dialog.inventory.rescan()
    qtbot.waitUntil(lambda: bool(button.property("primary")), timeout=PATIENCE_MS)
    assert find(dialog, "modelRoom", QLabel).text().endswith("on the disk; 100.0 GiB are free.")
    dialog.back_button.click()


def test_the_recommendation_fits_on_the_disk(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, large_disk: Callable[[int], None]
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "80")
    # Q4_K_M needs more.
    large_disk(42 * GIB)
    window = open_window()
    label: Any = find(window, "adviceLabel", QLabel)
    qtbot.waitUntil(lambda: bool(label.text().strip()), timeout=PATIENCE_MS)
    assert label.text() == "Best for this computer: APUS-xDAN-4.0-MoE IQ3_XXS"
    assert window.controller.welcome.download_button.property("primary")


def test_open_model_without_room_on_the_disk_follows_one_with_room(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path, "Second")
    services = open_window().controller.services
    services.settings.change(authority=hub.url)
    headers = PublishedHeaders(services.downloads.access)
    suggestions = ModelSuggestions(services.planning, headers, services.downloads.access)
    assert suggestions.rank().best.published.id == tiny  # type: ignore[union-attr]
    sizes = {each.model.name: each.published.bytes for each in suggestions.rank().models}
    small = suggestions.rank(room=min(sizes.values()) - 1)
    assert not any(each.has_room for each in small.models)
    found = suggestions.rank(room=sizes["Tiny model"] - 1)
    assert [each.has_room for each in found.models] == sorted((each.has_room for each in found.models), reverse=True)


def test_list_picker_and_first_page_expect_the_same_speed_and_context(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "2")
    tiny, _huge = use_small_catalogue(monkeypatch, hub, tmp_path)
    window = open_window()
    models, services = window.controller.models, window.controller.services
    services.settings.change(authority=hub.url)
    models.retry_advice()
    qtbot.waitUntil(window.controller.welcome.download_button.isEnabled, timeout=PATIENCE_MS)
    offered = window.controller.welcome.download_button.text()
    plan = models._fits.plan_of(tiny)
    assert plan.context > 0
    models.show_page(key=tiny)
    dialog: Any = find(window, "modelsDialog", ModelsPage)
    qtbot.waitUntil(lambda: tiny in dialog.list.rows(), timeout=PATIENCE_MS)
    brief = dialog.list.rows()[tiny].fit
    assert brief.split(" ")[1] in offered
    services.downloads.queue.add(tiny, next(each.published for each in models._fits.suggestions.models))
    qtbot.waitUntil(lambda: services.settings.current.model_id == tiny, timeout=PATIENCE_MS)
    models._fits.refresh()
    qtbot.waitUntil(lambda: tiny in models._fits._local, timeout=PATIENCE_MS)
    here = models._fits.plan_of(tiny)
    assert here.context == plan.context
    assert models._fits.brief(here) == brief
    dialog.back_button.click()


def test_measured_speed_replaces_the_estimate(
    qtbot: QtBot, services: Services, models: Callable[[], ModelsPage], tiny_model: Path
) -> None:
    services.library.register(tiny_model)
    dialog = models()
    fits: ModelFits = dialog.fits  # type: ignore[attr-defined]
    fits.refresh()
    qtbot.waitUntil(lambda: fits.of("tiny") is not None, timeout=PATIENCE_MS)
    before = fits.plan_of("tiny")
    assert before is not None
    assert fits.of("tiny").brief.startswith("About ")  # type: ignore[union-attr]
    services.planning.speeds.note(tiny_model, before, 17.0, 83.0)
    # An answer doesn't replace what was measured on purpose.
    services.planning.speeds.note(tiny_model, before, 3.0)
    fits.refresh()
    qtbot.waitUntil(lambda: dialog.list.rows()["tiny"].fit == "Measured: 17 tokens/s", timeout=PATIENCE_MS)
    assert "reads prompts at 83 tokens/s" in fits.of("tiny").sentence  # type: ignore[union-attr]
    # Only for the same plan, but in any folder.
    other = replace(before, spec=replace(before.spec, threads=1))
    assert services.planning.speeds.applied(tiny_model, other) == other
    moved = Path(shutil.copy2(tiny_model, services.folder.root))
    assert services.planning.speeds.applied(moved, before).tokens_per_second_estimate == 17.0


def test_first_page_shows_the_download_that_the_user_began(
    qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch, hub: FakeHub, tmp_path: Path
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,24")
    path = write_tiny_model(tmp_path / "one.gguf", n_layer=4)
    hub.add_file("somebody/tiny", "one.gguf", path)
    hub.fault("cdn", "trickle", rate=20_000, times=-1)
    window = open_window()
    services, welcome = window.controller.services, window.controller.welcome
    services.settings.change(endpoint=hub.url, authority=hub.url)
    label: Any = find(window, "adviceLabel", QLabel)
    qtbot.waitUntil(lambda: label.text().startswith("Best for this computer"), timeout=PATIENCE_MS)
    services.downloads.queue.add("somebody/tiny:one.gguf")
    qtbot.waitUntil(lambda: label.text() == "Your download: one", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: welcome.download_button.text() == "Pause", timeout=PATIENCE_MS)
    assert welcome.cancel_button.isVisible()
    # It can be seen and reached from a chat with the starter too.
    window.controller.models.use("starter")
    shown, hint = window.sidebar.downloads_button, window.hint.action
    qtbot.waitUntil(lambda: shown.text().startswith("Downloading: ") and shown.isVisible(), timeout=PATIENCE_MS)
    assert hint.text().startswith("Downloading: ")
    for button in (shown, hint):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        page: Any = find(window, "modelsDialog", ModelsPage)
        qtbot.waitUntil(lambda page=page: page.list.key() == "somebody/tiny:one.gguf", timeout=PATIENCE_MS)
        page.back_button.click()
        qtbot.waitUntil(lambda: window.findChild(ModelsPage) is None, timeout=PATIENCE_MS)
    services.settings.change(model_id=None)
    window.controller._refresh()
    welcome.cancel_button.click()
    qtbot.waitUntil(lambda: label.text().startswith("Best for this computer"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: services.downloads.queue.statuses() == (), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not shown.isVisible(), timeout=PATIENCE_MS)
