"""systemd: units started, stopped, enabled, masked; the daemon told of changed files."""

import os
from typing import Any, Dict, List

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "name": {"aliases": ["service", "unit"]},
    "state": {"choices": ["reloaded", "restarted", "started", "stopped"]},
    "enabled": {"type": "bool"},
    "force": {"type": "bool"},
    "masked": {"type": "bool"},
    "daemon_reload": {"type": "bool", "default": False, "aliases": ["daemon-reload"]},
    "daemon_reexec": {"type": "bool", "default": False, "aliases": ["daemon-reexec"]},
    "scope": {"default": "system", "choices": ["system", "user", "global"]},
    "no_block": {"type": "bool", "default": False},
    "_rules": {"required_one_of": [["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    unit = args["name"]
    result: Dict[str, Any] = {"name": unit, "changed": False, "status": {}}
    systemctl = [context.which("systemctl")]
    if args["scope"] != "system":
        systemctl.append("--" + args["scope"])
    if not os.path.isdir("/run/systemd/system") and not context.check:
        raise ModuleFailed("systemd does not run this host: /run/systemd/system is missing")
    if args["daemon_reload"] and not context.check:
        _checked(systemctl + ["daemon-reload"], "failure %d during daemon-reload: %s", context)
    if args["daemon_reexec"] and not context.check:
        _checked(systemctl + ["daemon-reexec"], "failure %d during daemon-reexec: %s", context)
    if not unit:
        if args["state"] or args["enabled"] is not None or args["masked"] is not None:
            raise ModuleFailed("name is required with state, enabled and masked")
        return result
    status = _show(systemctl, unit, context)
    result["status"] = status
    known = status.get("LoadState") not in ("not-found", None) or "@" in unit
    if args["masked"] is not None:
        _mask(args, systemctl, unit, status, result, context)
    if not known and not context.check and not (args["masked"] and not args["state"]):
        if args["state"] in ("stopped", None) and args["enabled"] is not True and args["state"] is not None:
            return result
        raise ModuleFailed("Could not find the requested service %s: host" % unit)
    if args["enabled"] is not None:
        _enable(args, systemctl, unit, result, context)
    if args["state"] is not None:
        _state(args, systemctl, unit, status, result, context)
    return result


def _show(systemctl: List[str], unit: str, context: Context) -> Dict[str, str]:
    _, out, _ = context.run(systemctl + ["show", unit])
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def _checked(command: List[str], message: str, context: Context) -> None:
    code, out, err = context.run(command)
    if code != 0:
        raise ModuleFailed(message % (code, (err or out).strip()))


def _mask(args: Dict[str, Any], systemctl: List[str], unit: str, status: Dict[str, str], result: Dict[str, Any], context: Context) -> None:
    masked = status.get("LoadState") == "masked"
    if masked != args["masked"]:
        result["changed"] = True
        if not context.check:
            verb = "mask" if args["masked"] else "unmask"
            _checked(systemctl + [verb, unit], "Unable to " + verb + " service " + unit.replace("%", "%%") + " (%d): %s", context)


def _enable(args: Dict[str, Any], systemctl: List[str], unit: str, result: Dict[str, Any], context: Context) -> None:
    code, out, _ = context.run(systemctl + ["is-enabled", unit])
    enabled = code == 0 and out.strip() not in ("enabled-runtime", "indirect", "alias")
    result["enabled"] = args["enabled"]
    if enabled != args["enabled"]:
        result["changed"] = True
        if not context.check:
            verb = "enable" if args["enabled"] else "disable"
            _checked(
                systemctl + [verb] + (["--force"] if args["force"] else []) + [unit],
                "Unable to " + verb + " service " + unit.replace("%", "%%") + " (%d): %s",
                context,
            )


def _state(args: Dict[str, Any], systemctl: List[str], unit: str, status: Dict[str, str], result: Dict[str, Any], context: Context) -> None:
    active = status.get("ActiveState")
    running = active in ("active", "activating", "reloading")
    result["state"] = {"restarted": "started", "reloaded": "started"}.get(args["state"], args["state"])
    verb = None
    if args["state"] == "started":
        verb = None if running else "start"
    elif args["state"] == "stopped":
        verb = "stop" if running or active == "deactivating" else None
    elif running:
        verb = args["state"][:-2] if args["state"] == "reloaded" else "restart"
    else:
        verb = "start"
    if verb is None:
        return
    result["changed"] = True
    if context.check:
        return
    code, out, err = context.run(systemctl + [verb] + (["--no-block"] if args["no_block"] else []) + [unit])
    if code != 0:
        _, journal, _ = context.run(["journalctl", "-u", unit, "-n", "15", "--no-pager", "-o", "cat"])
        raise ModuleFailed("Unable to %s service %s: %s" % (verb, unit, (err or out).strip()), status=status, journal=journal.splitlines())
    result["status"] = _show(systemctl, unit, context)
