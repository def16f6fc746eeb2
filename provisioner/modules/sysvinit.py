"""sysvinit: services by their scripts in /etc/init.d, enabled by links in /etc/rc?.d."""

import glob
import os
import time
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "name": {"required": True, "aliases": ["service"]},
    "state": {"choices": ["started", "stopped", "restarted", "reloaded"]},
    "enabled": {"type": "bool"},
    "sleep": {"type": "int", "default": 1},
    "pattern": {},
    "arguments": {"aliases": ["args"]},
    "runlevels": {"type": "list", "elements": "str"},
    "daemonize": {"type": "bool", "default": False},
    "_rules": {"required_one_of": [["state", "enabled"]]},
}
SCRIPTS = "/etc/init.d"
LEVELS = "/etc"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name = args["name"]
    script = os.path.join(SCRIPTS, name)
    if not os.path.exists(script):
        raise ModuleFailed("Could not find the requested service %s: " % name)
    untouched: Dict[str, Any] = {"changed": False, "rc": None, "stdout": None, "stderr": None}
    # Without a state its part of the result is there all the same.
    state = dict(untouched)
    enabled = dict(untouched)
    if args["enabled"] is not None:
        _enable(args, enabled, context)
    if args["state"] is not None:
        _state(args, script, state, context)
    changed = enabled["changed"] or state["changed"]
    return {"name": name, "changed": changed, "status": {"enabled": enabled, args["state"] or "null": state}}


def _is_enabled(name: str, level: str = "?") -> bool:
    return bool(glob.glob("%s/rc%s.d/S??%s" % (LEVELS, level, glob.escape(name))))


def _enable(args: Dict[str, Any], told: Dict[str, Any], context: Context) -> None:
    name, wanted, levels = args["name"], args["enabled"], args["runlevels"]
    if levels:
        told["runlevels"] = levels
        wrong = [level for level in levels if _is_enabled(name, level) != wanted]
    else:
        wrong = ["all"] if _is_enabled(name) != wanted else []
    if not wrong:
        return
    told["changed"] = True
    if context.check:
        return
    for command in _enablers(name, wanted, levels or [], context):
        told["rc"], told["stdout"], told["stderr"] = context.run(command)
        if told["rc"] != 0:
            raise ModuleFailed("Failed to %s service: %s" % ("enable" if wanted else "disable", name), **told)


def _enablers(name: str, wanted: bool, levels: List[str], context: Context) -> List[List[str]]:
    verb = "enable" if wanted else "disable"
    program = _found("update-rc.d", context)
    if program:
        first = [[program, name, "defaults"]] if wanted else []
        return [*first, [program, name, verb, *levels]]
    program = _found("chkconfig", context)
    if program:
        first = [[program, "--add", name]] if wanted else []
        chosen = ["--level", "".join(levels)] if levels else []
        return [*first, [program, *chosen, name, "on" if wanted else "off"]]
    program = _found("insserv", context)
    if program:
        return [[program, name] if wanted else [program, "-r", name]]
    raise ModuleFailed("Unable to %s service %s: none of update-rc.d, chkconfig and insserv is installed" % (verb, name))


def _found(name: str, context: Context) -> Optional[str]:
    try:
        return context.which(name)
    except ModuleFailed:
        return None


def _state(args: Dict[str, Any], script: str, told: Dict[str, Any], context: Context) -> None:
    wanted, running = args["state"], _runs(args, script, context)
    if wanted in ("started", "stopped"):
        verbs = [] if running == (wanted == "started") else [wanted[:-2] if wanted == "started" else "stop"]
    elif wanted == "restarted":
        verbs = ["stop", "start"] if running else ["start"]
    else:
        verbs = ["reload"] if running else ["start"]
    if not verbs:
        return
    told["changed"] = True
    if context.check:
        return
    for index, verb in enumerate(verbs):
        if index:
            time.sleep(args["sleep"])
        command = [script, verb] + ([args["arguments"]] if args["arguments"] else [])
        told["rc"], told["stdout"], told["stderr"] = context.run(command)
        if told["rc"] != 0:
            raise ModuleFailed("Failed to %s service: %s" % (verb, args["name"]), **dict(told, changed=False))


def _runs(args: Dict[str, Any], script: str, context: Context) -> bool:
    """By the pattern among all processes where one is given, else by what the script says of itself."""
    if args["pattern"]:
        _, out, _ = context.run([context.which("ps"), "auxww"])
        return any(args["pattern"] in line for line in out.splitlines())
    code, out, err = context.run([script, "status"] + ([args["arguments"]] if args["arguments"] else []))
    text = (out + err).lower()
    if any(words in text for words in ("not running", "is stopped", "dead but", "is dead", "not started")):
        return False
    # LSB: 0 runs, 1 to 3 does not, 4 is unknown; scripts without status often say how they are used.
    return code == 0 and "usage:" not in text
