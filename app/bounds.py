"""Bounds of the times, numbers and sizes of conversations that come from a file or the database.

The program shows, computes and stores them without further checks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.conversation import Attachment, Conversation, Folder, Message, Picture, Provenance
from app.parameter import parameters
from app.picture_header import read_header
from app.sampling import SamplerParameters, Sampling
from model_manager.disk.json_file import JsonError, from_plain

MAX_TITLE_CHARACTERS = 4096
MAX_FACT_CHARACTERS = 500
MAX_FACTS_BYTES = 6000
"""Of all facts together, which are in every prompt: about 1,800 tokens in English, 1,400 in Chinese."""
MAX_PICTURE_FILE_BYTES, MAX_PICTURE_PIXELS = 64 << 20, 100_000_000
"""Of a picture that is attached.  Photos of telephones have up to 50 million pixels."""
PICTURE_SIDE, MAX_PICTURE_BYTES = 2048, 8 << 20
"""Longest side in pixels, and size, of a picture as it is stored and sent: models scale larger ones down themselves."""
_TIME = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times that every system can show in every time zone."""
_COUNT, _NUMBER = (0, 1 << 53), (-(10**9), 10**9)
_BOUNDS: dict[type, dict[str, tuple[Any, Any]]] = {
    Conversation: dict.fromkeys(("created_at", "updated_at", "archived_at", "deleted_at"), _TIME),
    Message: {"created_at": _TIME},
    Folder: {"position": _COUNT},
    Attachment: {"tokens": _COUNT},
    Provenance: {
        **dict.fromkeys(("seed", "prompt_tokens", "completion_tokens", "earlier_tokens"), _COUNT),
        **dict.fromkeys(
            ("tokens_per_second", "prompt_tokens_per_second", "time_to_first_token_s", "thought_s"), _NUMBER
        ),
    },
    Sampling: {**dict.fromkeys(parameters(SamplerParameters), _NUMBER), "max_tokens": _NUMBER, "seed": _COUNT},
}
_Value = TypeVar("_Value", Conversation, Message, Folder, Attachment, Provenance, Sampling)


@dataclass(frozen=True)
class _DeviceShape:
    name: str | None = None
    weights_bytes: float | None = None
    kv_bytes: float | None = None
    compute_bytes: float | None = None
    projector_bytes: float | None = None
    repack_bytes: float | None = None
    actual: dict[str, float | None] | None = None


@dataclass(frozen=True)
class _PlanShape:
    """What the program reads from the plan of an answer."""

    verdict: str | None = None
    context: float | None = None
    n_gpu_layers: float | None = None
    tensor_split: tuple[float, ...] | None = None
    experts_in_ram: tuple[int, ...] | None = None
    devices: tuple[_DeviceShape, ...] | None = None
    host: _DeviceShape | None = None


def within_bounds(value: _Value) -> _Value:
    """Return the value with all times and numbers clamped, a title as one short line, and no malformed plan.

    Raises ``TypeError`` for a time without a time zone.
    """
    changes: dict[str, Any] = {}
    for name, (lowest, highest) in _BOUNDS[type(value)].items():
        number = getattr(value, name)
        if number is not None and not lowest <= number <= highest:
            # The lowest also for "not a number".
            changes[name] = highest if number > highest else lowest
    for name in ("sampling", "provenance"):
        inner = getattr(value, name, None)
        if inner is not None and (bounded := within_bounds(inner)) is not inner:
            changes[name] = bounded
    match value:
        case Conversation() if (line := _line(value.title)) != value.title:
            changes["title"] = line
        case Folder() if (line := _line(value.name)) != value.name:
            changes["name"] = line
        case Message():
            if value.attachments:
                changes["attachments"] = tuple(map(within_bounds, value.attachments))
            if value.error is not None:
                changes["error"] = {name: _bounded_detail(each) for name, each in value.error.items()}
                changes["error"]["code"] = str(value.error.get("code", ""))
        case Attachment() if value.picture is not None and not _is_sound(value.picture):
            changes["picture"] = None
        case Provenance() if value.plan and not _is_plan(value.plan):
            changes["plan"] = {}
    return replace(value, **changes) if changes else value


def _is_sound(picture: Picture) -> bool:
    """Return whether a picture is what it says, so that it can be decoded at no more cost."""
    is_small = len(picture.data) <= MAX_PICTURE_BYTES and max(picture.width, picture.height) <= PICTURE_SIDE
    return is_small and read_header(picture.data) == (picture.media_type, picture.width, picture.height)


def _line(text: str) -> str:
    """Return the text in one line of at most ``MAX_TITLE_CHARACTERS``."""
    return " ".join(text.splitlines())[:MAX_TITLE_CHARACTERS]


def _bounded_detail(value: Any) -> Any:
    return max(-_COUNT[1], min(value, _COUNT[1])) if type(value) is int else value


def _is_plan(plan: dict[str, Any]) -> bool:
    try:
        from_plain(plan, _PlanShape)
    except JsonError:
        return False
    return True
