"""Pictures in requests: taken as Base64 when a request is parsed, decoded in a limited process when it is its turn.

Pictures at addresses are not fetched.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import replace

from app.backend import ChatRequest, PromptMessage
from app.conversation import Picture
from app.documents.pictures import PictureReader
from app.local_server.fields import ApiError
from app.local_server.model import ServedModel
from model_manager.cancellation import CancelToken

MAX_PICTURES = 32


def picture_of(text: str, model: ServedModel, place: str) -> Picture:
    """Return a picture that is not decoded, from Base64 or a data URL (RFC 2397).

    Raises:
        ApiError: with status 400; the model reads no pictures, or the text is no picture.
    """
    if not model.reads_pictures:
        message = f"{model.id} reads no pictures. Leave out {place}, or use another model."
        raise ApiError(400, message, param=place, code="pictures_not_supported")
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        text = text if head.endswith(";base64") else "?"
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        message = f"{place} must be Base64 or a data URL with it; pictures at other addresses aren't fetched."
        raise ApiError(400, message, param=place) from None
    return Picture(place, data, "", 0, 0)


def check_count(messages: Iterable[PromptMessage]) -> None:
    """Raise ``ApiError`` for more than ``MAX_PICTURES`` pictures."""
    if sum(len(each.pictures) for each in messages) > MAX_PICTURES:
        raise ApiError(400, f"messages may have up to {MAX_PICTURES} pictures.", param="messages")


def decoded(request: ChatRequest, token: CancelToken) -> ChatRequest:
    """Return a request with its pictures decoded.  Raises as ``PictureReader.read``."""
    if not any(each.pictures for each in request.messages):
        return request
    with PictureReader() as reader:

        def read(each: Picture) -> Picture:
            picture = reader.read(each.data, each.name, token).picture
            assert picture is not None
            return picture

        messages = tuple(replace(each, pictures=tuple(map(read, each.pictures))) for each in request.messages)
    return replace(request, messages=messages)
