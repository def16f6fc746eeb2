"""copy: files and folders of the controller, or text, to the host; content travels only when the host does not have it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan, sha1, sha256
from provisioner.engine.errors import TaskError
from provisioner.templating.vault import VaultError, plain

# Parameters that the controller deals with.
_OURS = frozenset({"src", "content", "decrypt", "local_follow", "remote_src"})
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
    if content is None and call.flag("remote_src"):
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
    if not call.flag("decrypt", True):
        return data
    try:
        return plain(data, path, call.run.options.vault)
    except VaultError as e:
        raise TaskError(str(e)) from e


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
        args["mode"] = f"0{mode_of.stat().st_mode & 0o7777:o}" if mode_of else "0600"  # of the file that text travels in
    digest, checksum = sha256(data), sha1(data)
    args.update(dest=dest, _blob=digest, _checksum=checksum, _original_basename=original)
    if mode_of is not None:
        args["_source"] = str(mode_of)
    result = yield call.module("copy", args, {digest: data})
    if result.pop("_kept", False):
        return {"changed": False, "dest": dest, **({"src": args["_source"]} if "_source" in args else {})}
    if result.get("failed") and not result.pop("_unsent", False):
        result.setdefault("checksum", checksum)
    if "checksum" in result or call.check or result.get("failed"):
        result.setdefault("diff", [])
    if "md5sum" in result:
        result["md5sum"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return result


def _directory(call: ActionCall, source: Path, contents: bool, dest: str) -> Plan:
    """A whole folder: folders first, then files, then links; what is there already costs one question each."""
    root = dest.rstrip("/")
    tree = _Tree(call.flag("local_follow", True))
    if not contents:
        tree.folders.append(source.name)
    tree.walk(source, "" if contents else source.name, {_identity(source)})
    shared = {key: call.args[key] for key in _FILE_KEYS if key in call.args and key != "mode"}
    folders = [{"path": f"{root}/{path}", "state": "directory", "mode": call.args.get("directory_mode")} for path in tree.folders]
    links = [{"path": f"{root}/{path}", "src": to, "state": "link", "force": True, "follow": False} for path, to in tree.links]
    if contents:  # a folder that is there keeps its owner and mode when only its contents are copied
        found = yield call.module("stat", {"path": root, "follow": True, "get_mime": False, "get_attributes": False})
        if not found.get("failed") and not found["stat"]["exists"]:
            folders.insert(0, {"path": root, "state": "directory", "mode": call.args.get("directory_mode")})
    changed = False
    # Of a single file Ansible tells what came last: it, a folder that did not come about with it, a link.
    last: dict[str, Any] = {}
    with_files = {"", *(path.rpartition("/")[0] for _, path in tree.files)}
    for args in folders:
        made = yield call.module("file", {**shared, **args})
        if made.get("failed"):
            return made
        changed = changed or bool(made.get("changed"))
        if str(args["path"])[len(root) + 1 :] not in with_files:
            last = made
    for file, path in tree.files:
        kept = {"follow": False} if tree.folders else {}
        folder, _, name = f"{root}/{path}".rpartition("/")
        made = yield from send(call, read_source(call, file), folder + "/", original=name, mode_of=file, changes=kept)
        if made.get("failed"):
            return made
        changed = changed or bool(made.get("changed"))
        last = last or made
    for args in links:
        last = yield call.module("file", {**shared, **args})
        if last.get("failed"):
            return last
        changed = changed or bool(last.get("changed"))
    if len(tree.files) == 1:
        return {**last, "dest": last.get("dest", last.get("path", f"{root}/")), "changed": changed}
    return {"changed": changed, "dest": f"{root}/", "src": f"{source}/" if contents else str(source)}


class _Tree:
    """What is below a folder, by path there. Links to folders that are being walked already stay links."""

    def __init__(self, follow: bool) -> None:
        self._follow = follow
        self.files: list[tuple[Path, str]] = []
        self.folders: list[str] = []
        self.links: list[tuple[str, str]] = []

    def walk(self, folder: Path, at: str, above: set[tuple[int, int]]) -> None:
        for entry in sorted(folder.iterdir()):
            path = f"{at}/{entry.name}" if at else entry.name
            linked = entry.is_symlink()
            if entry.is_dir() and not (linked and (not self._follow or _identity(entry) in above)):
                self.folders.append(path)
                self.walk(entry, path, above | {_identity(entry)})
            elif linked and not (self._follow and entry.is_file()):
                self.links.append((path, str(entry.readlink())))
            elif entry.is_file():
                self.files.append((entry, path))


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
