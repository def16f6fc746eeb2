"""replace: every match of a regular expression in a file, or in the part of it between two others, becomes something else."""

import os
import re
from typing import Any, Dict, Optional, Tuple

from provisioner.agent import attributes, contents, edits
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True, "aliases": ["dest", "destfile", "name"]},
    regexp={"required": True},
    replace={"default": ""},
    after={},
    before={},
    backup={"type": "bool", "default": False},
    validate={},
    encoding={"default": "utf-8"},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    if os.path.isdir(path):
        raise ModuleFailed("Path %s is a directory !" % path, rc=256)
    if not os.path.exists(path):
        raise ModuleFailed("Path %s does not exist !" % path, rc=257)
    with open(path, "rb") as file:
        raw = file.read()
    text = raw.decode(args["encoding"], "surrogateescape")
    made, count, reason = replaced(text, args)
    if made is None:
        return {"changed": False, "msg": reason, "rc": 0}
    after = made.encode(args["encoding"], "surrogateescape")
    changed = count > 0 and after != raw
    msg = "%d replacements made" % count if changed else ""
    result: Dict[str, Any] = {"rc": 0}
    if changed:
        if context.diff:
            result["diff"] = {"before_header": path, "before": _shown(text), "after_header": path, "after": _shown(made)}
        if not context.check:
            if args["backup"]:
                result["backup_file"] = contents.backup(os.path.realpath(path))
            edits.validate(args["validate"], after, context)
            contents.write(os.path.realpath(path), after)
    other = attributes.apply(path, args, context)
    return dict(result, changed=changed or other, msg=edits.with_attributes(msg, other))


def _shown(text: str) -> str:
    """Text for people: bytes that the encoding does not know become question marks."""
    return text.encode("utf-8", "replace").decode()


def replaced(text: str, args: Dict[str, Any]) -> Tuple[Optional[str], int, str]:
    """(new text, number of replacements, ""), or (None, 0, why nothing was looked at)."""
    start, end = 0, len(text)
    after, before = args["after"], args["before"]
    if after is not None or before is not None:
        if after is not None and before is not None:
            part = "%s(?P<subsection>.*?)%s" % (after, before)
        elif after is not None:
            part = "%s(?P<subsection>.*)" % after
        else:
            part = "(?P<subsection>.*)%s" % before
        found = _compiled(part, re.DOTALL).search(text)
        if found is None:
            return None, 0, "Pattern for before/after params did not match the given file: %s" % part
        start, end = found.span("subsection")
    try:
        middle, count = _compiled(args["regexp"], re.MULTILINE).subn(args["replace"], text[start:end])
    except (re.error, IndexError) as error:
        raise ModuleFailed("Unable to process replace due to error: %s" % error)
    return text[:start] + middle + text[end:], count, ""


def _compiled(text: str, flags: int) -> "re.Pattern[str]":
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise ModuleFailed("%s is no regular expression that can be understood: %s" % (text, error))
