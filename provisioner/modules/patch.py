"""patch: a patch file applied to a file or below a folder by patch(1), or taken back; what is applied already is left alone."""

import os
from typing import Any, Dict, List

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "src": {"type": "path", "required": True, "aliases": ["patchfile"]},
    "dest": {"type": "path", "aliases": ["originalfile"]},
    "basedir": {"type": "path"},
    "strip": {"type": "int", "default": 0},
    "remote_src": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": False},
    "binary": {"type": "bool", "default": False},
    "ignore_whitespace": {"type": "bool", "default": False},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "_blob": {},
    "_rules": {"required_one_of": [["dest", "basedir"]]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    source = context.blob(args["_blob"]) if args["_blob"] else os.path.abspath(args["src"])
    dest, folder = args["dest"], args["basedir"]
    if not os.access(source, os.R_OK):
        raise ModuleFailed("src %s doesn't exist or not readable" % args["src"])
    if dest and not os.access(dest, os.W_OK):
        raise ModuleFailed("dest %s doesn't exist or not writable" % dest)
    if folder and not os.path.exists(folder):
        raise ModuleFailed("basedir %s doesn't exist" % folder)
    program = context.which("patch")
    if program is None:
        raise ModuleFailed("patch command not found")
    words = [program, "--quiet", "--forward", "--strip=%d" % args["strip"], "--directory=%s" % (folder or os.path.dirname(dest))]
    words += [
        "--input=%s" % source,
        *(["--binary"] if args["binary"] else []),
        *(["--ignore-whitespace"] if args["ignore_whitespace"] else []),
    ]
    applied = context.run([*words, "--dry-run", *_direction(args["state"] == "present"), *([dest] if dest else [])])[0] == 0
    if not applied:
        more: List[str] = ["--batch", "--reject-file=-", *_direction(args["state"] == "absent")]
        more += ["--dry-run"] if context.check else []
        more += ["--backup", "--version-control=numbered"] if args["backup"] else []
        code, out, err = context.run([*words, *more, *([dest] if dest else [])])
        if code != 0:
            raise ModuleFailed(err or out)
    return {"changed": not applied}


def _direction(back: bool) -> List[str]:
    return ["--reverse"] if back else []
