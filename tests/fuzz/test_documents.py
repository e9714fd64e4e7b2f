"""Hostile documents: each becomes text that can be used, or is refused in one line, in little time."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.documents import extraction
from app.documents.attachments import MAX_BYTES, read_attachment
from app.documents.passages import page_count
from app.documents.ranking import index_of, rank
from app.process.child_process import ChildProgram, LimitedProcess
from model_manager.errors import UserError
from tests.documents.builders import archive, docx, epub, pdf, pptx, prose, w_p, w_table, xlsx
from tests.fuzz.hostile import Hostile, assert_one_line, case_count, hostile_cases, write

MAX_SECONDS = 20.0
"""Processor time of a document."""
_VALUES = re.compile(r'(?<=")[^"<>]*(?=")|(?<=>)[^<>]+(?=<)')
_ELEMENTS = re.compile(r"<(\w[\w:]*)[^<>]*>(?:[^<>]*</\1>)?")
_NUMBERS = re.compile(rb"-?\d[\d.]*|/\w+")
_PDF_WORDS = (
    b"/Type",
    b"/Kids",
    b"/Count",
    b"/Parent",
    b"/Contents",
    b"/Filter",
    b"/FlateDecode",
    b"/Encrypt",
    b"1 0 R",
)


class ReusedProcess(LimitedProcess):
    """Reads the next document too, unless it did not answer."""

    kept: ReusedProcess | None = None
    ends = 0
    """How often it did not answer."""

    @classmethod
    def get(cls, program: ChildProgram, limit_bytes: int, *, quiet: bool) -> ReusedProcess:
        cls.kept = cls.kept or cls(program, limit_bytes, quiet=quiet)
        return cls.kept

    @classmethod
    def cpu(cls) -> float:
        return cls.kept.cpu_seconds() if cls.kept is not None else 0.0

    @classmethod
    def end(cls) -> None:
        if cls.kept is not None:
            LimitedProcess.close(cls.kept)
        cls.kept = None

    def ask(self, request: Any, limit_s: float, is_over: Callable[[], bool]) -> dict[str, Any] | None:
        answer = super().ask(request, limit_s, is_over)
        if answer is None:
            type(self).ends += 1
            self.end()
        return answer

    def close(self, grace_s: float = 0.0) -> None:
        """Stay."""


def _write_valid(folder: Path) -> list[Path]:
    table = [[(11, 50, "Port"), (11, 200, "Range")], [(11, 50, "Bristol"), (11, 200, "12 m")]]
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>day</t></is></c></row><row r="2"><c r="A2" s="1"><v>45000</v></c>'
        '<c r="B2"><f>1+6</f><v>7</v></c></row>'
    )
    page = "<h1>T</h1><p>One<br>two<ul><li>a<ol><li>b</ol></ul><pre>x</pre><table><tr><th>k<td rowspan='2'>v</table>"
    body = w_p("年度", style="1") + w_p("one", level=0) + w_p("two", level=1, page_break=True) + w_table(["a", "b"])
    return [
        pdf(folder / "a.pdf", [[(20, 50, "Tides"), *prose("The tide rises. " * 20)], table]),
        docx(folder / "a.docx", body),
        pptx(folder / "a.pptx", ("Why", ["first", "second"]), ("How", ["a step"])),
        xlsx(folder / "a.xlsx", {"Sales": rows}),
        epub(folder / "a.epub", page, "<h2>第二章</h2><p>完</p>"),
        write(folder / "a.html", page.encode()),
    ]


def _changed_text(text: str, dice: Hostile) -> str:
    """Return XML or HTML with a few other values, and elements that are missing, repeated or nested."""
    for _ in range(dice.choice((1, 1, 2, 8))):
        kind = dice.randrange(4)
        places = list((_ELEMENTS if kind == 3 else _VALUES).finditer(text))
        if not places:
            return text
        found = dice.choice(places)
        if kind == 3:
            new = dice.choice(("", found[0] * 2, found[0] * 3000, f"<{found[1]}>" * dice.choice((3, 3000)) + found[0]))
        else:
            new = dice.choice(
                (str(dice.number()), dice.text(), "&#x0;", "&#xD800;", "&x;", "<b>", dice.choice(places)[0])
            )
        text = text[: found.start()] + new + text[found.end() :]
    return text


def _changed_pdf(content: bytes, dice: Hostile) -> bytes:
    for _ in range(dice.choice((1, 1, 2, 8))):
        found = dice.choice(list(_NUMBERS.finditer(content)))
        new = dice.choice((str(dice.number()).encode(), dice.choice(_PDF_WORDS), b"1e9", b"99999999", b"0", b"2 0 R"))
        content = content[: found.start()] + new + content[found.end() :]
    return content


def _mutated(valid: Path, path: Path, dice: Hostile) -> Path:
    """Write a changed copy of a valid document."""
    if valid.suffix == ".pdf":
        write(path, _changed_pdf(valid.read_bytes(), dice))
    elif valid.suffix == ".html":
        write(path, _changed_text(valid.read_text("utf-8"), dice).encode(errors="surrogatepass"))
    else:
        with zipfile.ZipFile(valid) as file:
            members = {name: file.read(name) for name in file.namelist()}
        name = dice.choice(list(members))
        if dice.chance(0.1):
            del members[name]
        elif dice.chance(0.2):
            members[name] = dice.damaged(members[name])
        else:
            members[name] = _changed_text(members[name].decode(), dice).encode(errors="surrogatepass")
        archive(path, members)
    return write(path, dice.damaged(path.read_bytes())) if dice.chance(0.2) else path


def _read(path: Path) -> str:
    try:
        text = read_attachment(path).content
    except UserError as error:
        assert_one_line(error)
        return error.code
    assert len(text.encode()) <= MAX_BYTES
    assert page_count(text) >= 0
    rank([index_of(text)], "Which port has the largest range?")
    return "read"


@case_count
def test_hostile_documents(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the cases, which take milliseconds each."""
    monkeypatch.setattr(extraction, "LimitedProcess", ReusedProcess.get)
    outcomes: Counter[str] = Counter()
    valid = _write_valid(tmp_path)
    try:
        for dice in hostile_cases(count // 10):
            source = dice.choice(valid)
            path = _mutated(source, tmp_path / f"hostile{source.suffix}", dice)
            spent = ReusedProcess.cpu()
            try:
                outcomes[_read(path)] += 1
                assert ReusedProcess.cpu() - spent < MAX_SECONDS
            except BaseException as error:
                error.add_note(f"{dice!r} {source.suffix}")
                raise
    finally:
        ReusedProcess.end()
    assert outcomes["read"] > count / 40, outcomes
    assert outcomes["attachment_damaged"] > count / 100, outcomes
    assert ReusedProcess.ends < count / 1000, "no answer, for lack of time or memory or after a crash"
