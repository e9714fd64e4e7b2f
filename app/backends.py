"""Choice of the chat backend for a model id: a local file or a model of a server."""

from __future__ import annotations

from app.backend import ChatBackend
from app.local_backend import LocalBackend
from app.servers.registry import is_server_model
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan import PlanOptions


def backend_for(services: Services, model_id: str, options: PlanOptions | None = None) -> ChatBackend:
    """Return the backend for ``model_id``.  ``options`` take precedence over its own; they do not apply to servers.

    A missing file or server is reported by the backend's first request.
    """
    if is_server_model(model_id):
        return services.servers.backend(model_id)
    settings = services.settings.now
    return LocalBackend(services.library, services.engine, services.planning, model_id, settings, options)


def context_size(services: Services, model_id: str) -> int:
    """Return the context in tokens of the next request to a local model; 0 where it is not known before loading."""
    loaded, settings = services.planning.loader.loaded, services.settings.now
    if not model_id or is_server_model(model_id):
        return 0
    context = services.planning.options_for(settings, model_id).context
    try:
        if loaded is not None and loaded.request.path == services.library.resolve(model_id).path:
            # With another context in the settings it is loaded again.
            return loaded.result.context if context == loaded.request.options.context else context or 0
    except UserError:
        # The next request reports what is wrong with the file.
        return 0
    return context or 0
