"""include_tasks: names the file; the engine then runs it for the hosts that chose the same."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    return {"changed": False, "_include": {"args": call.args}}
