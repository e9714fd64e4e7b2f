"""The line above the conversation: which model answers, what it is doing, and how full its context is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from ui.icons import icon
from ui.theme import Theme

HEIGHT = 48
BAR_WIDTH = 56


class ContextGauge(QWidget):
    """Used and free context, as two numbers and a bar."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextGauge")
        self._theme = theme
        self._used = self._size = 0
        self._label = QLabel(self)
        self._label.setProperty("quiet", True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, BAR_WIDTH + 8, 0)
        layout.addWidget(self._label)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self.update()

    def set_context(self, used: int, size: int) -> None:
        """Tokens in the KV cache, and how many it holds; 0 hides the gauge."""
        self._used, self._size = used, size
        self.setVisible(size > 0)
        self._retranslate()
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bar: the accent for what is used, the warning colour when it is nearly full."""
        if not self._size:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(self.width() - BAR_WIDTH, self.height() / 2 - 3, BAR_WIDTH, 6)
        painter.setBrush(QColor(self._theme.hairline))
        painter.drawRoundedRect(bar, 3, 3)
        share = min(1.0, self._used / self._size)
        painter.setBrush(QColor(self._theme.warning if share > 0.85 else self._theme.accent))
        painter.setClipRect(QRectF(bar.x(), bar.y(), bar.width() * share, bar.height()))
        painter.drawRoundedRect(bar, 3, 3)
        painter.end()

    def _retranslate(self) -> None:
        used, size = _thousands(self._used), _thousands(self._size)
        self._label.setText(self.tr("context {used} / {size}").format(used=used, size=size))
        self.setToolTip(
            self.tr("{used} of {size} tokens of the context are used").format(used=self._used, size=self._size)
        )
        self.setAccessibleName(self.toolTip())


class Header(QWidget):
    """The model button, the speed, and the context gauge."""

    sidebar_wanted = Signal()
    model_menu_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self._sidebar = QToolButton(self)
        self._sidebar.setObjectName("sidebarButton")
        self._export = QToolButton(self)
        self._export.setObjectName("exportButton")
        self.model_button = QToolButton(self)
        self.model_button.setObjectName("modelButton")
        self.model_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Puts the arrow behind the name.
        self.model_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self._status = QLabel(self)
        self._status.setObjectName("speedLabel")
        self._status.setProperty("quiet", True)
        self.gauge = ContextGauge(theme, self)
        for button in (self._sidebar, self._export, self.model_button):
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
        layout.addWidget(self._export)
        self._sidebar.clicked.connect(self.sidebar_wanted)
        self._export.clicked.connect(self.export_wanted)
        self.model_button.clicked.connect(self.model_menu_wanted)
        self.set_theme(theme)
        self._retranslate()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._sidebar.setIcon(icon("sidebar", theme.quiet_text))
        self._export.setIcon(icon("export", theme.quiet_text))
        self.model_button.setIcon(icon("chevron-down", theme.quiet_text))
        self.gauge.set_theme(theme)

    def set_model(self, text: str, tip: str) -> None:
        """What the model button says."""
        self.model_button.setText(text)
        self.model_button.setToolTip(tip)
        self.model_button.setAccessibleName(text)

    def set_status(self, text: str) -> None:
        """The quiet text before the gauge, such as the speed."""
        self._status.setText(text)

    def set_can_export(self, can: bool) -> None:
        """Whether there is something to export."""
        self._export.setEnabled(can)

    def set_narrow(self, narrow: bool) -> None:
        """Leave out the status where the window has no room for it."""
        self._status.setVisible(not narrow)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self._sidebar.setToolTip(self.tr("Show or hide the conversations (Ctrl+B)"))
        self._sidebar.setAccessibleName(self.tr("Show or hide the conversations"))
        self._export.setToolTip(self.tr("Export (Ctrl+E)"))
        self._export.setAccessibleName(self.tr("Export"))


def _thousands(count: int) -> str:
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k".replace(".0k", "k")
