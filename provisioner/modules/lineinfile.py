"""lineinfile: one line of a text file is there, is replaced, or is gone. Files are bytes here: their encoding stays as it is."""

import os
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from provisioner.agent import attributes, contents, edits
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True, "aliases": ["dest", "destfile", "name"]},
    state={"default": "present", "choices": ["absent", "present"]},
    regexp={"aliases": ["regex"]},
    search_string={},
    line={"aliases": ["value"]},
    insertafter={},
    insertbefore={},
    backrefs={"type": "bool", "default": False},
    create={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    firstmatch={"type": "bool", "default": False},
    validate={},
    _rules={"mutually_exclusive": [["insertbefore", "insertafter"], ["regexp", "search_string"], ["backrefs", "search_string"]]},
)
NEWLINE = b"\n"
Found = Callable[[bytes], Optional[Any]]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    _warn(args, context)
    if os.path.isdir(path):
        raise ModuleFailed("Path %s is a directory !" % path, rc=256)
    present = args["state"] == "present"
    _check(args, present)
    exists = os.path.exists(path)
    if not exists and not present:
        return {"changed": False, "msg": "file not present"}
    if not exists and not args["create"]:
        raise ModuleFailed("Destination %s does not exist !" % path, rc=257)
    before = b""
    if exists:
        with open(path, "rb") as file:
            before = file.read()
    lines = _split(before)
    result: Dict[str, Any] = {"backup": ""}
    if present:
        after_lines, msg = changed_lines(lines, args)
    else:
        after_lines = _remaining(lines, args)
        result["found"] = len(lines) - len(after_lines)
        msg = "%d line(s) removed" % result["found"] if result["found"] else ""
    return _finish(args, context, before, b"".join(after_lines), msg, result)


def _split(data: bytes) -> List[bytes]:
    """Lines as editors see them: only a line feed ends one."""
    parts = data.split(NEWLINE)
    lines = [part + NEWLINE for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _warn(args: Dict[str, Any], context: Context) -> None:
    text = (
        "The %s is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the"
        " last line in the file rather than appending."
    )
    if args["regexp"] == "":
        context.warn(text % "regular expression" + " If this is desired, use '^' to match every line in the file and avoid this warning.")
    if args["search_string"] == "":
        context.warn(text % "search string")


def _check(args: Dict[str, Any], present: bool) -> None:
    if present and args["backrefs"] and args["regexp"] is None:
        raise ModuleFailed("regexp is required with backrefs=true")
    if present and args["line"] is None:
        raise ModuleFailed("line is required with state=present")
    if not present and args["regexp"] is None and args["search_string"] is None and args["line"] is None:
        raise ModuleFailed("one of line, search_string, or regexp is required with state=absent")


def pattern(text: str, name: str) -> "re.Pattern[bytes]":
    try:
        return re.compile(text.encode("utf-8", "surrogateescape"))
    except re.error as error:
        raise ModuleFailed("%s is no regular expression that can be understood: %s: %s" % (name, error, text))


def _finder(args: Dict[str, Any]) -> Found:
    """Whether a line is the one that is meant."""
    if args["regexp"] is not None:
        return pattern(args["regexp"], "regexp").search
    wanted = (args["search_string"] if args["search_string"] is not None else args["line"]).encode("utf-8", "surrogateescape")
    if args["search_string"] is not None:
        return lambda line: wanted in line or None
    return lambda line: line.rstrip(b"\r\n") == wanted or None


def _remaining(lines: List[bytes], args: Dict[str, Any]) -> List[bytes]:
    found = _finder(args)
    return [line for line in lines if not found(line)]


def changed_lines(lines: List[bytes], args: Dict[str, Any]) -> Tuple[List[bytes], str]:
    """The lines with the wanted one among them, and what was done."""
    wanted = args["line"].encode("utf-8", "surrogateescape")
    found = _finder(args)
    at, match = None, None
    for number, line in enumerate(lines):
        hit = found(line)
        if hit:
            at, match = number, hit
            if args["firstmatch"]:
                break
    if at is not None:
        if args["backrefs"]:
            try:
                wanted = match.expand(wanted)  # type: ignore[union-attr]
            except (re.error, IndexError) as error:
                raise ModuleFailed("line can't be made from what regexp found: %s: %s" % (error, args["line"]))
        new = wanted if wanted.endswith(NEWLINE) else wanted + NEWLINE
        if lines[at] == new:
            return lines, ""
        return lines[:at] + [new] + lines[at + 1 :], "line replaced"
    if args["backrefs"]:
        return lines, ""
    if any(line.rstrip(b"\r\n") == wanted for line in lines):
        return lines, ""
    return _inserted(lines, wanted + NEWLINE, args), "line added"


def _inserted(lines: List[bytes], new: bytes, args: Dict[str, Any]) -> List[bytes]:
    before, after = args["insertbefore"], args["insertafter"]
    if before == "BOF" or after == "BOF":
        return [new, *lines]
    place: Optional[int] = None
    for text, name, step in ((before, "insertbefore", 0), (after, "insertafter", 1)):
        if text in (None, "EOF"):
            continue
        search = pattern(text, name).search
        for number, line in enumerate(lines):
            if search(line):
                place = number + step
                if args["firstmatch"]:
                    break
    if place is None:
        place = len(lines)
    head = list(lines[:place])
    if head and not head[-1].endswith(NEWLINE):
        head[-1] += NEWLINE
    return [*head, new, *lines[place:]]


def _finish(args: Dict[str, Any], context: Context, before: bytes, after: bytes, msg: str, result: Dict[str, Any]) -> Dict[str, Any]:
    path = args["path"]
    diffs = [edits.content_diff(path, before, after, context)]
    changed = bool(msg)
    exists = os.path.exists(path)
    if changed:
        if args["backup"] and exists and not context.check:
            result["backup"] = contents.backup(path)
        if not context.check:
            edits.validate(args["validate"], after, context)
            edits.make_folder(path, context)
            contents.write(path, after)
    if context.check and not exists:
        return dict(result, changed=changed, msg=msg, diff=diffs[0])
    other, detail = edits.attribute_change(path, args, context)
    diffs.append(detail)
    return dict(result, changed=changed or other, msg=edits.with_attributes(msg, other), diff=diffs)
