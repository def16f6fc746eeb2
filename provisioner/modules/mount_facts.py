"""mount_facts: what is mounted and what is to be, from the files and the command that are asked for, with sizes."""

import fnmatch
import os
import re
import subprocess
import threading
from typing import Any, Dict, List, Optional, Sequence, Tuple

from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.facts import reading, storage

ARGUMENTS = {
    "sources": {"type": "list", "elements": "str"},
    "mount_binary": {"type": "raw", "default": "mount"},
    "devices": {"type": "list", "elements": "str"},
    "fstypes": {"type": "list", "elements": "str"},
    "timeout": {"type": "float"},
    "on_timeout": {"choices": ["error", "warn", "ignore"], "default": "error"},
    "include_aggregate_mounts": {"type": "bool"},
}
STATIC = ("/etc/fstab", "/etc/vfstab", "/etc/filesystems")
DYNAMIC = ("/etc/mtab", "/proc/mounts", "/etc/mnttab")
_LINE_OF_MOUNT = re.compile(r"^(?P<device>\S+) on (?P<mount>\S+) type (?P<fstype>\S+) \((?P<options>.+)\)$")
# Of a time of mounting, which the fifth column of /etc/mnttab has.
_EPOCH_DIGITS = 10
Entry = Tuple[str, str, Dict[str, Any]]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["timeout"] is not None and args["timeout"] <= 0:
        raise ModuleFailed("argument 'timeout' must be a positive number or null, not %s" % args["timeout"])
    if args["mount_binary"] is not None and not isinstance(args["mount_binary"], str):
        raise ModuleFailed("argument 'mount_binary' must be a string or null, not %s" % args["mount_binary"])
    mounts = [entry for entry in (_completed(entry, args, context) for entry in _entries(args, context)) if entry is not None]
    points: Dict[str, Any] = {}
    by_source: Dict[str, List[str]] = {}
    for mount in mounts:
        points.setdefault(mount["mount"], mount)
        by_source.setdefault(mount["ansible_context"]["source"], []).append(mount["mount"])
    repeated = ["%s (%s)" % (source, names) for source, names in by_source.items() if len(set(names)) != len(names)]
    if repeated and args["include_aggregate_mounts"] is None:
        context.warn(
            "mount_facts: ignoring repeat mounts in the following sources: %s. You can disable this warning by configuring the "
            "'include_aggregate_mounts' option as True or False." % ", ".join(repeated)
        )
    return {"ansible_facts": {"mount_points": points, "aggregate_mounts": mounts if args["include_aggregate_mounts"] else []}}


def _sources(args: Dict[str, Any], context: Context) -> List[str]:
    found: List[str] = []
    for source in args["sources"] or ["all"]:
        if not source:
            raise ModuleFailed("sources contains an empty string")
        found += DYNAMIC if source in ("dynamic", "all") else ()
        found += STATIC if source in ("static", "all") else () if source == "dynamic" else (source,)
    if len(set(found)) < len(found):
        context.warn("mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: %s" % found)
    return found


def _entries(args: Dict[str, Any], context: Context) -> List[Entry]:
    """(Source, line, fields) of every mount, sources that are the same file only once."""
    entries: List[Entry] = []
    seen = set()
    wanted = _sources(args, context)
    unseen = bool(args["mount_binary"]) and bool(set(wanted) & set(DYNAMIC))
    for source in wanted:
        real = source if source == "mount" else os.path.realpath(source)
        if source in seen or real in seen:
            continue
        seen.add(real)
        found = _of_command(args, context) if source == "mount" else _of_file(source)
        if found and (source == "mount" or source in DYNAMIC):
            unseen = False
        entries += found
    return entries + (_of_command(args, context) if unseen else [])


def _of_command(args: Dict[str, Any], context: Context) -> List[Entry]:
    program = args["mount_binary"] if os.path.isabs(args["mount_binary"]) else context.which(args["mount_binary"])
    if not os.path.exists(program):
        program = context.which(os.path.basename(program))
    try:
        done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=args["timeout"], check=True)
    except subprocess.TimeoutExpired as error:
        _late(str(error), args, context)
        return []
    except (OSError, subprocess.CalledProcessError) as error:
        raise ModuleFailed("Failed to execute %s: %s" % (program, error))
    matches = [(line, _LINE_OF_MOUNT.match(line)) for line in done.stdout.decode("utf-8", "surrogateescape").splitlines()]
    return [("mount", line, match.groupdict()) for line, match in matches if match] if all(match for _, match in matches) else []


def _of_file(path: str) -> List[Entry]:
    """By the form its lines have: seven columns (vfstab), a time in the fifth (mnttab), or four to six (fstab)."""
    lines = [line.strip() for line in reading.lines(path)]
    rows = [(line, line.split()) for line in lines if line and not line.startswith("#")]
    if not rows:
        return []
    if all(len(words) >= 7 for _, words in rows):
        return [(path, line, _of_vfstab(words)) for line, words in rows]
    if all(len(words) >= 5 for _, words in rows) and any(len(words[4]) == _EPOCH_DIGITS for _, words in rows):
        names = ("device", "mount", "fstype", "options")
        return [(path, line, dict(_named(names, words), time=int(words[4]))) for line, words in rows]
    return [(path, line, _of_fstab(words)) for line, words in rows] if all(len(words) >= 4 for _, words in rows) else []


def _named(names: Sequence[str], words: List[str]) -> Dict[str, Any]:
    return {name: words[index] for index, name in enumerate(names) if index < len(words)}


def _of_fstab(words: List[str]) -> Dict[str, Any]:
    words = [storage.without_octal(word) for word in words]
    fields: Dict[str, Any] = _named(("device", "mount", "fstype", "options"), words)
    fields.update({name: int(word) for name, word in _named(("dump", "passno"), words[4:]).items()})
    return fields


def _of_vfstab(words: List[str]) -> Dict[str, Any]:
    fields: Dict[str, Any] = _named(("device", "device_to_fsck", "mount", "fstype", "passno", "mount_at_boot", "options"), words)
    if words[4].lstrip("-").isdigit():
        fields["passno"] = int(words[4])
    return fields


def _completed(entry: Entry, args: Dict[str, Any], context: Context) -> Optional[Dict[str, Any]]:
    """A mount with its sizes, None for one that is not asked for."""
    source, line, fields = entry
    device, uuid = fields["device"], None
    if device.startswith("UUID="):
        uuid = device[len("UUID=") :]
        named = "/dev/disk/by-uuid/" + uuid
        device = os.path.realpath(named) if os.path.exists(named) else device
    for value, patterns in ((device, args["devices"]), (fields["fstype"], args["fstypes"])):
        if not any(fnmatch.fnmatch(value, pattern) for pattern in patterns or ["*"]):
            return None
    sizes: Dict[str, Any] = {}
    asker = threading.Thread(target=storage.add_sizes, args=(fields["mount"], sizes), daemon=True)
    asker.start()
    asker.join(args["timeout"])
    if asker.is_alive():
        _late("Timed out getting mount size for mount %s (type %s)" % (fields["mount"], fields["fstype"]), args, context)
        sizes = {}
    told = dict(fields, **sizes)
    return dict(told, ansible_context={"source": source, "source_data": line}, uuid=uuid or storage.uuid_of(device))


def _late(what: str, args: Dict[str, Any], context: Context) -> None:
    if args["on_timeout"] == "error":
        raise ModuleFailed(what)
    if args["on_timeout"] == "warn":
        context.warn(what)
