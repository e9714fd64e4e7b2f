"""Dialog with the details of an answer: all that is known of how it was made, to be read or copied as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from app.conversation import STOP_SEQUENCE, DocumentUse, Message, Provenance, Speculation
from app.parameter import parameters
from app.sampling import Sampling, shown_samplers
from app.tools.web import sources_of
from app.units import GIB, grouped
from ui.widgets.dialog_parts import (
    MARGIN,
    SMALL_SIZE,
    align_first_lines,
    arrange,
    button,
    heading,
    quiet_label,
    resize_within_screen,
    scrolled,
)
from ui.widgets.error_text import passages_text
from ui.widgets.formats import list_text, time_text
from ui.widgets.layouts import vbox
from ui.widgets.theme import interface_font, mono_font

BYTES = ("weights_bytes", "kv_bytes", "compute_bytes", "projector_bytes", "repack_bytes")
HASH_LENGTH, HASH_SIZE = 64, 12

Rows = list[tuple[str, str]]
"""Names with values."""


class DetailsDialog(QDialog):
    """The details in groups, with names at the left and values at the right."""

    def __init__(
        self,
        message: Message,
        provenance: Provenance,
        model_name: str,
        parent: QWidget | None = None,
        *,
        whole: Sequence[str] = (),
    ) -> None:
        """``provenance`` is that of the message, ``model_name`` the display name of its model.

        ``whole`` are the names of the attachments that the model was given as a whole.
        """
        super().__init__(parent)
        self.setObjectName("detailsDialog")
        self.setWindowTitle(self.tr("Answer details"))
        self.setAccessibleName(self.tr("Answer details"))
        self._message, self._model_name, self._whole = message, model_name, whole
        groups = {
            self.tr("Model"): self._model(provenance),
            self.tr("Memory layout"): self._plan(provenance.plan),
            self.tr("Sampling"): self._sampling(provenance),
            self.tr("Answer"): self._answer(provenance),
        }
        known = {title: [row for row in rows if row[1]] for title, rows in groups.items()}
        self._groups = {title: rows for title, rows in known.items() if rows}
        sentence = self.tr("The same model file, settings, seed and memory layout produce the same answer.")
        if provenance.endpoint:
            sentence = self.tr("From a server: the same settings and seed can produce another answer.")
        if provenance.sampling is None:
            sentence = self.tr("Imported from another program, which doesn't export more than this.")
        head = heading(self.tr("Answer details")), 4, quiet_label(sentence), 16
        page = QWidget()
        vbox(*head, self._grid(), None, parent=page, margins=(MARGIN, MARGIN, MARGIN, MARGIN))
        copy = button("copyDetailsButton", self.tr("Copy as text"))
        close = button("closeButton", self.tr("Close"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.as_text()))
        close.clicked.connect(self.accept)
        arrange(self, scrolled(page), None, copy, close)
        resize_within_screen(self, 680, 600)

    def as_text(self) -> str:
        """Return the details as plain text."""
        groups = self._groups.items()
        parts = [f"{title}\n" + "\n".join(f"  {name}: {value}" for name, value in rows) for title, rows in groups]
        return "\n\n".join(parts) + "\n"

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(MARGIN)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        translate = QCoreApplication.translate
        tips = {
            translate("parameters", each.label): translate("parameters", each.description)
            for each in parameters(Sampling).values()
        }
        for title, rows in self._groups.items():
            title_label = QLabel(title)
            title_label.setFont(interface_font(SMALL_SIZE, bold=True))
            title_label.setContentsMargins(0, 12 if grid.count() else 0, 0, 0)
            grid.addWidget(title_label, grid.rowCount(), 0, 1, 2)
            for name, value in rows:
                name_label = QLabel(name)
                name_label.setProperty("quiet", True)
                name_label.setToolTip(tips.get(name, ""))
                row, value_label = grid.rowCount(), _value_label(name, value)
                align_first_lines(name_label, value_label)
                grid.addWidget(name_label, row, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(value_label, row, 1, Qt.AlignmentFlag.AlignTop)
        return grid

    def _model(self, provenance: Provenance) -> Rows:
        return [
            (self.tr("Name"), self._model_name or provenance.model_id),
            (self.tr("Quantisation"), provenance.quantisation or ""),
            (self.tr("File"), "" if provenance.endpoint or provenance.sampling is None else provenance.model_id),
            ("SHA-256", provenance.file_sha256 or ""),
            (self.tr("Server"), provenance.endpoint or ""),
            (self.tr("Engine"), provenance.engine or ""),
            (self.tr("Program"), provenance.program or ""),
        ]

    def _plan(self, plan: Mapping[str, Any]) -> Rows:
        if not plan:
            return []
        rows = [
            (self.tr("Summary"), self._verdict(plan)),
            (self.tr("Context"), self.tr("{count} tokens").format(count=grouped(int(plan.get("context") or 0)))),
            (self.tr("KV cache"), str(plan.get("kv_type") or "")),
            (self.tr("Layers on GPUs"), str(plan.get("n_gpu_layers", ""))),
            (self.tr("Tensor split"), list_text(f"{share:g}" for share in plan.get("tensor_split") or ())),
            (self.tr("Experts in RAM"), _ranges(plan.get("experts_in_ram") or ())),
        ]
        rows += [(str(device.get("name")), self._memory(device)) for device in plan.get("devices") or ()]
        return [*rows, (self.tr("RAM"), self._memory(plan.get("host") or {}))]

    def _verdict(self, plan: Mapping[str, Any]) -> str:
        experts, layers = len(plan.get("experts_in_ram") or ()), plan.get("n_gpu_layers") or 0
        match plan.get("verdict"):
            case "gpu":
                return self.tr("The whole model was on the GPUs.")
            case "experts_in_ram":
                return self.tr("On the GPUs, except for the experts of {count} layers, which were in RAM.").format(
                    count=experts
                )
            case "layers_in_ram":
                if not layers:
                    return self.tr("The model ran entirely on the CPU.")
                return self.tr("{count} layers were on the GPUs, the rest in RAM.").format(count=layers)
        return ""

    def _memory(self, device: Mapping[str, Any]) -> str:
        actual = device.get("actual") or {}
        # The engine's own figures, or the planned ones where it gave none.
        figures = actual if any(actual.get(key) for key in BYTES) else device
        weights, kv, compute, projector, repack = (int(figures.get(key) or 0) for key in BYTES)
        if not weights + kv + compute + projector + repack:
            return ""
        text = self.tr("weights {weights}, KV cache {kv}, compute buffers {compute} GiB")
        if projector:
            text = self.tr(
                "weights {weights}, KV cache {kv}, compute buffers {compute}, picture reader {projector} GiB"
            )
        return text.format(
            weights=_gib(weights + repack), kv=_gib(kv), compute=_gib(compute), projector=_gib(projector)
        )

    def _sampling(self, provenance: Provenance) -> Rows:
        if (sampling := provenance.sampling) is None:
            return []
        translate = QCoreApplication.translate
        thinking = parameters(Sampling)["thinking"].choices.get(sampling.thinking, sampling.thinking)
        return [
            *(
                (translate("parameters", parameters(Sampling)[name].label), f"{value:g}")
                for name, value in shown_samplers(sampling).items()
            ),
            (self.tr("Maximum tokens"), str(sampling.max_tokens) if sampling.max_tokens else self.tr("no limit")),
            (self.tr("Thinking"), translate("parameters", thinking) if sampling.thinking else ""),
            (self.tr("Answer format"), sampling.json_schema or sampling.grammar),
            (self.tr("Stop sequences"), "  ".join(repr(text) for text in sampling.stop)),
            (self.tr("Seed"), str(provenance.seed)),
        ]

    def _answer(self, provenance: Provenance) -> Rows:
        return [
            (self.tr("Asked at"), time_text(self._message.created_at)),
            (
                self.tr("Reading the prompt"),
                self._count_and_rate(provenance.prompt_tokens, provenance.prompt_tokens_per_second),
            ),
            (
                self.tr("Writing the answer"),
                self._count_and_rate(provenance.answer_tokens, provenance.tokens_per_second),
            ),
            (self.tr("Guessed text"), self._guesses(provenance.speculation)),
            (self.tr("Time to first token"), self._seconds(provenance.time_to_first_token_s)),
            (self.tr("Thinking time"), self._seconds(provenance.thought_s)),
            (self.tr("Stop reason"), self._ending(provenance.finish_reason)),
            *self._documents(provenance.documents),
            (
                self.tr("Web pages"),
                "\n".join(f"{each.title}: {each.url}" for each in sources_of(self._message.content)),
            ),
            (self.tr("Messages left out"), str(len(provenance.left_out)) if provenance.left_out else ""),
        ]

    def _documents(self, use: DocumentUse | None) -> Rows:
        if use is None:
            return [(self.tr("Read as a whole"), "\n".join(dict.fromkeys(self._whole)))]
        places = []
        for excerpt in use.excerpts:
            pages = {each.page for each in excerpt.passages if each.page}
            headings = dict.fromkeys(each.heading for each in excerpt.passages if each.heading)
            place = self.tr("pages {pages}").format(pages=_ranges(pages)) if pages else list_text(headings)
            places.append(f"{excerpt.name}: {place}" if place else excerpt.name)
        return [(self.tr("Attachments"), passages_text(use)), (self.tr("Passages"), "\n".join(places))]

    def _count_and_rate(self, tokens: int, rate: float | None) -> str:
        if not tokens:
            return ""
        if rate is None:
            return self.tr("{count} tokens").format(count=grouped(tokens))
        return self.tr("{count} tokens, {rate} tokens/s").format(count=grouped(tokens), rate=f"{rate:.1f}")

    def _guesses(self, use: Speculation | None) -> str:
        reasons = {
            "recurrent": self.tr("off: this model can't take back a guess"),
            "windows": self.tr("off: the memory layout keeps only the sliding windows"),
            "inexact": self.tr("off: guesses would change the answer on this device with this memory layout"),
        }
        if use is None or not (use.guessed or use.off):
            return ""
        if not use.guessed:
            return reasons.get(use.off, "")
        return self.tr("{accepted} of {guessed} guessed tokens were right").format(
            accepted=grouped(use.accepted), guessed=grouped(use.guessed)
        )

    def _seconds(self, seconds: float | None) -> str:
        return "" if seconds is None else self.tr("{seconds} s").format(seconds=f"{seconds:.1f}")

    def _ending(self, reason: str) -> str:
        texts = {
            "stop": self.tr("complete"),
            "length": self.tr("token limit reached"),
            STOP_SEQUENCE: self.tr("stop sequence reached"),
            "cancelled": self.tr("stopped by you"),
            "died": self.tr("the engine exited unexpectedly"),
        }
        return texts.get(reason, reason)


def _value_label(name: str, value: str) -> QLabel:
    label = QLabel(value)
    label.setWordWrap(True)
    if len(value) == HASH_LENGTH and value.isalnum():
        # It has no spaces to wrap at.
        label.setFont(mono_font(HASH_SIZE))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setAccessibleName(f"{name}: {value}")
    return label


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / GIB:.2f}"


def _ranges(numbers: Any) -> str:
    """Return layer numbers as ranges: 0–3, 7."""
    ranges: list[list[int]] = []
    for number in sorted(int(each) for each in numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return list_text(str(first) if first == last else f"{first}–{last}" for first, last in ranges)
