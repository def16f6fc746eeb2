"""file: files, folders, links and their absence; owner, group and mode."""

import os
import shutil
import time
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True, "aliases": ["dest", "name"]},
    state={"choices": ["absent", "directory", "file", "hard", "link", "touch"]},
    src={"type": "path"},
    recurse={"type": "bool", "default": False},
    force={"type": "bool", "default": False},
    follow={"type": "bool", "default": True},
    modification_time={},
    modification_time_format={"default": "%Y%m%d%H%M.%S"},
    access_time={},
    access_time_format={"default": "%Y%m%d%H%M.%S"},
)

# Of a folder that is removed, so many names are told; a guess at what somebody reads.
MAX_TOLD = 10_000


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    state = args["state"]
    if state is None:
        state = (
            "directory" if args["recurse"] else "link" if args["src"] else attributes.state_of(path) if os.path.lexists(path) else "file"
        )
    if state in ("file", "hard") and args["follow"] and os.path.islink(path) and not args["src"]:
        path = os.path.realpath(path)
    before = attributes.state_of(path)
    diff: Dict[str, Any] = {"before": {"path": path}, "after": {"path": path}}
    if before != state:
        diff["before"]["state"], diff["after"]["state"] = before, state
    if state == "absent" and before == "directory":
        diff["before"]["path_content"] = _inside(path)
    actions = {"absent": _absent, "directory": _directory, "file": _file, "touch": _touch, "link": _link, "hard": _link}
    changed = actions[state](path, args, context, diff)
    result: Dict[str, Any] = {"changed": changed, "dest" if state in ("link", "hard", "touch") else "path": path}
    if state in ("link", "hard"):
        result["src"] = args["src"]
    result.update(attributes.describe(path))
    if state == "absent":
        result["state"] = "absent"
    if context.diff:
        result["diff"] = diff
    return result


def _inside(path: str) -> Dict[str, List[str]]:
    """What goes with a folder, for the diff."""
    found: Dict[str, List[str]] = {"directories": [], "files": []}
    for folder, folders, files in os.walk(path):
        found["directories"] += [os.path.join(folder, name) for name in folders]
        found["files"] += [os.path.join(folder, name) for name in files]
        if len(found["directories"]) + len(found["files"]) > MAX_TOLD:
            break
    return found


def _absent(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> bool:
    if not os.path.lexists(path):
        return False
    if not context.check:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    return True


def _directory(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> bool:
    changed = False
    if os.path.lexists(path) and not os.path.isdir(path):
        raise ModuleFailed("%s already exists as a %s" % (path, attributes.state_of(path)), path=path)
    if not os.path.isdir(path):
        if context.check:
            return True
        changed = True
        made = ""
        for part in path.strip("/").split("/"):
            made = made + "/" + part if path.startswith("/") or made else part
            if not os.path.isdir(made):
                os.mkdir(made)
                attributes.apply(made, args, context)
    changed = attributes.apply(path, args, context, diff) or changed
    if args["recurse"]:
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                changed = attributes.apply(os.path.join(folder, name), args, context) or changed
    return changed


def _file(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> bool:
    found = attributes.state_of(path)
    if found == "absent":
        raise ModuleFailed("file (%s) is absent, cannot continue" % path, path=path, state="absent")
    if found not in ("file", "hard"):
        raise ModuleFailed("file (%s) is %s, cannot continue" % (path, found), path=path, state=found)
    return attributes.apply(path, args, context, diff)


def _touch(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> bool:
    if not os.path.lexists(path):
        if context.check:
            return True
        with open(path, "ab"):
            os.utime(path, None)
        attributes.apply(path, args, context, diff)
        return True
    changed = attributes.apply(path, args, context, diff)
    status = os.stat(path)
    accessed = _moment(args["access_time"], args["access_time_format"], status.st_atime)
    modified = _moment(args["modification_time"], args["modification_time_format"], status.st_mtime)
    if (accessed, modified) != (status.st_atime, status.st_mtime):
        changed = True
        if not context.check:
            os.utime(path, (accessed, modified))
    return changed


def _moment(wanted: Optional[str], form: str, current: float) -> float:
    if wanted == "preserve":
        return current
    if wanted in (None, "now", ""):
        return time.time()
    try:
        return time.mktime(time.strptime(str(wanted), form))
    except ValueError as error:
        raise ModuleFailed("Error while obtaining timestamp for time %s using format %s: %s" % (wanted, form, error))


def _link(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> bool:
    source = args["src"]
    hard = args["state"] == "hard"
    if not source:
        if os.path.islink(path) and not hard:
            source = os.readlink(path)
        else:
            raise ModuleFailed("src is required for creating new %s" % ("hardlinks" if hard else "symlinks"))
    if os.path.isdir(path) and not os.path.islink(path) and not hard:
        if not args["force"] or os.listdir(path):
            raise ModuleFailed("refusing to convert from directory to symlink for %s" % path, path=path)
    absolute = source if os.path.isabs(source) else os.path.join(os.path.dirname(path), source)
    if not os.path.exists(absolute) and (hard or not args["force"]):
        raise ModuleFailed(
            'src file does not exist, use "force=yes" if you really want to create the link: %s' % absolute, path=path, src=source
        )
    if hard:
        same = os.path.exists(path) and os.path.samefile(path, absolute)
    else:
        same = os.path.islink(path) and os.readlink(path) == source
    if os.path.lexists(path) and not same and not os.path.islink(path) and not os.path.isdir(path) and not args["force"]:
        raise ModuleFailed("refusing to convert from file to %s for %s" % ("hardlink" if hard else "symlink", path), path=path)
    if not same and not context.check:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        fresh = "%s.%d.new" % (path, os.getpid())
        (os.link if hard else os.symlink)(absolute if hard else source, fresh)
        os.rename(fresh, path)
    if same or not context.check:
        follow: List[str] = [key for key in ("owner", "group") if args.get(key) is not None]
        if follow:
            return attributes.apply(path, args, context, diff) or not same
    return not same
