"""group: groups of the host."""

import grp
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context

ARGUMENTS = {
    "name": {"required": True},
    "gid": {"type": "int"},
    "state": {"default": "present", "choices": ["present", "absent"]},
    "system": {"type": "bool", "default": False},
    "local": {"type": "bool", "default": False},
    "non_unique": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name = args["name"]
    found = _find(name)
    result: Dict[str, Any] = {"name": name, "state": args["state"], "changed": False, "system": args["system"]}
    command: Optional[List[str]] = None
    if args["state"] == "absent":
        if found is not None:
            command = [context.which("groupdel"), name]
    elif found is None:
        command = [context.which("groupadd")]
        command += ["-g", str(args["gid"])] + (["-o"] if args["non_unique"] else []) if args["gid"] is not None else []
        command += (["-r"] if args["system"] else []) + [name]
    elif args["gid"] is not None and found.gr_gid != args["gid"]:
        command = [context.which("groupmod"), "-g", str(args["gid"])] + (["-o"] if args["non_unique"] else []) + [name]
    if command is not None:
        result["changed"] = True
        if not context.check:
            context.run(command, ok=[0])
    now = _find(name)
    if now is not None and args["state"] == "present":
        result["gid"] = now.gr_gid
    return result


def _find(name: str) -> Optional[grp.struct_group]:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None
