"""Details of the selected model: name, primary action, progress, fit, and its metadata below.

Shown beside the list if there is space, otherwise below it with the metadata collapsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QWidget,
)
from shiboken6 import delete

from app.units import grouped, size_text
from model_manager.gguf.header import GgufHeader, Unread
from model_manager.hub.catalogue import STARTER
from model_manager.published import Repository
from ui.models.actions import action_text, menu_actions, model_menu, other_actions, primary_action
from ui.models.item import ModelItem, ModelState
from ui.models.row_text import button_text, note_text, problem_text, progress_text, room_text
from ui.plan.bars import SummaryBars
from ui.plan.model_plan import ModelPlan
from ui.plan.rows import ElidedLabel
from ui.plan.scroll_area import PlanScrollArea
from ui.widgets.dialog_parts import (
    HEADING_SIZE,
    MARGIN,
    SMALL_SIZE,
    button,
    hairline,
    quiet_label,
    set_kind,
    set_style_property,
)
from ui.widgets.formats import day_text, list_text, quality_of, quality_sentence
from ui.widgets.icons import icon
from ui.widgets.layouts import TOP, clear, hbox, vbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import ToolButton

SHOWN_FILES = 6
SHOWN_DIGITS = 8
"""Hexadecimal digits shown of the beginning and of the end of a hash."""
PROGRESS_STEPS = 1000
LABEL_WIDTH = 104
NARROW_MAX_HEIGHT = 380
"""Below the list, with the metadata unfolded."""
SCROLL_BAR = 12
"""Width of a scroll bar and the gap before it."""
_DOWNLOAD_ACTIONS = frozenset({"download", "pause", "resume", "retry"})
_NOT_ACCENTED = frozenset({"pause", "stop"})


@dataclass(frozen=True)
class DetailRow:
    """One label and value; ``copy`` is the text for the clipboard.  An empty label begins a new group."""

    label: str
    value: str = ""
    copy: str = ""
    is_path: bool = False
    """Shown in one line, elided in the middle."""
    is_link: bool = False
    """The value is a repository with a page."""


class ModelDetails(QWidget):
    """Shows one model; the buttons emit ``action_requested``."""

    action_requested = Signal(str)
    menu_requested = Signal(QPoint)
    """Global position for the menu of all actions."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[ModelItem | None, Sequence[GgufHeader], Repository | None] = (None, (), None)
        self._plan: ModelPlan | None = None
        self._details: tuple[DetailRow, ...] = ()
        self._narrow = False
        self._make_parts()
        self._lay_out()
        self.fold.toggled.connect(self._fold)
        self.more.clicked.connect(self._show_menu)
        for each in self.buttons:
            each.clicked.connect(self._act)
        self.plan.toggled.connect(self._show_fit)
        self.show_item(None)

    def _make_parts(self) -> None:
        self._title = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._title.setObjectName("modelTitle")
        self._title.setFont(interface_font(HEADING_SIZE, bold=True))
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._subtitle = quiet_label()
        self._sentence = quiet_label()
        self._fit = quiet_label()
        self._problem = quiet_label()
        self._problem.setObjectName("modelProblem")
        self._room = quiet_label()
        self._room.setObjectName("modelRoom")
        self.folder = button("changeModelsFolderButton", self.tr("Change the models folder…"))
        self.folder.clicked.connect(lambda: self.action_requested.emit("folder"))
        self.buttons = [button(name) for name in ("downloadButton", "useModelButton", "convertModelButton")]
        """For the primary action, of which one is shown."""
        self.cancel = button("cancelDownloadButton", action_text("cancel"), quiet=True)
        self.cancel.clicked.connect(lambda: self.action_requested.emit("cancel"))
        self.plan = button("showPlanButton", self.tr("Memory layout"))
        self.plan.setCheckable(True)
        self.glance = SummaryBars()
        self.more = ToolButton()
        self.more.setObjectName("moreModelButton")
        self.more.setToolTip(self.tr("More actions for this model"))
        self.more.setAccessibleName(self.tr("More actions for this model"))
        self.more.setFixedSize(34, 34)
        self.more.setIconSize(QSize(18, 18))
        self.more.setIcon(icon("more", "text"))
        self.fold = button("detailsFoldButton", self.tr("Details"))
        self.fold.setCheckable(True)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setObjectName("modelProgress")
        self.progress.setAccessibleName(self.tr("Progress"))
        self._progress_text = quiet_label()
        self._progress_text.setObjectName("modelProgressText")

    def _lay_out(self) -> None:
        titles = vbox(self._title, self._subtitle, spacing=4)
        actions = hbox(self.plan, self.fold, self.more, None, spacing=8)
        buttons = vbox(hbox(*self.buttons, self.cancel, None), actions, spacing=4)
        self._top = vbox((titles, 1), buttons, spacing=12)
        self._texts = (self._progress_text, self._problem, self._room, self._fit, self._sentence)
        texts = (*self._texts[:3], hbox(self.folder, None), self._fit, self.glance, self._sentence)
        self._head = QWidget()
        vbox(self._top, self.progress, *texts, parent=self._head, spacing=8)
        self.area = PlanScrollArea()
        self.area.setObjectName("modelFacts")
        self.area.setAccessibleName(self.tr("Model information"))
        holder = QWidget()
        holder.setObjectName("modelFactsList")
        self._facts = QWidget()
        self._plan_place, self._facts_place = vbox(), vbox(self._facts)
        self._column = vbox(self._plan_place, self._facts_place, None, parent=holder, spacing=16)
        self._column.setContentsMargins(0, 0, SCROLL_BAR, 16)
        self.area.setWidget(holder)
        self._rule = hairline()
        self._layout = vbox((self.area, 1), parent=self, spacing=12)
        self._layout.addStretch(0)
        self.set_narrow(False)

    def set_narrow(self, narrow: bool, *, beside: bool = False) -> None:
        """Lay out for the place below the list, with the buttons ``beside`` the name, or for that beside the list."""
        self._narrow = narrow
        # Beside the list all of it scrolls, below only what is folded: the page scrolls there.
        column = self._layout if narrow else self._column
        for place, part in enumerate((self._head, self._rule)):
            if column.indexOf(part) < 0:
                column.insertWidget(place, part)
        direction = QBoxLayout.Direction.LeftToRight if narrow and beside else QBoxLayout.Direction.TopToBottom
        self._top.setDirection(direction)
        self._layout.setContentsMargins(*((MARGIN, 12, MARGIN, 12) if narrow else (20, 8, MARGIN - SCROLL_BAR, 0)))
        if self._shown[0] is not None:
            self.show_item(*self._shown)
        self._fold()

    def show_item(
        self,
        item: ModelItem | None,
        headers: Sequence[GgufHeader] = (),
        repository: Repository | None = None,
        hint: str = "",
    ) -> None:
        """Show a model or its changes, with details of its headers and its repository; without one show ``hint``."""
        before = self._shown[0]
        self._shown = (item, headers, repository)
        self._title.setVisible(item is not None)
        if item is None:
            self._subtitle.setText(hint)
            for each in (
                *self.buttons,
                *self._texts,
                self.folder,
                self.cancel,
                self.more,
                self.progress,
                self.glance,
                self.plan,
            ):
                each.hide()
        else:
            self._title.setText(item.title)
            size = size_text(item.bytes) if item.bytes else ""
            summary = (item.quantisation or "", size, note_text(item))
            self._subtitle.setText(" · ".join(each for each in summary if each))
            self._show_fit()
            self._show_text(self._problem, *problem_text(item))
            is_available = item.state is ModelState.AVAILABLE
            self._show_text(self._room, *room_text(item.bytes, item.room if is_available else None))
            # Next steps that the texts name: another folder, or another mirror.
            has_failed = item.state is ModelState.FAILED
            self.folder.setText(self.tr("Download settings…") if has_failed else self.tr("Change the models folder…"))
            self.folder.setVisible(has_failed or bool(item.missing_bytes))
            self._show_progress(item)
            self._show_buttons(item)
        details = self._details_of(item, headers, repository) if item is not None else ()
        if details != self._details:
            self._fill(details)
        self._fold()
        if item is None or before is None or item.key != before.key:
            self.area.verticalScrollBar().setValue(0)

    def show_plan(self, plan: ModelPlan | None) -> None:
        """Show a memory plan above the metadata, in place of the one before; a measurement of that is cancelled."""
        if self._plan is not None:
            self._plan.shut_down()
        self._plan = plan
        self.area.set_plan(plan.view if plan is not None else None)
        clear(self._plan_place)
        if plan is not None:
            self._plan_place.addWidget(plan)
        self._fold()

    def _show_fit(self) -> None:
        """Show how the model fits, which its plan shows too."""
        item, _, _ = self._shown
        fit = item.fit if item is not None else None
        is_brief = self._narrow or self.plan.isChecked()
        quality = quality_sentence(quality_of(item.quantisation)) if item is not None else ""
        if item is not None and item.catalogue is STARTER:
            quality = self.tr("A tiny model to try the program. Its answers are often wrong.")
        self._show_text(self._sentence, "" if is_brief else quality)
        self._show_text(self._fit, fit.sentence if fit and not is_brief else "", fit.kind if fit else "quiet")
        self.glance.show_bars(fit.bars if fit and not is_brief else ())
        self.plan.setVisible(fit is not None)
        self.plan.setIcon(icon("chevron-down" if self.plan.isChecked() else "chevron-right", size=14))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of all actions, as a row does."""
        self.menu_requested.emit(event.globalPos())

    def _show_menu(self) -> None:
        """Show the menu of the actions that have no button, inside the window."""
        item = self._shown[0]
        assert item is not None
        menu = model_menu(self, item, beside_buttons=True)
        menu.triggered.connect(lambda action: self.action_requested.emit(action.objectName()))
        place, window = self.more.mapToGlobal(self.more.rect().bottomLeft()), self.window()
        right = window.mapToGlobal(window.rect().topRight()).x() - menu.sizeHint().width()
        menu.popup(QPoint(min(place.x(), right), place.y()))

    def _act(self) -> None:
        if (item := self._shown[0]) is not None:
            self.action_requested.emit(primary_action(item))

    def _show_text(self, label: QLabel, text: str, kind: str = "quiet") -> None:
        label.setText(text)
        label.setVisible(bool(text))
        set_kind(label, kind)

    def _show_progress(self, item: ModelItem) -> None:
        fraction = item.fraction
        self.progress.setVisible(
            fraction is not None or item.state in (ModelState.PREPARING, ModelState.VERIFYING, ModelState.WORKING)
        )
        self.progress.setRange(0, 0 if fraction is None else PROGRESS_STEPS)
        self.progress.setValue(round((fraction or 0) * PROGRESS_STEPS))
        self._show_text(self._progress_text, progress_text(item))
        self.progress.setAccessibleDescription(self._progress_text.text())

    def _show_buttons(self, item: ModelItem) -> None:
        action = primary_action(item)
        had_focus = any(each.hasFocus() for each in self.buttons)
        shown = self.buttons[0 if action in _DOWNLOAD_ACTIONS else 1 if action == "use" else 2]
        text = button_text(item)
        if action == "download" and item.bytes:
            text = self.tr("Download {size}").format(size=size_text(item.bytes))
        shown.setText(text)
        shown.setAccessibleName(f"{text}: {item.title} {item.quantisation or ''}".strip())
        shown.setEnabled(item.job is None or not item.job.stopping)
        fits = (item.fit is None or item.fit.kind != "bad") and not item.missing_bytes
        set_style_property(shown, primary=action not in _NOT_ACCENTED and fits)
        for each in self.buttons:
            each.setVisible(each is shown and bool(action))
        self.cancel.setVisible("cancel" in other_actions(item))
        self.more.setVisible(bool(menu_actions(item)))
        if had_focus and action:
            # The pressed button may have been replaced by another: keep the keyboard focus.
            shown.setFocus()

    def _fold(self) -> None:
        has_plan = self._plan is not None
        facts = bool(self._details) and (not self._narrow or self.fold.isChecked() or has_plan)
        self.fold.setVisible(self._shown[0] is not None and self._narrow and not has_plan)
        self._facts.setVisible(facts)
        shown = facts or has_plan
        self.area.setVisible(shown or not self._narrow)
        self._rule.setVisible(shown)
        # Beside the list the metadata shrinks where the height does not suffice.
        vertical = QSizePolicy.Policy.Preferred if self._narrow else QSizePolicy.Policy.Ignored
        self.area.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self.fold.setIcon(icon("chevron-down" if self.fold.isChecked() else "chevron-right", size=14))
        policy = QSizePolicy.Policy.Maximum if self._narrow and not shown else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.setMaximumHeight(NARROW_MAX_HEIGHT if self._narrow and not has_plan else 16_777_215)

    def _fill(self, details: tuple[DetailRow, ...]) -> None:
        self._details = details
        scrolled = self.area.verticalScrollBar().value()
        # At once: it still fills the place of what follows.
        delete(self._facts)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        for row, detail in enumerate(details):
            if not detail.label:
                grid.setRowMinimumHeight(row, 8)
                continue
            label = QLabel(detail.label.strip())
            label.setProperty("quiet", True)
            label.setFont(interface_font(SMALL_SIZE))
            grid.addWidget(label, row, 0, TOP)
            grid.addWidget(self._value(detail), row, 1, 1, 1 if detail.copy else 2, TOP)
            if detail.copy:
                grid.addWidget(self._copy_button(detail), row, 2, TOP)
        grid.setRowStretch(len(details), 1)
        self._facts = holder
        self._facts_place.addWidget(holder)
        self.area.verticalScrollBar().setValue(scrolled)

    def _copy_button(self, detail: DetailRow) -> QToolButton:
        copy = ToolButton()
        copy.setObjectName("copyButton")
        copy.setIcon(icon("copy", size=14))
        copy.setIconSize(QSize(14, 14))
        copy.setFixedSize(20, 20)
        copy.setStyleSheet("padding: 0;")
        copy.setToolTip(self.tr("Copy"))
        copy.setAccessibleName(self.tr("Copy: {name}").format(name=detail.label))
        copy.setProperty("copies", detail.copy)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(detail.copy))
        return copy

    def _value(self, detail: DetailRow) -> QLabel:
        if detail.is_path:
            path = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
            path.setFont(interface_font(SMALL_SIZE))
            path.set_text(detail.value)
            return path
        text = escape(detail.value)
        value = QLabel(f'<a href="{text}">{text}</a>' if detail.is_link else detail.value)
        value.setFont(interface_font(SMALL_SIZE))
        value.setWordWrap(True)
        value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        value.setTextFormat(Qt.TextFormat.RichText if detail.is_link else Qt.TextFormat.PlainText)
        flags = Qt.TextInteractionFlag
        links = flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard
        value.setTextInteractionFlags(links if detail.is_link else flags.TextSelectableByMouse)
        value.linkActivated.connect(lambda _link: self.action_requested.emit("open_page"))
        return value

    # Facts

    def _details_of(
        self, item: ModelItem, headers: Sequence[GgufHeader], repository: Repository | None
    ) -> tuple[DetailRow, ...]:
        details: list[DetailRow] = []
        for group in (self._of_header(item, headers), self._of_files(item), self._of_origin(item, repository)):
            details += [DetailRow(""), *group] if details and group else group
        return tuple(details)

    def _of_header(self, item: ModelItem, headers: Sequence[GgufHeader]) -> list[DetailRow]:
        if not headers:
            return []
        first = headers[0]
        n_parameters = sum(header.parameter_count for header in headers)
        used = first.integer(f"{first.architecture}.expert_used_count")
        experts = self.tr("{count} ({used} active)") if used else "{count}"
        vocabulary = first.metadata.get("tokenizer.ggml.tokens")
        layout = self.tr("separate") if first.experts_in_separate_tensors else ""
        if item.model is not None and item.model.published is not None and item.model.published.stacked:
            layout = self.tr("stacked during download")
        # The reconstructed header has no template because the published one has none.
        template = self.tr("included in the model") if first.chat_template else self.tr("none (ChatML is used)")
        rows = (
            (self.tr("Architecture"), first.architecture or "?"),
            (self.tr("Parameters"), _parameters_text(n_parameters)),
            (self.tr("Layers"), str(first.block_count or "")),
            (self.tr("Experts"), experts.format(count=first.expert_count, used=used) if first.expert_count else ""),
            (self.tr("Context"), self._tokens(first.context_length) if first.context_length else ""),
            (self.tr("Vocabulary"), self._tokens(vocabulary.count) if isinstance(vocabulary, Unread) else ""),
            (self.tr("Quantisation"), self._quantisation(headers, n_parameters) if n_parameters else ""),
            (self.tr("Chat template"), template),
            (self.tr("Expert tensors"), layout),
        )
        return [DetailRow(label, value) for label, value in rows if value]

    def _of_files(self, item: ModelItem) -> list[DetailRow]:
        details, model, n_bytes = [], item.model, item.bytes
        if n_bytes:
            is_exact = (
                item.catalogue is None or item.catalogue.sha256 or model is not None or item.published is not None
            )
            text = self.tr("{size} ({bytes} bytes)") if is_exact else self.tr("about {size}")
            details.append(DetailRow(self.tr("Size"), text.format(size=size_text(n_bytes), bytes=grouped(n_bytes))))
        names = _file_names(item)
        label = self.tr("File") if len(names) == 1 else self.tr("Files")
        details += [DetailRow(" " if at else label, name, is_path=True) for at, name in enumerate(names[:SHOWN_FILES])]
        if len(names) > SHOWN_FILES:
            details.append(DetailRow(" ", self.tr("and {count} more").format(count=len(names) - SHOWN_FILES)))
        if item.projector_name:
            details.append(DetailRow(self.tr("Pictures"), self.tr("The model can read them, with this file:")))
            details.append(DetailRow(" ", item.projector_name, is_path=True))
        if item.path is not None:
            details.append(DetailRow(self.tr("Folder"), str(item.path.parent), str(item.path), is_path=True))
        sha256 = (model.sha256 if model else None) or _published_sha256(item)
        if sha256:
            details.append(DetailRow("SHA-256", f"{sha256[:SHOWN_DIGITS]}…{sha256[-SHOWN_DIGITS:]}", sha256))
        if (
            model is not None
            and model.sha256
            and model.verified_at is not None
            and item.state is not ModelState.DAMAGED
        ):
            # Compared with the published file, or only hashed.
            is_verified = (model.published and model.published.is_verifiable) or (
                item.catalogue and item.catalogue.sha256 == sha256
            )
            text = self.tr("verified on {date}") if is_verified else self.tr("computed on {date}")
            if model.published and not is_verified:
                text = self.tr("The hub lists no SHA-256, so the download of {date} couldn't be verified.")
            details.append(DetailRow(" ", text.format(date=day_text(model.verified_at))))
        return details

    def _of_origin(self, item: ModelItem, repository: Repository | None) -> list[DetailRow]:
        entry = item.catalogue
        licence = (entry.licence if entry else None) or (repository.licence if repository else None)
        if item.open_model is not None:
            licence = item.open_model.licence
        unknown = self.tr("see the repository page") if entry else ""
        details = [
            DetailRow(self.tr("Licence"), licence or unknown),
            DetailRow(self.tr("Created by"), entry.author if entry else ""),
            DetailRow(self.tr("Repository"), item.repository, is_link=True),
        ]
        return [each for each in details if each.value]

    def _tokens(self, count: int) -> str:
        return self.tr("{count} tokens").format(count=grouped(count))

    def _quantisation(self, headers: Sequence[GgufHeader], n_parameters: int) -> str:
        n_bytes: dict[str, int] = {}
        for header in headers:
            for tensor in header.tensors:
                n_bytes[tensor.type] = n_bytes.get(tensor.type, 0) + tensor.n_bytes
        total = max(1, sum(n_bytes.values()))
        kinds = sorted(n_bytes, key=lambda kind: -n_bytes[kind])
        shares = list_text(
            f"{kind}\u00a0{100 * n_bytes[kind] / total:.0f}\u00a0%" for kind in kinds if n_bytes[kind] / total >= 0.005
        )
        bits = self.tr("{bits} bits per weight").format(bits=f"{8 * total / n_parameters:.2f}")
        return self.tr("{bits} ({shares})").format(bits=bits, shares=shares)


def _file_names(item: ModelItem) -> list[str]:
    if item.path is not None:
        return [path.name for path in item.candidate.paths] if item.candidate else [item.path.name]
    if item.published is not None:
        return [file.name.rpartition("/")[2] for file in item.published.files]
    return [item.catalogue.file_name] if item.catalogue else []


def _published_sha256(item: ModelItem) -> str | None:
    if item.published is not None and len(item.published.files) == 1:
        return item.published.files[0].sha256
    return item.catalogue.sha256 if item.catalogue else None


def _parameters_text(count: int) -> str:
    """Return a parameter count as model cards write it, in every language."""
    return f"{count / 1e9:.1f} B" if count >= 1_000_000_000 else f"{count / 1e6:.1f} M"
