"""From the id of a model to what answers: a file of the library, or a model of a server."""

from __future__ import annotations

from typing import Any, Protocol

from app.backend import ChatBackend
from app.chat.turn import AnswerOrigin
from app.local_backend import LocalBackend
from app.servers.registry import is_server_model
from app.services import Services


class AnswerBackend(ChatBackend, Protocol):
    """A chat source that can say what an answer of it was made with."""

    def origin(self) -> AnswerOrigin:
        """Asked once the answer is done."""
        ...


def backend_for(
    services: Services, model_id: str, *, rpc_servers: tuple[str, ...] = (), **wishes: Any
) -> AnswerBackend:
    """What answers for ``model_id``.  ``wishes`` are those of ``Wishes``; a server takes none of them.

    What is wrong with a file or a server is told when it is asked.
    """
    if is_server_model(model_id):
        return services.servers.source(model_id)
    settings = services.settings.now
    return LocalBackend(
        services.library, services.engine, services.planning, model_id, settings, rpc_servers=rpc_servers, **wishes
    )
