"""Choice of the form of answers: text, any JSON object, or JSON by a schema that is checked while it is typed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.structured.schema import JSON_OBJECT, schema_grammar
from model_manager.errors import UserError
from ui.widgets.controls import ChoiceBox, PromptField
from ui.widgets.dialog_parts import SMALL_SIZE, StatusLine
from ui.widgets.error_text import error_text
from ui.widgets.layouts import vbox
from ui.widgets.theme import mono_font

TEXT, JSON, SCHEMA = "text", "json", "schema"
EXAMPLE = """{
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "year": {"type": "integer"}
  },
  "required": ["name", "year"]
}"""
"""The schema that is offered first."""


class AnswerFormat(QWidget):
    """The schema field; ``kind`` is the control for its row.  A schema with an error is not passed on."""

    changed = Signal(str)
    """The JSON schema of ``Sampling.json_schema``, empty for text."""

    def __init__(self) -> None:
        super().__init__()
        labels = {TEXT: self.tr("Text"), JSON: self.tr("JSON"), SCHEMA: self.tr("JSON with a schema")}
        self.kind = ChoiceBox("conversationFormat", labels)
        self.schema = PromptField("conversationJsonSchema", height=170)
        self.schema.setAccessibleName(self.tr("JSON schema"))
        self.schema.setFont(mono_font(SMALL_SIZE))
        self.status = StatusLine("conversationJsonSchemaStatus", hide_when_empty=True)
        vbox(self.status, self.schema, parent=self, spacing=4)
        self.kind.changed.connect(self._choose)
        self.schema.changed.connect(self._check)

    def set_value(self, json_schema: str) -> None:
        """Show a format."""
        self.kind.set_value(TEXT if not json_schema else JSON if json_schema == JSON_OBJECT else SCHEMA)
        if self.kind.value() == SCHEMA:
            self.schema.set_value(json_schema)
        self.setVisible(self.kind.value() == SCHEMA)

    def _choose(self, kind: str) -> None:
        if kind == SCHEMA and not self.schema.toPlainText().strip():
            self.schema.set_value(EXAMPLE)
        self.setVisible(kind == SCHEMA)
        if kind == SCHEMA:
            self._check(self.schema.toPlainText())
        else:
            self.changed.emit(JSON_OBJECT if kind == JSON else "")

    def _check(self, json_schema: str) -> None:
        try:
            schema_grammar(json_schema)
        except UserError as error:
            last = self.tr("Until then the last valid schema is used.")
            self.status.show_message(f"{error_text(error)}\n{last}", "bad")
            return
        self.status.clear()
        self.changed.emit(json_schema)
