"""What modules that edit text files have in common: validation of the new content, putting it into place, and the result's diff and message."""

import os
import shlex
import tempfile
from typing import Any, Dict, Optional, Tuple

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ATTRIBUTES_CHANGED = "ownership, perms or SE linux context changed"


def text_of(data: bytes) -> str:
    """Content as a diff shows it; what is not UTF-8 becomes a replacement character."""
    return data.decode("utf-8", "replace")


def validate(command: Optional[str], content: bytes, context: Context) -> Optional[Dict[str, Any]]:
    """Runs the user's check on the content before anybody sees it; what the check said. Raises ModuleFailed."""
    if not command:
        return None
    if "%s" not in command:
        raise ModuleFailed("validate must contain %%s: %s" % command)
    handle, path = tempfile.mkstemp(prefix="provision-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        code, out, err = context.run(shlex.split(command % shlex.quote(path)))
    finally:
        os.unlink(path)
    if code != 0:
        raise ModuleFailed("failed to validate: rc:%s error:%s" % (code, err))
    return {"rc": code, "stdout": out, "stderr": err}


def content_diff(path: str, before: bytes, after: bytes, context: Context) -> Dict[str, Any]:
    """The part of a diff about a file's content; empty texts where nobody asked for a diff."""
    header = "%s (content)" % path
    told = context.diff
    if told and max(len(before), len(after)) > contents.DIFF_BYTES:
        return {"before": "", "after": "", "before_header": header, "after_header": header, "src_larger": contents.DIFF_BYTES}
    return {
        "before": text_of(before) if told else "",
        "after": text_of(after) if told else "",
        "before_header": header,
        "after_header": header,
    }


def attribute_change(path: str, args: Dict[str, Any], context: Context) -> Tuple[bool, Dict[str, Any]]:
    """(whether owner, group or mode change, the diff about that)"""
    detail: Dict[str, Any] = {}
    changed = attributes.apply(path, args, context, detail)
    detail.update(before_header="%s (file attributes)" % path, after_header="%s (file attributes)" % path)
    return changed, detail


def with_attributes(msg: str, changed: bool) -> str:
    """A result's message, when owner, group or mode changed as well."""
    if not changed:
        return msg
    return "%s and %s" % (msg, ATTRIBUTES_CHANGED) if msg else ATTRIBUTES_CHANGED


def make_folder(path: str, context: Context) -> None:
    """The folder that a file is to lie in. Raises ModuleFailed."""
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder) and not context.check:
        try:
            os.makedirs(folder)
        except OSError as error:
            raise ModuleFailed("Error creating %s (%s)" % (folder, error.strerror))
