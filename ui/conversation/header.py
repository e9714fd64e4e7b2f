"""Header above the conversation: model button, speed, context gauge and buttons."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from ui.conversation.context_gauge import ContextGauge
from ui.widgets.icons import set_icon
from ui.widgets.translated import TranslatedWidget

HEIGHT = 48
STATUS_WIDTH = 620
"""A narrower header has no room for the status."""


class Header(TranslatedWidget):
    """The header; it shows state and passes requests on."""

    sidebar_requested = Signal()
    model_menu_requested = Signal()
    export_requested = Signal()
    settings_requested = Signal()
    """The settings of the conversation."""
    temporary_requested = Signal()
    save_requested = Signal()
    """The temporary conversation is to be saved."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self._sidebar = self._button("sidebarButton", "sidebar", self.sidebar_requested)
        self._export = self._button("exportButton", "export", self.export_requested)
        self._settings = self._button("conversationSettingsButton", "sliders", self.settings_requested)
        self.temporary = self._button("temporaryButton", "temporary", self.temporary_requested)
        self.temporary.setCheckable(True)
        self.save = self._button("keepTemporaryButton", "temporary", self.save_requested, "accent")
        self.save.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.save.hide()
        self.model_button = self._button("modelButton", "chevron-down", self.model_menu_requested)
        self.model_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Puts the arrow behind the name.
        self.model_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self._model = "", ""
        self._status = QLabel(self)
        self._status.setObjectName("speedLabel")
        self._status.setProperty("quiet", True)
        self.gauge = ContextGauge(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self._sidebar)
        layout.addWidget(self.model_button)
        layout.addStretch(1)
        for widget in (self._status, self.gauge, self.temporary, self.save, self._settings, self._export):
            layout.addWidget(widget)
        self._retranslate()

    def _button(self, name: str, icon: str, clicked: SignalInstance, role: str = "quiet_text") -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setIconSize(QSize(18, 18))
        set_icon(button, icon, role)
        button.setAutoRaise(True)
        button.clicked.connect(clicked)
        return button

    def set_model(self, text: str, tip: str, short: str = "") -> None:
        """Set the text of the model button; ``short`` is used in a narrow header."""
        self._model = text, short or text
        self.model_button.setToolTip(tip)
        self.model_button.setAccessibleName(text)
        self._show_model()

    def set_status(self, text: str) -> None:
        """Set the text beside the gauge, such as the speed."""
        self._status.setText(text)

    def set_can_export(self, can: bool) -> None:
        """Set whether there is something to export."""
        self._export.setEnabled(can)

    def set_temporary(self, *, is_temporary: bool, is_empty: bool) -> None:
        """Offer to make an empty conversation temporary, or to save a temporary one with messages."""
        self.temporary.setVisible(is_empty)
        self.temporary.setChecked(is_temporary)
        self.save.setVisible(is_temporary and not is_empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the status where there is no room for it."""
        self._status.setVisible(event.size().width() >= STATUS_WIDTH)
        self._show_model()
        super().resizeEvent(event)

    def _show_model(self) -> None:
        whole, short = self._model
        self.model_button.setText(whole if self.width() >= STATUS_WIDTH else short)

    def _retranslate(self) -> None:
        self._sidebar.setToolTip(self.tr("Show or hide conversations (Ctrl+B)"))
        self._sidebar.setAccessibleName(self.tr("Show or hide conversations"))
        self._export.setToolTip(self.tr("Export (Ctrl+E)"))
        self._export.setAccessibleName(self.tr("Export"))
        self._settings.setToolTip(self.tr("Conversation settings (Ctrl+Shift+S)"))
        self._settings.setAccessibleName(self.tr("Conversation settings"))
        self.temporary.setToolTip(self.tr("Temporary chat: not saved (Ctrl+Shift+N)"))
        self.temporary.setAccessibleName(self.tr("Temporary chat"))
        self.save.setText(self.tr("Temporary · Save"))
        self.save.setToolTip(self.tr("This chat isn't saved and is lost when you leave it. Click to save it."))
        self.save.setAccessibleName(self.tr("Save this temporary chat"))
