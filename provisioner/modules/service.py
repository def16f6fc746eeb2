"""service: services by the host's own service manager: systemd, or scripts in /etc/init.d where that does not run."""

import os
import time
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules import systemd, sysvinit

ARGUMENTS = {
    "name": {"required": True},
    "state": {"choices": ["started", "stopped", "reloaded", "restarted"]},
    "sleep": {"type": "int"},
    "pattern": {},
    "enabled": {"type": "bool"},
    "runlevel": {"default": "default"},
    "arguments": {"default": "", "aliases": ["args"]},
    "use": {"default": "auto"},
    "_rules": {"required_one_of": [["state", "enabled"]]},
}
SYSTEMD_RUNS = "/run/systemd/system"
# Where it is systemd that will run once the host is started, as in the file system of an image.
INIT = "/sbin/init"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["use"] == "sysvinit":
        return _of_sysvinit(args, context)
    script = os.path.join(sysvinit.SCRIPTS, args["name"])
    if args["use"] == "service" or (args["use"] != "systemd" and not os.path.isdir(SYSTEMD_RUNS)):
        if os.path.exists(script):
            return _by_script(args, context)
        if os.path.basename(os.path.realpath(INIT)) != "systemd":
            raise ModuleFailed("Could not find the requested service %s: host" % args["name"])
    common = {"daemon_reload": False, "daemon_reexec": False, "scope": "system", "no_block": False, "force": None, "masked": None}
    wanted = dict(common, name=args["name"], state=args["state"], enabled=args["enabled"])
    if args["state"] == "restarted" and args["sleep"]:
        stopped = systemd.run(dict(wanted, state="stopped"), context)
        time.sleep(args["sleep"])
        started = systemd.run(dict(wanted, state="started"), context)
        return dict(started, changed=stopped["changed"] or started["changed"])
    return systemd.run(wanted, context)


def _of_sysvinit(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    wanted = {name: args[name] for name in ("name", "state", "enabled", "pattern", "arguments")}
    return sysvinit.run(dict(wanted, sleep=args["sleep"] or 1, runlevels=None, daemonize=False), context)


def _by_script(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    made = _of_sysvinit(args, context)
    result: Dict[str, Any] = {"name": args["name"], "changed": made["changed"]}
    if args["enabled"] is not None:
        result["enabled"] = args["enabled"]
    if args["state"] is not None:
        result["state"] = "stopped" if args["state"] == "stopped" else "started"
    return result
