"""Embeddings of texts: the vectors of an embedding model, pooled as the model says."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp

from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import Embeddings
from model_manager.devices.devices import usable_cores
from model_manager.errors import Cancelled, UserError

MAX_TOKENS = 2048
"""Of one text; most models are trained for 512."""
BATCH_TOKENS = 256
"""Several texts are computed at once up to this.  For each token of a batch the engine allocates a number for each of
the vocabulary, 1 MB with 250,000 of them, which no text needs; larger batches are not faster either."""
BATCH_TEXTS = 64
"""LLAMA_MAX_SEQ is 256."""
MEAN, CLS, LAST = 1, 2, 3
"""enum llama_pooling_type; without one there is no vector of a whole text, and a rank compares two texts."""
ABORTED = 2


class EmbeddingModel:
    """A loaded embedding model and a context for its batches."""

    def __init__(self, path: str, stop: StopFlag) -> None:
        """Load the file on the CPU.

        Raises:
            UserError: ``load_refused``, ``not_an_embedding_model`` (path).
        """
        self.path = path
        self._stop = stop
        params: Any = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        no_devices = (ctypes.c_void_p * 1)(None)
        params.devices = ctypes.cast(no_devices, ctypes.c_void_p)
        model: int | None = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not model:
            raise UserError("load_refused", path=path)
        self._model = model
        self._limit = min(MAX_TOKENS, llama_cpp.llama_model_n_ctx_train(model))
        context = self._new_context()
        if not context or llama_cpp.llama_pooling_type(context) not in (MEAN, CLS, LAST):
            if context:
                llama_cpp.llama_free(context)
            llama_cpp.llama_model_free(model)
            raise UserError("not_an_embedding_model" if context else "load_refused", path=path)
        self._context: int = context
        self._memory = llama_cpp.llama_get_memory(context)
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self._dimension = llama_cpp.llama_model_n_embd_out(model)

    def free(self) -> None:
        """Free the file."""
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return the vectors of the texts.

        Raises:
            UserError: ``text_too_long_to_embed`` (tokens, limit), ``engine_decode_failed``.
            Cancelled: stopped.
        """
        tokens = [self._tokenise(text) for text in texts]
        longest = max(map(len, tokens), default=0)
        if longest > self._limit:
            raise UserError("text_too_long_to_embed", tokens=longest, limit=self._limit)
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        start = 0
        while start < len(tokens):
            end, size = start, 0
            while end < min(len(tokens), start + BATCH_TEXTS):
                if end > start and size + len(tokens[end]) > BATCH_TOKENS:
                    break
                size += len(tokens[end])
                end += 1
            self._embed_batch(tokens[start:end], size, vectors[start:end])
            start = end
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        return Embeddings(self._dimension, vectors.tobytes(), tuple(map(len, tokens)))

    def _embed_batch(self, texts: Sequence[Sequence[int]], size: int, vectors: Any) -> None:
        self._stop.raise_if_set()
        batch: Any = llama_cpp.llama_batch_init(max(1, size), 0, 1)
        try:
            for number, tokens in enumerate(texts):
                for position, token in enumerate(tokens):
                    place = batch.n_tokens
                    batch.token[place], batch.pos[place], batch.logits[place] = token, position, 1
                    batch.n_seq_id[place], batch.seq_id[place][0] = 1, number
                    batch.n_tokens += 1
            if self._memory:
                llama_cpp.llama_memory_clear(self._memory, True)
            result = llama_cpp.llama_decode(self._context, batch) if size else 0
        finally:
            llama_cpp.llama_batch_free(batch)
        if result == ABORTED:
            raise Cancelled
        if result:
            raise UserError("engine_decode_failed", result=result)
        for number, tokens in enumerate(texts):
            if tokens:
                vector = llama_cpp.llama_get_embeddings_seq(self._context, number)
                vectors[number] = np.ctypeslib.as_array(vector, (self._dimension,))

    def _new_context(self) -> int | None:
        params: Any = llama_cpp.llama_context_default_params()
        # Attention to both sides needs all tokens of a batch at once.
        params.n_ctx = params.n_batch = params.n_ubatch = MAX_TOKENS
        params.n_seq_max = BATCH_TEXTS
        params.kv_unified = True
        params.embeddings = True
        params.n_threads = params.n_threads_batch = usable_cores()
        params.abort_callback = self._stop.callback
        params.abort_callback_data = self._stop.data
        params.no_perf = True
        context: int | None = llama_cpp.llama_init_from_model(self._model, params)
        return context

    def _tokenise(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        tokens = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, len(tokens), True, False)
        return list(tokens[: max(0, count)])
