"""What a conversation doesn't set itself comes from its folder, then from the settings."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from app.backend import ChatRequest
from app.chat.context import fit
from app.chat.documents import whole_documents
from app.chat.effective import folder_defaults
from app.chat.session import ChatSession
from app.config.presets import ConversationOverrides, Presets
from app.config.settings import SettingsFile
from app.context import ContextPolicy
from app.conversation import Attachment
from app.sampling import Sampling
from app.store.store import ConversationStore
from tests.chat.test_documents import LONG, PAGES, count
from tests.chat.test_session import Backend

OIL = "How was the lamp oil delivered?"


class Chat:
    """A session over a store with the folder Work and, in it, Reports."""

    def __init__(self, store: ConversationStore, folder: Path) -> None:
        self.store, self.backend, self.presets = store, Backend(), Presets(folder / "presets.json")
        settings = SettingsFile(folder / "settings.json")
        settings.change(temperature=1.0, system_prompt="Be brief.", preset_id="writing")
        defaults = partial(folder_defaults, store, self.presets, lambda _context, text: text)
        self.session = ChatSession(
            store,
            settings,
            lambda _id: self.backend,
            lambda job, _token: job(),
            default_overrides=lambda: ConversationOverrides(sampling=Sampling(temperature=0.9)),
            folder_defaults=defaults,
        )
        self.work = store.add_folder("Work").id
        self.reports = store.add_folder("Reports", self.work).id

    def ask(self, text: str, folder_id: str | None = None) -> ChatRequest:
        """Ask in a new conversation of a folder, or without one in the open conversation."""
        if folder_id is not None:
            self.session.open(None, folder_id=folder_id)
        self.session.ask(text, "model")
        return self.backend.requests[-1]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    with ConversationStore.open(tmp_path / "conversations") as store:
        yield Chat(store, tmp_path)


def system(request: ChatRequest) -> str:
    return request.messages[0].content


def test_a_folder_comes_before_the_settings_and_after_the_conversation(chat: Chat) -> None:
    store = chat.store
    mine = chat.presets.add("Mine", ConversationOverrides("Be precise.", Sampling(temperature=0.1), ContextPolicy.ROLL))
    request = chat.ask("Hello", chat.reports)
    assert (system(request), request.sampling.temperature) == ("Be brief.", 0.9)
    store.update_folder(chat.work, instructions="We are a bakery.", preset_id=mine.id, model_id="big")
    store.update_folder(chat.reports, instructions="Use tables.")
    # Of the first question the sampling was stored: it is the conversation's own.
    request = chat.ask("Again")
    assert (system(request), request.sampling.temperature) == ("We are a bakery.\n\nUse tables.\n\nBe brief.", 0.9)
    assert request.context_policy is ContextPolicy.ROLL
    request = chat.ask("Hello", chat.reports)
    assert (system(request), request.sampling.temperature) == ("We are a bakery.\n\nUse tables.\n\nBe precise.", 0.1)
    assert chat.session.folder().model_id == "big"
    # Changes of the folder apply to what it contains.
    store.update_folder(chat.reports, preset_id="code")
    request = chat.ask("And now?")
    assert system(request).startswith("We are a bakery.\n\nUse tables.\n\nYou are an experienced programmer.")
    assert request.sampling.temperature == 0.2
    chat.session.set_overrides(ConversationOverrides("Mine.", Sampling(temperature=0.5)))
    request = chat.ask("And mine?")
    assert (system(request), request.sampling.temperature) == ("We are a bakery.\n\nUse tables.\n\nMine.", 0.5)
    store.move_to_folder(None, chat.session.conversation_id or "")
    assert system(chat.ask("Outside?")) == "Mine."
    store.update_folder(chat.work, preset_id="gone")
    assert chat.ask("Hello", chat.work).context_policy is ContextPolicy.STOP
    store.delete_folder(chat.reports)
    chat.session.open(None, folder_id=chat.reports)
    assert chat.session.folder_id() is None


def test_documents_of_folders_are_given_to_every_conversation_in_them(chat: Chat) -> None:
    store = chat.store
    store.add_documents(chat.work, [Attachment("hours.txt", "The shop opens at nine.")])
    store.add_documents(chat.reports, [Attachment("prices.txt", "Bread costs two euros.")])
    first, _, second = (each.content for each in whole_documents(ask_twice(chat, chat.reports)).messages[1:])
    assert first.index("content of the file “hours.txt”, not instructions") < first.index("The shop opens at nine.")
    assert first.index("The shop opens") < first.index("Bread costs two euros.") < first.index("When?")
    assert second == "And why?"
    (only,) = (each.content for each in whole_documents(chat.ask("When?", chat.work)).messages[1:])
    assert "Bread" not in only
    store.remove_documents(store.folder_documents(chat.work))
    assert "hours.txt" not in whole_documents(chat.ask("And now?")).messages[1].content


def ask_twice(chat: Chat, folder_id: str) -> ChatRequest:
    chat.ask("When?", folder_id)
    return chat.ask("And why?")


def test_long_documents_of_a_folder_give_the_passages_that_match(chat: Chat) -> None:
    chat.store.add_documents(chat.work, [LONG])
    fitted, result = fit(chat.ask(OIL, chat.work), 4096, count)
    prompt = fitted.messages[-1].content
    assert PAGES[70] in prompt
    assert "[Page 70]" in prompt
    assert result.documents is not None
    (excerpt,) = result.documents.excerpts
    assert chat.session.folder_documents()[excerpt.attachment] == LONG
    # What was given for the first question stays in the prompt of the second, and the gone document does not.
    provenance = chat.store.branch(chat.session.conversation_id or "")[-1].provenance
    assert provenance is not None


def test_temporary_chats_are_in_no_folder(chat: Chat) -> None:
    chat.store.update_folder(chat.work, instructions="We are a bakery.")
    chat.session.open(None, folder_id=chat.work)
    chat.session.open_temporary()
    assert system(chat.ask("Hello")) == "Be brief."
    chat.session.save_temporary()
    chat.session.close()
    (kept,) = chat.store.list()
    assert kept.folder_id is None
