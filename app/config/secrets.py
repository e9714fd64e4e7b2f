"""Tokens and keys, in the system's own keyring: the one door to ``keyring``.

Where there is no usable keyring (a server without a desktop, a keyring that stays locked), values live in this object
and are gone with the program.  They never reach a log or a settings file.  Who may see a token is not decided here:
``model_manager.hub.access`` does.

Calls may wait for the person to unlock the keyring: make them on no thread that draws.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping

from model_manager.errors import UserError

HUB_TOKEN = "hub_token"
"""The name of the hub's token."""
SERVICE = "apus-chat"

_FROM_ENVIRONMENT = {HUB_TOKEN: "HF_TOKEN"}
_log = logging.getLogger(__name__)


class Secrets:
    """Values by name.  Safe to use from several threads; ``keyring`` is imported by the first call that needs it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._session: dict[str, str | None] = {}
        """What the keyring could not take; None for what it could not let go of."""
        self._session_only = False

    @property
    def kept_for_this_session_only(self) -> bool:
        """Whether something lives here alone, or would if it were set: the last call found no usable keyring."""
        return self._session_only or any(self._session.values())

    def get(self, name: str) -> str | None:
        """The value; for the hub's token that of the environment's HF_TOKEN where none was set; else None."""
        with self._lock:
            value = self._session[name] if name in self._session else self._from_keyring(name)
        return value or self._environment.get(_FROM_ENVIRONMENT.get(name, ""), "").strip() or None

    def set(self, name: str, value: str) -> None:
        """Keep a value, without white space around it; an empty one is deleted.

        Raises ``UserError`` as ``delete`` does, for an empty one alone.
        """
        value = value.strip()
        if not value:
            return self.delete(name)
        with self._lock:
            if self._into_keyring(name, value):
                self._session.pop(name, None)
            else:
                self._session[name] = value
        return None

    def delete(self, name: str) -> None:
        """Forget a value.  Raises ``UserError``: secret_stays(service, detail) where the keyring keeps it all the same.

        Even then it is not given out any more by this object.
        """
        with self._lock:
            self._session.pop(name, None)
            try:
                self._out_of_keyring(name)
            except UserError:
                self._session[name] = None
                raise

    def is_usable(self) -> bool:
        """Whether there is a keyring that answers; nothing is kept in it for that."""
        with self._lock:
            self._from_keyring(HUB_TOKEN)
            return not self._session_only

    # A keyring is whatever the system and its plug-ins bring, and they raise errors of their own kinds as well as
    # keyring's: whatever it is, the value is kept for the session.  Messages of errors are not logged, for nobody
    # knows what a plug-in writes into them.

    def _from_keyring(self, name: str) -> str | None:
        import keyring

        try:
            value = keyring.get_password(SERVICE, name)
        except Exception as error:
            self._note(error)
            return None
        self._session_only = not _is_usable(keyring.get_keyring())
        return value

    def _into_keyring(self, name: str, value: str) -> bool:
        import keyring

        try:
            keyring.set_password(SERVICE, name, value)
            # Read back, because some keep nothing and say nothing (keyring.backends.null, a chain of none).
            kept = keyring.get_password(SERVICE, name) == value
        except Exception as error:
            self._note(error)
            return False
        self._session_only = not kept
        return kept

    def _out_of_keyring(self, name: str) -> None:
        import keyring
        from keyring.errors import NoKeyringError

        try:
            if keyring.get_password(SERVICE, name) is not None:
                keyring.delete_password(SERVICE, name)
        except NoKeyringError as error:
            self._note(error)
        except Exception as error:
            self._note(error)
            raise UserError("secret_stays", service=SERVICE, detail=type(error).__name__) from error

    def _note(self, error: Exception) -> None:
        self._session_only = True
        _log.info("no use of the keyring: %s", type(error).__name__)


def _is_usable(backend: object) -> bool:
    return type(backend).__module__ not in ("keyring.backends.fail", "keyring.backends.null")
