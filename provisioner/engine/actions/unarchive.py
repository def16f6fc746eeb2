"""unarchive: an archive of the controller or the host, unpacked on the host."""

from __future__ import annotations

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError


def plan(call: ActionCall) -> Plan:
    src, dest = call.args.get("src"), call.args.get("dest")
    if not src or not dest:
        raise TaskError("src (or content) and dest are required")
    remote = call.flag("remote_src") or not call.flag("copy", True) or "://" in str(src)
    if call.args.get("creates"):
        found = yield call.module("stat", {"path": str(call.args["creates"]), "get_checksum": False}, check=False)
        if found.get("stat", {}).get("exists"):
            return {"skipped": True, "changed": False, "msg": f"skipped, since {call.args['creates']} exists"}
    args = {key: value for key, value in call.args.items() if key not in ("creates", "decrypt", "copy")}
    if remote:
        result = yield call.module("unarchive", {**args, "remote_src": True})
        return result
    source = call.find(str(src), "files")
    data = read_source(call, source)
    digest = sha256(data)
    made = yield call.module("tempfile", {"state": "file", "prefix": "unarchive.", "suffix": "-" + source.name}, check=False)
    if made.get("failed"):
        return made
    path = str(made["path"])
    placed = yield call.module(
        "copy", {"dest": path, "mode": "0600", "_blob": digest, "_original_basename": source.name}, {digest: data}, check=False
    )
    if placed.get("failed"):
        return placed
    result = yield call.module("unarchive", {**args, "src": path, "remote_src": True})
    yield call.module("file", {"path": path, "state": "absent"}, check=False)
    return {**result, "src": str(source)} if "src" in result else result
