"""sysvinit: services by their scripts in /etc/init.d, enabled by links in /etc/rc?.d."""

import glob
import os
import shlex
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
_DOWN = ("stop", "is dead ", "dead but ", "could not access pid file", "inactive")
_UP = ("run", "start", "active")


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
        if not levels and _is_enabled(name) == wanted:
            return


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
    """What starts or stops runs only where it is needed; the others always, a restart as a stop and a start, which every script knows."""
    wanted, running = args["state"], _runs(args, script, context)
    if wanted == "restarted":
        verbs = ["stop", "start"]
    else:
        verb = {"started": "start", "stopped": "stop", "reloaded": "reload"}[wanted]
        verbs = [] if wanted != "reloaded" and running == (wanted == "started") else [verb]
    if not verbs:
        return
    told["changed"] = True
    if context.check:
        return
    for verb in verbs:
        command = [script, verb] + shlex.split(args["arguments"] or "")
        told["rc"], told["stdout"], told["stderr"] = context.run(command)
        if told["rc"] != 0:
            raise ModuleFailed(
                "Failed to %s service: %s" % (wanted[:-2].replace("stopp", "stop"), args["name"]), **dict(told, changed=False)
            )
        if len(verbs) > 1 and args["sleep"]:
            time.sleep(args["sleep"])


def _runs(args: Dict[str, Any], script: str, context: Context) -> bool:
    """By the pattern among all processes where one is given, else by what the service says of itself."""
    name = args["name"]
    if args["pattern"]:
        return _among_processes(args["pattern"], context)
    program = _found("service", context)
    code, out, _ = context.run([program, name, "status"] if program else [script, "status"])
    said = told_state(name, code, out)
    if said is None and _among_processes(name, context):
        context.warn("Used ps output to match service name and determine it is up, this is very unreliable")
        return True
    if said is None:
        context.warn("Unable to determine if service is up, assuming it is down")
    return bool(said)


def told_state(name: str, code: int, out: str) -> Optional[bool]:
    """Whether a service runs by the one line its status says, else by the exit code (LSB); None where neither tells."""
    if name == "iptables" and "ACCEPT" in out:
        return True
    if out.count("\n") <= 1:
        text = out.lower().replace(name.lower(), "")
        if any(word in text for word in _DOWN):
            return False
        if "not " not in text and any(word in text for word in _UP):
            return True
    return {0: True, 1: False, 2: False, 3: False, 4: False, 69: False}.get(code)


def _among_processes(pattern: str, context: Context) -> bool:
    _, out, _ = context.run([context.which("ps"), "auxww"])
    return any(pattern in line for line in out.splitlines())
