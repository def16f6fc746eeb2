"""group: groups of the host, by the programs groupadd, groupmod and groupdel (local: by libuser's)."""

import grp
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "gid": {"type": "int"},
    "gid_min": {"type": "int"},
    "gid_max": {"type": "int"},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "system": {"type": "bool", "default": False},
    "local": {"type": "bool", "default": False},
    "non_unique": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "_rules": {"required_if": [["non_unique", True, ["gid"]]]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["local"] and args["force"]:
        raise ModuleFailed("force is not a valid option for local, force=True and local=True are mutually exclusive")
    for option in ("gid_min", "gid_max"):
        if args["local"] and args[option]:
            raise ModuleFailed("'%s' can not be used with 'local'" % option)
    name, present = args["name"], args["state"] == "present"
    command = _command(args, find(name))
    if command and context.check and not command[0].endswith("groupmod"):
        return {"changed": True}
    result: Dict[str, Any] = {"name": name, "state": args["state"], "changed": bool(command)}
    if command and not context.check:
        code, out, err = context.run([context.which(command[0]), *command[1:]])
        if code != 0:
            raise ModuleFailed(err or out, name=name)
        for key, text in (("stdout", out), ("stderr", err)):
            if text:
                result.update({key: text, key + "_lines": text.splitlines()})
    now = find(name)
    if present and now is not None:
        result.update(system=args["system"], gid=now.gr_gid)
    return result


def find(name: str) -> Optional[grp.struct_group]:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _command(args: Dict[str, Any], found: Optional[grp.struct_group]) -> List[str]:
    """What makes the group as it is wanted; nothing where it is so."""
    prefix = "l" if args["local"] else ""
    number = ["-g", str(args["gid"])] + (["-o"] if args["non_unique"] else []) if args["gid"] is not None else []
    if args["state"] == "absent":
        return [] if found is None else [prefix + "groupdel"] + (["-f"] if args["force"] else []) + [args["name"]]
    if found is None:
        limits: List[str] = []
        for option, key in (("gid_min", "GID_MIN"), ("gid_max", "GID_MAX")):
            if args[option] is not None:
                limits += ["-K", "%s=%d" % (key, args[option])]
        return [prefix + "groupadd", *number, *limits] + (["-r"] if args["system"] else []) + [args["name"]]
    if args["gid"] is not None and found.gr_gid != args["gid"]:
        return [prefix + "groupmod", *number, args["name"]]
    return []
