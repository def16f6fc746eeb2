"""file: files, folders, links and their absence; owner, group, mode and times."""

import os
import shutil
import time
from typing import Any, Dict, FrozenSet, List, Optional, Tuple

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
    _original_basename={"listed": True},
    _diff_peek={"type": "bool", "listed": True},
)
# Of a folder that is removed, so many names are told; a guess at what somebody reads.
MAX_TOLD = 10_000


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    args = _settled(args)
    if context.check and args["state"] != "absent":
        _accounts_exist(args, context)
    actions = {"absent": _absent, "directory": _directory, "file": _file, "touch": _touch, "link": _link, "hard": _hard}
    result = actions[args["state"]](args["path"], args, context)
    if not context.diff:
        result.pop("diff", None)
    return result


def _settled(args: Dict[str, Any]) -> Dict[str, Any]:
    """Arguments with the state that is meant where none is given. Raises ModuleFailed for what doesn't go together."""
    path, state = args["path"], args["state"]
    basename = args["_original_basename"] or os.path.basename(args["src"] or "")
    if state not in ("link", "absent") and basename and os.path.isdir(path):
        path = os.path.join(path, basename)
    if state is None:
        found = attributes.state_of(path)
        state = found if found != "absent" else "directory" if args["recurse"] else "file"
    if args["recurse"] and state != "directory":
        raise ModuleFailed("recurse option requires state to be 'directory'", path=path)
    if args["src"] and state not in ("link", "hard"):
        raise ModuleFailed("src option requires state to be 'link' or 'hard'", path=path)
    return dict(args, path=path, state=state)


def _accounts_exist(args: Dict[str, Any], context: Context) -> None:
    """In check mode, an account that another task would make is no failure."""
    for name, noun, find in (("owner", "user", attributes.uid_of), ("group", "group", attributes.gid_of)):
        try:
            if args[name] is not None:
                find(args[name])
        except ModuleFailed:
            context.warn("failed to look up %s %s. Create %s up to this point in real play" % (noun, args[name], noun))


def _initial_diff(path: str, state: str, before: str) -> Dict[str, Any]:
    diff: Dict[str, Any] = {"before": {"path": path}, "after": {"path": path}}
    if before != state:
        diff["before"]["state"], diff["after"]["state"] = before, state
    if state == "absent" and before == "directory":
        diff["before"]["path_content"] = _inside(path)
    return diff


def _inside(path: str) -> Dict[str, List[str]]:
    """What goes with a folder, for the diff."""
    found: Dict[str, List[str]] = {"directories": [], "files": []}
    for folder, folders, files in os.walk(path):
        found["directories"] += [os.path.join(folder, name) for name in folders]
        found["files"] += [os.path.join(folder, name) for name in files]
        if len(found["directories"]) + len(found["files"]) > MAX_TOLD:
            break
    return found


