"""Controls below the bars of a memory plan: split, context, KV cache and the advanced options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.units import size_text
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import KV_TYPES, PlanOptions
from model_manager.plan.model_shape import ModelShape
from ui.plan.bar_data import context_steps
from ui.plan.changes import automatic, layers_with_experts, segments_of, with_border, with_option
from ui.plan.controls import ContextSlider, OptionComboBox, OptionSpinBox
from ui.plan.layer_strip import LayerStrip, Segment
from ui.plan.rows import PlanRow
from ui.plan.strings import device_name, tokens_text
from ui.widgets.dialog_parts import button, quiet_label
from ui.widgets.icons import icon
from ui.widgets.layouts import hbox, vbox
from ui.widgets.tool_button import ToolButton, name_choice

ARROW = 14
BATCHES = (128, 256, 512, 1024, 2048, 4096)
MAX_THREADS = 256


class PlanPanel(QWidget):
    """All options of a plan, with their values and whether they are automatic."""

    changed = Signal(object)
    """A ``Change``; several can come before the next plan is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._options = PlanOptions()
        self._plan: LoadPlan | None = None
        self._shape: ModelShape | None = None
        self._devices: Mapping[str, str] = {}
        self._narrow: bool | None = None
        self.strip, self.context, self.kv = LayerStrip(), ContextSlider(), OptionComboBox("planKvType")
        self.spin_boxes = {
            "n_gpu_layers": OptionSpinBox("planGpuLayers", 0),
            "experts_in_ram": OptionSpinBox("planExpertsInRam", 0),
            "threads": OptionSpinBox("planThreads", 1),
        }
        self.combo_boxes = {
            "kv_type": self.kv,
            "split_mode": OptionComboBox("planSplitMode"),
            "main_gpu": OptionComboBox("planMainGpu"),
            "flash_attention": OptionComboBox("planFlashAttention"),
            "full_windows": OptionComboBox("planFullWindows"),
            "batch": OptionComboBox("planBatch"),
            "micro_batch": OptionComboBox("planMicroBatch"),
        }
        self.controls: dict[str, ContextSlider | OptionComboBox | OptionSpinBox] = {
            "context": self.context,
            **self.combo_boxes,
            **self.spin_boxes,
        }
        """Controls by the names of their options in ``PlanOptions``."""
        self.split_row, self.context_row, self.kv_row = PlanRow(self.strip), PlanRow(self.context), PlanRow(self.kv)
        self.rows = (self.split_row, self.context_row, self.kv_row)
        self.cache_limit = 0
        """Bytes of the conversation cache that the settings permit."""
        self.advanced = QWidget()
        names = {
            "n_gpu_layers": self.tr("Layers on GPUs"),
            "experts_in_ram": self.tr("Experts in RAM (layers)"),
            "split_mode": self.tr("Split mode"),
            "main_gpu": self.tr("Main GPU"),
            "flash_attention": self.tr("Flash attention"),
            "full_windows": self.tr("Sliding windows"),
            "threads": self.tr("Threads"),
            "batch": self.tr("Batch size (tokens)"),
            "micro_batch": self.tr("Micro-batch size (tokens)"),
        }
        self._labels = {option: quiet_label(name) for option, name in names.items()}
        """Labels of the advanced options, in the order of their controls."""
        self._tips = {
            "n_gpu_layers": self.tr("Layers that the GPUs compute. The CPU computes the others, which is slower."),
            "experts_in_ram": self.tr("Layers whose experts stay in RAM. Frees memory of the GPUs, but is slower."),
            "split_mode": self.tr("How the model is divided among the GPUs. By layer works with all of them."),
            "main_gpu": self.tr("The GPU for everything that isn't divided among the GPUs."),
            "flash_attention": self.tr("A way to compute attention that is faster and takes less memory."),
            "full_windows": self.tr("What layers with a sliding window keep of the conversation."),
            "threads": self.tr("Threads of the CPU for the part of the model in RAM."),
            "batch": self.tr("Tokens of a prompt that are processed in one step."),
            "micro_batch": self.tr("Tokens that a GPU computes at once. More are faster, but take more memory."),
        }
        for option, label in self._labels.items():
            label.setBuddy(self.controls[option])
        self.more = ToolButton()
        self.more.setText(self.tr("More options"))
        self.more.setToolTip(self.tr("Advanced"))
        self.more.setObjectName("planMore")
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more.setIconSize(QSize(ARROW, ARROW))
        self.reset = button("planBackToAutomatic", self.tr("Reset to automatic"))
        self.reset.setToolTip(self.tr("Reset all options to automatic"))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self._lay_out()
        for option, name in {"context": self.tr("Context"), "kv_type": self.tr("KV cache"), **names}.items():
            control = self.controls[option]
            if isinstance(control, OptionComboBox):
                name_choice(control, name)
            else:
                (control.focusProxy() or control).setAccessibleName(name)
        self.advanced.hide()
        for option, control in self.controls.items():
            control.changed.connect(partial(self._change, option))
        self.strip.moved.connect(self._move_border)
        self.reset.clicked.connect(lambda: self.changed.emit(automatic))
        self.more.clicked.connect(lambda: self.set_advanced(self.advanced.isHidden()))
        self._update_arrow()

    def _lay_out(self) -> None:
        self._grid = QGridLayout(self.advanced)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self.arrange(narrow=False)
        vbox(*self.rows, hbox(self.more, None, self.reset, spacing=8), self.advanced, parent=self, spacing=12)

    @property
    def tab_order(self) -> tuple[QWidget, ...]:
        """The focusable widgets, in order."""
        advanced = (self.controls[option] for option in self._labels)
        return (*self.strip.borders, self.context.slider, self.kv, self.more, self.reset, *advanced)

    def show_plan(self, options: PlanOptions, plan: LoadPlan, shape: ModelShape, devices: Mapping[str, str]) -> None:
        """Show the fixed options and the plan; ``devices`` are labels by the names of all devices."""
        self._options, self._plan, self._shape, self._devices = options, plan, shape, devices
        self._show()

    def set_advanced(self, visible: bool) -> None:
        """Show or hide the advanced options."""
        self.advanced.setVisible(visible)
        self._update_arrow()

    def arrange(self, *, narrow: bool) -> None:
        """Arrange for a narrow or wide window: the advanced options in two columns or four."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        columns = 2 if narrow else 4
        for place, (option, label) in enumerate(self._labels.items()):
            row, column = 3 * (place // columns), place % columns
            for each, each_row in ((label, row), (self.controls[option], row + 1)):
                self._grid.removeWidget(each)
                self._grid.addWidget(each, each_row, column)
        for row in range(0, 3 * len(self._labels), 3):
            self._grid.setRowMinimumHeight(row + 2, 4)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._show()

    def _update_arrow(self) -> None:
        name = "chevron-right" if self.advanced.isHidden() else "chevron-down"
        self.more.setIcon(icon(name, size=ARROW))

    def _show(self) -> None:
        plan, options, shape, devices = self._plan, self._options, self._shape, self._devices
        if plan is None or shape is None:
            return
        segments = segments_of(plan, options)
        self.split_row.setVisible(len(segments) > 1)
        labels = [devices.get(name) or device_name("", None) for name, _ in segments]
        self.strip.show_segments(segments if len(segments) > 1 else (), labels, plan.experts_in_ram)
        self.context.show_steps(context_steps(shape.trained_context, plan.context), plan.context)
        self._show_rows(plan, options)
        self._show_combo_boxes(plan, options, shape)
        experts = None if options.experts_in_ram is None else len(options.experts_in_ram)
        count = len(layers_with_experts(shape))
        for option, fixed, planned, maximum in (
            ("n_gpu_layers", options.n_gpu_layers, plan.n_gpu_layers, plan.n_layer + 1),
            ("experts_in_ram", experts, len(plan.experts_in_ram), max(1, count)),
            ("threads", options.threads, plan.spec.threads, MAX_THREADS),
        ):
            self.spin_boxes[option].show_number(fixed, planned, maximum)
        no_gpu = "" if devices else self.tr("There is no GPU that the engine can use.")
        one_gpu = "" if len(devices) > 1 else self.tr("For at least two GPUs.")
        unavailable = {
            "n_gpu_layers": no_gpu,
            "experts_in_ram": no_gpu or ("" if count else self.tr("This model has no experts.")),
            "full_windows": "" if shape.cache.has_windows else self.tr("This model has no sliding windows."),
            "split_mode": one_gpu,
            "main_gpu": one_gpu,
        }
        for option, tip in self._tips.items():
            reason = unavailable.get(option, "")
            self.controls[option].setEnabled(not reason)
            for each in (self.controls[option], self._labels[option]):
                each.setToolTip(f"{tip}\n{reason}".strip())
            self.controls[option].setAccessibleDescription(f"{tip} {reason}".strip())
        self.reset.setVisible(options != automatic(options))

    def _show_combo_boxes(self, plan: LoadPlan, options: PlanOptions, shape: ModelShape) -> None:
        automatic_text, sizes = self.tr("Automatic"), {size: str(size) for size in BATCHES}

        def planned(number: int | None, fixed: int | None) -> str:
            has_number = number and fixed is None
            return self.tr("Automatic ({kind})").format(kind=number) if has_number else automatic_text

        values: dict[str, Mapping[Any, str]] = {
            "kv_type": {
                "auto": self.tr("Automatic ({kind})").format(kind=plan.kv_type),
                "f16": self.tr("f16: exact"),
                "q8_0": self.tr("q8_0: half the memory, almost no loss"),
                "q4_0": self.tr("q4_0: a quarter of the memory, less exact"),
            },
            "split_mode": {
                "layer": self.tr("By layer"),
                "row": self.tr("By row"),
                "tensor": self.tr("By tensor"),
                "none": self.tr("Single GPU"),
            },
            "main_gpu": {None: automatic_text, **self._devices},
            "flash_attention": {None: automatic_text, True: self.tr("On"), False: self.tr("Off")},
            "full_windows": {
                None: automatic_text,
                True: self.tr("Whole context"),
                False: self.tr("Only the window"),
            },
            "batch": {None: planned(plan.spec.batch, options.batch), **sizes},
            "micro_batch": {None: planned(plan.spec.micro_batch, options.micro_batch), **sizes},
        }
        disabled = [kind for kind in KV_TYPES if not shape.cache.allows(kind)]
        for option, labels in values.items():
            self.combo_boxes[option].show_values(labels, getattr(options, option), disabled)

    def _show_rows(self, plan: LoadPlan, options: PlanOptions) -> None:
        cache = plan.host.kv_bytes + sum(device.kv_bytes for device in plan.devices)
        split = not options.tensor_split and options.n_gpu_layers is None
        # As in the strip, where the output counts as a layer.
        layers = self.tr("{count} layers with the output").format(count=plan.n_layer + 1)
        for row, title, figure, is_automatic in (
            (self.split_row, self.tr("Split"), layers, split),
            (self.context_row, self.tr("Context"), tokens_text(plan.context), options.context is None),
            (self.kv_row, self.tr("KV cache"), size_text(cache), options.kv_type == "auto"),
        ):
            note = self.tr("automatic") if is_automatic else self.tr("manual")
            row.title.set_text(title)
            row.figure.set_text(f"{figure} · {note}" if self._narrow else figure)
            row.note.set_text("" if self._narrow else note)
        self.split_row.detail.set_text(self.tr("Marked: experts in RAM") if plan.experts_in_ram else "")
        kept = min(self.cache_limit, plan.host.cache_bytes)
        other_chats = self.tr("Other chats: up to {size}").format(size=size_text(kept))
        self.kv_row.detail.set_text(other_chats if kept else "")

    def _change(self, option: str, value: object) -> None:
        experts = layers_with_experts(self._shape) if self._shape is not None else ()
        self.changed.emit(lambda options: with_option(options, option, value, experts))

    def _move_border(self, segments: Sequence[Segment], border: int, left: int) -> None:
        self.changed.emit(lambda options: with_border(options, segments, border, left))
