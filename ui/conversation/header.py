"""The line above the conversation: which model answers, what it is doing, and how full its context is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from ui.conversation.context_gauge import ContextGauge
from ui.widgets.icons import icon
from ui.widgets.theme import Theme

HEIGHT = 48
STATUS_WIDTH = 620
"""In less there is no room for the status beside a name and the gauge."""


class Header(QWidget):
    """The model button, the speed, and the context gauge."""

    sidebar_wanted = Signal()
    model_menu_wanted = Signal()
    export_wanted = Signal()
    settings_wanted = Signal()
    """Those of the conversation."""
    temporary_wanted = Signal()
    keep_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self._sidebar = QToolButton(self)
        self._sidebar.setObjectName("sidebarButton")
        self._export = QToolButton(self)
        self._export.setObjectName("exportButton")
        self._settings = QToolButton(self)
        self._settings.setObjectName("conversationSettingsButton")
        self.temporary = QToolButton(self)
        self.temporary.setObjectName("temporaryButton")
        self.temporary.setCheckable(True)
        self.keep = QToolButton(self)
        self.keep.setObjectName("keepTemporaryButton")
        self.keep.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.keep.hide()
        self.model_button = QToolButton(self)
        self.model_button.setObjectName("modelButton")
        self.model_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Puts the arrow behind the name.
        self.model_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self._model = "", ""
        self._status = QLabel(self)
        self._status.setObjectName("speedLabel")
        self._status.setProperty("quiet", True)
        self.gauge = ContextGauge(theme, self)
        for button in (
            self._sidebar,
            self._export,
            self._settings,
            self.temporary,
            self.keep,
            self.model_button,
        ):
            button.setIconSize(QSize(18, 18))
            button.setAutoRaise(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self._sidebar)
        layout.addWidget(self.model_button)
        layout.addStretch(1)
        layout.addWidget(self._status)
        layout.addWidget(self.gauge)
        layout.addWidget(self.temporary)
        layout.addWidget(self.keep)
        layout.addWidget(self._settings)
        layout.addWidget(self._export)
        self._sidebar.clicked.connect(self.sidebar_wanted)
        self._export.clicked.connect(self.export_wanted)
        self._settings.clicked.connect(self.settings_wanted)
        self.temporary.clicked.connect(self.temporary_wanted)
        self.keep.clicked.connect(self.keep_wanted)
        self.model_button.clicked.connect(self.model_menu_wanted)
        self.set_theme(theme)
        self._retranslate()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._sidebar.setIcon(icon("sidebar", theme.quiet_text))
        self._export.setIcon(icon("export", theme.quiet_text))
        self._settings.setIcon(icon("sliders", theme.quiet_text))
        self.temporary.setIcon(icon("temporary", theme.quiet_text))
        self.keep.setIcon(icon("temporary", theme.accent))
        self.model_button.setIcon(icon("chevron-down", theme.quiet_text))
        self.gauge.set_theme(theme)

    def set_model(self, text: str, tip: str, short: str = "") -> None:
        """What the model button says, and what where there is little room; empty for the same."""
        self._model = text, short or text
        self.model_button.setToolTip(tip)
        self.model_button.setAccessibleName(text)
        self._show_model()

    def set_status(self, text: str) -> None:
        """The quiet text before the gauge, such as the speed."""
        self._status.setText(text)

    def set_can_export(self, can: bool) -> None:
        """Whether there is something to export."""
        self._export.setEnabled(can)

    def set_temporary(self, *, is_temporary: bool, is_empty: bool) -> None:
        """An empty conversation can be made temporary and ordinary again; a temporary one with messages can be kept."""
        self.temporary.setVisible(is_empty)
        self.temporary.setChecked(is_temporary)
        self.keep.setVisible(is_temporary and not is_empty)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the status where there is no room for it."""
        self._status.setVisible(event.size().width() >= STATUS_WIDTH)
        self._show_model()
        super().resizeEvent(event)

    def _show_model(self) -> None:
        whole, short = self._model
        self.model_button.setText(whole if self.width() >= STATUS_WIDTH else short)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self._sidebar.setToolTip(self.tr("Show or hide conversations (Ctrl+B)"))
        self._sidebar.setAccessibleName(self.tr("Show or hide conversations"))
        self._export.setToolTip(self.tr("Export (Ctrl+E)"))
        self._export.setAccessibleName(self.tr("Export"))
        self._settings.setToolTip(self.tr("Conversation settings (Ctrl+Shift+S)"))
        self._settings.setAccessibleName(self.tr("Conversation settings"))
        self.temporary.setToolTip(self.tr("Temporary chat: not saved (Ctrl+Shift+N)"))
        self.temporary.setAccessibleName(self.tr("Temporary chat"))
        self.keep.setText(self.tr("Temporary · Save"))
        self.keep.setToolTip(self.tr("This chat isn't saved and is lost when you leave it. Click to save it."))
        self.keep.setAccessibleName(self.tr("Save this temporary chat"))
