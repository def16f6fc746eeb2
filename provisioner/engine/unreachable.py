"""Which errors mean that a host could not be worked with, and the result they become."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def connection_errors() -> tuple[type[Exception], ...]:
    """The root of the transport's errors, and the plain ones of sockets."""
    try:
        from provisioner.transport.errors import TransportError
    except ImportError:
        return (ConnectionError,)
    return (TransportError, ConnectionError)


# Trouble of a host that was reached: Ansible counts it as a failed task.
_FAILED = frozenset({"PythonMissingError", "SudoError", "DiskFullError", "AgentError"})


def unreachable_result(error: Exception) -> dict[str, Any]:
    kind = "failed" if type(error).__name__ in _FAILED else "unreachable"
    return {kind: True, "msg": str(error), "changed": False}
