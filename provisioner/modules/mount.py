"""mount: file systems in fstab and in the tree of the host."""

import os
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "boot": {"type": "bool", "default": True},
    "dump": {"default": "0"},
    "fstab": {},
    "fstype": {},
    "path": {"type": "path", "required": True, "aliases": ["name"]},
    "opts": {"no_log_if": "opts_no_log"},
    "opts_no_log": {"type": "bool", "default": False},
    "passno": {"default": "0"},
    "src": {"type": "path"},
    "backup": {"type": "bool", "default": False},
    "state": {
        "required": True,
        "choices": ["absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"],
    },
    "_rules": {
        "required_if": [
            ["state", "mounted", ["src", "fstype"]],
            ["state", "present", ["src", "fstype"]],
            ["state", "ephemeral", ["src", "fstype"]],
        ]
    },
}
FSTAB = "/etc/fstab"
MOUNTS = "/proc/self/mountinfo"
_OTHER_SOURCE = (
    "Ephemeral mount point is already mounted with a different source than the specified one. Failing in order to prevent an unwanted"
    ' unmount or override operation. Try replacing this command with a "state: unmounted" followed by a "state: ephemeral", or use a'
    " different destination path."
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    state, path = args["state"], args["path"]
    opts = args["opts"] or "defaults"
    if not args["boot"] and "noauto" not in opts.split(","):
        opts = opts + ",noauto"
    fstab = args["fstab"] or FSTAB
    result: Dict[str, Any] = {
        "name": path,
        "opts": opts,
        "dump": args["dump"],
        "passno": args["passno"],
        "fstab": fstab,
        "boot": "yes" if args["boot"] else "no",
        "backup_file": "",
    }
    for key in ("src", "fstype"):
        if args[key] is not None:
            result[key] = args[key]
    wanted = None
    if state in ("mounted", "present"):
        wanted = [args["src"], path, args["fstype"], opts, args["dump"], args["passno"]]
    changed = False
    before = _text(fstab)
    if state in ("mounted", "present", "absent", "absent_from_fstab"):
        changed = _fstab(fstab, path, wanted, args, context, result)
    if state == "mounted":
        try:
            changed = _mounted(args, fstab, changed, context) or changed
        except ModuleFailed:
            # An entry that cannot be mounted can keep the host from starting.
            if changed:
                contents.write(fstab, before.encode("utf-8", "surrogateescape"))
            raise
    elif state == "unmounted":
        changed = _unmounted(path, context)
    elif state == "absent" and changed:
        # What has no entry is nobody's to take away, as with Ansible.
        _unmounted(path, context)
        if os.path.isdir(path) and not os.path.islink(path):
            _remove_folder(path, context)
    elif state == "remounted":
        changed = True
        _remount(args, fstab, opts, context)
    elif state == "ephemeral":
        changed = _ephemeral(args, opts, context)
    return dict(result, changed=changed)


def escaped(text: str) -> str:
    """As fstab(5) has blanks and the like in its fields."""
    for char in ("\\", " ", "\t", "\n"):
        text = text.replace(char, "\\%03o" % ord(char))
    return text


def changed_lines(lines: List[str], path: str, wanted: Optional[List[str]]) -> List[str]:
    """The file with this entry for the path, or (None) without any. Swap has no path: there the source tells entries apart."""
    line = " ".join(escaped(str(field)) for field in wanted) if wanted is not None else ""
    made = []
    done = False
    for old in lines:
        fields = old.split()
        ours = len(fields) >= 4 and not fields[0].startswith("#") and fields[1] == escaped(path)
        if ours and wanted is not None and path in ("none", "swap"):
            ours = fields[0] == escaped(str(wanted[0]))
        if not ours:
            made.append(old)
        elif wanted is not None:
            same = (fields + ["0", "0"])[:6] if len(fields) < 6 else fields[:6]
            made.append(old if same == line.split(" ") else line)
            done = True
    if wanted is not None and not done:
        made.append(line)
    return made


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _fstab(fstab: str, path: str, wanted: Optional[List[str]], args: Dict[str, Any], context: Context, result: Dict[str, Any]) -> bool:
    lines = _text(fstab).splitlines()
    after = changed_lines(lines, path, wanted)
    if after == lines:
        return False
    if not context.check:
        if args["backup"] and os.path.exists(fstab):
            result["backup_file"] = contents.backup(os.path.realpath(fstab))
        os.makedirs(os.path.dirname(fstab) or ".", exist_ok=True)
        contents.write(fstab, "".join(line + "\n" for line in after).encode("utf-8", "surrogateescape"))
    return True


def mounted_at(path: str) -> Optional[Tuple[str, str]]:
    """(source, root within it) of what is mounted there last; bind mounts count as well."""
    wanted = os.path.realpath(path)
    found = None
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.split() for line in file]
    except OSError:
        return ("", "") if os.path.ismount(path) else None
    for row in rows:
        if _plain(row[4]) == wanted:
            after = row[row.index("-") :]
            found = (_plain(after[2]), _plain(row[3]))
    return found


