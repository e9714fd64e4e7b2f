"""The controls below the bars of a plan, each with what it is set to and whether by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from model_manager.plan import LoadPlan, ModelFacts, SplitMode, Wishes
from model_manager.plan.kv_cache import KV_TYPES
from ui.plan.advanced import ExpertPage
from ui.plan.controls import ContextSlider, KvChoice
from ui.plan.figures import context_steps
from ui.plan.layer_strip import LayerStrip, Segment
from ui.plan.overrides import automatic, layers_with_experts, segments_of, with_border
from ui.plan.rows import PlanRow
from ui.plan.strings import device_name, size_text, tokens_text
from ui.widgets.dialog_parts import button
from ui.widgets.icons import icon
from ui.widgets.theme import current_theme

ARROW = 14


class PlanPanel(QWidget):
    """Split, context, cache, the way back to automatic, and the page for experts."""

    changed = Signal(object)
    """A ``Change``: several may come before the next plan is shown, and none of them is to be lost."""

    def __init__(self) -> None:
        super().__init__()
        self._wishes = Wishes()
        self._plan: LoadPlan | None = None
        self._narrow = False
        self.strip, self.context, self.kv, self.experts = LayerStrip(), ContextSlider(), KvChoice(), ExpertPage()
        self.split_row, self.context_row, self.kv_row = PlanRow(self.strip), PlanRow(self.context), PlanRow(self.kv)
        self.rows = (self.split_row, self.context_row, self.kv_row)
        self.more = QToolButton()
        self.more.setObjectName("planMore")
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more.setIconSize(QSize(ARROW, ARROW))
        self.back = button("planBackToAutomatic")
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(policy)
        self._lay_out()
        self.experts.hide()
        self.context.chosen.connect(lambda tokens: self.changed.emit(lambda now: replace(now, context=tokens)))
        self.kv.chosen.connect(lambda wish: self.changed.emit(lambda now: replace(now, kv_type=wish)))
        self.strip.moved.connect(self._move_border)
        self.experts.changed.connect(self.changed)
        self.back.clicked.connect(lambda: self.changed.emit(automatic))
        self.more.clicked.connect(lambda: self.set_expert(self.experts.isHidden()))
        self.retranslate()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for row in self.rows:
            layout.addWidget(row)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.more)
        foot.addStretch(1)
        foot.addWidget(self.back)
        layout.addLayout(foot)
        layout.addWidget(self.experts)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where the tab key stops, in order."""
        return (*self.strip.borders, self.context.slider, self.kv, self.more, self.back, *self.experts.controls)

    def show_plan(
        self,
        wishes: Wishes,
        plan: LoadPlan,
        facts: ModelFacts,
        numbers: Mapping[str, int],
        names: Sequence[str],
        split_modes: Sequence[SplitMode],
    ) -> None:
        """Show what is fixed and what the plan took; ``names`` of all devices, ``numbers`` as ``device_numbers``."""
        self._wishes, self._plan = wishes, plan
        segments = segments_of(plan, wishes)
        self.split_row.setVisible(len(segments) > 1)
        shown = [device_name(name, numbers.get(name)) for name, _ in segments]
        self.strip.show_segments(segments if len(segments) > 1 else (), shown, plan.experts_in_ram)
        self.context.show_steps(context_steps(facts.trained_context, plan.context), plan.context)
        possible = [kind for kind in KV_TYPES if facts.cache.allows(kind)]
        self.kv.show_choice(wishes.kv_type, plan.kv_type, possible)
        devices = [(name, device_name(name, numbers.get(name))) for name in names]
        self.experts.show_plan(wishes, plan, devices, layers_with_experts(facts), split_modes)
        self.back.setVisible(wishes != automatic(wishes))
        self._word_rows()

    def set_expert(self, is_open: bool) -> None:
        """Unfold or fold the page of what is better left to the program."""
        self.experts.setVisible(is_open)
        self._show_fold()

    def arrange(self, *, narrow: bool) -> None:
        """Words above and below the controls, or beside them."""
        self.experts.arrange(narrow=narrow)
        if narrow != self._narrow:
            self._narrow = narrow
            self._word_rows()

    def retranslate(self) -> None:
        """Say the same in the language of now."""
        self.more.setText(self.tr("More options"))
        self.more.setToolTip(self.tr("Advanced"))
        self.back.setText(self.tr("Reset to automatic"))
        self.back.setToolTip(self.tr("Reset all options to automatic"))
        self._show_fold()
        self.kv.retranslate()
        self.experts.retranslate()
        self._word_rows()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_fold()

    def _show_fold(self) -> None:
        name = "chevron-right" if self.experts.isHidden() else "chevron-down"
        self.more.setIcon(icon(name, current_theme().quiet_text, ARROW))

    def _word_rows(self) -> None:
        plan, wishes = self._plan, self._wishes
        if plan is None:
            return
        cache = plan.host.kv_bytes + sum(device.kv_bytes for device in plan.devices)
        split = not wishes.tensor_split and wishes.n_gpu_layers is None
        layers = self.tr("{count} layers").format(count=plan.n_layer)
        marked = self.tr("marked: experts in RAM") if plan.experts_in_ram else ""
        tokens, context, kv = tokens_text(plan.context), self.tr("Context"), self.tr("KV cache")
        self._word(self.split_row, self.tr("Split"), layers, marked, is_automatic=split)
        self._word(self.context_row, context, tokens, is_automatic=wishes.context is None)
        self._word(self.kv_row, kv, size_text(cache), is_automatic=wishes.kv_type == "auto")
        self.context.slider.setAccessibleName(context)
        self.kv.setAccessibleName(kv)

    def _word(self, row: PlanRow, title: str, figure: str, detail: str = "", *, is_automatic: bool) -> None:
        note = self.tr("automatic") if is_automatic else self.tr("manual")
        row.title.say(title)
        row.detail.say(detail)
        # Where the words stand above and below, a line for this alone is too much.
        row.figure.say(f"{figure} · {note}" if self._narrow else figure)
        row.note.say("" if self._narrow else note)

    def _move_border(self, segments: Sequence[Segment], border: int, left: int) -> None:
        self.changed.emit(lambda now: with_border(now, segments, border, left))
