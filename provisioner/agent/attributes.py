"""Owner, group and mode of files: what they are, what is wanted, and the change between, as every file module reports it."""

import grp
import os
import pwd
import re
import stat
from typing import Any, Dict, Optional

from provisioner.agent import file_flags
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

_CLAUSE = re.compile(r"^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$")
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": stat.S_ISVTX}


def uid_of(owner: str) -> int:
    if str(owner).isdigit():
        return int(owner)
    try:
        return pwd.getpwnam(str(owner)).pw_uid
    except KeyError:
        raise ModuleFailed("chown failed: failed to look up user %s" % owner)


def gid_of(group: str) -> int:
    if str(group).isdigit():
        return int(group)
    try:
        return grp.getgrnam(str(group)).gr_gid
    except KeyError:
        raise ModuleFailed("chgrp failed: failed to look up group %s" % group)


def mode_of(wanted: Any, current: int, is_dir: bool) -> int:
    """A mode as octal number or text, or in symbols (u+rwx,g=rx), applied to the current one from left to right. Raises ModuleFailed."""
    if isinstance(wanted, int):
        return wanted
    text = str(wanted).strip()
    if not text:
        return current
    if re.match(r"^0?o?[0-7]+$", text):
        return int(text.replace("o", ""), 8)
    mode = current
    for clause in filter(None, text.split(",")):
        found = _CLAUSE.match(clause)
        if found is None:
            raise ModuleFailed("mode must be in octal or symbolic form", details="bad symbolic permission for mode: %s" % clause)
        # Nobody named is everybody, except for what the umask takes away.
        spared = 0 if found.group(1) else _umask()
        who = found.group(1).replace("a", "ugo") or "ugo"
        for operator, letters in re.findall(r"([-+=])([rwxXstugo]*)", found.group(2)):
            mode = _applied(mode, who, operator, letters, is_dir, spared)
    return mode


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _applied(mode: int, who: str, operator: str, letters: str, is_dir: bool, spared: int) -> int:
    for person in who:
        shift = _SHIFT[person]
        bits = special = 0
        for letter in letters:
            if letter in _BITS:
                bits |= _BITS[letter] & ~(spared >> shift)
            elif letter == "X":
                bits |= 1 if is_dir or mode & 0o111 else 0
            elif letter in _SHIFT:
                bits |= (mode >> _SHIFT[letter]) & 7
            elif (letter == "t") == (person == "o"):
                special |= _SPECIAL[person]
        if operator == "=":
            mode = mode & ~(7 << shift | _SPECIAL[person]) | bits << shift | special
        elif operator == "+":
            mode |= bits << shift | special
        else:
            mode &= ~(bits << shift | special)
    return mode


def apply(path: str, args: Dict[str, Any], context: Context, diff: Optional[Dict[str, Any]] = None) -> bool:
    """Give a file its wanted owner, group, mode and flags; whether that changes (or would change) anything."""
    if context.check and not os.path.lexists(path):
        return any(args.get(name) is not None for name in ("owner", "group", "mode", "attributes"))
    try:
        changed = _chown(path, args, context, diff)
        changed = _chmod(path, args.get("mode"), context, diff) or changed
        return _chattr(path, args.get("attributes"), context, diff) or changed
    except ModuleFailed as error:
        error.more.setdefault("path", path)
        raise


def _chown(path: str, args: Dict[str, Any], context: Context, diff: Optional[Dict[str, Any]]) -> bool:
    changed = False
    for name, find in (("owner", uid_of), ("group", gid_of)):
        if args.get(name) is None:
            continue
        status = os.lstat(path)
        wanted, current = find(args[name]), status.st_uid if name == "owner" else status.st_gid
        if wanted == current:
            continue
        changed = True
        _note(diff, name, current, wanted)
        if not context.check:
            try:
                os.lchown(path, *((wanted, -1) if name == "owner" else (-1, wanted)))
            except OSError as error:
                raise ModuleFailed("chown failed" if name == "owner" else "chgrp failed", details=str(error))
    return changed


def _chmod(path: str, mode: Any, context: Context, diff: Optional[Dict[str, Any]]) -> bool:
    if mode is None:
        return False
    status = os.lstat(path)
    current = stat.S_IMODE(status.st_mode)
    wanted = mode_of(mode, current, stat.S_ISDIR(status.st_mode))
    if wanted == current:
        return False
    _note(diff, "mode", "0%03o" % current, "0%03o" % wanted)
    if context.check:
        return True
    if stat.S_ISLNK(status.st_mode):
        return False  # a link's own mode can't be changed, and that is no failure
    try:
        os.chmod(path, wanted)
    except OSError as error:
        raise ModuleFailed("chmod failed", details=str(error))
    return True


def _chattr(path: str, wanted: Optional[str], context: Context, diff: Optional[Dict[str, Any]]) -> bool:
    """Flags of the file system, as chattr(1) takes them; those given with + count as changed even where they are set (Ansible)."""
    if not wanted:
        return False
    operator, letters = (wanted[0], wanted[1:]) if wanted[0] in "+-=" else ("=", wanted)
    current = file_flags.flags(path, os.lstat(path).st_mode)["attr_flags"]
    if not letters or (current == letters and operator != "-"):
        return False
    _note(diff, "attributes", current, operator + letters)
    if not context.check:
        code, out, err = context.run([context.which("chattr"), operator + letters, path])
        if code != 0 or err:
            raise ModuleFailed("chattr failed", details="Error while setting attributes: %s" % (out + err))
    return True


def _note(diff: Optional[Dict[str, Any]], name: str, before: Any, after: Any) -> None:
    if diff is not None and before != after:
        diff.setdefault("before", {})[name] = before
        diff.setdefault("after", {})[name] = after


def describe(path: str) -> Dict[str, Any]:
    """The keys about a file that results carry; none for what is not there, or a link to nothing."""
    if not os.path.exists(path):
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


def add_to(result: Dict[str, Any]) -> None:
    """Every result that names a file (path, or else dest) describes it, successful or not."""
    path = result.get("path", result.get("dest"))
    if isinstance(path, str) and path and "\0" not in path:
        result.update(describe(path))


def followed(path: str, args: Dict[str, Any]) -> str:
    """The file whose owner and mode are meant: a link's target with `follow`."""
    return os.path.realpath(path) if args.get("follow") and os.path.islink(path) else path


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
