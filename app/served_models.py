"""What the local server offers: the models, and its start as the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.backend import ChatEvent
from app.backends import LocalBackend
from app.config.secrets import LOCAL_SERVER_KEY
from app.config.settings import ALL_ADDRESSES
from app.engine.protocol import Embeddings
from app.local_server.access import Access, new_key
from app.local_server.certificate import own_certificate
from app.local_server.model import ServedModel
from app.servers.registry import is_server_model
from app.services import Services
from app.thoughts import thinking_choices
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.hub.catalogue import STARTER
from model_manager.library.library import LocalModel
from model_manager.library.starter import find_starter
from model_manager.plan.load_spec import PlanOptions


class ServedModels:
    """The model that the local server offers: a certain one, or the one selected in the window."""

    def __init__(self, services: Services, model_id: str | None = None, options: PlanOptions | None = None) -> None:
        """``options`` as for ``backend_for``."""
        self._services, self._model_id, self._options = services, model_id, options
        self._known: tuple[object, LocalBackend, LocalModel, ServedModel] | None = None

    def load(self, token: CancelToken) -> Iterator[ChatEvent]:
        """Load the model, in the worker's thread.  Raises as ``__call__`` and ``LocalBackend.load``."""
        _, backend, _, _ = self._find()
        return backend.load(token)

    def __call__(self) -> ServedModel:
        """Return the model.  Its header is read again only where the selection, the options or the file have changed.

        Raises:
            UserError: ``no_local_model`` where none is selected, or one on a server; as ``LocalBackend.resolve``.
        """
        _, _, file, model = self._find()
        loaded = self._services.planning.loader.loaded
        is_loaded = loaded is not None and loaded.request.path == file.path
        return replace(model, context=loaded.result.context) if loaded and is_loaded else model

    def embedding_models(self) -> dict[str, int]:
        """Return the times of the embedding models of the library by id.  Raises as ``ModelLibrary.list``."""
        return {each.id: _changed_at(each.path) for each in self._services.library.list() if each.ready and each.embeds}

    def embed(self, name: str, texts: Sequence[str], token: CancelToken) -> Embeddings:
        """Compute the embeddings of texts by the model or by another one of the library, never by any other file.

        Raises:
            UserError: ``model_unknown`` (id, known); as ``__call__`` and ``Embedder.embed``.
        """
        paths = {each.id: each.path for each in self._services.library.list()}
        if name not in paths:
            _, _, file, model = self._find()
            if name != model.id:
                raise UserError("model_unknown", id=name, known=list(paths))
            paths[name] = file.path
        return self._services.embedder.embed(paths[name], texts, token)

    def _find(self) -> tuple[object, LocalBackend, LocalModel, ServedModel]:
        services, settings = self._services, self._services.settings.current
        model_id = self._model_id or selected_model(services)
        key = model_id, settings, services.planning.overrides.get(model_id)
        known = self._known
        if known is None or known[0] != key or known[3].created != _changed_at(known[2].path):
            backend, file = LocalBackend(services, model_id, self._options), services.library.resolve(model_id)
            header = services.planning.headers_of(model_id)[0]
            if not header.embeds:
                backend.resolve()
            template, created = header.chat_template or "", _changed_at(file.path)
            model = ServedModel(
                served_name(file),
                backend,
                settings.sampling(),
                thinking_choices(template),
                created=created,
                embeds=header.embeds,
                knows_tools="tools" in template,
                reads_pictures=file.reads_pictures,
            )
            known = self._known = key, backend, file, model
        return known


def selected_model(services: Services) -> str:
    """Return the id of the model that is selected in the window, which is the starter model at first.

    Raises:
        UserError: ``no_local_model`` where none is selected, or one on a server.
    """
    model_id = services.settings.current.model_id or (STARTER.id if find_starter() is not None else "")
    if not model_id or is_server_model(model_id):
        raise UserError("no_local_model")
    return model_id


def served_name(file: LocalModel) -> str:
    """Return the name by which other programs ask for a model: they needn't know where its file is."""
    return file.id if file.id != str(file.path) else file.path.stem


def start_local_server(services: Services) -> UserError | None:
    """Start, restart or stop the local server as the settings say.  Returns and raises as ``local_access``.

    Raises:
        UserError: also as ``LocalServer.start``.
    """
    if not services.settings.current.local_server:
        services.local_server.stop()
        return None
    access, problem = local_access(services)
    services.local_server.start(access, ServedModels(services))
    return problem


def local_access(services: Services) -> tuple[Access, UserError | None]:
    """Return who may use the local server by the settings.  May wait for the keyring.

    A key and a certificate are made where other computers may use the server and there is none.  The second value is
    ``certificate_replaced`` (aside) where the certificate was damaged.

    Raises:
        UserError: as ``own_certificate``.
    """
    settings, secrets = services.settings.current, services.secrets
    key, host = secrets.get(LOCAL_SERVER_KEY) or "", "127.0.0.1"
    certificate, problem = None, None
    if settings.local_server_network:
        host = ALL_ADDRESSES
        if not key:
            key = new_key()
            secrets.set(LOCAL_SERVER_KEY, key)
        if settings.local_server_encrypted:
            certificate, problem = own_certificate(services.folder.certificate_file)
    origins = tuple(settings.local_server_origins.split())
    return Access(host, settings.local_server_port, key, origins, certificate), problem


def _changed_at(path: Path) -> int:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        # The next request reports that the file is missing.
        return 0