def _absent(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    before = attributes.state_of(path)
    if before == "absent":
        return {"path": path, "changed": False, "state": "absent"}
    diff = _initial_diff(path, "absent", before)
    if not context.check:
        try:
            if before == "directory":
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            if before == "directory":
                raise ModuleFailed("rmtree failed: %s" % error)
            raise ModuleFailed("Unlinking failed.", path=path, exception=str(error))
    return {"path": path, "changed": True, "diff": diff, "state": "absent"}


def _touch(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    before = attributes.state_of(path)
    _moments(args, "now")  # a wrong one is told before anything is made
    if before == "absent":
        if context.check:
            return {"dest": path, "changed": True}
        try:
            with open(path, "wb"):
                pass
        except OSError as error:
            raise ModuleFailed("Error, could not touch target.", path=path, exception=str(error))
    diff = _initial_diff(path, "touch", before)
    try:
        changed = _give(attributes.followed(path, args), args, context, diff, "now") or before == "absent"
    except ModuleFailed:
        if before == "absent":
            os.remove(path)
        raise
    return {"dest": path, "changed": changed, "diff": diff}


def _file(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = attributes.followed(path, args)
    found = attributes.state_of(path)
    if found not in ("file", "hard"):
        raise ModuleFailed("file (%s) is %s, cannot continue" % (path, found), path=path, state=found)
    diff = _initial_diff(path, "file", found)
    return {"path": path, "changed": _give(path, args, context, diff), "diff": diff}


def _directory(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = attributes.followed(path, args)
    before = attributes.state_of(path)
    diff = _initial_diff(path, "directory", before)
    if before == "absent":
        if not context.check:
            _make_folders(path, args, context, diff)
        return {"path": path, "changed": True, "diff": diff}
    if before != "directory":
        raise ModuleFailed("%s already exists as a %s" % (path, before), path=path)
    changed = _give(path, args, context, diff)
    if args["recurse"]:
        changed = _give_all(path, args, context) or changed
    return {"path": path, "changed": changed, "diff": diff}


def _make_folders(path: str, args: Dict[str, Any], context: Context, diff: Dict[str, Any]) -> None:
    """Folders above that are missing get owner and mode as well."""
    made = ""
    try:
        for part in path.strip("/").split("/"):
            made = made + "/" + part if made or os.path.isabs(path) else part
            if not os.path.exists(made):
                os.mkdir(os.fsencode(made))
                _give(made, args, context, diff)
    except OSError as error:
        raise ModuleFailed("There was an issue creating %s as requested: %s" % (made, error), path=path)


def _give_all(path: str, args: Dict[str, Any], context: Context, seen: FrozenSet[str] = frozenset()) -> bool:
    """Of everything below. A link that leads back to a folder it lies in (`seen`) is followed no further."""
    changed = False
    seen = seen | {os.path.realpath(path)}
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            inside = os.path.join(folder, name)
            changed = _give(inside, args, context) or changed
            if not (os.path.islink(inside) and args["follow"]):
                continue
            target = os.path.join(folder, os.readlink(inside))
            if os.path.exists(target):
                if os.path.isdir(target) and os.path.realpath(target) not in seen:
                    changed = _give_all(target, args, context, seen) or changed
                changed = _give(target, args, context) or changed
    return changed


def _link(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    source, before = args["src"], attributes.state_of(path)
    if source is None and args["follow"] and os.path.islink(path) and os.path.exists(path):
        source = os.readlink(path)
    base = path if before == "directory" else os.path.dirname(path)
    if not args["force"] and source is not None and not os.path.exists(os.path.join(base, source)):
        msg = "src file does not exist, use 'force=yes' if you really want to create the link: %s" % os.path.join(base, source)
        raise ModuleFailed(msg, path=path, src=source)
    if before in ("file", "hard", "directory") and not args["force"]:
        raise ModuleFailed("refusing to convert from %s to symlink for %s" % (before, path), path=path)
    if before == "directory" and os.listdir(path):
        raise ModuleFailed("the directory %s is not empty, refusing to convert it" % path, path=path)
    if source is None and before != "link":
        raise ModuleFailed("src is required for creating new symlinks")
    diff = _initial_diff(path, "link", before)
    changed = before != "link"
    if not changed and source is not None and os.readlink(path) != source:
        diff["before"]["src"], diff["after"]["src"], changed = os.readlink(path), source, True
    if changed and not context.check:
        _put(path, before, lambda at: os.symlink(os.fsencode(source), os.fsencode(at)))
    result = {"dest": path, "src": source, "changed": changed, "diff": diff}
    if context.check and not os.path.exists(path):
        return result
    if args["follow"] and os.path.islink(path) and not os.path.exists(path):
        context.warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
        return result
    return dict(result, changed=_give(attributes.followed(path, args), args, context, diff) or changed)


def _hard(path: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    source, before = args["src"], attributes.state_of(path)
    if before != "hard" and source is None:
        raise ModuleFailed("src is required for creating new hardlinks")
    if source is not None and not os.path.exists(source):
        raise ModuleFailed("src does not exist", dest=path, src=source)
    diff = _initial_diff(path, "hard", before)
    changed = before in ("absent", "file", "directory")
    if before == "link" and os.readlink(path) != source:
        diff["before"]["src"], diff["after"]["src"], changed = os.readlink(path), source, True
    elif before == "hard" and source is not None:
        changed = not os.path.samefile(path, source)
    refusals = {
        "hard": "Cannot link, different hard link exists at destination",
        "file": "Cannot link, file exists at destination",
        "directory": "Cannot link: different hard link exists at destination",
    }
    if changed and before in refusals and not args["force"]:
        raise ModuleFailed(refusals[before], dest=path, src=source)
    if changed and not context.check:
        origin = os.path.realpath(source) if args["follow"] else source
        _put(path, before, lambda at: os.link(os.fsencode(origin), os.fsencode(at)))
    result = {"dest": path, "src": source, "changed": changed, "diff": diff}
    if context.check and not os.path.exists(path):
        return result
    return dict(result, changed=_give(attributes.followed(path, args), args, context, diff) or changed)


def _put(path: str, before: str, make: Any) -> None:
    """A link in place at once: what is there is replaced, an empty folder removed."""
    if before == "absent":
        try:
            make(path)
        except OSError as error:
            raise ModuleFailed("Error while linking: %s" % error, path=path)
        return
    fresh = os.path.join(os.path.dirname(path), ".%d.%s.tmp" % (os.getpid(), time.time()))
    try:
        if before == "directory":
            os.rmdir(path)
        make(fresh)
        os.rename(fresh, path)
    except OSError as error:
        if os.path.lexists(fresh):
            os.unlink(fresh)
        raise ModuleFailed("Error while replacing: %s" % error, path=path)


def _give(path: str, args: Dict[str, Any], context: Context, diff: Optional[Dict[str, Any]] = None, times: str = "preserve") -> bool:
    """Owner, group, mode, and times of access and change, which are `times` where none are given."""
    changed = attributes.apply(path, args, context, diff)
    accessed, modified = _moments(args, times)
    if accessed == modified == "preserve" or (context.check and not os.path.lexists(path)):
        return changed
    status = os.stat(path)
    now = time.time()
    wanted = [
        before if moment == "preserve" else now if moment == "now" else moment
        for moment, before in ((accessed, status.st_atime), (modified, status.st_mtime))
    ]
    if wanted == [status.st_atime, status.st_mtime]:
        return changed
    if not context.check:
        try:
            # Now, for both, is allowed to more users than any other time.
            os.utime(path, None if accessed == modified == "now" else (wanted[0], wanted[1]))
        except OSError as error:
            raise ModuleFailed("Error while updating modification or access time: %s" % error, path=path)
    if diff is not None:
        for name, before, after in (("mtime", status.st_mtime, wanted[1]), ("atime", status.st_atime, wanted[0])):
            if before != after:
                diff["before"][name], diff["after"][name] = before, after
    return True


def _moments(args: Dict[str, Any], default: str) -> Tuple[Any, Any]:
    """Times of access and change: seconds, "now" or "preserve". Raises ModuleFailed."""
    found = []
    for name in ("access_time", "modification_time"):
        text, form = args[name] if args[name] is not None else default, args[name + "_format"]
        if text not in ("now", "preserve"):
            try:
                text = time.mktime(time.strptime(str(text), form))
            except (ValueError, OverflowError) as error:
                raise ModuleFailed("Error while obtaining timestamp for time %s using format %s: %s" % (text, form, error))
        found.append(text)
    return found[0], found[1]
