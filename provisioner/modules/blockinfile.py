"""blockinfile: a block of lines between markers."""

import os
import re
from typing import Any, Dict, List

from provisioner.agent import attributes, contents, edits
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True, "aliases": ["dest", "destfile", "name"]},
    state={"default": "present", "choices": ["absent", "present"]},
    marker={"default": "# {mark} ANSIBLE MANAGED BLOCK"},
    marker_begin={"default": "BEGIN"},
    marker_end={"default": "END"},
    block={"default": "", "aliases": ["content"]},
    insertafter={},
    insertbefore={},
    create={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    validate={},
    append_newline={"type": "bool", "default": False},
    prepend_newline={"type": "bool", "default": False},
    encoding={"default": "utf-8"},
    _rules={"mutually_exclusive": [["insertbefore", "insertafter"]]},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    if os.path.isdir(path):
        raise ModuleFailed("Path %s is a directory !" % path, rc=256)
    exists = os.path.exists(path)
    if not exists and not args["create"]:
        raise ModuleFailed("Path %s does not exist !" % path, rc=257)
    if not exists and args["state"] == "absent":
        return {"changed": False, "msg": "File %s not present" % path}
    text = ""
    if exists:
        with open(path, newline="", errors="surrogateescape") as file:
            text = file.read()
    made = "".join(_changed(text.splitlines(keepends=True), args))
    before, after = text.encode(errors="surrogateescape"), made.encode(errors="surrogateescape")
    different = after != before or not exists
    kept = args["state"] == "present" and args["block"]
    msg = "" if not different else "File created" if not exists else "Block inserted" if kept else "Block removed"
    result: Dict[str, Any] = {}
    if different:
        edits.validate(args["validate"], after, context)
        if not context.check:
            if args["backup"] and exists:
                result["backup_file"] = contents.backup(path)
            edits.make_folder(path, context)
            contents.write(path, after)
    changed, detail = edits.attribute_change(path, args, context)
    result.update(changed=changed or different, msg=edits.with_attributes(msg, changed))
    shown = edits.content_diff(path, before, after, context)
    # A file that would be made has no attributes to compare yet.
    result["diff"] = shown if context.check and not exists else [shown, detail]
    return result


def _changed(lines: List[str], args: Dict[str, Any]) -> List[str]:
    marker = args["marker"]
    begin = marker.replace("{mark}", args["marker_begin"])
    end = marker.replace("{mark}", args["marker_end"])
    plain = [line.rstrip("\r\n") for line in lines]
    first = max((i for i, line in enumerate(plain) if line == begin), default=None)
    last = max((i for i, line in enumerate(plain) if line == end), default=None)
    block: List[str] = []
    if args["state"] == "present" and args["block"]:
        block = [begin + "\n"] + [line + "\n" for line in args["block"].splitlines()] + [end + "\n"]
    rest = list(lines)
    at = None
    if first is not None and last is not None:
        at = min(first, last)
        del rest[at : max(first, last) + 1]
    if not block:
        return rest
    if at is None:
        at = _place(lines, args)
    if at and not rest[at - 1].endswith("\n"):
        rest[at - 1] += "\n"
    if args["prepend_newline"] and at and rest[at - 1].strip():
        block.insert(0, "\n")
    if args["append_newline"] and at < len(rest) and rest[at].strip():
        block.append("\n")
    return rest[:at] + block + rest[at:]


def _place(lines: List[str], args: Dict[str, Any]) -> int:
    """Where the block goes: at the last line that matches; a pattern with `(?m)` is looked for in the whole text, where its first match counts."""
    before = args["insertbefore"]
    wanted = before or args["insertafter"] or "EOF"
    if wanted in ("BOF", "EOF"):
        return 0 if before == "BOF" else len(lines)
    pattern = re.compile(wanted)
    if pattern.flags & re.MULTILINE:
        text = "".join(lines)
        found = [text.count("\n", 0, match.start() if before else match.end()) for match in [pattern.search(text)] if match]
    else:
        found = [number for number, line in enumerate(lines) if pattern.search(line)]
    return found[-1] + (0 if before else 1) if found else len(lines)
