"""For modules that speak to web services: their usual arguments, and calls that wait and are tried again."""

import functools
import random
import time
from typing import Any, Callable, Dict, Iterable, Iterator, Optional


def basic_auth_argument_spec(spec: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    made: Dict[str, Any] = {
        "api_username": {"type": "str"},
        "api_password": {"type": "str", "no_log": True},
        "api_url": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
    }
    return dict(made, **(spec or {}))


def rate_limit_argument_spec(spec: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    return dict({"rate": {"type": "int"}, "rate_limit": {"type": "int"}}, **(spec or {}))


def retry_argument_spec(spec: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    return dict({"retries": {"type": "int"}, "retry_pause": {"type": "float", "default": 1}}, **(spec or {}))


def rate_limit(rate: Optional[int] = None, rate_limit: Optional[int] = None) -> Callable[..., Any]:
    """At most `rate` calls in `rate_limit` seconds."""
    pause_s = float(rate_limit) / float(rate) if rate and rate_limit else 0.0

    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        last = [0.0]

        @functools.wraps(function)
        def paced(*args: Any, **options: Any) -> Any:
            left_s = pause_s - (time.monotonic() - last[0])
            if last[0] and left_s > 0:
                time.sleep(left_s)
            last[0] = time.monotonic()
            return function(*args, **options)

        return paced

    return wrapper


def retry(retries: Optional[int] = None, retry_pause: float = 1) -> Callable[..., Any]:
    """Calls again until the answer is true. Raises Exception after `retries` calls; without `retries` one call is all."""

    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def retried(*args: Any, **options: Any) -> Any:
            if retries is None:
                return function(*args, **options)
            for count in range(retries):
                if count:
                    time.sleep(retry_pause)
                try:
                    answer = function(*args, **options)
                except Exception:  # noqa: BLE001 - whatever it is, the caller asked for another try
                    continue
                if answer:
                    return answer
            raise Exception("Retry limit exceeded: %d" % retries)

        return retried

    return wrapper


def generate_jittered_backoff(retries: int = 10, delay_base: int = 3, delay_threshold: int = 60) -> Iterator[int]:
    """Seconds to wait before each further try, growing and scattered."""
    for count in range(retries):
        yield random.randint(0, min(delay_threshold, delay_base * 2**count))


def retry_never(exception_or_result: Any) -> bool:
    return False


def retry_with_delays_and_condition(
    backoff_iterator: Iterable[float], should_retry_error: Optional[Callable[[Exception], bool]] = None
) -> Callable[..., Any]:
    """Calls again after each of the delays while the error is one to be retried; the last error is raised."""
    delays = list(backoff_iterator)
    again = should_retry_error or retry_never

    def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def retried(*args: Any, **options: Any) -> Any:
            for delay_s in delays:
                try:
                    return function(*args, **options)
                except Exception as error:  # noqa: BLE001 - the caller's condition decides
                    if not again(error):
                        raise
                time.sleep(delay_s)
            return function(*args, **options)

        return retried

    return wrapper
