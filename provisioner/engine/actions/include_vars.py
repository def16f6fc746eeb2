"""include_vars: variables from files beside the role or playbook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, not_found
from provisioner.engine.errors import TaskError
from provisioner.inventory import documents
from provisioner.inventory.errors import InventoryError
from provisioner.templating.filters.data import combine
from provisioner.templating.lookups.call import find_file
from provisioner.templating.values import Resolved
from provisioner.templating.vault import HEADER

LOCAL = True
_EXTENSIONS = ("yaml", "yml", "json")
_OF_FOLDERS = ("dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions")
_OF_FILES = ("file", "_raw_params")
_OF_BOTH = ("name", "hash_behaviour")


class _Stopped(Exception):
    """What went wrong, after some files may have been read."""


class _Unreadable(_Stopped):
    """A file that is no YAML, or an encrypted one that nobody can open."""


def plan(call: ActionCall) -> dict[str, Any]:
    for key in call.args:
        if key not in (*_OF_FOLDERS, *_OF_FILES, *_OF_BOTH):
            raise TaskError(f"Task failed: {key} is not a valid option in include_vars")
    if any(key in call.args for key in _OF_FOLDERS) and any(key in call.args for key in _OF_FILES):
        raise TaskError("Task failed: You are mixing file only and dir only arguments, these are incompatible")
    extensions = call.args.get("extensions", list(_EXTENSIONS))
    if not isinstance(extensions, str | list):
        raise TaskError('Task failed: Invalid type for "extensions" option, it must be a list')
    found: dict[str, Any] = {}
    read: list[str] = []
    message = ""
    try:
        if call.args.get("dir"):
            for folder in _folders(call):
                found.update(_values_of(call, folder, list(extensions), read))
        else:
            file = _file(call)
            found.update(_read(call, file))
            read.append(str(file))
    except _Stopped as e:
        message = str(e)
    if call.args.get("name"):
        found = {str(call.args["name"]): found}
    is_usual = call.run.options.settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge"  # as every level is
    if call.args.get("hash_behaviour") == "merge" and not is_usual and not message:
        found = combine(_known(call, found), found, recursive=True)
    result: dict[str, Any] = {
        "changed": False,
        "ansible_facts": found,
        "ansible_included_var_files": read,
        "_ansible_kind": "include_vars",
        "_ansible_no_log": any(_is_vault(Path(file)) for file in read),
    }
    if message:
        result.update(failed=True, message=message)
    return result


def _known(call: ActionCall, names: Iterable[str]) -> dict[str, Any]:
    """The variables of these names as they are, templates in them not rendered."""
    scope = call.templar.scope
    raw = {name: scope.raw(name) for name in names if name in scope}
    return {name: value.value if isinstance(value, Resolved) else value for name, value in raw.items()}


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
        raise _Stopped(not_found(name, search, "vars"))
    return found


def _folders(call: ActionCall) -> Iterator[Path]:
    """A folder and those in it, in order; that of a role lies in its vars, else it is beside the task's file."""
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
    depth = call.args.get("depth") or 0
    if not isinstance(depth, int):
        raise TaskError(f"Task failed: '>' not supported between instances of 'int' and '{type(depth).__name__}'")
    for folder in [root, *sorted(path for path in root.rglob("*") if path.is_dir())]:
        if not depth or len(folder.relative_to(root).parts) < depth:
            yield folder


def _values_of(call: ActionCall, folder: Path, extensions: list[Any], read: list[str]) -> dict[str, Any]:
    """Of one folder's files, whose names go into `read`; none of them count when one of them can't be read."""
    skipped = call.args.get("ignore_files") or []
    if not isinstance(skipped, str | list):
        raise TaskError(f"Task failed: '{type(skipped).__name__}' object is not iterable")
    ignored = [str(pattern) for pattern in (skipped.split() if isinstance(skipped, str) else skipped)]
    wanted = call.args.get("files_matching")
    of_role = None if call.task.role is None else call.task.role.path / "vars" / "main.yml"
    found: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path == of_role or _matches(ignored, path.name) or (wanted and not _matches([wanted], path.name, "")):
            continue
        if path.suffix.lstrip(".") in extensions:
            try:
                found.update(_read(call, path))
            except _Unreadable as e:
                raise TaskError(f"Task failed: {e}") from e
            read.append(str(path))
        elif not call.flag("ignore_unknown_extensions"):
            raise _Stopped(f"{path} does not have a valid extension: {', '.join(map(str, extensions))}")
    return found


def _matches(patterns: Sequence[Any], name: str, end: str = "$") -> bool:
    for pattern in patterns:
        try:
            if re.search(f"{pattern}{end}", name):
                return True
        except re.error as e:
            raise TaskError(f"Task failed: Invalid regular expression: {pattern}") from e
    return False


def _is_vault(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER


def _read(call: ActionCall, file: Path) -> dict[str, Any]:
    try:
        document = documents.read(file, call.run.options.vault)
    except InventoryError as e:
        raise _Unreadable(str(e)) from e
    call.run.content.judge_duplicates(document.duplicates)
    value = document.value
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Stopped(f"{file} must be stored as a dictionary/hash")
    return value
