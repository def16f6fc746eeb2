"""fail: ends the host with a message."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    unknown = sorted(str(name) for name in call.args if name != "msg")
    if unknown:
        raise TaskError(f"Invalid options for fail: {', '.join(unknown)}")
    return {"failed": True, "changed": False, "msg": call.args.get("msg", "Failed as requested from task")}
