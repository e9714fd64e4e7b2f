"""Tokens and API keys in the system's keyring.

Without a usable keyring (a server without a desktop, a keyring that remains locked), values are kept in memory until
the program ends.  They are never written to a log or a settings file.  Which hosts may receive a token is decided in
``model_manager.hub.access``.

Calls may block until the user unlocks the keyring, so they must not run on the window's thread.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping

from model_manager.errors import UserError

HUB_TOKEN = "hub_token"
"""Name of the hub's token."""
LOCAL_SERVER_KEY = "local_server_key"
"""Name of the key that requests to the local server need."""
SERVICE = "apus-chat"

_FROM_ENVIRONMENT = {HUB_TOKEN: "HF_TOKEN"}
_log = logging.getLogger(__name__)


class Secrets:
    """Secrets by name.  Thread-safe; ``keyring`` is imported by the first call that needs it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._session: dict[str, str | None] = {}
        """Values that the keyring could not store; None for a value that it could not delete."""
        self._session_only = False

    @property
    def is_session_only(self) -> bool:
        """Whether the last call found no usable keyring, or a value is only in memory."""
        return self._session_only or any(self._session.values())

    def get(self, name: str) -> str | None:
        """Return the value, or None.  The environment variable HF_TOKEN is the default of the hub's token."""
        with self._lock:
            value = self._session[name] if name in self._session else self._from_keyring(name)
        return value or self._environment.get(_FROM_ENVIRONMENT.get(name, ""), "").strip() or None

    def set(self, name: str, value: str) -> None:
        """Store a value without surrounding white space; an empty one is deleted.

        Raises ``UserError`` as ``delete``, for an empty value only.
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
        """Delete a value.  Raises ``UserError``: secret_stays(service, detail) where the keyring can't delete it.

        In either case this object no longer returns the value.
        """
        with self._lock:
            self._session.pop(name, None)
            try:
                self._out_of_keyring(name)
            except UserError:
                self._session[name] = None
                raise

    def is_usable(self) -> bool:
        """Return whether the system has a working keyring; nothing is stored in it."""
        with self._lock:
            self._from_keyring(HUB_TOKEN)
            return not self._session_only

    # Keyrings are system plug-ins, which raise exceptions of any type: after each of them the value is kept in memory.
    # Their messages are not logged, because they may contain secrets.

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
            # Read back, because some backends store nothing without an error (keyring.backends.null, an empty chain).
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
        _log.info("keyring not usable: %s", type(error).__name__)


def _is_usable(backend: object) -> bool:
    return type(backend).__module__ not in ("keyring.backends.fail", "keyring.backends.null")
