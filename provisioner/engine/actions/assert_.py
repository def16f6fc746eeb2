"""assert: fails unless all conditions hold."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError, condition_error
from provisioner.templating import TemplateError

LOCAL = True
RAW_ARGUMENTS = True


def plan(call: ActionCall) -> dict[str, Any]:
    if "that" not in call.args:
        raise TaskError("missing required arguments: that")
    that = call.args["that"]
    conditions = that if isinstance(that, list) else [that]
    if len(conditions) == 1 and isinstance(conditions[0], str) and "{{" in conditions[0]:
        found = call.templar.render(conditions[0])
        conditions = found if isinstance(found, list) else [found]
    for condition in conditions:
        try:
            holds = call.templar.condition(condition)
        except TemplateError as e:
            raise condition_error(e) from e
        if not holds:
            message = call.args.get("fail_msg", call.args.get("msg", "Assertion failed"))
            return {"failed": True, "changed": False, "msg": call.templar.render(message), "evaluated_to": False, "assertion": condition}
    return {"changed": False, "msg": call.templar.render(call.args.get("success_msg", "All assertions passed"))}
