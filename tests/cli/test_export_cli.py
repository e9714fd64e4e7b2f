"""``conversations export``: formats, options and errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pypdf import PdfReader
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from app.__main__ import main
from app.config.presets import ConversationOverrides, Presets
from app.conversation import Status
from app.export.export import FORMATS
from app.store.store import ConversationStore
from tests.export.conftest import PROVENANCE

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ids(data: Path) -> list[str]:
    """Two conversations with one answer each."""
    made = []
    with ConversationStore.open(data / "conversations") as store:
        for title in ("天空", "Sky"):
            conversation = store.create(title=title)
            _, answer = store.begin_turn(conversation.id, "为什么?")
            text = "<think>\nhm\n</think>\n\nBecause $x^2$ 散射."
            store.finish_answer(answer.id, text, Status.COMPLETE, PROVENANCE)
            made.append(conversation.id)
    return made


@pytest.fixture
def export(data: Path, capsys: pytest.CaptureFixture[str], qapp: QApplication) -> Run:
    def run_program(*arguments: str) -> Done:
        try:
            code = main(["conversations", "export", *arguments, "--data-dir", str(data)])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run_program


def text_of(path: Path) -> str:
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_one_conversation_in_each_format(export: Run, ids: list[str], tmp_path: Path, name: str) -> None:
    out = tmp_path / f"sky.{name}"
    done = export(ids[0], "--format", name, "--out", str(out), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"paths": [str(out)]}
    assert "散射" in text_of(out)
    assert "ab" * 32 in text_of(out).replace("\n", "")
    if name in ("html", "pdf"):
        # Formulas are drawn: no source is shown.
        assert "<code" not in text_of(out)


@pytest.mark.parametrize("name", FORMATS)
def test_all_conversations_in_each_format(export: Run, ids: list[str], tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    done = export("all", "--format", name, "--out", str(out), "--no-metadata", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    paths = [Path(each) for each in json.loads(done.stdout)["paths"]]
    if name in ("json", "jsonl"):
        assert paths == [out]
        assert text_of(out).count("散射") == 2
    else:
        assert paths == [out / f"天空.{name}", out / f"Sky.{name}"]
        assert all("散射" in text_of(each) and "ab" * 32 not in text_of(each) for each in paths)


def test_thoughts_are_kept_or_dropped(export: Run, ids: list[str], tmp_path: Path) -> None:
    for thoughts, is_there in (("keep", True), ("fold", True), ("drop", False)):
        out = tmp_path / "sky.txt"
        done = export(ids[0], "--format", "txt", "--out", str(out), "--thoughts", thoughts)
        assert done.returncode == 0
        assert ("| hm" in text_of(out)) is is_there


def test_one_message(export: Run, ids: list[str], data: Path, tmp_path: Path) -> None:
    with ConversationStore.open(data / "conversations") as store:
        question, answer = store.branch(ids[0])
    out = tmp_path / "one.pdf"
    done = export(ids[0], "--message", answer.id, "--format", "pdf", "--out", str(out), "--paper", "letter")
    assert (done.returncode, done.stdout) == (0, f"{out}\n")
    assert "散射" in text_of(out)
    assert question.content not in text_of(out)
    assert [float(each) for each in PdfReader(out).pages[0].mediabox[2:]] == [612, 792]
    done = export(ids[1], "--message", answer.id, "--format", "md", "--out", str(tmp_path / "x.md"))
    assert done.returncode == 1
    assert done.stderr == f"apus-chat: There's no message {answer.id}. It may have been deleted.\n"


@pytest.mark.parametrize(("place", "size"), [("en_US", (612, 792)), ("zh_CN", (595, 842))])
def test_the_paper_is_the_usual_one_of_the_country(
    export: Run, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(QLocale, "system", lambda: QLocale(place))
    assert export(ids[0], "--format", "pdf", "--out", str(tmp_path / "sky.pdf")).returncode == 0
    assert tuple(round(float(each)) for each in PdfReader(tmp_path / "sky.pdf").pages[0].mediabox[2:]) == size


def test_errors_are_one_line(export: Run, ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for name in ("pdf", "html"):
        done = export(ids[0], "--format", name, "--out", str(tmp_path / "file" / "sky"))
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "can't be written" in done.stderr
    done = export("no-such-id", "--format", "pdf", "--out", str(tmp_path / "none.pdf"))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert not (tmp_path / "none.pdf").exists()
    assert export(ids[0], "--format", "docx", "--out", "x").returncode == 2


def test_only_pdf_imports_qt(ids: list[str], data: Path, tmp_path: Path) -> None:
    script = "import sys; from app.__main__ import main; main(sys.argv[1:]); print('PySide6' in sys.modules)"
    where = ("--out", str(tmp_path / "out"), "--data-dir", str(data))
    for name, loads in (("html", "False"), ("pdf", "True")):
        done = subprocess.run(
            [sys.executable, "-c", script, "conversations", "export", ids[0], "--format", name, *where],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.stdout.splitlines()[-1] == loads, done.stderr


def test_folders_on_the_command_line(
    data: Path, ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str, folder: Path = data, code: int = 0) -> object:
        assert main(["conversations", *arguments, "--json", "--data-dir", str(folder)]) == code
        out = capsys.readouterr()
        return json.loads(out.out) if code == 0 else out.err

    with ConversationStore.open(data / "conversations") as store:
        work = store.add_folder("Work").id
        reports = store.add_folder("Reports", work).id
        preset = Presets(data / "presets.json").add("Brief", ConversationOverrides("Be brief."))
        store.update_folder(work, preset_id=preset.id)
        store.move_to_folder(reports, ids[0])
    by_id = {each["id"]: each["folder"] for each in run("list")}
    assert by_id == {ids[0]: "Work/Reports", ids[1]: None}
    for name in ("Work", "Work/Reports", reports):
        assert [each["id"] for each in run("list", "--folder", name)] == [ids[0]]
        assert {hit["conversation_id"] for hit in run("search", "Because", "--folder", name)} == {ids[0]}
    assert "no folder Nowhere" in run("list", "--folder", "Nowhere", code=1)
    archive, other = tmp_path / "work.zip", tmp_path / "other"
    export = ("export", "all", "--folder", "Work", "--format", "json", "--out")
    assert run(*export, str(archive)) == {"paths": [str(archive)]}
    preview = run("import", str(archive), "--dry-run", folder=other)
    assert (preview["folders"], preview["conversations"]) == (2, 1)
    assert run("import", str(archive), folder=other)["imported"] == 1
    assert [each.name for each in Presets(other / "presets.json").own({preset.id})] == ["Brief"]
    assert [each["folder"] for each in run("list", folder=other)] == ["Work/Reports"]
    assert run("import", str(archive), folder=other)["already_there"] == 1
    run("export", "all", "--folder", "Work", "--format", "md", "--out", str(tmp_path / "work"))
    assert "天空" in "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("work*/*.md")) + "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.glob("work") if path.is_file()
    )
