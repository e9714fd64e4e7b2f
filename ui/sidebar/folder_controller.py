"""Controller of the folders in the sidebar: adds, renames, moves and deletes them, and undoes that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from app.conversation import DeletedFolder, DocumentHit
from app.export.export import export_folder
from app.export.file_names import file_name
from app.export.formats import ExportOptions
from app.services import Services
from ui.conversation.controller import ConversationController
from ui.conversation.model_picker import ModelPicker
from ui.sidebar.controller import Ids, SidebarController
from ui.sidebar.sidebar import Sidebar
from ui.widgets.dialog_parts import ask, show_dialog
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file, documents_folder
from ui.widgets.formats import sentences
from ui.widgets.job import run_job
from ui.widgets.notice import NoticeBar


class FolderController(QObject):
    """Connects the folders of the sidebar with the store.  The notice offers to undo."""

    def __init__(
        self,
        services: Services,
        sidebar: Sidebar,
        notice: NoticeBar,
        models: ModelPicker,
        conversation: ConversationController,
        conversations: SidebarController,
    ) -> None:
        super().__init__(sidebar)
        self._services, self._store, self._models = services, services.store, models
        self._sidebar, self._notice = sidebar, notice
        self._conversation, self._conversations = conversation, conversations
        self._exported = ""
        """Id of the folder that is to be exported."""
        sidebar.folder_requested.connect(self.act)
        sidebar.move_requested.connect(self.move_conversations)
        sidebar.folder_move_requested.connect(self._move_folder)
        sidebar.list.folder_toggled.connect(self._expand)
        sidebar.list.folder_opened.connect(self.show_folder)
        sidebar.list.document_opened.connect(self._show_document)
        sidebar.list.delegate.folder_renamed.connect(self._rename)
        sidebar.list.drag.conversations_dropped.connect(self.move_conversations)
        sidebar.list.drag.folder_dropped.connect(self._move_folder)

    def act(self, action: str, folder_id: str) -> None:
        """Do one of ``FOLDER_ACTIONS`` with a folder; a new folder is in none where the id is empty."""
        match action:
            case "add":
                self._add(folder_id or None)
            case "converse":
                self._conversation.open(None, folder_id=folder_id)
            case "settings":
                self._notice.attempt(lambda: self._show_settings(folder_id))
            case "search":
                self._notice.attempt(lambda: self._sidebar.search_in(self._store.folder(folder_id)))
            case "export":
                self._notice.attempt(lambda: self._ask_where_to_export(folder_id))
            case "rename":
                self._sidebar.list.edit_folder(folder_id)
            case "up" | "down":
                self._notice.attempt(lambda: self._shift(folder_id, -1 if action == "up" else 1))
            case "delete":
                self._notice.attempt(lambda: self._ask_to_delete(folder_id))

    def show_settings_of_open(self) -> None:
        """Open the settings of the folder of the open conversation."""
        self._notice.attempt(lambda: self._show_settings(self._conversation.session.folder_id() or ""))

    def _show_settings(self, folder_id: str) -> None:
        from ui.sidebar.folder_settings import FolderSettings

        models = [each for each in self._models.entries() if self._models.is_ready(each.key)]
        dialog = FolderSettings(self._services, self._store.folder(folder_id), models, self._sidebar.window())
        dialog.accepted.connect(self._apply_settings)
        show_dialog(dialog)

    def _ask_where_to_export(self, folder_id: str) -> None:
        self._exported = folder_id
        name = file_name(self._store.folder(folder_id).name, ".zip", (), untitled=self.tr("Folder"))
        start = self._services.settings.current.export_folder
        ask_for_file(
            self._sidebar.window(),
            self.tr("Export folder"),
            self.tr("Archives (*.zip)"),
            self.export,
            save_as=(Path(start) if start else documents_folder()) / name,
        )

    def export(self, path: Path) -> None:
        """Write the folder that was chosen to an archive, in the background."""
        folder_id = self._exported

        def show(written: Path) -> None:
            self._notice.show_message(self.tr("Folder exported to {path}").format(path=written))

        run_job(
            self,
            lambda: export_folder(
                self._store, folder_id, path.with_suffix(".zip"), ExportOptions(), self._services.presets
            ),
            show,
            lambda error: self._notice.show_error(error_text(error)),
        )

    def _apply_settings(self) -> None:
        self._notice.attempt(lambda: self._sidebar.list.show_folders(self._store))
        self._conversation.refresh_folder()

    def show_folder(self, folder_id: str) -> None:
        """Show a folder in the list, expanded and selected."""

        def show() -> None:
            for each in self._store.folder_path(folder_id):
                self._store.update_folder(each.id, is_expanded=True)
            self._sidebar.show()
            self._sidebar.show_conversations()
            self._sidebar.list.select_folder(folder_id)

        self._notice.attempt(show)

    def _show_document(self, hit: DocumentHit) -> None:
        """Show a document with the match of a search selected."""
        from ui.composer.attachments import AttachmentViewer

        def show() -> None:
            if (document := self._store.folder_document(hit.number)) is not None:
                viewer = AttachmentViewer(document, self._sidebar.window())
                viewer.insert.hide()
                show_dialog(viewer)
                if any(hit.place):
                    viewer.select(*hit.place)

        self._notice.attempt(show)

    def move_conversations(self, folder_id: str, ids: Ids) -> None:
        """Move conversations into a folder, out of all for an empty id, or into a new one for ``new``."""
        before: dict[str, str | None] = {}
        is_new = folder_id == "new"

        def move() -> None:
            nonlocal folder_id
            if is_new:
                folder_id = self._store.add_folder(self.tr("New folder")).id
            before.update(self._store.move_to_folder(folder_id or None, *ids))

        def undo() -> None:
            for id_, folder in before.items():
                self._notice.attempt(partial(self._store.move_to_folder, folder, id_))
            self._conversations.refresh()
            refresh_open()

        def refresh_open() -> None:
            if self._conversation.session.conversation_id in before:
                self._conversation.refresh_folder()

        if not self._notice.attempt(move) or not before:
            return
        self._conversations.refresh(ids[0] if len(ids) == 1 else None)
        refresh_open()
        if is_new:
            self._sidebar.list.edit_folder(folder_id)
            return
        path = self._store.folder_path(folder_id)
        texts = (
            (self.tr("“{title}” moved to “{folder}”."), self.tr("{count} conversations moved to “{folder}”."))
            if path
            else (self.tr("“{title}” moved out of its folder."), self.tr("{count} conversations moved out of folders."))
        )
        folder = path[-1].name if path else ""
        if len(before) == 1:
            title = self._store.get(next(iter(before))).title or self.tr("Untitled")
            text = texts[0].format(title=title, folder=folder)
        else:
            text = texts[1].format(count=len(before), folder=folder)
        self._notice.show_undo(text, undo)

    def _add(self, parent_id: str | None) -> None:
        def add() -> None:
            folder = self._store.add_folder(self.tr("New folder"), parent_id)
            if parent_id is not None:
                self._store.update_folder(parent_id, is_expanded=True)
            self._sidebar.show_conversations()
            self._sidebar.list.edit_folder(folder.id)

        self._notice.attempt(add)

    def _expand(self, folder_id: str, is_expanded: bool) -> None:
        self._change(partial(self._store.update_folder, folder_id, is_expanded=is_expanded))

    def _rename(self, folder_id: str, name: str) -> None:
        self._change(partial(self._store.update_folder, folder_id, name=name))

    def _move_folder(self, folder_id: str, parent_id: str, place: int = -1) -> None:
        self._change(partial(self._store.move_folder, folder_id, parent_id or None, None if place < 0 else place))

    def _shift(self, folder_id: str, step: int) -> None:
        folders = self._store.folders()
        parent_id = next(each.parent_id for each in folders if each.id == folder_id)
        place = [each.id for each in folders if each.parent_id == parent_id].index(folder_id) + step
        self._move_folder(folder_id, parent_id or "", max(0, place))

    def _change(self, change: Callable[[], object]) -> None:
        self._notice.attempt(change)
        self._notice.attempt(lambda: self._sidebar.list.show_folders(self._store))

    def _ask_to_delete(self, folder_id: str) -> None:
        folder = self._store.folder(folder_id)
        count = len(self._store.conversations_in(folder_id))
        has_more = folder.instructions or self._store.folder_documents(folder_id)
        details = self.tr("Its instructions and documents are deleted.") if has_more else ""
        stays = (
            self.tr("Its conversation stays in your list, or goes to the trash if you delete it too."),
            self.tr("Its conversations stay in your list, or go to the trash if you delete them too."),
        )
        if folder.parent_id is not None:
            stays = (
                self.tr("Its conversation moves to the folder above, or goes to the trash if you delete it too."),
                self.tr("Its conversations move to the folder above, or go to the trash if you delete them too."),
            )
        if count:
            details = sentences(details, stays[count > 1], self.tr("The trash doesn't keep the folder."))
        label = self.tr("Delete folder and {count} conversations").format(count=count)
        delete = partial(self._delete, folder_id)
        ask(
            self._sidebar.window(),
            "deleteFolderQuestion",
            self.tr("Delete folder"),
            self.tr("Delete the folder “{name}”?").format(name=folder.name),
            details,
            ("deleteFolderButton", self.tr("Delete folder")),
            self.tr("Cancel"),
            partial(delete, with_conversations=False),
            discard=(
                "deleteWithConversationsButton",
                self.tr("Delete folder and conversation") if count == 1 else label,
                partial(delete, with_conversations=True),
            )
            if count
            else None,
            is_destructive=True,
        )

    def _delete(self, folder_id: str, *, with_conversations: bool) -> None:
        deleted: list[DeletedFolder] = []
        session = self._conversation.session

        def delete() -> None:
            deleted.append(self._store.delete_folder(folder_id, with_conversations=with_conversations))

        def undo() -> None:
            self._notice.attempt(lambda: self._store.restore_folder(deleted[0]))
            self._conversations.refresh()
            self._conversation.refresh_folder()
            if was_open:
                self._conversation.open(open_id)

        if not self._notice.attempt(delete):
            return
        open_id = session.conversation_id
        was_open = open_id in deleted[0].trashed and not session.is_temporary
        if was_open:
            session.stop()
            self._conversation.open(None)
        self._conversations.refresh()
        self._conversation.refresh_folder()
        text = self.tr("Folder “{name}” deleted.").format(name=deleted[0].folders[0].name)
        if deleted[0].trashed:
            count = len(deleted[0].trashed)
            text = self.tr("Folder “{name}” deleted, {count} conversations moved to trash.")
            if count == 1:
                text = self.tr("Folder “{name}” deleted, its conversation moved to trash.")
            text = text.format(name=deleted[0].folders[0].name, count=count)
        self._notice.show_undo(text, undo)
