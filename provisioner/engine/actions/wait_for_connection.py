"""wait_for_connection: until the host answers, or the time is over."""

from __future__ import annotations

import time
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.targets import connection_become
from provisioner.engine.unreachable import connection_errors


def plan(call: ActionCall) -> dict[str, Any]:
    if call.check:
        return {"skipped": True, "changed": False, "elapsed": 0}
    started = time.monotonic()
    call.run.stop.wait(float(call.args.get("delay", 0)))
    timeout = float(call.args.get("timeout", 600))
    error = wait(call, started + timeout, float(call.args.get("sleep", 1)))
    elapsed = int(time.monotonic() - started)
    if error is not None:
        return {"failed": True, "changed": False, "elapsed": elapsed, "msg": f"timed out waiting for ping module test: {error}"}
    return {"changed": False, "elapsed": elapsed}


def wait(call: ActionCall, deadline: float, pause_s: float) -> Exception | None:
    """Asks the host again and again; returns the last error when the deadline (monotonic seconds) passes."""
    while True:
        try:
            call.run.targets.forget(call.target)
            answer = call.session.call([call.module("ping", {}, check=False, timeout_s=10.0)], connection_become(call.become))[0]
            if not answer.get("failed"):
                return None
            error: Exception = RuntimeError(str(answer.get("msg")))
        except connection_errors() as e:
            error = e
        if time.monotonic() >= deadline or call.run.stop.wait(pause_s):
            return error
