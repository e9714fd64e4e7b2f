"""Formula renderer: requests from any thread, drawn in a child process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.formulas import FormulaRenderer
from app.formulas.renderer import MAX_DEPTH, depth, is_within_limits
from app.process.child_process import FORMULAS

BOMB = r"\def\a{" + "x" * 2_500 + "}" + r"\a" * 900
"""Two million letters."""


@pytest.fixture
def formula_renderer() -> Iterator[FormulaRenderer]:
    made = FormulaRenderer(limit_s=10)
    yield made
    made.close()


def drawn(formula_renderer: FormulaRenderer, formula: str):
    return formula_renderer.shape(formula, False)


def test_picture_has_size_colour_and_baseline(formula_renderer: FormulaRenderer):
    shape = drawn(formula_renderer, "x^2")
    assert shape is not None
    small, large = (shape.at(size, "#123456") for size in (10, 20))
    assert large.width == pytest.approx(2 * small.width)
    assert 0 < small.baseline < small.height
    assert "#123456" in small.svg
    assert "currentColor" not in small.svg


def test_process_starts_with_the_first_formula(formula_renderer: FormulaRenderer):
    assert formula_renderer._process is None
    drawn(formula_renderer, "x")
    assert formula_renderer._process is not None


def test_formula_that_cannot_be_drawn_is_none(formula_renderer: FormulaRenderer):
    for formula in (
        r"\frac{1}{",
        "a^b^c",
        "",
        "   ",
        "{" * (MAX_DEPTH + 1) + "x" + "}" * (MAX_DEPTH + 1),
        "x" * 10_000,
    ):
        assert drawn(formula_renderer, formula) is None
    assert drawn(formula_renderer, "x") is not None


def test_requests_from_several_threads(formula_renderer: FormulaRenderer):
    reported: list[str] = []
    arrived = threading.Event()

    def tell(formula: str, display: bool) -> None:
        reported.append(formula)
        if len(reported) == 60:
            arrived.set()

    def ask(number: int) -> None:
        formula_renderer.request([(f"x_{{{number + n}}}", bool(n % 2)) for n in range(10)], tell)

    threads = [threading.Thread(target=ask, args=(10 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert arrived.wait(60)
    assert len(set(reported)) == 60
    assert formula_renderer.known("x_{3}", True) is not None


def test_expensive_formula_is_ended():
    formula_renderer = FormulaRenderer(limit_s=0.5)
    order: list[str] = []
    arrived = threading.Event()

    def tell(formula: str, display: bool) -> None:
        order.append(formula)
        if len(order) == 3:
            arrived.set()

    try:
        formula_renderer.request([(BOMB, True), ("x", True), ("y", True)], tell)
        assert arrived.wait(60)
        assert order == [BOMB, "x", "y"]
        assert formula_renderer.known(BOMB, True) is None
        assert formula_renderer.is_known(BOMB, True)
        assert drawn(formula_renderer, "z") is not None
    finally:
        formula_renderer.close()


def test_killed_process_is_restarted(formula_renderer: FormulaRenderer):
    drawn(formula_renderer, "x")
    process = formula_renderer._process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    psutil.wait_procs([psutil.Process(process.pid)] if psutil.pid_exists(process.pid) else [], timeout=30)
    assert drawn(formula_renderer, "y") is not None


def test_idle_process_ends():
    formula_renderer = FormulaRenderer(idle_s=0.05)
    try:
        assert drawn(formula_renderer, "x") is not None
        thread = formula_renderer._thread
        if thread is not None:
            thread.join(30)
        assert formula_renderer._process is None
        assert drawn(formula_renderer, "y") is not None
        assert drawn(formula_renderer, "x") is not None
    finally:
        formula_renderer.close()


def test_close_ends_the_process():
    formula_renderer = FormulaRenderer()
    drawn(formula_renderer, "x")
    process = formula_renderer._process
    assert process is not None
    formula_renderer.close()
    assert not psutil.pid_exists(process.pid)
    assert drawn(formula_renderer, "y") is None
    assert formula_renderer.known("x", False) is not None


def test_close_does_not_wait_for_an_expensive_formula():
    formula_renderer = FormulaRenderer(limit_s=60)
    reported = threading.Event()
    formula_renderer.request([(BOMB, True)], lambda _formula, _display: reported.set())
    formula_renderer.close()
    assert reported.wait(10)


def test_cache_is_limited():
    formula_renderer = FormulaRenderer(cache_bytes=20_000)
    try:
        for number in range(30):
            assert drawn(formula_renderer, f"x_{{{number}}} + y") is not None
        assert formula_renderer._bytes <= 20_000
        assert not formula_renderer.is_known("x_{0} + y", False)
        assert formula_renderer.known("x_{29} + y", False) is not None
    finally:
        formula_renderer.close()


def test_library_is_not_imported_by_the_program():
    program = (
        "import sys; from app.formulas import FormulaRenderer; import app.services;"
        "m = FormulaRenderer(); assert m.shape('x', True); m.close();"
        "assert not any(name.split('.')[0] in {'quickjs', '_quickjs', 'ziafont'} for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2], timeout=120)


def test_process_ends_with_its_parent():
    program = (
        "import os, sys; from app.formulas import FormulaRenderer; m = FormulaRenderer(); m.shape('x', True);"
        "print(m._process.pid, flush=True); os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=120
    )
    child = int(done.stdout)
    if psutil.pid_exists(child):
        psutil.Process(child).wait(30)
    assert not psutil.pid_exists(child)


@pytest.mark.parametrize(
    ("formula", "levels"), [("x", 0), ("{{x}}", 2), (r"\{\{", 0), (r"\left( \left[ x \right] \right)", 2)]
)
def test_nesting_depth(formula: str, levels: int):
    assert depth(formula) == levels
    assert is_within_limits(formula)


def test_frozen_program_starts_itself_with_the_flag(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert FORMULAS.command() == [sys.executable, FORMULAS.flag]


def test_program_serves_with_the_flag():
    request = json.dumps({"formula": "x", "display": True}).encode() + b"\n"
    done = subprocess.run(
        [sys.executable, "-m", "app", FORMULAS.flag],
        input=request,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
        check=True,
    )
    ready, answer = map(json.loads, done.stdout.splitlines())
    assert ready == {"ready": True}
    assert answer["svg"].startswith("<svg")
