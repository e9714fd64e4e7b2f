"""Controls below the bars of a memory plan: split, context, KV cache and the advanced options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.units import size_text
from model_manager.plan import KV_TYPES, LoadPlan, ModelShape, PlanOptions
from ui.plan.bar_data import context_steps
from ui.plan.changes import automatic, layers_with_experts, segments_of, with_border, with_experts
from ui.plan.controls import ContextSlider, OptionComboBox, OptionSpinBox, set_option
from ui.plan.layer_strip import LayerStrip, Segment
from ui.plan.rows import PlanRow
from ui.plan.strings import device_name, tokens_text
from ui.widgets.dialog_parts import SMALL_SIZE, button
from ui.widgets.icons import set_icon
from ui.widgets.theme import interface_font

ARROW = 14
BATCHES = (128, 256, 512, 1024, 2048, 4096)
MAX_THREADS = 256
SPLIT_MODES = ("layer", "row", "tensor", "none")


class PlanPanel(QWidget):
    """All options of a plan, with their values and whether they are automatic."""

    changed = Signal(object)
    """A ``Change``; several can come before the next plan is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._options = PlanOptions()
        self._plan: LoadPlan | None = None
        self._narrow = False
        self.strip, self.context, self.advanced = LayerStrip(), ContextSlider(), AdvancedOptions()
        self.kv = OptionComboBox("planKvType", "kv_type", ("auto", *KV_TYPES))
        self.split_row, self.context_row, self.kv_row = PlanRow(self.strip), PlanRow(self.context), PlanRow(self.kv)
        self.rows = (self.split_row, self.context_row, self.kv_row)
        self.more = QToolButton()
        self.more.setObjectName("planMore")
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more.setIconSize(QSize(ARROW, ARROW))
        self.reset = button("planBackToAutomatic")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self._lay_out()
        self.advanced.hide()
        for control in (self.context, self.kv, self.advanced):
            control.changed.connect(self.changed)
        self.strip.moved.connect(self._move_border)
        self.reset.clicked.connect(lambda: self.changed.emit(automatic))
        self.more.clicked.connect(lambda: self.set_advanced(self.advanced.isHidden()))
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
        foot.addWidget(self.reset)
        layout.addLayout(foot)
        layout.addWidget(self.advanced)

    @property
    def tab_order(self) -> tuple[QWidget, ...]:
        """The focusable widgets, in order."""
        return (*self.strip.borders, self.context.slider, self.kv, self.more, self.reset, *self.advanced.controls)

    def show_plan(
        self,
        options: PlanOptions,
        plan: LoadPlan,
        facts: ModelShape,
        numbers: Mapping[str, int],
        names: Sequence[str],
        split_modes: Sequence[str],
    ) -> None:
        """Show the fixed options and the plan; ``names`` of all devices, ``numbers`` from ``device_numbers``."""
        self._options, self._plan = options, plan
        segments = segments_of(plan, options)
        self.split_row.setVisible(len(segments) > 1)
        labels = [device_name(name, numbers.get(name)) for name, _ in segments]
        self.strip.show_segments(segments if len(segments) > 1 else (), labels, plan.experts_in_ram)
        self.context.show_steps(context_steps(facts.trained_context, plan.context), plan.context)
        self.kv.set_allowed(["auto", *(kind for kind in KV_TYPES if facts.cache.allows(kind))])
        self.kv.show_value(options.kv_type)
        devices = [(name, device_name(name, numbers.get(name))) for name in names]
        self.advanced.show_plan(options, plan, devices, layers_with_experts(facts), split_modes)
        self.reset.setVisible(options != automatic(options))
        self._update_texts()

    def set_advanced(self, visible: bool) -> None:
        """Show or hide the advanced options."""
        self.advanced.setVisible(visible)
        self._update_arrow()

    def arrange(self, *, narrow: bool) -> None:
        """Arrange for a narrow or wide window."""
        self.advanced.arrange(narrow=narrow)
        if narrow != self._narrow:
            self._narrow = narrow
            self._update_texts()

    def retranslate(self) -> None:
        """Update all texts."""
        self.more.setText(self.tr("More options"))
        self.more.setToolTip(self.tr("Advanced"))
        self.reset.setText(self.tr("Reset to automatic"))
        self.reset.setToolTip(self.tr("Reset all options to automatic"))
        self._update_arrow()
        self.advanced.retranslate()
        self._update_texts()

    def _update_arrow(self) -> None:
        name = "chevron-right" if self.advanced.isHidden() else "chevron-down"
        set_icon(self.more, name, size=ARROW)

    def _update_texts(self) -> None:
        plan, options = self._plan, self._options
        self.kv.set_texts(
            (
                self.tr("Automatic ({kind})").format(kind=plan.kv_type if plan else "f16"),
                self.tr("f16: exact"),
                self.tr("q8_0: half the memory, almost no loss"),
                self.tr("q4_0: a quarter of the memory, less exact"),
            )
        )
        if plan is None:
            return
        cache = plan.host.kv_bytes + sum(device.kv_bytes for device in plan.devices)
        split = not options.tensor_split and options.n_gpu_layers is None
        layers = self.tr("{count} layers").format(count=plan.n_layer)
        marked = self.tr("marked: experts in RAM") if plan.experts_in_ram else ""
        tokens, context, kv = tokens_text(plan.context), self.tr("Context"), self.tr("KV cache")
        self._set_row_texts(self.split_row, self.tr("Split"), layers, marked, is_automatic=split)
        self._set_row_texts(self.context_row, context, tokens, is_automatic=options.context is None)
        self._set_row_texts(self.kv_row, kv, size_text(cache), is_automatic=options.kv_type == "auto")
        self.context.slider.setAccessibleName(context)
        self.kv.setAccessibleName(kv)

    def _set_row_texts(self, row: PlanRow, title: str, figure: str, detail: str = "", *, is_automatic: bool) -> None:
        note = self.tr("automatic") if is_automatic else self.tr("manual")
        row.title.set_text(title)
        row.detail.set_text(detail)
        row.figure.set_text(f"{figure} · {note}" if self._narrow else figure)
        row.note.set_text("" if self._narrow else note)

    def _move_border(self, segments: Sequence[Segment], border: int, left: int) -> None:
        self.changed.emit(lambda options: with_border(options, segments, border, left))


