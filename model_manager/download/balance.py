"""Nobody is idle while another has much to do: what a slow connection holds towards the end goes to a fast one."""

from __future__ import annotations

from collections.abc import Sequence

from model_manager.download.pieces import Board
from model_manager.download.worker import Worker

SOON_S = 2.0
"""Whoever gets to its next piece so soon keeps it: the bytes are on their way already."""
DAWDLES_S = 10.0
DAWDLES_BY = 4.0


def balance(board: Board, workers: Sequence[Worker], known_after_s: float) -> None:
    """Take work from a connection for an idle one, or end a connection that dawdles; called now and then."""
    if board.has_open or not any(worker.is_idle for worker in workers):
        return
    busy = [worker for worker in workers if worker.piece is not None]
    holders = [worker for worker in busy if board.ahead_of(worker) and worker.seconds_to_next() > SOON_S]
    if holders:
        board.release(max(holders, key=board.ahead_of))
        return
    fastest = max(worker.rate for worker in workers)
    for worker in busy:
        reply = worker.reply
        dawdles = worker.seconds_to_next() > DAWDLES_S and worker.rate * DAWDLES_BY < fastest
        if reply is not None and dawdles and worker.seconds_read > known_after_s:
            # Its piece goes back to the board, and the idle one is there first.
            reply.shut_down()
            return
