"""The one error of this package."""

from __future__ import annotations


class PkiError(Exception):
    """A key or certificate in the state directory that can't be used. Says which file, and what to do about it; not retryable."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
