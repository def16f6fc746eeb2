"""gather_facts and setup: the host's facts, asked for once while nothing changes on it."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.templating.sorted_json import sorted_json


def plan(call: ActionCall) -> Plan:
    args = {key: value for key, value in call.args.items() if key != "parallel" and value is not None}
    key = sorted_json(args, default=str)
    store = call.target.store
    if call.task.implicit and store.facts_gathered == key:
        return {"changed": False, "ansible_facts": {}, "_ansible_cached": True}
    result: dict[str, Any] = yield call.module("setup", args, check=False)
    if not result.get("failed") and isinstance(result.get("ansible_facts"), dict) and not call.delegated:
        store.facts_gathered = key
    return result
