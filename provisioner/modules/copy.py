"""copy: content into place. From the controller it comes by hash (`_blob`), and only when the host's file differs; or from the host itself."""

import os
import shlex
import shutil
import stat
import tempfile
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.folder_copy import copy_folder
from provisioner.modules import file as file_module

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    src={"type": "path"},
    _original_basename={"listed": True},
    _blob={},
    _checksum={},
    _source={},
    content={},
    dest={"type": "path", "required": True},
    backup={"type": "bool", "default": False},
    force={"type": "bool", "default": True},
    validate={},
    directory_mode={"type": "raw"},
    remote_src={"type": "bool", "default": False},
    local_follow={"type": "bool"},
    follow={"type": "bool", "default": False},
    checksum={},
    decrypt={"type": "bool", "default": True, "listed": False},
    _rules={"called": "ansible.legacy.copy"},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if os.sep not in args["dest"]:
        args = dict(args, dest=os.path.join(".", args["dest"]))
    return _from_here(args, context) if args["remote_src"] else _sent(args, context)


def _sent(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """Content of the controller. In check mode only that it changes is told, and how."""
    dest, name = args["dest"], args["_original_basename"]
    target = os.path.join(dest, name or "") if dest.endswith("/") else dest
    if os.path.isdir(target) and (args["follow"] or not os.path.islink(target)):
        if not name:
            raise ModuleFailed("can not use content with a dir as dest", _unsent=True)
        target = os.path.join(target, name)
    there = os.path.exists(target) if args["follow"] else os.path.lexists(target)
    if there and not args["force"]:
        return {"changed": False, "_kept": True}
    current = contents.sha1_of(target) if args["follow"] or not os.path.islink(target) else None
    if current is not None and current == args["_checksum"]:
        return _as_file(args, context, attributes.followed(dest, args))
    result: Dict[str, Any] = {"changed": True}
    path = context.blob(args["_blob"]) if context.diff or not context.check else ""
    if context.diff:
        result["diff"] = [contents.sent_difference(target, path, args["_source"])]
    if context.check:  # of what is put together, where it would be
        return dict(result, dest=target, checksum=args["_checksum"]) if args.get("_assembled") else result
    if args["checksum"] and args["checksum"] != args["_checksum"]:
        told = {"checksum": args["_checksum"], "expected_checksum": args["checksum"]}
        raise ModuleFailed("Copied file does not match the expected checksum. Transfer failed.", **dict(result, **told, changed=False))
    result.update(src=args["_source"], checksum=args["_checksum"], md5sum=None)
    try:
        return dict(result, **_place(args, context, path))
    except ModuleFailed as error:
        if "diff" in result:
            error.more.setdefault("diff", result["diff"])
        raise


def _as_file(args: Dict[str, Any], context: Context, dest: str) -> Dict[str, Any]:
    """Content that is there already: what is left is owner and mode, told as module file does."""
    wanted: Dict[str, Any] = dict.fromkeys(file_module.ARGUMENTS)
    wanted.update({key: args[key] for key in attributes.FILE_ARGUMENTS}, recurse=False, force=False, follow=True)
    wanted.update(path=dest, state="file", _original_basename=args["_original_basename"])
    result = file_module.run(wanted, context)
    return dict(result, dest=result["path"], checksum=args["_checksum"])


def _place(args: Dict[str, Any], context: Context, source: str) -> Dict[str, Any]:
    """The content of `source` at its place, with what that result says."""
    dest = _target(args, context)
    if dest is None:
        return {"changed": True, "msg": "dest directory %s would be created" % os.path.dirname(_named(args)), "src": args["src"]}
    if os.path.islink(dest) and args["follow"] and os.path.exists(dest):
        dest = os.path.realpath(dest)
    if os.path.exists(dest) and not args["force"]:
        return {"msg": "file already exists", "src": args["src"], "dest": dest, "changed": False}
    folder = os.path.dirname(dest)
    if not os.path.exists(dest) and not os.path.exists(folder):
        raise ModuleFailed("Destination directory %s does not exist" % folder)
    if not os.access(folder, os.W_OK) and not args["unsafe_writes"]:
        raise ModuleFailed("Destination %s not writable" % folder)
    result: Dict[str, Any] = {"dest": dest}
    changed = os.path.islink(dest) or contents.sha1_of(dest) != contents.sha1_of(source)
    if changed and not context.check:
        if args["backup"] and os.path.exists(dest):
            result["backup_file"] = contents.backup(dest)
        if args["validate"]:
            _validate(args, source, dest, context)
        if os.path.islink(dest):
            os.unlink(dest)
        existed = os.path.exists(dest)
        contents.move_into_place(source, dest, args["unsafe_writes"])
        if args["remote_src"] and existed:  # what is there takes over the source's mode, and belongs to who copies (Ansible)
            os.chown(dest, os.geteuid(), os.getegid())
            shutil.copymode(source, dest)
    result["changed"] = attributes.apply(attributes.followed(dest, args), args, context) or changed
    return result


def _named(args: Dict[str, Any]) -> str:
    """The destination, where it ends in /, with the name of what is copied if the controller gave one."""
    dest: str = args["dest"]
    return os.path.join(dest, args["_original_basename"] or "") if dest.endswith("/") else dest


def _target(args: Dict[str, Any], context: Context) -> Optional[str]:
    """The file that is meant; folders that `dest/` names are made. None where check mode only says so."""
    dest = _named(args)
    folder = os.path.dirname(dest)
    if args["dest"].endswith("/") and not os.path.exists(folder):
        if context.check:
            return None
        missing: List[str] = []
        while folder and not os.path.exists(folder):
            missing.insert(0, folder)
            folder = os.path.dirname(folder)
        for path in missing:
            os.mkdir(path)
            attributes.apply(path, dict(args, mode=args["directory_mode"]), context)
    if os.path.isdir(dest):
        dest = os.path.join(dest, args["_original_basename"] or os.path.basename(args["src"] or ""))
    return dest


def _validate(args: Dict[str, Any], source: str, dest: str, context: Context) -> None:
    """The user's command on a copy that has the wanted owner, mode and ending: some programs look at these. Raises ModuleFailed."""
    if "%s" not in args["validate"]:
        raise ModuleFailed("validate must contain %%s: %s" % args["validate"])
    handle, path = tempfile.mkstemp(prefix="provision-", suffix=os.path.splitext(dest)[1])
    try:
        with open(source, "rb") as content, os.fdopen(handle, "wb") as copy:
            shutil.copyfileobj(content, copy)
        attributes.apply(path, {key: args[key] for key in ("owner", "group", "mode")}, context)
        code, out, err = context.run(shlex.split(args["validate"] % shlex.quote(path)))
    finally:
        os.unlink(path)
    if code != 0:
        raise ModuleFailed("failed to validate", exit_status=code, stdout=out, stderr=err)


def _from_here(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """A file or folder of the host itself."""
    source, mode = args["src"], args["mode"]
    if source is None:
        raise ModuleFailed("src (or content) is required")
    if not os.path.exists(source):
        raise ModuleFailed("Source %s not found" % source)
    if not os.access(source, os.R_OK):
        raise ModuleFailed("Source %s not readable" % source)
    folder = os.path.isdir(source)
    if not folder and not os.path.isfile(source):
        raise ModuleFailed("Cannot copy invalid source '%s': not a file" % source)
    if mode == "preserve":
        mode = "0%03o" % stat.S_IMODE(os.stat(source).st_mode)
    checksum = contents.sha1_of(source)
    if args["checksum"] and args["checksum"] != checksum:
        raise ModuleFailed(
            "Copied file does not match the expected checksum. Transfer failed.", checksum=checksum, expected_checksum=args["checksum"]
        )
    args = dict(args, mode=mode)
    if folder:
        made = _folder(args, context)
        return dict(made, src=source) if "msg" in made else dict(made, src=source, checksum=None, md5sum=None)
    made = _place(args, context, source)
    return made if "msg" in made else dict({"src": source, "checksum": checksum, "md5sum": contents.md5_of(source)}, **made)


def _folder(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """A source that ends in / gives its contents, else the folder itself; owner and mode go to the folder that results."""
    source, wanted = args["src"], args["dest"]
    dest = _target(args, context)
    if dest is None:
        return {"changed": True, "msg": "dest directory %s would be created" % os.path.dirname(wanted)}
    into = wanted if source.endswith("/") else os.path.join(wanted, os.path.basename(source))
    if os.path.exists(wanted) and not os.path.isdir(wanted):
        raise ModuleFailed("%s is no directory" % wanted)
    if not args["force"] and os.path.exists(dest):
        return {"msg": "file already exists", "dest": dest, "changed": False}
    changed = copy_folder(source, into, args, context)
    if not os.path.isdir(wanted):
        dest = wanted
    if os.path.lexists(dest):
        changed = attributes.apply(attributes.followed(dest, args), args, context) or changed
    return {"dest": dest, "changed": changed}
