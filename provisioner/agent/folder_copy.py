"""A folder of the host copied into another of the host: what is there already and equal stays, what is only in the other stays too."""

import filecmp
import os
import shutil
from typing import Any, Dict

from provisioner.agent import attributes
from provisioner.agent.context import Context


def copy_folder(source: str, dest: str, args: Dict[str, Any], context: Context) -> bool:
    """Whether anything changes. `local_follow` false keeps links as links; owner and group are those of the arguments."""
    links = args["local_follow"] is False
    if not os.path.exists(dest):
        if not context.check:
            shutil.copytree(source, dest, symlinks=links)
            _own_all(dest, args, context)
        return True
    changed = _merge(source, dest, args, context)
    return _own_all(dest, args, context) or changed


def _merge(source: str, dest: str, args: Dict[str, Any], context: Context) -> bool:
    links = args["local_follow"] is False
    compared = filecmp.dircmp(source, dest, ignore=[])
    names = compared.diff_files + compared.left_only
    if not context.check:
        for name in names:
            _copy(os.path.join(source, name), os.path.join(dest, name), links)
            _own(os.path.join(dest, name), args, context)
    changed = bool(names)
    for name in compared.common_dirs:
        changed = _merge(os.path.join(source, name), os.path.join(dest, name), args, context) or changed
    return changed


def _copy(source: str, dest: str, links: bool) -> None:
    if links and os.path.islink(source):
        if os.path.lexists(dest):
            os.unlink(dest)
        os.symlink(os.readlink(source), dest)
    elif os.path.isdir(source):
        shutil.copytree(source, dest, symlinks=links)
    else:
        shutil.copyfile(source, dest)
        if not os.path.islink(source):
            shutil.copymode(source, dest)


def _own(path: str, args: Dict[str, Any], context: Context) -> bool:
    return attributes.apply(path, {"owner": args["owner"], "group": args["group"]}, context)


def _own_all(path: str, args: Dict[str, Any], context: Context) -> bool:
    if args["owner"] is None and args["group"] is None:
        return False
    changed = _own(path, args, context)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            changed = _own(os.path.join(folder, name), args, context) or changed
    return changed
