"""The page that nobody needs: how the layers are split, what stays in RAM, attention, batches and threads by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QSpinBox, QWidget

from model_manager.plan import LoadPlan, SplitMode, Wishes
from ui.plan.overrides import with_experts
from ui.widgets.dialog_parts import SMALL_SIZE, indent, wheel_only_with_focus
from ui.widgets.theme import interface_font

BATCHES = (128, 256, 512, 1024, 2048, 4096)
MOST_THREADS = 256
AUTOMATIC = -1
SPLIT_MODES: tuple[SplitMode, ...] = ("layer", "row", "tensor", "none")


class NumberOrAutomatic(QSpinBox):
    """A number, or what the plan takes by itself; one step from there begins at the plan's own number."""

    def __init__(self, name: str, least: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self._least = least
        self._own: int | None = None
        self.setMinimum(AUTOMATIC)
        self.setKeyboardTracking(False)
        indent(self)
        wheel_only_with_focus(self)

    def show_number(self, wished: int | None, own: int | None, most: int) -> None:
        """What is wished, and what the plan takes, None where it leaves that to the engine."""
        self._own = own
        text = self.tr("Automatic") if own is None else self.tr("Automatic ({kind})").format(kind=own)
        self.blockSignals(True)
        self.setMaximum(most)
        self.setSpecialValueText(text)
        self.setValue(AUTOMATIC if wished is None else wished)
        self.blockSignals(False)

    @property
    def wished(self) -> int | None:
        """The number, or None for what the plan takes."""
        return None if self.value() == AUTOMATIC else max(self._least, self.value())

    def stepBy(self, steps: int) -> None:
        """From "automatic" on to the plan's next number, and below the least one back to it."""
        if self.value() == AUTOMATIC:
            start = self._own if self._own is not None else self._least - (1 if steps > 0 else 0)
            self.setValue(max(self._least, start + steps))
        elif self.value() + steps < self._least:
            self.setValue(AUTOMATIC)
        else:
            super().stepBy(steps)

    def stepEnabled(self) -> QSpinBox.StepEnabledFlag:
        """Both ways, also from "automatic", which is the smallest value only by its number."""
        flags = QSpinBox.StepEnabledFlag
        if self.value() == AUTOMATIC:
            down = flags.StepDownEnabled if self._own is not None and self._own > self._least else flags.StepNone
            return flags.StepUpEnabled | down
        return super().stepEnabled()


class ExpertPage(QWidget):
    """Everything else that can be fixed."""

    changed = Signal(object)
    """A ``Change``."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: LoadPlan | None = None
        self._devices: tuple[tuple[str, str], ...] = ()
        self._expert_layers: tuple[int, ...] = ()
        self._narrow: bool | None = None
        self.split_mode = _choices("planSplitMode", SPLIT_MODES)
        self.main_gpu = _choices("planMainGpu", (None,))
        self.flash_attention = _choices("planFlashAttention", (None, True, False))
        self.batch = _choices("planBatch", (None, *BATCHES))
        self.micro_batch = _choices("planMicroBatch", (None, *BATCHES))
        self.layers = NumberOrAutomatic("planGpuLayers", 0)
        self.experts = NumberOrAutomatic("planExpertsInRam", 0)
        self.threads = NumberOrAutomatic("planThreads", 1)
        self._fields: list[tuple[QLabel, QWidget]] = []
        for control in (
            self.layers,
            self.experts,
            self.split_mode,
            self.main_gpu,
            self.flash_attention,
            self.threads,
            self.batch,
            self.micro_batch,
        ):
            label = QLabel()
            label.setFont(interface_font(SMALL_SIZE))
            label.setProperty("quiet", True)
            control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._fields.append((label, control))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self.arrange(narrow=False)
        self._connect()
        self.retranslate()

    @property
    def controls(self) -> tuple[QWidget, ...]:
        """All of them, in order."""
        return tuple(control for _, control in self._fields)

    def _connect(self) -> None:
        self._on(self.split_mode, lambda now, value: replace(now, split_mode=value))
        self._on(self.main_gpu, lambda now, value: replace(now, main_gpu=value))
        self._on(self.flash_attention, lambda now, value: replace(now, flash_attention=value))
        self._on(self.batch, lambda now, value: replace(now, batch=value))
        self._on(self.micro_batch, lambda now, value: replace(now, micro_batch=value))
        self._on_number(self.layers, lambda now, value: replace(now, n_gpu_layers=value))
        self._on_number(self.experts, lambda now, value: with_experts(now, self._expert_layers, value))
        self._on_number(self.threads, lambda now, value: replace(now, threads=value))

    def _on(self, choice: QComboBox, change: Callable[..., Wishes]) -> None:
        choice.activated.connect(lambda place: self._tell(change, choice.itemData(place)))

    def _on_number(self, number: NumberOrAutomatic, change: Callable[..., Wishes]) -> None:
        number.valueChanged.connect(lambda _value: self._tell(change, number.wished))

    def _tell(self, change: Callable[..., Wishes], value: object) -> None:
        self.changed.emit(lambda now: change(now, value))

    def arrange(self, *, narrow: bool) -> None:
        """Two fields beside each other, or four."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        columns = 2 if narrow else 4
        for place, (label, control) in enumerate(self._fields):
            for each in (label, control):
                self._grid.removeWidget(each)
            row, column = 3 * (place // columns), place % columns
            self._grid.addWidget(label, row, column)
            self._grid.addWidget(control, row + 1, column)
        for row in range(0, 3 * len(self._fields), 3):
            self._grid.setRowMinimumHeight(row + 2, 4)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def show_plan(
        self,
        wishes: Wishes,
        plan: LoadPlan,
        devices: Sequence[tuple[str, str]],
        expert_layers: Sequence[int],
        split_modes: Sequence[SplitMode],
    ) -> None:
        """Show what is fixed and what the plan took; ``devices`` are names with what a person calls them."""
        self._plan = plan
        self._devices, self._expert_layers = tuple(devices), tuple(expert_layers)
        count = len(expert_layers)
        self.layers.show_number(wishes.n_gpu_layers, plan.n_gpu_layers, plan.n_layer + 1)
        fixed = None if wishes.experts_in_ram is None else len(wishes.experts_in_ram)
        self.experts.show_number(fixed, len(plan.experts_in_ram), max(1, count))
        self.threads.show_number(wishes.threads, plan.threads, MOST_THREADS)
        self.layers.setEnabled(bool(devices))
        self.experts.setEnabled(bool(devices) and bool(count))
        self.split_mode.setEnabled(len(devices) > 1)
        self.main_gpu.setEnabled(len(devices) > 1)
        model = self.split_mode.model()
        for place, mode in enumerate(SPLIT_MODES):
            allowed = mode in (*split_modes, "none")
            # The standard model keeps an item's flags there; None are those of an ordinary item.
            model.setData(model.index(place, 0), None if allowed else 0, Qt.ItemDataRole.UserRole - 1)
        self._fill_devices()
        self.retranslate()
        _choose(self.split_mode, wishes.split_mode)
        _choose(self.main_gpu, wishes.main_gpu)
        _choose(self.flash_attention, wishes.flash_attention)
        _choose(self.batch, wishes.batch)
        _choose(self.micro_batch, wishes.micro_batch)

    def _fill_devices(self) -> None:
        wanted = [None, *(name for name, _ in self._devices)]
        if [self.main_gpu.itemData(place) for place in range(self.main_gpu.count())] != wanted:
            self.main_gpu.clear()
            for name in wanted:
                self.main_gpu.addItem("", name)

    def retranslate(self) -> None:
        """Say the same in the language of now."""
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
        for (label, control), name in zip(self._fields, names, strict=True):
            label.setText(name)
            control.setAccessibleName(name)
        automatic, plan = self.tr("Automatic"), self._plan
        modes = (self.tr("By layer"), self.tr("By row"), self.tr("By tensor"), self.tr("Single GPU"))
        _name(self.split_mode, modes)
        _name(self.main_gpu, (automatic, *(shown for _, shown in self._devices)))
        _name(self.flash_attention, (automatic, self.tr("On"), self.tr("Off")))
        for choice, now in ((self.batch, plan and plan.batch), (self.micro_batch, plan and plan.micro_batch)):
            own = self.tr("Automatic ({kind})").format(kind=now) if now and choice.currentIndex() == 0 else automatic
            others = [str(choice.itemData(place)) for place in range(1, choice.count())]
            _name(choice, (own, *others))


def _choices(name: str, values: Sequence[object]) -> QComboBox:
    made = QComboBox()
    made.setObjectName(name)
    made.setMinimumContentsLength(6)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for value in values:
        made.addItem("", value)
    wheel_only_with_focus(made)
    return made


def _choose(choice: QComboBox, value: object) -> None:
    # Not findData: it does not find None.
    places = [place for place in range(choice.count()) if choice.itemData(place) == value]
    if not places and value is not None:
        choice.addItem(str(value), value)
        places = [choice.count() - 1]
    choice.setCurrentIndex(places[0] if places else 0)


def _name(choice: QComboBox, texts: Sequence[str]) -> None:
    for place, text in enumerate(texts[: choice.count()]):
        if choice.itemText(place) != text:
            choice.setItemText(place, text)
