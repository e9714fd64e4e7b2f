"""Reads pictures with llama.cpp's image reader (``libmtmd``) and a projector: tokens, embeddings and their decoding.

The session decides when a picture is read, and keeps the KV cache.  Signatures and structures are those of
``tools/mtmd/mtmd.h`` and ``mtmd-helper.h`` of llama.cpp, as shipped with llama-cpp-python 0.3.36, whose module
``mtmd_cpp`` loads the library when it is imported.
"""

from __future__ import annotations

import ctypes
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llama_cpp import llama_cpp

from app.bounds import PICTURE_SIDE
from app.conversation import Picture
from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.loader import LoadedModel
from app.engine.child.memory.buffers import HOST, buffer_sizes
from app.engine.child.stop_flag import StopFlag
from model_manager.devices.devices import usable_cores
from model_manager.errors import UserError
from model_manager.gguf.projector import Projector
from model_manager.plan.load_spec import LoadSpec

ASKED_NODES = 4
"""Operations of the projector between two looks at the flag that stops it."""
KEPT_LAYOUTS = 256
CONTEXT_SHARE = 4
"""A picture takes at most this part of the context, where its kind can be made smaller."""
_MARKER = b"<__media__>"
_LAYER = re.compile(rb"-(\d+)$")


@dataclass(frozen=True)
class TextPart:
    """Tokens that the model's kind puts around a picture, or between its parts."""

    tokens: tuple[int, ...]


@dataclass(frozen=True)
class EmbeddedPart:
    """Embeddings of a picture or of a part of it, and the positions that they take."""

    count: int
    positions: int


PicturePart = TextPart | EmbeddedPart


