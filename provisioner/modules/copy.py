"""copy: content into place. From the controller it comes by hash (`_blob`), and only when the host's file differs; or from the host itself."""

import os
import shutil
from typing import Any, Dict, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    src={"type": "path"},
    _original_basename={},
    _blob={},
    _checksum={},
    _diff_source={},
    content={},
    dest={"type": "path", "required": True},
    backup={"type": "bool", "default": False},
    force={"type": "bool", "default": True, "aliases": ["thirsty"]},
    validate={},
    directory_mode={"type": "raw"},
    remote_src={"type": "bool", "default": False},
    local_follow={"type": "bool", "default": True},
    follow={"type": "bool", "default": False},
    checksum={},
    decrypt={"type": "bool", "default": True},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    dest = args["dest"]
    if args["remote_src"] and args["src"]:
        if os.path.isdir(args["src"]):
            return _tree(args, context)
        source: Optional[str] = args["src"]
        if not os.path.exists(args["src"]):
            raise ModuleFailed("Source %s not found" % args["src"])
        checksum = contents.sha1_of(args["src"])
    else:
        source, checksum = None, args["_checksum"]
    if os.path.isdir(dest):
        dest = os.path.join(dest, args["_original_basename"] or os.path.basename(args["src"] or ""))
    elif dest.endswith("/"):
        if not context.check:
            os.makedirs(dest, exist_ok=True)
        dest = os.path.join(dest, args["_original_basename"] or os.path.basename(args["src"] or ""))
    folder = os.path.dirname(dest) or "."
    if not os.path.isdir(folder) and not context.check:
        raise ModuleFailed("Destination directory %s does not exist" % folder)
    if args["follow"] and os.path.islink(dest):
        dest = os.path.realpath(dest)
    return _place(args, context, dest, source, checksum)


def _place(args: Dict[str, Any], context: Context, dest: str, source: Optional[str], checksum: Optional[str]) -> Dict[str, Any]:
    current = contents.sha1_of(dest)
    if os.path.exists(dest) and not args["force"]:
        return dict({"changed": False, "dest": dest, "src": args["src"], "msg": "file already exists"}, **attributes.describe(dest))
    different = current is None or current != checksum or os.path.islink(dest)
    result: Dict[str, Any] = {"dest": dest, "src": source or args["_original_basename"] or args["src"], "checksum": checksum}
    diffs = []
    if different:
        path = source or context.blob(args["_blob"])
        if context.diff:
            with open(path, "rb") as file:
                after = file.read(contents.DIFF_BYTES + 1)
            diffs.append(contents.difference(dest, after, context))
        if args["validate"]:
            _validate(args["validate"], path, context)
        if not context.check:
            if args["backup"] and current is not None:
                result["backup_file"] = contents.backup(dest)
            if os.path.islink(dest):
                os.unlink(dest)
            contents.move_into_place(path, dest)
            if source and args["mode"] == "preserve":
                shutil.copymode(source, dest)
    if args["mode"] == "preserve":
        args = dict(args, mode=None)
    detail: Dict[str, Any] = {}
    changed = attributes.apply(dest, args, context, detail) or different
    if detail and not different:
        diffs.append(dict(detail, before_header=dest, after_header=dest))
    result.update(attributes.describe(dest), changed=changed)
    if context.diff and not changed and args["_blob"]:
        result["diff"] = {"before": {"path": dest}, "after": {"path": dest}}
    elif context.diff:
        result["diff"] = [d for d in diffs if d]
    return result


def _validate(command: str, path: str, context: Context) -> None:
    if "%s" not in command:
        raise ModuleFailed("validate must contain %%s: %s" % command)
    code, out, err = context.run(command % path)
    if code != 0:
        raise ModuleFailed("failed to validate", exit_status=code, stdout=out, stderr=err)


def _tree(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """A folder of the host itself; a source that ends in / gives its contents, else the folder."""
    source, changed = args["src"].rstrip("/"), False
    root = args["dest"].rstrip("/")
    if not args["src"].endswith("/"):
        root = os.path.join(root, os.path.basename(source))
    for folder, _, files in os.walk(source):
        into = os.path.normpath(os.path.join(root, os.path.relpath(folder, source)))
        if not os.path.isdir(into):
            changed = True
            if not context.check:
                os.makedirs(into)
        for name in files:
            path = os.path.join(folder, name)
            made = _place(dict(args, mode=args["mode"]), context, os.path.join(into, name), path, contents.sha1_of(path))
            changed = changed or made["changed"]
    return dict({"changed": changed, "dest": root, "src": args["src"]}, **attributes.describe(root))
