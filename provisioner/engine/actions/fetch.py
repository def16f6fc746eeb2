"""fetch: a file of the host to the controller."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan, sha1
from provisioner.engine.errors import TaskError
from provisioner.engine.targets import connection_become


def plan(call: ActionCall) -> Plan:
    src, dest = call.args.get("src"), call.args.get("dest")
    if src is None or dest is None:
        raise TaskError("src and dest are required")
    for name, value in (("source", src), ("destination", dest)):
        if not isinstance(value, str):
            raise TaskError(f"Invalid type supplied for {name} option, it must be a string")
    if call.check:
        return {"skipped": True, "changed": False, "msg": "check mode not (yet) supported for this module"}
    found = yield call.module("stat", {"path": str(src), "follow": True, "get_checksum": True, "checksum_algorithm": "sha1"})
    if found.get("failed"):
        return found
    stat = found.get("stat", {})
    problem = _problem(stat)
    if problem:
        missing = call.flag("fail_on_missing", True)
        if missing:
            text = problem if stat.get("isdir") else f"{problem}, not transferring, ignored"
            return {"failed": True, "changed": False, "msg": text}
        ignored: dict[str, Any] = {"changed": False, "msg": f"{problem}, not transferring, ignored"}
        return ignored if stat.get("isdir") else {**ignored, "file": str(src)}
    target = _destination(call, str(src), str(dest))
    old = sha1(target.read_bytes()) if target.is_file() else None
    result: dict[str, Any] = {"changed": False, "dest": str(target), "file": str(src), "md5sum": None, "checksum": stat.get("checksum")}
    if old is not None and old == stat.get("checksum"):
        return {**result, "md5sum": _md5(target.read_bytes())}
    data = call.session.fetch(str(src), connection_become(call.become))
    if call.flag("validate_checksum", True) and stat.get("checksum") and sha1(data) != stat["checksum"]:
        raise TaskError("checksum mismatch", checksum=sha1(data), remote_checksum=stat["checksum"], dest=str(target), file=str(src))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.fetching.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(target)
    del result["file"]
    return {
        **result,
        "changed": True,
        "checksum": sha1(data),
        "md5sum": _md5(data),
        "remote_checksum": stat.get("checksum"),
        "remote_md5sum": None,
    }


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _problem(stat: dict[str, Any]) -> str:
    if not stat.get("exists"):
        return "the remote file does not exist"
    if stat.get("isdir"):
        return "remote file is a directory, fetch cannot work on directories"
    return ""


def _destination(call: ActionCall, src: str, dest: str) -> Path:
    """Ansible's rule: `dest/host/path` unless flat."""
    base = Path(dest).expanduser()
    if call.flag("flat"):
        if dest.endswith("/"):
            base = base / Path(src).name
        elif base.is_dir():
            raise TaskError("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
        return base if base.is_absolute() else call.run.directory / base
    target = base / call.state.name / src.lstrip("/")
    return Path(os.path.normpath(call.run.directory / target))
