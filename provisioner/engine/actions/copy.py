"""copy: files and folders of the controller, or text, to the host; content travels only when the host does not have it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan, sha1, sha256
from provisioner.engine.errors import TaskError
from provisioner.templating.vault import HEADER, VaultError

# Parameters that the controller deals with.
_OURS = frozenset({"src", "content", "decrypt", "local_follow", "directory_mode"})
_FILE_KEYS = ("owner", "group", "mode", "attributes", "selevel", "serole", "setype", "seuser", "unsafe_writes")


def plan(call: ActionCall) -> Plan:
    src, content = call.args.get("src"), call.args.get("content")
    dest = call.args.get("dest")
    if src is None and content is None:
        raise TaskError("src (or content) is required")
    if not dest:
        raise TaskError("dest is required")
    if src is not None and content is not None:
        raise TaskError("src and content are mutually exclusive")
    if content is not None and str(dest).endswith("/"):
        raise TaskError("can not use content with a dir as dest")
    if call.flag("remote_src"):
        result = yield call.module("copy", call.args)
        return result
    if content is not None:
        text = json.dumps(content) if isinstance(content, dict | list) else str(content)
        return (yield from send(call, text.encode(errors="surrogateescape"), str(dest)))
    source = call.find(str(src), "files")
    if source.is_dir():
        return (yield from _directory(call, source, str(src).endswith("/"), str(dest)))
    return (yield from send(call, read_source(call, source), str(dest), original=source.name, mode_of=source))


def read_source(call: ActionCall, path: Path) -> bytes:
    """A file's content, decrypted when it is a vault and the task does not say otherwise."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise TaskError(f"could not read src={path}, {e.strerror}") from e
    if not data.startswith(HEADER) or not call.flag("decrypt", True):
        return data
    if call.run.options.vault is None:
        raise TaskError(f"{path} is encrypted and no vault secret was given")
    try:
        return call.run.options.vault.decrypt(data)
    except VaultError as e:
        raise TaskError(f"{path}: {e}") from e


def send(
    call: ActionCall,
    data: bytes,
    dest: str,
    *,
    original: str | None = None,
    mode_of: Path | None = None,
    changes: dict[str, Any] | None = None,
) -> Plan:
    """Has the host's copy module put this content into place."""
    args = {key: value for key, value in {**call.args, **(changes or {})}.items() if key not in _OURS}
    if args.get("mode") == "preserve":
        args["mode"] = f"0{mode_of.stat().st_mode & 0o7777:o}" if mode_of else None
    digest = sha256(data)
    checksum = args.pop("checksum", None)
    if checksum is not None and str(checksum) != sha1(data):
        raise TaskError(f"Copied file does not match the expected checksum: {checksum}")
    args.update(dest=dest, _blob=digest, _checksum=sha1(data), _original_basename=original or Path(dest).name)
    result = yield call.module("copy", args, {digest: data})
    result.setdefault("diff", [])
    if result.get("failed"):
        return result
    if result.get("changed"):
        result.setdefault("md5sum", hashlib.md5(data, usedforsecurity=False).hexdigest())
    elif "dest" in result and not call.check:
        # What is in place already gets the result of a look at the file.
        result.pop("src", None)
        result.setdefault("path", result["dest"])
    return result


def _directory(call: ActionCall, source: Path, contents: bool, dest: str) -> Plan:
    """A whole folder: folders first, then files; unchanged ones cost one question each."""
    root = dest.rstrip("/") if contents else f"{dest.rstrip('/')}/{source.name}"
    changed = False
    folder_mode = call.args.get("directory_mode")
    shared = {key: call.args[key] for key in _FILE_KEYS if key in call.args and key != "mode"}
    folders = [path for path in sorted(source.rglob("*")) if path.is_dir()]
    for folder in [source, *folders]:
        path = root if folder == source else f"{root}/{folder.relative_to(source).as_posix()}"
        args = {**shared, "path": path, "state": "directory"}
        if folder_mode is not None:
            args["mode"] = folder_mode
        result = yield call.module("file", args)
        if result.get("failed"):
            return result
        changed = changed or bool(result.get("changed"))
    diffs: list[Any] = []
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        path = f"{root}/{file.relative_to(source).as_posix()}"
        result = yield from send(call, read_source(call, file), path, original=file.name, mode_of=file)
        if result.get("failed"):
            return result
        changed = changed or bool(result.get("changed"))
        if result.get("diff"):
            diffs.extend(result["diff"] if isinstance(result["diff"], list) else [result["diff"]])
    made: dict[str, Any] = {"changed": changed, "dest": dest.rstrip("/") + "/", "src": str(source)}
    if diffs:
        made["diff"] = diffs
    return made
