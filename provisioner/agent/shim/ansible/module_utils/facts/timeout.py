"""A time limit for functions that ask the system."""

import functools
import threading
from typing import Any, Callable, Dict, List, Optional

GATHER_TIMEOUT: Optional[int] = None
DEFAULT_GATHER_TIMEOUT = 10


class TimeoutError(Exception):
    """It took longer."""


def timeout(seconds: Any = None, error_message: str = "Timer expired") -> Callable[[Any], Any]:
    """With or without seconds; the function goes on in a thread of its own that nobody waits for."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def limited(*args: Any, **options: Any) -> Any:
            limit = seconds if isinstance(seconds, (int, float)) else GATHER_TIMEOUT or DEFAULT_GATHER_TIMEOUT
            came: List[Any] = []
            failed: Dict[str, BaseException] = {}

            def run() -> None:
                try:
                    came.append(function(*args, **options))
                except BaseException as error:
                    failed["error"] = error

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            thread.join(limit)
            if failed:
                raise failed["error"]
            if not came:
                raise TimeoutError("%s after %s seconds" % (error_message, limit))
            return came[0]

        return limited

    return decorated(seconds) if callable(seconds) else decorated
