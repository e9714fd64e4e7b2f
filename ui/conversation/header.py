"""Header above the conversation: model button, title, speed, context gauge and buttons."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ui.conversation.context_gauge import ContextGauge
from ui.conversation.title import ConversationTitle
from ui.widgets.icons import SIZE, icon
from ui.widgets.layouts import hbox
from ui.widgets.tool_button import ToolButton, set_name, tool_button
from ui.widgets.translated import TranslatedWidget

HEIGHT, MARGINS = 48, (12, 0, 12, 0)
STATUS_WIDTH = 620
"""A narrower header has no room for the status."""
ROUNDING = 3
"""Pixels by which the measured width of a text may be too small."""
MODEL_WIDTH = 120
"""Least width of the model button in pixels."""
BAR_WIDTH = 460
"""A narrower header has no room for the bar of the gauge."""


class _ModelButton(ToolButton):
    """Button whose text is elided where there is no room: what is beside the content keeps its width."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = self._shown = ""
        self.setObjectName("modelButton")
        self.setIcon(icon("chevron-down", "quiet_text"))
        self.setIconSize(QSize(SIZE, SIZE))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        # Puts the arrow behind the name.
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)

    def show_text(self, text: str) -> None:
        """Show a text as far as there is room."""
        self._whole = text
        self.updateGeometry()
        self.parentWidget().layout().activate()  # type: ignore[union-attr]
        self._elide()

    def sizeHint(self) -> QSize:
        """Return a size with room for the whole text."""
        width = self._frame() + self.fontMetrics().horizontalAdvance(self._whole) + ROUNDING
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the minimum size."""
        return QSize(min(MODEL_WIDTH, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _frame(self) -> int:
        return super().sizeHint().width() - self.fontMetrics().horizontalAdvance(self._shown)

    def _elide(self) -> None:
        room = max(self.width(), MODEL_WIDTH) - self._frame()
        self._shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room)
        self.setText(self._shown.replace("&", "&&"))


class Header(TranslatedWidget):
    """The header; its buttons are connected by the controllers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self.sidebar_button = tool_button("sidebarButton", "sidebar")
        self.model_button = _ModelButton()
        self._model = "", ""
        self.title = ConversationTitle()
        self.status = QLabel()
        """Text beside the gauge, such as the speed."""
        self.status.setObjectName("speedLabel")
        self.status.setProperty("quiet", True)
        self.gauge = ContextGauge()
        self.temporary_button = tool_button("temporaryButton", "temporary")
        self.temporary_button.setCheckable(True)
        self.save_button = tool_button("keepTemporaryButton", "temporary", colour="accent", with_text=True)
        self.save_button.hide()
        self.settings_button = tool_button("conversationSettingsButton", "sliders")
        self.settings_button.setCheckable(True)
        self.export_button = tool_button("exportButton", "export")
        left = self.sidebar_button, self.model_button, (self.title, 1)
        right = self.status, self.gauge, self.temporary_button, self.save_button
        hbox(*left, *right, self.settings_button, self.export_button, parent=self, spacing=8, margins=MARGINS)
        self._retranslate()

    def set_model(self, text: str, tip: str, short: str = "") -> None:
        """Set the text of the model button; ``short`` is used in a narrow header."""
        self._model = text, short or text
        self.model_button.setToolTip(tip if tip == text else f"{text}\n{tip}")
        self.model_button.setAccessibleName(self.tr("Model: {name}").format(name=text))
        self._show_model()

    def show_conversation(self, *, is_temporary: bool, is_empty: bool) -> None:
        """Offer to make an empty conversation temporary, and to save or export one with messages."""
        self.temporary_button.setVisible(is_empty)
        self.temporary_button.setChecked(is_temporary)
        self.save_button.setVisible(is_temporary and not is_empty)
        self.export_button.setEnabled(not is_empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the status where there is no room for it."""
        self.status.setVisible(event.size().width() >= STATUS_WIDTH)
        self.gauge.set_narrow(event.size().width() < BAR_WIDTH)
        self._show_model()
        super().resizeEvent(event)

    def _show_model(self) -> None:
        whole, short = self._model
        self.model_button.show_text(whole if self.width() >= STATUS_WIDTH else short)

    def _retranslate(self) -> None:
        self.status.clear()
        set_name(self.sidebar_button, self.tr("Show or hide conversations"), "Ctrl+B")
        set_name(self.export_button, self.tr("Export"), "Ctrl+E")
        set_name(self.settings_button, self.tr("Conversation settings"), "Ctrl+Shift+S")
        set_name(self.temporary_button, self.tr("Temporary chat"))
        self.temporary_button.setToolTip(self.tr("Temporary chat: not saved (Ctrl+Shift+N)"))
        set_name(self.save_button, self.tr("Save this temporary chat"))
        self.save_button.setText(self.tr("Save chat"))
        self.save_button.setToolTip(self.tr("This chat isn't saved and is lost when you leave it. Click to save it."))
