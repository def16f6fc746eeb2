"""patch: the patch file is the controller's unless `remote_src` says otherwise."""

from __future__ import annotations

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError


def plan(call: ActionCall) -> Plan:
    src = call.args.get("src")
    if src is None:
        raise TaskError("src is required")
    args, blobs = dict(call.args), {}
    if not call.flag("remote_src"):
        data = read_source(call, call.find(str(src), "files"))
        args["_blob"] = sha256(data)
        blobs[args["_blob"]] = data
    result = yield call.module("patch", args, blobs)
    return result