class AdvancedOptions(QWidget):
    """Options that are rarely changed: layers and experts, split mode, attention, batches and threads."""

    changed = Signal(object)
    """A ``Change``."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: LoadPlan | None = None
        self._devices: tuple[tuple[str, str], ...] = ()
        self._expert_layers: tuple[int, ...] = ()
        self._narrow: bool | None = None
        self.layers = OptionSpinBox("planGpuLayers", 0)
        self.experts = OptionSpinBox("planExpertsInRam", 0)
        self.split_mode = OptionComboBox("planSplitMode", "split_mode", SPLIT_MODES)
        self.main_gpu = OptionComboBox("planMainGpu", "main_gpu", (None,))
        self.flash_attention = OptionComboBox("planFlashAttention", "flash_attention", (None, True, False))
        self.threads = OptionSpinBox("planThreads", 1)
        self.batch = OptionComboBox("planBatch", "batch", (None, *BATCHES))
        self.micro_batch = OptionComboBox("planMicroBatch", "micro_batch", (None, *BATCHES))
        self.combo_boxes = (self.split_mode, self.main_gpu, self.flash_attention, self.batch, self.micro_batch)
        self.controls: tuple[OptionComboBox | OptionSpinBox, ...] = (
            *(self.layers, self.experts, self.split_mode, self.main_gpu),
            *(self.flash_attention, self.threads, self.batch, self.micro_batch),
        )
        self._labels = [QLabel() for _ in self.controls]
        for label in self._labels:
            label.setFont(interface_font(SMALL_SIZE))
            label.setProperty("quiet", True)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self.arrange(narrow=False)
        for combo_box in self.combo_boxes:
            combo_box.changed.connect(self.changed)
        self.layers.changed.connect(lambda number: self.changed.emit(set_option("n_gpu_layers", number)))
        self.threads.changed.connect(lambda number: self.changed.emit(set_option("threads", number)))
        self.experts.changed.connect(self._set_experts)
        self.retranslate()

    def _set_experts(self, number: int | None) -> None:
        layers = self._expert_layers
        self.changed.emit(lambda options: with_experts(options, layers, number))

    def arrange(self, *, narrow: bool) -> None:
        """Arrange in two columns or four."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        columns = 2 if narrow else 4
        for place, (label, control) in enumerate(zip(self._labels, self.controls, strict=True)):
            row, column = 3 * (place // columns), place % columns
            for each, each_row in ((label, row), (control, row + 1)):
                self._grid.removeWidget(each)
                self._grid.addWidget(each, each_row, column)
        for row in range(0, 3 * len(self.controls), 3):
            self._grid.setRowMinimumHeight(row + 2, 4)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def show_plan(
        self,
        options: PlanOptions,
        plan: LoadPlan,
        devices: Sequence[tuple[str, str]],
        expert_layers: Sequence[int],
        split_modes: Sequence[str],
    ) -> None:
        """Show the fixed options and the plan; ``devices`` are pairs of name and label."""
        self._plan = plan
        self._devices, self._expert_layers = tuple(devices), tuple(expert_layers)
        count = len(expert_layers)
        fixed = None if options.experts_in_ram is None else len(options.experts_in_ram)
        self.layers.show_number(options.n_gpu_layers, plan.n_gpu_layers, plan.n_layer + 1)
        self.experts.show_number(fixed, len(plan.experts_in_ram), max(1, count))
        self.threads.show_number(options.threads, plan.spec.threads, MAX_THREADS)
        self.layers.setEnabled(bool(devices))
        self.experts.setEnabled(bool(devices) and bool(count))
        self.split_mode.setEnabled(len(devices) > 1)
        self.main_gpu.setEnabled(len(devices) > 1)
        self.split_mode.set_allowed((*split_modes, "none"))
        self.main_gpu.set_values((None, *(name for name, _ in devices)))
        self.retranslate()
        self.split_mode.show_value(options.split_mode)
        self.main_gpu.show_value(options.main_gpu)
        self.flash_attention.show_value(options.flash_attention)
        self.batch.show_value(options.batch)
        self.micro_batch.show_value(options.micro_batch)

    def retranslate(self) -> None:
        """Update all texts."""
        names = (
            self.tr("Layers on GPUs"),
            self.tr("Experts in RAM (layers)"),
            self.tr("Split mode"),
            self.tr("Main GPU"),
            self.tr("Flash attention"),
            self.tr("Threads"),
            self.tr("Batch size (tokens)"),
            self.tr("Micro-batch size (tokens)"),
        )
        for label, control, name in zip(self._labels, self.controls, names, strict=True):
            label.setText(name)
            control.setAccessibleName(name)
        automatic_text, plan = self.tr("Automatic"), self._plan
        self.split_mode.set_texts((self.tr("By layer"), self.tr("By row"), self.tr("By tensor"), self.tr("Single GPU")))
        self.main_gpu.set_texts((automatic_text, *(label for _, label in self._devices)))
        self.flash_attention.set_texts((automatic_text, self.tr("On"), self.tr("Off")))
        for combo_box, planned in (
            (self.batch, plan and plan.spec.batch),
            (self.micro_batch, plan and plan.spec.micro_batch),
        ):
            text = automatic_text
            if planned and combo_box.currentIndex() == 0:
                text = self.tr("Automatic ({kind})").format(kind=planned)
            combo_box.set_texts((text, *map(str, combo_box.values()[1:])))
