"""set_fact: gives a host variables for the rest of the run."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating.filters.text import to_bool

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    facts = {key: value for key, value in call.args.items() if key != "cacheable"}
    if not facts:
        raise TaskError("No key/value pairs provided, at least one is required for this action to succeed")
    for name in facts:
        if not str(name).isidentifier():
            raise TaskError(f"Task failed: Invalid variable name '{name}'.")
    return {
        "changed": False,
        "ansible_facts": facts,
        "_ansible_kind": "set_fact",
        "_ansible_cacheable": bool(to_bool(call.args.get("cacheable", False))),
    }
