"""include_vars: variables from files beside the role or playbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.inventory import documents
from provisioner.inventory.errors import InventoryError
from provisioner.templating.filters.data import combine
from provisioner.templating.lookups.call import find_file
from provisioner.templating.vault import HEADER

LOCAL = True
_EXTENSIONS = ("yaml", "yml", "json")
_OF_FOLDERS = ("dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions")
_OF_FILES = ("file", "_raw_params")
_OF_BOTH = ("name", "hash_behaviour")


class _Stopped(Exception):
    """What went wrong, after some files may have been read."""


def plan(call: ActionCall) -> dict[str, Any]:
    for key in call.args:
        if key not in (*_OF_FOLDERS, *_OF_FILES, *_OF_BOTH):
            raise TaskError(f"Task failed: {key} is not a valid option in include_vars")
    if any(key in call.args for key in _OF_FOLDERS) and any(key in call.args for key in _OF_FILES):
        raise TaskError("Task failed: You are mixing file only and dir only arguments, these are incompatible")
    merged: dict[str, Any] = {}
    read: list[str] = []
    message = ""
    try:
        for file in _folder(call) if call.args.get("dir") else [_file(call)]:
            values = _read(call, file)
            read.append(str(file))
            merged = combine(merged, values, recursive=True) if call.args.get("hash_behaviour") == "merge" else {**merged, **values}
    except _Stopped as e:
        message = str(e)
    if call.args.get("name"):
        merged = {str(call.args["name"]): merged}
    result: dict[str, Any] = {
        "changed": False,
        "ansible_facts": merged,
        "ansible_included_var_files": read,
        "_ansible_kind": "include_vars",
        "_ansible_no_log": any(_is_vault(Path(file)) for file in read),
    }
    if message:
        result.update(failed=True, message=message, msg=f"Task failed: {message}")
    return result


def _file(call: ActionCall) -> Path:
    name = call.args.get("file", call.args.get("_raw_params"))
    if not isinstance(name, str):
        raise _Stopped(
            "Could not find file on the Ansible Controller.\n"
            "If you are using a module and expect the file to exist on the remote, see the remote_src option"
        )
    search = call.run.variables.search(call.task)
    found = find_file(name, search, "vars")
    if found is None:
        places = "\n\t".join(str(directory / part / name) for directory in search for part in ("vars", "."))
        raise _Stopped(
            f"Could not find or access '{name}'\nSearched in:\n\t{places} on the Ansible Controller.\n"
            "If you are using a module and expect the file to exist on the remote, see the remote_src option"
        )
    return found


def _folder(call: ActionCall) -> Iterator[Path]:
    """The files of a folder, in order; that of a role lies in its vars, else it is beside the task's file."""
    given = str(call.args["dir"])
    root = Path(given).expanduser()
    if not root.is_absolute():
        role = call.task.role
        if role is not None:
            root = role.path / given if given.split("/")[0] == "vars" and (role.path / given).exists() else role.path / "vars" / given
        elif call.task.location is not None:
            root = Path(call.task.location.file).resolve().parent / given
        else:
            root = call.task.directory / given
    if not root.exists():
        raise _Stopped(f"{root} directory does not exist")
    if not root.is_dir():
        raise _Stopped(f"{root} is not a directory")
    for folder in [root, *sorted(path for path in root.rglob("*") if path.is_dir())]:
        yield from _listed(call, root, folder)


def _listed(call: ActionCall, root: Path, folder: Path) -> list[Path]:
    """Those of one folder; none of it is read when one of it can't be."""
    raw = call.args.get("extensions", list(_EXTENSIONS))
    if not isinstance(raw, str | list):
        raise TaskError('Task failed: Invalid type for "extensions" option, it must be a list')
    extensions = [str(e).lstrip(".") for e in (raw.split() if isinstance(raw, str) else raw)]
    skipped = call.args.get("ignore_files", [])
    ignored = [str(pattern) for pattern in (skipped.split() if isinstance(skipped, str) else skipped)]
    wanted = call.args.get("files_matching")
    depth = int(call.args.get("depth", 0) or 0)
    found = []
    for path in sorted(folder.iterdir()):
        level = len(path.relative_to(root).parts)
        if not path.is_file() or (depth and level > depth) or any(re.search(rf"{pattern}$", path.name) for pattern in ignored):
            continue
        if wanted and not re.search(str(wanted), path.name):
            continue
        if path.suffix.lstrip(".") in extensions:
            found.append(path)
        elif not call.flag("ignore_unknown_extensions"):
            raise _Stopped(f"{path} does not have a valid extension: {', '.join(extensions)}")
    return found


def _is_vault(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER


def _read(call: ActionCall, file: Path) -> dict[str, Any]:
    try:
        value = documents.read(file, call.run.options.vault).value
    except InventoryError as e:
        raise _Stopped(str(e)) from e
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Stopped(f"{file} must be stored as a dictionary/hash")
    return value
