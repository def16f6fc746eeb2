"""A folder of the host copied into another of the host: what is there already and equal stays, what is only in the other stays too."""

import filecmp
import os
import shutil
from typing import Any, Dict

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed


def copy_folder(source: str, dest: str, args: Dict[str, Any], context: Context) -> bool:
    """Whether anything changes. Links stay links unless `local_follow` is true; owner and group are those of the arguments."""
    links = not args["local_follow"]
    if not os.path.exists(dest):
        if not context.check:
            shutil.copytree(source, dest, symlinks=links, copy_function=_new_copy)
            _own_all(dest, args, context)
        return True
    changed = _merge(source, dest, args, context)
    return _own_all(dest, args, context) or changed


def _merge(source: str, dest: str, args: Dict[str, Any], context: Context) -> bool:
    links = not args["local_follow"]
    compared = filecmp.dircmp(source, dest, ignore=[])
    kept = {name for name in compared.left_list if links and os.path.islink(os.path.join(source, name))}
    names = [name for name in compared.diff_files + compared.left_only if name not in kept]
    names += [name for name in sorted(kept) if not _same_link(os.path.join(source, name), os.path.join(dest, name))]
    if not context.check:
        for name in names:
            _copy(os.path.join(source, name), os.path.join(dest, name), links)
            _own(os.path.join(dest, name), args, context)
    changed = bool(names)
    for name in compared.common_dirs:
        if name not in kept:
            changed = _merge(os.path.join(source, name), os.path.join(dest, name), args, context) or changed
    return changed


def _same_link(source: str, dest: str) -> bool:
    return os.path.islink(dest) and os.readlink(dest) == os.readlink(source)


def _copy(source: str, dest: str, links: bool) -> None:
    if links and os.path.islink(source):
        if os.path.isdir(dest) and not os.path.islink(dest):
            raise ModuleFailed("%s is a folder, but a link in %s: remove it first" % (dest, source))
        if os.path.lexists(dest):
            os.unlink(dest)
        os.symlink(os.readlink(source), dest)
    elif os.path.isdir(source):
        shutil.copytree(source, dest, symlinks=links, copy_function=_new_copy)
    else:
        contents.move_into_place(source, dest, unsafe=True)
        shutil.copymode(source, dest)


def _new_copy(source: str, dest: str) -> None:
    """The first that can't be made ends it all, where `copytree` would go on."""
    try:
        contents.new_copy(source, dest)
    except OSError as error:
        raise ModuleFailed("can't copy %s to %s: %s" % (source, dest, error.strerror or error))


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
