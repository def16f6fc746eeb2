"""expect: `timeout: null` waits for ever, while no timeout at all means 30 seconds; only here the two can be told apart."""

from __future__ import annotations

from provisioner.engine.actions.action_call import ActionCall, Plan


def plan(call: ActionCall) -> Plan:
    args = dict(call.args)
    if "timeout" in args and args["timeout"] in (None, ""):
        del args["timeout"]
        args["_forever"] = True
    result = yield call.module("expect", args)
    return result
