"""set_stats: numbers and texts for the end of the run."""

from __future__ import annotations

import keyword
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    call.known("data", "per_host", "aggregate")
    data = call.args.get("data") or {}
    if not isinstance(data, dict):
        raise TaskError("The 'data' option needs to be a dictionary/hash")
    data = {call.templar.render(name): value for name, value in data.items()}
    for name in data:
        if not str(name).isidentifier() or keyword.iskeyword(str(name)):
            raise TaskError(f"Task failed: Invalid variable name '{name}'.")
    owner = call.state.name if call.flag("per_host") else "_run"
    with call.run.lock:
        collected = call.run.result.custom.setdefault(owner, {})
        for key, value in data.items():
            collected[key] = _merged(collected[key], value) if call.flag("aggregate", True) and key in collected else value
    stats = {"data": data, "per_host": call.flag("per_host"), "aggregate": call.flag("aggregate", True)}
    return {"changed": False, "ansible_stats": stats}


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if type(old) is type(new) and isinstance(old, int | float | str | list):
        return old + new
    return new
