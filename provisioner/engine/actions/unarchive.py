"""unarchive: an archive of the controller or the host, unpacked on the host; it travels only when something is to be looked at."""

from __future__ import annotations

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError


def plan(call: ActionCall) -> Plan:
    src, dest = call.args.get("src"), call.args.get("dest")
    if call.args.get("copy") is not None and call.args.get("remote_src") is not None:
        raise TaskError("parameters are mutually exclusive: ('copy', 'remote_src')")
    if src is None or dest is None:
        raise TaskError("src (or content) and dest are required")
    remote = call.flag("remote_src") or not call.flag("copy", True)
    if call.args.get("creates"):
        found = yield call.module("stat", {"path": str(call.args["creates"]), "get_checksum": False}, check=False)
        if found.get("stat", {}).get("exists"):
            return {"skipped": True, "changed": False, "msg": f"skipped, since {call.args['creates']} exists"}
    args = {key: value for key, value in call.args.items() if key not in ("creates", "decrypt", "copy")}
    blobs = {}
    if not remote:
        try:
            source = call.find(str(src), "files")
        except TaskError as e:
            raise TaskError(f"Task failed: {e}") from e
        data = read_source(call, source)
        args.update(src=str(source), _blob=sha256(data))
        blobs[args["_blob"]] = data
    args["remote_src"] = remote
    folder = yield call.module("stat", {"path": str(dest), "follow": True, "get_checksum": False}, check=False)
    if not folder.get("stat", {}).get("isdir"):
        raise TaskError(f"dest '{dest}' must be an existing dir")
    result = yield call.module("unarchive", args, blobs)
    return result
