"""assemble: one file of the fragments that lie in a folder, in the order of their names."""

import hashlib
import os
import re
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, contents, edits
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    src={"type": "path", "required": True},
    dest={"type": "path", "required": True},
    delimiter={},
    regexp={},
    ignore_hidden={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    remote_src={"type": "bool", "default": True},
    validate={},
    decrypt={"type": "bool", "default": True},
    _rules={"called": "ansible.legacy.assemble"},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    src, dest = args["src"], args["dest"]
    if not os.path.exists(src):
        raise ModuleFailed("Source (%s) does not exist" % src)
    if not os.path.isdir(src):
        raise ModuleFailed("Source (%s) is not a directory" % src)
    if os.path.isdir(dest):
        raise ModuleFailed("attempted to take checksum of directory: %s" % dest)
    content = joined(_fragments(args), args["delimiter"])
    # The hash that old versions of FIPS systems refuse is left out there.
    result: Dict[str, Any] = {"src": src, "dest": dest, "checksum": hashlib.sha1(content).hexdigest(), "md5sum": _md5(content)}
    current: Optional[bytes] = None
    if os.path.exists(dest):
        with open(dest, "rb") as file:
            current = file.read()
    changed = current != content
    if changed:
        if not os.path.isdir(os.path.dirname(dest) or "."):
            raise ModuleFailed("Destination directory %s does not exist" % os.path.dirname(dest))
        checked = edits.validate(args["validate"], content, context)
        if checked is not None:
            result["validation"] = checked
        if not context.check:
            if args["backup"] and current is not None:
                result["backup_file"] = contents.backup(dest)
            contents.write(dest, content)
    if os.path.exists(dest):
        changed = attributes.apply(dest, args, context) or changed
    return dict(result, changed=changed, msg="OK", **attributes.describe(dest))


def _fragments(args: Dict[str, Any]) -> List[bytes]:
    wanted = None
    if args["regexp"] is not None:
        try:
            wanted = re.compile(args["regexp"])
        except re.error as error:
            raise ModuleFailed('Invalid Regexp (%s) in "%s"' % (error, args["regexp"]))
    parts = []
    for name in sorted(os.listdir(args["src"])):
        path = os.path.join(args["src"], name)
        if (wanted is not None and not wanted.search(name)) or not os.path.isfile(path) or (args["ignore_hidden"] and name.startswith(".")):
            continue
        with open(path, "rb") as file:
            parts.append(file.read())
    return parts


def joined(parts: List[bytes], delimiter: Optional[str]) -> bytes:
    """Fragments one after another, each on a line of its own; the delimiter (with escapes like \\n) stands between them on its own line."""
    between = b"" if not delimiter else delimiter.encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1", "replace")
    whole = b""
    for number, part in enumerate(parts):
        if number:
            if not whole.endswith(b"\n"):
                whole += b"\n"
            if between:
                whole += between if between.endswith(b"\n") else between + b"\n"
        whole += part
    return whole


def _md5(content: bytes) -> Optional[str]:
    try:
        return hashlib.md5(content).hexdigest()
    except ValueError:
        return None
