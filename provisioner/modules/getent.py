"""getent: entries of the host's databases (passwd, group, hosts, services…) as facts getent_<database>."""

from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "database": {"required": True},
    "key": {},
    "service": {},
    "split": {},
    "fail_key": {"type": "bool", "default": True},
}
_COLONS = ("passwd", "shadow", "group", "gshadow")
_NOT_FOUND = "One or more supplied key could not be found in the database."


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    database, key = args["database"], args["key"]
    command = [context.which("getent"), database]
    if key is not None:
        command.append(key)
    if args["service"] is not None:
        command += ["-s", args["service"]]
    code, out, err = context.run(command)
    fact = "getent_%s" % database
    if code == 0:
        split = args["split"] or (":" if database in _COLONS else None)
        return {"changed": False, "ansible_facts": {fact: entries(out, split)}}
    if code == 1:
        raise ModuleFailed("Missing arguments, or database unknown.")
    if code == 2:
        if args["fail_key"]:
            raise ModuleFailed(_NOT_FOUND)
        return {"changed": False, "ansible_facts": {fact: {key: None}}, "msg": _NOT_FOUND}
    if code == 3:
        raise ModuleFailed("Enumeration not supported on this database.")
    raise ModuleFailed("Unexpected failure!", rc=code, stderr=err)


def entries(out: str, split: Optional[str]) -> Dict[str, List[Any]]:
    """By their first field; a name that stands there more than once has a list of lists."""
    found: Dict[str, List[Any]] = {}
    times: Dict[str, int] = {}
    for line in out.splitlines():
        fields = line.split(split)
        if not fields:
            continue
        name, rest = fields[0], fields[1:]
        times[name] = times.get(name, 0) + 1
        if times[name] == 1:
            found[name] = rest
        elif times[name] == 2:
            found[name] = [found[name], rest]
        else:
            found[name].append(rest)
    return found