def _plain(text: str) -> str:
    for char in ("\n", "\t", " ", "\\"):
        text = text.replace("\\%03o" % ord(char), char)
    return text


def _mounted(args: Dict[str, Any], fstab: str, entry_changed: bool, context: Context) -> bool:
    path = args["path"]
    if mounted_at(path) is not None:
        if entry_changed and not context.check:
            _remount(args, fstab, args["opts"] or "defaults", context)
        return entry_changed
    if context.check:
        return True
    made = not os.path.exists(path)
    _make_folder(path)
    try:
        _mount(["-T", fstab] if fstab != FSTAB else [], [path], path, context)
    except ModuleFailed:
        if made:
            os.rmdir(path)
        raise
    return True


def _make_folder(path: str) -> None:
    if os.path.exists(path):
        return
    try:
        os.makedirs(path)
    except OSError as error:
        raise ModuleFailed("Error making dir %s: %s" % (path, error))


def _mount(options: List[str], words: List[str], path: str, context: Context) -> None:
    code, out, err = context.run([context.which("mount"), *options, *words])
    if code != 0:
        raise ModuleFailed("Error mounting %s: %s" % (path, out + err))


def _unmounted(path: str, context: Context) -> bool:
    if mounted_at(path) is None:
        return False
    if not context.check:
        code, out, err = context.run([context.which("umount"), path])
        if code != 0:
            raise ModuleFailed("Error unmounting %s: %s" % (path, out + err))
    return True


def _remove_folder(path: str, context: Context) -> None:
    if context.check:
        return
    try:
        os.rmdir(path)
    except OSError as error:
        raise ModuleFailed("Error rmdir %s: %s" % (path, error))


def _remount(args: Dict[str, Any], fstab: str, opts: str, context: Context) -> None:
    """In place where the file system can do that, else taken away and mounted again."""
    if context.check:
        return
    path = args["path"]
    options = ["-T", fstab] if fstab != FSTAB else []
    flags = "remount" if args["opts"] is None else "remount," + opts
    code, _, _ = context.run([context.which("mount"), *options, "-o", flags, path])
    if code == 0:
        return
    code, out, err = context.run([context.which("umount"), path])
    if code != 0:
        raise ModuleFailed("Error remounting %s: %s" % (path, out + err))
    code, out, err = context.run([context.which("mount"), *options, path])
    if code != 0:
        raise ModuleFailed("Error remounting %s: %s" % (path, out + err))


def _ephemeral(args: Dict[str, Any], opts: str, context: Context) -> bool:
    path, src = args["path"], args["src"]
    there = mounted_at(path)
    options = ["-o", opts] if args["opts"] or not args["boot"] else []
    if there is not None:
        if os.path.realpath(there[0]) != os.path.realpath(src) and there[0] != src and there[1] != src:
            raise ModuleFailed(_OTHER_SOURCE)
        if not context.check:
            flags = "remount" if not args["opts"] else "remount," + opts
            _mount(["-o", flags], [path], path, context)
        return True
    if not context.check:
        _make_folder(path)
        _mount(["-t", args["fstype"], *options], [src, path], path, context)
    return True
