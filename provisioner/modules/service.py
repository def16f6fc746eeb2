"""service: services by the host's own service manager: systemd, or scripts in /etc/init.d where that does not run.

As with Ansible it is the manager's module that takes the arguments: on a host with systemd all of its options may be given.
"""

import os
from typing import Any, Dict

from provisioner.agent.arguments import checked
from provisioner.agent.calling import passed_on
from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules import systemd, sysvinit

_OWN: Dict[str, Any] = {
    "name": {"required": True},
    "state": {"choices": ["started", "stopped", "reloaded", "restarted"]},
    "sleep": {"type": "int"},
    "pattern": {},
    "enabled": {"type": "bool"},
    "runlevel": {"default": "default"},
    "arguments": {"default": "", "aliases": ["args"]},
    "_rules": {"required_one_of": [["state", "enabled"]]},
}
# What else may be given, and as what, the chosen manager's module says.
ARGUMENTS: Dict[str, Any] = {
    "name": {"type": "raw", "aliases": ["service", "unit"]},
    "use": {"default": "auto"},
    "_rules": {"others": True},
}
_UNUSED_BY_SYSTEMD = ("pattern", "runlevel", "sleep", "arguments", "args")
SYSTEMD_RUNS = "/run/systemd/system"
# Where it is systemd that will run once the host is started, as in the file system of an image.
INIT = "/sbin/init"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    use = args["use"]
    given = {name: value for name, value in args.items() if value is not None and name != "use"}
    if use == "sysvinit":
        return passed_on(sysvinit, "sysvinit", given, context)
    runs = os.path.isdir(SYSTEMD_RUNS)
    if use == "systemd" or (use == "auto" and runs):
        return _by_systemd(given, context)
    own = checked(_OWN, given, "service")
    if not runs and os.path.exists(os.path.join(sysvinit.SCRIPTS, own["name"])):
        return _by_script(own, context)
    if not runs and os.path.basename(os.path.realpath(INIT)) != "systemd":
        raise ModuleFailed("Could not find the requested service %s: host" % own["name"])
    told = _by_systemd({name: own[name] for name in ("name", "state", "enabled") if own[name] is not None}, context)
    return {name: value for name, value in told.items() if name != "status"}


def _by_systemd(given: Dict[str, Any], context: Context) -> Dict[str, Any]:
    for name in _UNUSED_BY_SYSTEMD:
        if given.pop(name, None) is not None:
            context.warn('Ignoring "%s" as it is not used in "systemd"' % name)
    return passed_on(systemd, "systemd", given, context)


def _by_script(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    wanted = {name: args[name] for name in ("name", "state", "enabled", "pattern", "arguments")}
    made = sysvinit.run(dict(wanted, sleep=args["sleep"] or 1, runlevels=None, daemonize=False), context)
    result: Dict[str, Any] = {"name": args["name"], "changed": made["changed"]}
    if args["enabled"] is not None:
        result["enabled"] = args["enabled"]
    if args["state"] is not None:
        result["state"] = "stopped" if args["state"] == "stopped" else "started"
    return result
