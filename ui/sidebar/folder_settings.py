"""Settings of a folder: its name, and the instructions, preset, model and documents of the conversations in it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from app.conversation import Attachment, Folder
from app.services import Services
from model_manager.errors import UserError
from ui.composer.attachment_chips import AttachmentChips
from ui.composer.attachments import AttachmentViewer
from ui.widgets.controls import ChoiceBox, PromptField
from ui.widgets.dialog_parts import (
    MARGIN,
    Row,
    StatusLine,
    arrange,
    button,
    heading,
    line_edit,
    quiet_label,
    resize_within_screen,
    scrolled,
)
from ui.widgets.file_dialogs import ask_for_file
from ui.widgets.filter_panel import Entry
from ui.widgets.layouts import hbox, vbox


class FolderSettings(QDialog):
    """Edits a folder; nothing is stored before *Save*."""

    def __init__(self, services: Services, folder: Folder, models: Sequence[Entry], parent: QWidget) -> None:
        """``models`` are those that can be selected.  Raises UserError as the store does."""
        super().__init__(parent)
        self._store, self._folder = services.store, folder
        self._documents = self._store.folder_documents(folder.id)
        self.setObjectName("folderSettings")
        title = self.tr("Folder settings")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._status = StatusLine("folderSettingsStatus")
        self.name = line_edit("folderName", self.tr("Name"))
        self.name.setText(folder.name)
        self.instructions = PromptField("folderInstructions", self.tr("For example: Answer briefly."), height=110)
        self.instructions.set_value(folder.instructions)
        presets = services.presets.list(QCoreApplication.translate)
        self.preset = ChoiceBox("folderPreset", {"": self.tr("None"), **{each.id: each.name for each in presets}})
        self.preset.set_value(folder.preset_id)
        names = {each.key: " · ".join(filter(None, (each.title, each.label))) for each in models}
        self.model = ChoiceBox("folderModel", {None: self.tr("The one selected last"), **names})
        self.model.set_value(folder.model_id)
        self.chips = AttachmentChips(self)
        self.chips.set_attachments(list(self._documents.values()))
        self.add = button("addDocumentsButton", self.tr("Add documents…"))
        cancel = button("cancelButton", self.tr("Cancel"))
        self.save = button("saveButton", self.tr("Save"), primary=True)
        page = QWidget()
        explanation = self.tr("Everything here applies to all conversations in the folder and in its folders.")
        instructions_text = self.tr("For the model, before the system prompt of each conversation.")
        documents_text = self.tr("The model is given them, or the passages that match the question.")
        documents = QWidget()
        vbox(self.chips, hbox(self.add, None), parent=documents, spacing=8)
        documents.setFocusProxy(self.add)
        vbox(
            heading(title),
            4,
            quiet_label(explanation),
            8,
            Row(self.name, self.tr("Name"), wide=True),
            Row(self.instructions, self.tr("Instructions"), instructions_text, wide=True),
            Row(self.preset, self.tr("Preset"), self.tr("For conversations whose settings were not changed.")),
            Row(self.model, self.tr("Model"), self.tr("Selected for new conversations.")),
            Row(documents, self.tr("Documents"), documents_text, wide=True),
            None,
            parent=page,
            margins=(MARGIN, MARGIN, MARGIN, 16),
        )
        form = QWidget()
        arrange(form, scrolled(page), self._status, cancel, self.save)
        self._stack = QStackedWidget()
        self._stack.addWidget(form)
        vbox(self._stack, parent=self)
        self.name.textChanged.connect(self._refresh)
        self.add.clicked.connect(self._choose)
        self.chips.opened.connect(self._show_document)
        self.chips.arrived.connect(self._add)
        self.chips.failed.connect(self._status.show_error)
        self.chips.reading_changed.connect(self._refresh)
        cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        self._refresh()
        resize_within_screen(self, 560, 690)

    def _show_document(self, document: Attachment) -> None:
        """Show a document in place of the form; another dialog would be one over this one."""
        viewer = AttachmentViewer(document, self)
        viewer.insert.hide()
        viewer.setWindowFlags(Qt.WindowType.Widget)
        viewer.finished.connect(viewer.deleteLater)
        viewer.finished.connect(lambda _result: self.add.setFocus())
        self._stack.addWidget(viewer)
        self._stack.setCurrentWidget(viewer)
        viewer.text.setFocus()

    def _choose(self) -> None:
        kinds = self.tr(
            "Documents and text files (*.pdf *.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md "
            "*.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All files (*)"
        )
        ask_for_file(self, self.tr("Add documents"), kinds, self.chips.read)

    def _add(self, document: Attachment) -> None:
        if document.picture is not None:
            self._status.show_error(UserError("folder_picture", name=document.name))
        else:
            self.chips.add(document)

    def _refresh(self) -> None:
        self.save.setEnabled(bool(self.name.text().strip()) and not self.chips.is_reading)

    def _save(self) -> None:
        kept = self.chips.attachments()
        before = list(self._documents.values())

        def save() -> None:
            store, id_ = self._store, self._folder.id
            store.update_folder(
                id_,
                name=self.name.text().strip(),
                instructions=self.instructions.toPlainText().strip(),
                preset_id=self.preset.value(),
                model_id=self.model.value(),
            )
            store.remove_documents(number for number, each in self._documents.items() if each not in kept)
            store.add_documents(id_, (each for each in kept if each not in before))

        if self._status.attempt(save):
            self.accept()