class DecodeError(Exception):
    """The model could not take a picture's embeddings; with the result of ``llama_decode``."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result


class PictureReader:
    """The projector of a loaded file.  Used by one thread."""

    def __init__(
        self,
        projector: Projector,
        loaded: LoadedModel,
        device: DeviceHandle | None,
        spec: LoadSpec,
        ggml: Ggml,
        stop: StopFlag,
        log: Any,
    ) -> None:
        """Load a projector onto ``device``, or None for the CPU; ``log`` is the callback of the engine's log.

        Raises:
            UserError: ``pictures_not_in_build``, ``projector_refused`` (path).
        """
        try:
            from llama_cpp import mtmd_cpp
        except (OSError, RuntimeError) as error:
            raise UserError("pictures_not_in_build") from error
        # Any: as for llama_cpp, the annotations name other types than the ctypes fields take.
        self._mtmd: Any = mtmd_cpp
        self._ggml, self._stop = ggml, stop
        self._devices = [device] if device else []
        self._projector, self._micro_batch = projector, spec.n_ubatch
        self._on_layer: Callable[[float], None] = lambda _fraction: None
        self._asked = 0
        mtmd_cpp.mtmd_helper_log_set(log, ctypes.c_void_p(0))
        params: Any = mtmd_cpp.mtmd_context_params_default()
        params.use_gpu, params.device = device is not None, device.pointer if device else None
        params.n_threads = spec.threads or usable_cores()
        params.print_timings = False
        params.media_marker = _MARKER
        most = max(1, loaded.context_size // CONTEXT_SHARE)
        params.image_max_tokens = min(most, spec.n_ubatch) if projector.sees_at_once else most
        self._callback = llama_cpp.ggml_backend_sched_eval_callback(self._on_node)
        params.cb_eval = self._callback
        self._context = mtmd_cpp.mtmd_init_from_file(str(projector.path).encode(), loaded.model, params)
        if not self._context or not mtmd_cpp.mtmd_support_vision(self._context):
            self.close()
            raise UserError("projector_refused", path=str(projector.path))
        self._layout = lru_cache(maxsize=KEPT_LAYOUTS)(self._find_layout)

    def close(self) -> None:
        """Free the projector."""
        if self._context:
            self._mtmd.mtmd_free(self._context)
        self._context = None

    def memory(self, log: str) -> dict[str, int]:
        """Return the bytes of weights and buffers by device, from the engine's log of the load."""
        found = {name: sums["compute_bytes"] for name, sums in buffer_sizes(log, self._devices).items()}
        name = self._devices[0].name if self._devices else HOST
        return {**found, name: found.get(name, 0) + self._projector.weights_bytes}

    def layout(self, picture: Picture) -> tuple[PicturePart, ...]:
        """Return the parts of a picture of this size, without reading it.

        Raises:
            UserError: ``picture_refused`` (name).
        """
        found = self._layout(picture.width, picture.height)
        if not found:
            raise UserError("picture_refused", name=picture.name)
        return found

    def read(
        self,
        picture: Picture,
        part: int,
        context: int,
        position: int,
        batch: int,
        on_progress: Callable[[float], None],
    ) -> None:
        """Read one part of a picture into the KV cache at ``position``.

        ``on_progress`` is called with the fraction that is read.

        Raises:
            UserError: ``picture_damaged`` (name), ``picture_refused`` (name), ``picture_needs_larger_batch`` (name,
                tokens, limit).
            DecodeError: the model could not take it.
            Cancelled: stopped.
        """
        mtmd = self._mtmd
        with self._chunks(picture.width, picture.height, pixels(picture)) as chunks:
            chunk = mtmd.mtmd_input_chunks_get(chunks, part) if chunks else None
            if not chunk:
                raise UserError("picture_refused", name=picture.name)
            count = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
            together = mtmd.mtmd_decode_use_non_causal(self._context, chunk)
            if together and count > self._micro_batch:
                # The engine asserts it.
                raise UserError("picture_needs_larger_batch", name=picture.name, tokens=count, limit=self._micro_batch)
            self._asked, self._on_layer = 0, lambda fraction: on_progress(fraction / 2)
            result = mtmd.mtmd_encode_chunk(self._context, chunk)
            self._stop.raise_if_set()
            if result != 0:
                raise UserError("picture_refused", name=picture.name)
            done = 0

            def on_batch(decoded: Any, _data: object) -> int:
                nonlocal done
                done += decoded.contents.n_tokens
                on_progress(0.5 + done / count / 2)
                return int(self._stop.is_set())

            end = llama_cpp.llama_pos(0)
            result = mtmd.mtmd_helper_decode_image_chunk(
                *(self._context, context, chunk, mtmd.mtmd_get_output_embd(self._context), position, 0),
                *(count if together else batch, ctypes.byref(end)),
                *(mtmd.mtmd_helper_post_decode_callback(on_batch), ctypes.c_void_p(0)),
            )
            self._stop.raise_if_set()
            if result != 0:
                raise DecodeError(result)

    def _find_layout(self, width: int, height: int) -> tuple[PicturePart, ...]:
        with self._chunks(width, height, None) as chunks:
            if not chunks:
                return ()
            count = self._mtmd.mtmd_input_chunks_size(chunks)
            return tuple(self._part(self._mtmd.mtmd_input_chunks_get(chunks, number)) for number in range(count))

    def _part(self, chunk: Any) -> PicturePart:
        mtmd = self._mtmd
        if mtmd.mtmd_input_chunk_get_type(chunk) != mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
            return EmbeddedPart(mtmd.mtmd_input_chunk_get_n_tokens(chunk), mtmd.mtmd_input_chunk_get_n_pos(chunk))
        size = ctypes.c_size_t()
        tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(size))
        return TextPart(tuple(tokens[: size.value]))

    @contextmanager
    def _chunks(self, width: int, height: int, data: bytes | None) -> Iterator[Any]:
        """The parts of a picture, None where the kind refuses it; without ``data`` to be counted only."""
        mtmd = self._mtmd
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data) if data else None
        bitmap, chunks = mtmd.mtmd_bitmap_init(width, height, buffer), mtmd.mtmd_input_chunks_init()
        try:
            text = mtmd.mtmd_input_text(_MARKER, len(_MARKER), False, True)
            bitmaps = (ctypes.c_void_p * 1)(bitmap)
            result = mtmd.mtmd_tokenize(self._context, chunks, ctypes.byref(text), bitmaps, 1)
            yield chunks if result == 0 else None
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)

    def _on_node(self, tensor: int, ask: bool, _data: object) -> bool:
        """Tell the engine which operations to report, and after those whether it goes on."""
        if ask:
            self._asked += 1
            return self._asked % ASKED_NODES == 0
        if layer := _LAYER.search(self._ggml.tensor_name(tensor)):
            self._on_layer(min(1.0, int(layer[1]) / max(1, self._projector.layers)))
        return not self._stop.is_set()


def pixels(picture: Picture) -> bytes:
    """Return the pixels of a picture, row by row in red, green and blue.

    Raises:
        UserError: ``picture_damaged`` (name), also where its size is not the one that it is said to have.
    """
    # After the start, which it would delay.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture.data), formats=("PNG", "JPEG")) as image:
            if image.size != (picture.width, picture.height) or max(image.size) > PICTURE_SIDE:
                raise UserError("picture_damaged", name=picture.name)
            return image.convert("RGB").tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError("picture_damaged", name=picture.name) from error
