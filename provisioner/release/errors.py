"""The one error of this package."""

from __future__ import annotations


class ReleaseError(Exception):
    """The bundle can't be built. Says what is missing and how to get it; not retryable."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
