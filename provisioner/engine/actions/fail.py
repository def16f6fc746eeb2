"""fail: ends the host with a message."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    return {"failed": True, "changed": False, "msg": call.args.get("msg", "Failed as requested from task")}
