"""assemble: one file from fragments, of the host or of the controller."""

from __future__ import annotations

import hashlib
import re

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.actions.copy import read_source, send
from provisioner.engine.errors import TaskError

_OURS = ("src", "regexp", "delimiter", "ignore_hidden", "remote_src")


def plan(call: ActionCall) -> Plan:
    src, dest = call.args.get("src"), call.args.get("dest")
    if not src or not dest:
        raise TaskError("src and dest are required")
    if call.flag("remote_src", True):
        result = yield call.module("assemble", call.args)
        return result
    folder = call.find(str(src), "files")
    if not folder.is_dir():
        raise TaskError(f"Source ({src}) is not a directory")
    pattern = re.compile(str(call.args["regexp"])) if call.args.get("regexp") else None
    delimiter = str(call.args.get("delimiter", "")).encode().decode("unicode_escape").encode()
    parts: list[bytes] = []
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and call.flag("ignore_hidden")
        if path.is_file() and not hidden and (pattern is None or pattern.search(path.name)):
            parts.append(read_source(call, path))
    joined = b""
    for index, part in enumerate(parts):
        if index and joined and not joined.endswith(b"\n"):
            joined += b"\n"
        if index and delimiter:
            joined += delimiter if delimiter.endswith(b"\n") else delimiter + b"\n"
        joined += part
    call.args = {key: value for key, value in call.args.items() if key not in _OURS}
    result = yield from send(call, joined, str(dest), changes={"_assembled": True})
    if result.pop("path", None) is not None or call.check:  # it is there already, or would be
        result["md5sum"] = hashlib.md5(joined, usedforsecurity=False).hexdigest()
    diff = result.pop("diff", None)
    if diff:
        result["diff"] = diff[0] if isinstance(diff, list) else diff
    return result
