"""Tokens: in a keyring where there is one, else for the session; never in a log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.config.secrets import HUB_TOKEN, SERVICE, Secrets
from app.messages import sentence
from model_manager.errors import UserError

SECRET = "hf_VerySecret"
NOTHING: dict[str, str] = {}
Use = Callable[[KeyringBackend], None]


class Safe(KeyringBackend):
    """A keyring in memory, which can be locked."""

    priority = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked: Exception | None = None
        self.keeps_for_ever = False

    def _open(self) -> dict[tuple[str, str], str]:
        if self.locked is not None:
            raise self.locked
        return self.kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._open().get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.keeps_for_ever:
            raise PasswordDeleteError(SECRET)
        del self._open()[service, username]


@pytest.fixture
def use() -> Iterator[Use]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def safe(use: Use) -> Safe:
    backend = Safe()
    use(backend)
    return backend


def test_kept_in_the_keyring(safe: Safe) -> None:
    Secrets(NOTHING).set(HUB_TOKEN, f" {SECRET}\n")
    assert safe.kept == {(SERVICE, HUB_TOKEN): SECRET}
    secrets = Secrets(NOTHING)
    assert secrets.get(HUB_TOKEN) == SECRET
    assert secrets.get("other") is None
    assert not secrets.is_session_only
    secrets.delete(HUB_TOKEN)
    secrets.delete(HUB_TOKEN)
    assert not safe.kept
    assert secrets.get(HUB_TOKEN) is None


def test_an_empty_value_is_deleted(safe: Safe) -> None:
    secrets = Secrets(NOTHING)
    secrets.set("key", SECRET)
    secrets.set("key", "  ")
    assert not safe.kept
    assert secrets.get("key") is None


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_without_a_keyring_values_are_kept_in_memory(use: Use, backend: type[KeyringBackend]) -> None:
    use(backend())
    secrets = Secrets(NOTHING)
    assert secrets.get(HUB_TOKEN) is None
    assert secrets.is_session_only, "known before anything is typed in"
    secrets.set(HUB_TOKEN, SECRET)
    assert secrets.get(HUB_TOKEN) == SECRET
    assert secrets.is_session_only
    assert Secrets(NOTHING).get(HUB_TOKEN) is None
    secrets.delete(HUB_TOKEN)
    assert secrets.get(HUB_TOKEN) is None


@pytest.mark.parametrize("error", [KeyringLocked(SECRET), OSError(SECRET), RuntimeError(SECRET)])
def test_a_keyring_that_stays_locked(safe: Safe, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    safe.locked = error
    secrets = Secrets(NOTHING)
    with caplog.at_level(logging.DEBUG):
        secrets.set(HUB_TOKEN, SECRET)
        assert secrets.get(HUB_TOKEN) == SECRET
        assert secrets.get("other") is None
    assert secrets.is_session_only
    assert caplog.records
    assert SECRET not in caplog.text
    safe.locked = None
    assert secrets.get("other") is None
    assert secrets.is_session_only, "the token still is"
    secrets.set(HUB_TOKEN, SECRET)
    assert not secrets.is_session_only
    assert safe.kept == {(SERVICE, HUB_TOKEN): SECRET}


def test_a_value_that_the_keyring_cannot_delete(safe: Safe) -> None:
    secrets = Secrets(NOTHING)
    secrets.set(HUB_TOKEN, SECRET)
    safe.keeps_for_ever = True
    with pytest.raises(UserError) as caught:
        secrets.delete(HUB_TOKEN)
    assert caught.value.code == "secret_stays"
    assert SECRET not in sentence(caught.value)
    assert secrets.get(HUB_TOKEN) is None, "not given out any more all the same"
    secrets.set(HUB_TOKEN, "another")
    assert secrets.get(HUB_TOKEN) == "another"


def test_the_token_of_the_environment_is_the_default(safe: Safe) -> None:
    secrets = Secrets({"HF_TOKEN": " hf_env\n"})
    assert secrets.get(HUB_TOKEN) == "hf_env"
    assert secrets.get("other") is None
    secrets.set(HUB_TOKEN, SECRET)
    assert secrets.get(HUB_TOKEN) == SECRET
    assert Secrets({"HF_TOKEN": "  "}).get("other") is None
