"""uri: files that a request sends lie on the controller, unless remote_src says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan, sha256
from provisioner.engine.actions.copy import read_source
from provisioner.engine.errors import TaskError


def plan(call: ActionCall) -> Plan:
    args = dict(call.args)
    blobs: dict[str, bytes | Path] = {}
    if not call.flag("remote_src"):
        if args.get("body_format") == "form-multipart":
            args["body"] = _fields(call, args.get("body"), blobs)
        elif args.get("src") is not None:
            args["_blob"] = _take(call, str(args["src"]), blobs)
    result = yield call.module("uri", args, blobs)
    return result


def _take(call: ActionCall, name: str, blobs: dict[str, bytes | Path]) -> str:
    try:
        path = call.find(name, "files")
    except TaskError as e:
        raise TaskError(f"Task failed: {e}") from e
    data = read_source(call, path)
    digest = sha256(data)
    blobs[digest] = data
    return digest


def _fields(call: ActionCall, body: Any, blobs: dict[str, bytes | Path]) -> dict[str, Any]:
    """The form with the hash of each file that is read here."""
    if not isinstance(body, Mapping):
        raise TaskError(f"body must be mapping, cannot be type {type(body).__name__}")
    fields: dict[str, Any] = {}
    for name, value in body.items():
        fields[name] = value
        if isinstance(value, Mapping) and value.get("filename") and not value.get("content"):
            fields[name] = {**value, "_blob": _take(call, str(value["filename"]), blobs)}
    return fields
