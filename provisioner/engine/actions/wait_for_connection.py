"""wait_for_connection: until the host answers, or the time is over."""

from __future__ import annotations

import time
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.engine.targets import connection_become
from provisioner.engine.unreachable import connection_errors

_DEFAULTS = {"connect_timeout": 5, "delay": 0, "sleep": 1, "timeout": 600}  # seconds


def plan(call: ActionCall) -> dict[str, Any]:
    call.known("connect_timeout", "delay", "sleep", "timeout")
    numbers = {name: _number(call.args.get(name, default)) for name, default in _DEFAULTS.items()}
    if call.check:
        return {"skipped": True, "changed": False, "elapsed": 0}
    started = time.monotonic()
    call.run.stop.wait(numbers["delay"])
    error = wait(call, started + numbers["timeout"], numbers["sleep"], numbers["connect_timeout"])
    elapsed = int(time.monotonic() - started)
    if error is not None:
        return {"failed": True, "changed": False, "elapsed": elapsed, "msg": f"timed out waiting for ping module test: {error}"}
    return {"changed": False, "elapsed": elapsed}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as e:
        raise TaskError(f"Task failed: {e}") from e


def wait(call: ActionCall, deadline: float, pause_s: float, answer_s: float = 10.0) -> Exception | None:
    """Asks the host again and again; returns the last error when the deadline (monotonic seconds) passes."""
    while True:
        try:
            call.run.targets.forget(call.target)
            answer = call.session.call([call.module("ping", {}, check=False, timeout_s=answer_s)], connection_become(call.become))[0]
            if not answer.get("failed"):
                return None
            error: Exception = RuntimeError(str(answer.get("msg")))
        except connection_errors() as e:
            error = e
        if time.monotonic() >= deadline or call.run.stop.wait(pause_s):
            return error
