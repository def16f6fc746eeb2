"""find: files by name, age, size, type and content."""

import fnmatch
import os
import re
import stat as modes
import time
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "paths": {"type": "list", "required": True, "aliases": ["name", "path"]},
    "patterns": {"type": "list", "aliases": ["pattern"]},
    "excludes": {"type": "list", "aliases": ["exclude"]},
    "contains": {},
    "read_whole_file": {"type": "bool", "default": False},
    "file_type": {"default": "file", "choices": ["any", "directory", "file", "link"]},
    "age": {},
    "age_stamp": {"default": "mtime", "choices": ["atime", "ctime", "mtime"]},
    "size": {},
    "recurse": {"type": "bool", "default": False},
    "hidden": {"type": "bool", "default": False},
    "follow": {"type": "bool", "default": False},
    "get_checksum": {"type": "bool", "default": False},
    "checksum_algorithm": {"default": "sha1"},
    "use_regex": {"type": "bool", "default": False},
    "depth": {"type": "int"},
    "mode": {"type": "raw"},
    "exact_mode": {"type": "bool", "default": True},
    "limit": {"type": "int"},
    "encoding": {},
}
AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    age, size = _bound(args["age"], AGES, "age"), _bound(args["size"], SIZES, "size")
    found: List[Dict[str, Any]] = []
    looked = 0
    skipped: Dict[str, str] = {}
    for root in args["paths"]:
        root = os.path.expanduser(os.path.expandvars(root))
        if not os.path.isdir(root):
            skipped[root] = "'%s' is not a directory" % root
            continue
        for folder, folders, files in os.walk(root, followlinks=args["follow"]):
            looked += len(files) + len(folders)
            depth = folder.rstrip("/").count("/") - root.rstrip("/").count("/")
            for name in sorted(files + folders):
                entry = _entry(os.path.join(folder, name), name, args, age, size)
                if entry is not None and (args["limit"] is None or len(found) < args["limit"]):
                    found.append(entry)
            if not args["recurse"] or (args["depth"] is not None and depth + 1 >= args["depth"]):
                folders[:] = []
            elif not args["hidden"]:
                folders[:] = [f for f in folders if not f.startswith(".")]
    msg = "All paths examined" if not skipped else "Not all paths examined, check warnings for details"
    return {"changed": False, "files": found, "matched": len(found), "examined": looked, "skipped_paths": skipped, "msg": msg}


def _bound(text: Optional[str], units: Dict[str, int], name: str) -> Optional[int]:
    if text is None:
        return None
    found = re.match(r"^(-?\d+)(%s)?$" % "|".join(units), str(text).lower())
    if found is None:
        raise ModuleFailed("failed to process %s" % name, **{name: text})
    return int(found.group(1)) * units.get(found.group(2) or "", 1)


def _named(name: str, patterns: List[str], regex: bool) -> bool:
    return any(re.match(p, name) if regex else fnmatch.fnmatch(name, p) for p in patterns)


def _entry(path: str, name: str, args: Dict[str, Any], age: Optional[int], size: Optional[int]) -> Optional[Dict[str, Any]]:
    if not args["hidden"] and name.startswith("."):
        return None
    if args["patterns"] and not _named(name, args["patterns"], args["use_regex"]):
        return None
    if args["excludes"] and _named(name, args["excludes"], args["use_regex"]):
        return None
    try:
        found = os.stat(path) if args["follow"] else os.lstat(path)
    except OSError:
        return None
    kind = (
        "link"
        if modes.S_ISLNK(found.st_mode)
        else "directory"
        if modes.S_ISDIR(found.st_mode)
        else "file"
        if modes.S_ISREG(found.st_mode)
        else "other"
    )
    if args["file_type"] not in ("any", kind):
        return None
    if age is not None:
        elapsed = time.time() - getattr(found, "st_" + args["age_stamp"])
        if (elapsed < age) if age >= 0 else (elapsed > -age):
            return None
    if size is not None and ((found.st_size < size) if size >= 0 else (found.st_size > -size)):
        return None
    if args["mode"] is not None:
        wanted = attributes.mode_of(args["mode"], 0, False)
        have = modes.S_IMODE(found.st_mode)
        if (have != wanted) if args["exact_mode"] else not have & wanted:
            return None
    if args["contains"] and not (kind == "file" and _contains(path, args["contains"], args["read_whole_file"])):
        return None
    entry: Dict[str, Any] = {
        "path": path,
        "mode": "%04o" % modes.S_IMODE(found.st_mode),
        "isdir": kind == "directory",
        "isreg": kind == "file",
        "islnk": kind == "link",
        "ischr": modes.S_ISCHR(found.st_mode),
        "isblk": modes.S_ISBLK(found.st_mode),
        "isfifo": modes.S_ISFIFO(found.st_mode),
        "issock": modes.S_ISSOCK(found.st_mode),
        "isuid": bool(found.st_mode & modes.S_ISUID),
        "isgid": bool(found.st_mode & modes.S_ISGID),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "size": found.st_size,
        "inode": found.st_ino,
        "dev": found.st_dev,
        "nlink": found.st_nlink,
        "atime": found.st_atime,
        "mtime": found.st_mtime,
        "ctime": found.st_ctime,
        "pw_name": attributes.name_of_uid(found.st_uid),
        "gr_name": attributes.name_of_gid(found.st_gid),
    }
    for place, who in enumerate(("usr", "grp", "oth")):
        for bit, may in ((0o400, "r"), (0o200, "w"), (0o100, "x")):
            entry[may + who] = bool(found.st_mode & (bit >> 3 * place))
    if args["get_checksum"] and kind == "file":
        entry["checksum"] = contents.sha1_of(path)
    return entry


def _contains(path: str, pattern: str, whole: bool) -> bool:
    try:
        with open(path, errors="replace") as file:
            if whole:
                return re.search(pattern, file.read(), re.DOTALL) is not None
            return any(re.match(pattern, line) for line in file)
    except OSError:
        return False
