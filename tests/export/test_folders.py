"""A folder as an archive and in the JSON of everything, imported again; folders of other programs."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.config.presets import BUILT_IN, ConversationOverrides, Presets
from app.conversation import Attachment, ContextPolicy
from app.export.export import FORMATS, export_conversations, export_folder
from app.export.formats import ExportOptions
from app.imports.importer import import_conversations, preview_import
from app.sampling import Sampling
from app.store.store import ConversationStore


def filled(store: ConversationStore) -> dict[str, str]:
    work = store.add_folder("Work 工作").id
    reports = store.add_folder("Reports", work).id
    store.update_folder(work, instructions="Use tables.", preset_id="code", model_id="big", is_expanded=False)
    store.add_documents(work, [Attachment("hours.txt", "The shop opens at nine.\n", 6)])
    store.add_folder("Empty", work)
    for title, folder_id in {"plan": work, "figures": reports, "outside": None}.items():
        store.create(title=title, folder_id=folder_id)
    return {"work": work, "reports": reports, **{each.title: each.id for each in store.list()}}


def places(store: ConversationStore) -> dict[str, str | None]:
    return {each.title: each.folder_id for each in store.list()}


def test_a_folder_is_exported_as_an_archive_and_imported_once(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    ids = filled(store)
    presets = Presets(tmp_path / "presets.json")
    path = export_folder(store, ids["work"], tmp_path / "new" / "Work.zip", ExportOptions(), presets)
    preview = preview_import(other_store, path)
    assert (preview.conversations, len(preview.folders)) == (2, 3)
    other_store.add_folder("Mine")
    result = import_conversations(other_store, path)
    assert (result.conversations_added, result.refused) == (2, ())
    assert places(other_store) == {"plan": ids["work"], "figures": ids["reports"]}
    imported, exported = other_store.folder_contents(ids["work"]), store.folder_contents(ids["work"])
    assert [each.folder.name for each in imported] == ["Work 工作", "Reports", "Empty"]
    assert imported[0].folder.position == 1
    assert imported[1:] == exported[1:]
    assert imported[0].documents == exported[0].documents
    # Again, and after changes here: nothing is doubled, and what the user has moved stays.
    other_store.update_folder(ids["work"], name="Job")
    other_store.move_to_folder(None, ids["plan"])
    before = other_store.folder_contents(), places(other_store)
    result = import_conversations(other_store, path)
    assert (result.conversations_added, result.already_there) == (0, 2)
    assert (other_store.folder_contents(), places(other_store)) == before
    # Deleted with its conversations, and taken back.
    other_store.delete_folder(ids["work"], with_conversations=True)
    import_conversations(other_store, path)
    assert other_store.get(ids["figures"]).folder_id == ids["reports"]


def test_an_archive_contains_the_presets_of_the_user(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    ids = filled(store)
    here, there = Presets(tmp_path / "here.json"), Presets(tmp_path / "there.json")
    brief = here.add("Brief", ConversationOverrides("Be brief.", Sampling(temperature=0.3), ContextPolicy.ROLL))
    here.add("Of no folder", ConversationOverrides("Be long."))
    store.update_folder(ids["reports"], preset_id=brief.id)
    path = export_folder(store, ids["work"], tmp_path / "Work.zip", ExportOptions(), here)
    import_conversations(other_store, path, add_preset=there.add_missing)
    assert there.own({other_store.folder(ids["reports"]).preset_id}) == [brief]
    assert len(there.list(lambda _context, text: text)) == len(BUILT_IN) + 1
    # One that exists is unchanged, and a damaged one loses nothing else.
    there.save(replace(brief, name="Terse"))
    import_conversations(other_store, path, add_preset=there.add_missing)
    assert [each.name for each in there.own({brief.id})] == ["Terse"]
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("conversations.json"))
    document["presets"] = [{**document["presets"][0], "sampling": 5}, {"id": "code", "name": "Mine"}, 3]
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps(document), encoding="utf-8")
    with ConversationStore.in_memory() as third:
        result = import_conversations(third, damaged, add_preset=there.add_missing)
        assert (result.conversations_added, len(third.folders())) == (2, 3)
    assert [each.what for each in result.refused] == ["presets[0]", "presets[1]", "presets[2]"]


def test_everything_as_json_contains_the_folders(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    ids = filled(store)
    path = tmp_path / "all.json"
    export_conversations(store, None, FORMATS["json"], path)
    import_conversations(other_store, path)
    assert other_store.folder_contents() == store.folder_contents()
    assert places(other_store) == places(store)
    # One alone brings no folder.
    export_conversations(store, [ids["plan"]], FORMATS["json"], tmp_path / "one.json")
    with ConversationStore.in_memory() as third:
        import_conversations(third, tmp_path / "one.json")
        assert places(third) == {"plan": None}


@pytest.mark.parametrize(
    "damage",
    [
        {"id": "no UUID"},
        {"name": 3},
        {"documents": [{"name": "x"}]},
        {"position": 1e300},
        {"parent_id": "6f0a4ad1-6a8b-5a0e-9d0f-1f8f6d1c2b7e"},
        {"name": "x" * 100_000, "position": -5, "unknown": [1]},
    ],
)
def test_damaged_folders_lose_no_conversation(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path, damage: dict[str, object]
) -> None:
    ids = filled(store)
    with zipfile.ZipFile(
        export_folder(store, ids["work"], tmp_path / "a.zip", ExportOptions(), Presets(tmp_path / "presets.json"))
    ) as archive:
        document = json.loads(archive.read("conversations.json"))
    document["folders"][0].update(damage)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    result = import_conversations(other_store, path)
    assert result.conversations_added == 2
    is_refused = len(other_store.folders()) == 2
    assert len(result.refused) == is_refused
    assert places(other_store)["figures"] == ids["reports"]
    assert all(each.parent_id is None for each in other_store.folders() if is_refused)


def test_projects_of_other_programs_become_folders_once(store: ConversationStore, tmp_path: Path) -> None:
    chats = tmp_path / "conversations" / "Trips" / "Japan" / "Kyoto"
    chats.mkdir(parents=True)
    content = {"name": "Four days", "messages": [_lm_studio_message("Where first?")], "createdAt": 1_700_000_000_000}
    (chats / "1.conversation.json").write_text(json.dumps(content), encoding="utf-8")
    import_conversations(store, tmp_path / "conversations")
    (conversation,) = store.list()
    assert [each.name for each in store.folder_path(conversation.folder_id)] == ["Trips", "Japan/Kyoto"]
    folders = store.folders()
    import_conversations(store, tmp_path / "conversations")
    assert store.folders() == folders
    # A folder that the user has deleted comes back only with new conversations.
    for each in reversed(folders):
        store.delete_folder(each.id)
    import_conversations(store, tmp_path / "conversations")
    assert store.folders() == []
    assert store.get(conversation.id).folder_id is None


def _lm_studio_message(text: str) -> dict[str, object]:
    content = [{"type": "text", "text": text}]
    return {"versions": [{"role": "user", "type": "singleStep", "content": content}], "currentlySelected": 0}
