"""service: services by the host's own service manager, which here is systemd."""

import time
from typing import Any, Dict

from provisioner.agent.context import Context
from provisioner.modules import systemd

ARGUMENTS = {
    "name": {"required": True},
    "state": {"choices": ["reloaded", "restarted", "started", "stopped"]},
    "sleep": {"type": "int"},
    "pattern": {},
    "enabled": {"type": "bool"},
    "runlevel": {"default": "default"},
    "arguments": {"default": "", "aliases": ["args"]},
    "use": {"default": "auto"},
    "_rules": {"required_one_of": [["state", "enabled"]]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    common = {"daemon_reload": False, "daemon_reexec": False, "scope": "system", "no_block": False, "force": None, "masked": None}
    wanted = dict(common, name=args["name"], state=args["state"], enabled=args["enabled"])
    if args["state"] == "restarted" and args["sleep"]:
        stopped = systemd.run(dict(wanted, state="stopped"), context)
        time.sleep(args["sleep"])
        started = systemd.run(dict(wanted, state="started"), context)
        return dict(started, changed=stopped["changed"] or started["changed"])
    return systemd.run(wanted, context)
