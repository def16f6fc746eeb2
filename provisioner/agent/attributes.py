"""Owner, group and mode of files: what they are, what is wanted, and the change between, as every file module reports it."""

import grp
import os
import pwd
import re
import stat
from typing import Any, Dict, Optional

from provisioner.agent.context import Context, ModuleFailed

# Arguments that every module which writes a file takes.
FILE_ARGUMENTS = {
    "owner": {},
    "group": {},
    "mode": {"type": "raw"},
    "attributes": {"aliases": ["attr"]},
    "seuser": {},
    "serole": {},
    "setype": {},
    "selevel": {},
    "unsafe_writes": {"type": "bool", "default": False},
}

_CLAUSE = re.compile(r"^([ugoa]*)((?:[-+=][rwxXst]*|[-+=][ugo])+)$")
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFT = {"u": 6, "g": 3, "o": 0}


def uid_of(owner: str) -> int:
    try:
        return pwd.getpwnam(str(owner)).pw_uid
    except KeyError:
        if str(owner).isdigit():
            return int(owner)
        raise ModuleFailed("chown failed: failed to look up user %s" % owner)


def gid_of(group: str) -> int:
    try:
        return grp.getgrnam(str(group)).gr_gid
    except KeyError:
        if str(group).isdigit():
            return int(group)
        raise ModuleFailed("chgrp failed: failed to look up group %s" % group)


def mode_of(wanted: Any, current: int, is_dir: bool) -> int:
    """A mode as octal number or text, or in symbols (u+rwx,g=rx), applied to the current one."""
    if isinstance(wanted, int):
        return wanted
    text = str(wanted).strip()
    if re.match(r"^0?o?[0-7]+$", text):
        return int(text.replace("o", ""), 8)
    mode = current
    for clause in text.split(","):
        found = _CLAUSE.match(clause)
        if found is None:
            raise ModuleFailed("mode must be in octal or symbolic form", details="bad symbolic permission for mode: %s" % clause)
        who = found.group(1).replace("a", "ugo") or "ugo"
        for operator, letters in re.findall(r"([-+=])([rwxXstugo]*)", found.group(2)):
            mode = _applied(mode, who, operator, letters, is_dir, current)
    return mode


def _applied(mode: int, who: str, operator: str, letters: str, is_dir: bool, current: int) -> int:
    for person in who:
        shift = _SHIFT[person]
        bits = 0
        for letter in letters:
            if letter in _BITS:
                bits |= _BITS[letter]
            elif letter == "X":
                bits |= 1 if is_dir or current & 0o111 else 0
            elif letter in _SHIFT:
                bits |= (current >> _SHIFT[letter]) & 7
        special = (stat.S_ISUID if person == "u" else stat.S_ISGID if person == "g" else 0) if "s" in letters else 0
        special |= stat.S_ISVTX if "t" in letters else 0
        if operator == "=":
            mode = mode & ~(7 << shift) | bits << shift | special
        elif operator == "+":
            mode |= bits << shift | special
        else:
            mode &= ~(bits << shift | special)
    return mode


def apply(path: str, args: Dict[str, Any], context: Context, diff: Optional[Dict[str, Any]] = None) -> bool:
    """Give a file its wanted owner, group and mode; whether that changes (or would change) anything."""
    if context.check and not os.path.lexists(path):
        return True
    try:
        return _apply(path, args, context, diff)
    except ModuleFailed as error:
        for key, value in dict(describe(path), path=path).items():
            error.more.setdefault(key, value)
        raise


def _apply(path: str, args: Dict[str, Any], context: Context, diff: Optional[Dict[str, Any]]) -> bool:
    status = os.lstat(path)
    changed = False
    owner = uid_of(args["owner"]) if args.get("owner") is not None else -1
    group = gid_of(args["group"]) if args.get("group") is not None else -1
    if (owner not in (-1, status.st_uid)) or (group not in (-1, status.st_gid)):
        changed = True
        _note(diff, "owner", status.st_uid, owner if owner != -1 else status.st_uid)
        _note(diff, "group", status.st_gid, group if group != -1 else status.st_gid)
        if not context.check:
            os.lchown(path, owner, group)
    if args.get("mode") is not None and not stat.S_ISLNK(status.st_mode):
        current = stat.S_IMODE(status.st_mode)
        wanted = mode_of(args["mode"], current, stat.S_ISDIR(status.st_mode))
        if wanted != current:
            changed = True
            _note(diff, "mode", "0%03o" % current, "0%03o" % wanted)
            if not context.check:
                os.chmod(path, wanted)
    return changed


def _note(diff: Optional[Dict[str, Any]], name: str, before: Any, after: Any) -> None:
    if diff is not None and before != after:
        diff.setdefault("before", {})[name] = before
        diff.setdefault("after", {})[name] = after


def describe(path: str) -> Dict[str, Any]:
    """The keys about a file that results carry."""
    if not os.path.lexists(path):
        return {}
    status = os.lstat(path)
    return {
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": name_of_uid(status.st_uid),
        "group": name_of_gid(status.st_gid),
        "mode": "0%03o" % stat.S_IMODE(status.st_mode),
        "state": state_of(path),
        "size": status.st_size,
    }


def name_of_uid(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def name_of_gid(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def state_of(path: str) -> str:
    """absent, link, directory, hard or file."""
    if not os.path.lexists(path):
        return "absent"
    if os.path.islink(path):
        return "link"
    if os.path.isdir(path):
        return "directory"
    return "hard" if os.stat(path).st_nlink > 1 else "file"
