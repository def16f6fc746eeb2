"""script: a file of the controller, run on the host."""

from __future__ import annotations

import shlex

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError


def plan(call: ActionCall) -> Plan:
    text = call.args.get("cmd", call.args.get("_raw_params"))
    if not text:
        raise TaskError("no script given")
    words = shlex.split(str(text))
    source = call.find(words[0], "files")
    guards = {key: call.args[key] for key in ("creates", "removes", "chdir") if call.args.get(key) is not None}
    if call.check and not guards:
        return {"skipped": True, "changed": True, "msg": "check mode is not supported for this task."}
    data = read_source(call, source)
    digest = sha256(data)
    made = yield call.module("tempfile", {"state": "file", "prefix": "script.", "suffix": "-" + source.name}, check=False)
    if made.get("failed"):
        return made
    path = made["path"]
    placed = yield call.module(
        "copy", {"dest": path, "mode": "0700", "_blob": digest, "_original_basename": source.name}, {digest: data}, check=False
    )
    if placed.get("failed"):
        return placed
    command = " ".join(shlex.quote(word) for word in [path, *words[1:]])
    if call.args.get("executable"):
        command = f"{call.args['executable']} {command}"
    result = yield call.module("shell", {"_raw_params": command, **guards})
    yield call.module("file", {"path": path, "state": "absent"}, check=False)
    return {**result, "changed": bool(result.get("changed", True)) if result.get("skipped") or guards else True}
