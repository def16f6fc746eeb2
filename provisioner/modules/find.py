"""find: files by name, age, size, type and content."""

import errno
import fnmatch
import os
import re
import stat as modes
import time
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "paths": {"type": "list", "elements": "path", "required": True, "aliases": ["name", "path"]},
    "patterns": {"type": "list", "elements": "str", "default": [], "aliases": ["pattern"]},
    "excludes": {"type": "list", "elements": "str", "aliases": ["exclude"]},
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
    "checksum_algorithm": {
        "default": "sha1",
        "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
        "aliases": ["checksum", "checksum_algo"],
    },
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
    if args["mode"] and not isinstance(args["mode"], str):
        kind = type(args["mode"]).__name__
        raise ModuleFailed("argument 'mode' is not a string and conversion is not allowed, value is of type %s" % kind)
    if args["limit"] is not None and args["limit"] <= 0:
        raise ModuleFailed("limit cannot be %d (use None for unlimited)" % args["limit"])
    search = _Search(args, age, size, context)
    for root in args["paths"]:
        try:
            if not os.path.isdir(root):
                raise OSError("'%s' is not a directory" % root)
            search.walk(root)
        except (OSError, re.error, LookupError, UnicodeDecodeError, ModuleFailed) as error:
            search.skip(root, str(error), "Skipped '%s' path due to this access issue: %s\n" % (root, error))
    found = search.found
    return {
        "changed": False, "files": found, "matched": len(found), "examined": search.looked, "skipped_paths": search.skipped, "msg": search.msg
    }  # fmt: skip


class _Search:
    def __init__(self, args: Dict[str, Any], age: Optional[int], size: Optional[int], context: Context) -> None:
        self._args, self._age, self._size, self._context = args, age, size, context
        self.found: List[Dict[str, Any]] = []
        self.looked = 0
        self.skipped: Dict[str, str] = {}
        self.msg = "All paths examined"

    def skip(self, path: str, reason: str, warning: str) -> None:
        self.skipped[path] = reason
        self._context.warn(warning)
        self.msg = "Not all paths examined, check warnings for details"

    def _unreadable(self, error: OSError) -> None:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOENT):
            raise error
        self.skipped[error.filename] = str(error)

    def walk(self, root: str) -> None:
        args = self._args
        above = root.rstrip("/").count("/")
        for folder, folders, files in os.walk(root, onerror=self._unreadable, followlinks=args["follow"]):
            self.looked += len(files) + len(folders)
            folders.sort()
            too_deep = bool(args["depth"]) and os.path.normpath(folder).count("/") - above + 1 > args["depth"]
            for name in [] if too_deep else sorted(files) + folders:
                if name.startswith(".") and not args["hidden"]:
                    continue
                path = os.path.normpath(os.path.join(folder, name))
                try:
                    status = os.lstat(path)
                except OSError as error:
                    self.skip(path, str(error), "Skipped entry %r due to access issue." % path)
                    continue
                entry = _entry(path, name, status, args, self._age, self._size)
                if entry is None:
                    continue
                self.found.append(entry)
                if len(self.found) == args["limit"]:
                    self.msg = "Limit of matches reached"
                    return
            if too_deep:
                folders[:] = []
            if not args["recurse"]:
                return


def _bound(text: Optional[str], units: Dict[str, int], name: str) -> Optional[int]:
    if text is None:
        return None
    found = re.match(r"^(-?\d+)(%s)?$" % "|".join(units), str(text).lower())
    if found is None:
        raise ModuleFailed("failed to process %s" % name, **{name: text})
    return int(found.group(1)) * units.get(found.group(2) or "", 1)


def _named(name: str, args: Dict[str, Any]) -> bool:
    def matches(patterns: List[str]) -> bool:
        return any(re.match(p, name) if args["use_regex"] else fnmatch.fnmatch(name, p) for p in patterns)

    return matches(args["patterns"] or [".*" if args["use_regex"] else "*"]) and not matches(args["excludes"] or [])


def _entry(
    path: str, name: str, found: os.stat_result, args: Dict[str, Any], age: Optional[int], size: Optional[int]
) -> Optional[Dict[str, Any]]:
    """What is told of a file, None for one that is not meant."""
    mode = found.st_mode
    kind = "link" if modes.S_ISLNK(mode) else "directory" if modes.S_ISDIR(mode) else "file" if modes.S_ISREG(mode) else "other"
    if args["file_type"] not in ("any", kind) or not _named(name, args):
        return None
    if age is not None:
        elapsed = time.time() - getattr(found, "st_" + args["age_stamp"])
        if (elapsed < age) if age >= 0 else (elapsed > -age):
            return None
    if size is not None and kind == "file" and ((found.st_size < size) if size >= 0 else (found.st_size > -size)):
        return None
    if args["contains"] and args["file_type"] == "file" and not _contains(path, args):
        return None
    if args["mode"]:
        wanted = attributes.mode_of(args["mode"], 0, False)
        have = modes.S_IMODE(mode)
        if (have != wanted) if args["exact_mode"] else not have & wanted:
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
        entry["checksum"] = contents.hash_of(path, args["checksum_algorithm"])
    return entry


def _contains(path: str, args: Dict[str, Any]) -> bool:
    """Whether the file has the text somewhere, or a line that begins with it."""
    pattern = re.compile(args["contains"])
    try:
        with open(path, encoding=args["encoding"] or "utf-8") as file:
            if args["read_whole_file"]:
                return pattern.search(file.read()) is not None
            return any(pattern.match(line) for line in file)
    except UnicodeDecodeError:
        known = args["encoding"] or 'None (default determined by the Python built-in function "open")'
        raise ModuleFailed("Failed to read the file %s due to an encoding error. current encoding: %s" % (path, known))
    except (OSError, UnicodeError):
        return False
