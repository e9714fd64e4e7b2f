"""A cancellation token that cancels itself after a number of checks."""

from __future__ import annotations

from model_manager.cancellation import CancelToken


class CancelAfter(CancelToken):
    """Token that is cancelled once it has been checked ``checks`` times."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.left = checks

    @property
    def is_cancelled(self) -> bool:
        """Count this check and return whether it is one too many."""
        self.left -= 1
        if self.left < 0:
            self.cancel()
        return super().is_cancelled

    def raise_if_cancelled(self) -> None:
        """Count this check and raise ``Cancelled`` where it is one too many."""
        _ = self.is_cancelled
        super().raise_if_cancelled()
