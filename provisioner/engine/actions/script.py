"""script: a file of the controller, run on the host."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError
from provisioner.engine.sessions import ModuleCall

_KNOWN = ("_raw_params", "chdir", "cmd", "creates", "executable", "removes")


def plan(call: ActionCall) -> Plan:
    unknown = sorted(set(call.args) - set(_KNOWN))
    if unknown:
        raise TaskError(
            f"Unsupported parameters for (script) module: {', '.join(unknown)}. Supported parameters include: {', '.join(_KNOWN)}."
        )
    text = call.args.get("cmd", call.args.get("_raw_params"))
    if not text:
        raise TaskError("one of the following is required: _raw_params, cmd")
    words = shlex.split(str(text))
    for option in ("creates", "removes"):
        if call.args.get(option) is not None:
            reason = yield from _needless(call, option, str(call.args[option]))
            if reason:
                return {"skipped": True, "changed": False, "msg": reason}
    source = call.find(words[0], "files")
    if call.check:
        # What depends on a file's existence would run now.
        if call.args.get("creates") is not None or call.args.get("removes") is not None:
            return {"changed": True}
        return {"skipped": True, "changed": False, "msg": "Check mode is not supported for this task."}
    data = read_source(call, source)
    digest = sha256(data)
    # A folder of its own: the script is called by its name.
    made = yield call.module("tempfile", {"state": "directory", "prefix": "provision-script-"}, check=False)
    if made.get("failed"):
        return made
    path = f"{made['path']}/{source.name}"
    placed = yield call.module(
        "copy", {"dest": path, "mode": "0700", "_blob": digest, "_original_basename": source.name}, {digest: data}, check=False
    )
    if placed.get("failed"):
        yield call.module("file", {"path": made["path"], "state": "absent"}, check=False)
        return placed
    command = " ".join(shlex.quote(word) for word in [path, *words[1:]])
    if call.args.get("executable"):
        command = f"{call.args['executable']} {command}"
    if call.args.get("chdir"):
        command = f"cd {shlex.quote(str(call.args['chdir']))} && {command}"
    args: dict[str, Any] = {"_raw_params": command, "strip_empty_ends": False}
    result = yield call.module("shell", args)
    yield call.module("file", {"path": made["path"], "state": "absent"}, check=False)
    kept: dict[str, Any] = {key: result[key] for key in ("rc", "stdout", "stderr", "failed", "msg") if key in result}
    if not kept.get("msg"):
        kept.pop("msg", None)
    return {**kept, "changed": True}


def _needless(call: ActionCall, option: str, path: str) -> Generator[ModuleCall, dict[str, Any], str | None]:
    """Why the script need not run: what it creates is there, or what it removes is not."""
    found = yield call.module("stat", {"path": path, "get_checksum": False}, check=False)
    exists = bool(found.get("stat", {}).get("exists"))
    if option == "creates" and exists:
        return f"{path} exists, matching creates option"
    if option == "removes" and not exists:
        return f"{path} does not exist, matching removes option"
    return None
