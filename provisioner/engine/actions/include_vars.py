"""include_vars: variables from files beside the role or playbook."""

from __future__ import annotations

import re
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


def plan(call: ActionCall) -> dict[str, Any]:
    if call.args.get("dir"):
        files = _directory(call)
    else:
        name = call.args.get("file", call.args.get("_raw_params"))
        if not isinstance(name, str):
            raise TaskError("include_vars needs a file or a dir")
        found = find_file(name, call.run.variables.search(call.task), "vars")
        if found is None:
            raise TaskError(f"Could not find or access '{name}' on the controller.", ansible_included_var_files=[])
        files = [found]
    merged: dict[str, Any] = {}
    for file in files:
        values = _read(call, file)
        merged = combine(merged, values, recursive=True) if call.args.get("hash_behaviour") == "merge" else {**merged, **values}
    if call.args.get("name"):
        merged = {str(call.args["name"]): merged}
    return {
        "changed": False,
        "ansible_facts": merged,
        "ansible_included_var_files": [str(file) for file in files],
        "_ansible_kind": "include_vars",
        "_ansible_no_log": any(_is_vault(file) for file in files),
    }


def _directory(call: ActionCall) -> list[Path]:
    root = find_file(str(call.args["dir"]), call.run.variables.search(call.task), "vars")
    if root is None or not root.is_dir():
        raise TaskError(f"{call.args['dir']} directory does not exist", ansible_included_var_files=[])
    extensions = [str(e).lstrip(".") for e in call.args.get("extensions", _EXTENSIONS)]
    ignored = [str(pattern) for pattern in call.args.get("ignore_files", [])]
    wanted = call.args.get("files_matching")
    depth = int(call.args.get("depth", 0))
    found = []
    for path in sorted(root.rglob("*")):
        level = len(path.relative_to(root).parts)
        if not path.is_file() or (depth and level > depth) or any(re.search(pattern + "$", path.name) for pattern in ignored):
            continue
        if wanted and not re.search(str(wanted), path.name):
            continue
        if path.suffix.lstrip(".") in extensions:
            found.append(path)
        elif not call.flag("ignore_unknown_extensions") and not wanted:
            raise TaskError(f"{path} does not have a valid extension: {', '.join(extensions)}")
    return found


def _is_vault(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER


def _read(call: ActionCall, file: Path) -> dict[str, Any]:
    try:
        value = documents.read(file, call.run.options.vault).value
    except InventoryError as e:
        raise TaskError(str(e), ansible_included_var_files=[]) from e
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TaskError(f"{file} must be stored as a dictionary/hash", ansible_included_var_files=[])
    return value
