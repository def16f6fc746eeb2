"""systemd: units started, stopped, enabled, masked; the daemon told of changed files."""

import glob
import os
from typing import Any, Dict, List, Tuple

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
    "_rules": {
        "required_one_of": [["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]],
        "required_by": {"state": ["name"], "enabled": ["name"], "masked": ["name"]},
    },
}
# What is-enabled answers for units that exist (systemctl(1)).
_STATES = frozenset(
    {"enabled", "enabled-runtime", "linked", "linked-runtime", "masked", "masked-runtime", "static", "indirect", "disabled", "generated",
     "transient"}
)  # fmt: skip
# Enabled for now or in another's name only: to be enabled is still to be done.
_HALF_ENABLED = frozenset({"enabled-runtime", "indirect", "alias"})
_RUNNING = frozenset({"active", "activating", "reloading"})
JOURNAL_LINES = 15


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    unit = args["name"]
    for letter in "*?[":
        if unit is not None and letter in unit:
            msg = "This module does not currently support using glob patterns, found '%s' in service name: %s"
            raise ModuleFailed(msg % (letter, unit))
    os.environ.setdefault("XDG_RUNTIME_DIR", "/run/user/%d" % os.geteuid())
    host = _Host(args, context)
    result: Dict[str, Any] = {"name": unit, "changed": False, "status": {}}
    for verb in ("daemon-reload", "daemon-reexec"):
        if args[verb.replace("-", "_")] and not context.check:
            host.daemon(verb)
    if not unit:
        return result
    known, result["status"] = host.look(unit)
    # A path of a unit's file counts as well: it is for systemctl to say what becomes of it.
    script = os.path.exists(os.path.join("/etc/init.d", unit))
    if script and not known:
        context.warn("The service (%s) is actually an init script but the system is managed by systemd" % unit)
    # What another task would install is no failure of a check.
    known = known or script or context.check
    if args["masked"] is not None:
        host.mask(unit, known, result)
    if not known and (args["enabled"] is not None or args["state"] is not None):
        raise ModuleFailed("Could not find the requested service %s: host" % unit)
    if args["enabled"] is not None:
        host.enable(unit, script, result)
    if args["state"] is not None:
        host.state(unit, result)
    return result


class _Host:
    def __init__(self, args: Dict[str, Any], context: Context) -> None:
        self._args, self._context = args, context
        self._program: List[str] = [context.which("systemctl")]
        self._program += ["--" + args["scope"]] if args["scope"] != "system" else []
        self._program += ["--no-block"] if args["no_block"] else []
        self._program += ["--force"] if args["force"] else []

    def _run(self, *words: str) -> Tuple[int, str, str]:
        return self._context.run(self._program + list(words))

    def daemon(self, verb: str) -> None:
        code, _, err = self._run(verb)
        if code == 0:
            return
        if not _offline():
            raise ModuleFailed("failure %d during %s: %s" % (code, verb, err))
        text = "%s failed, but target is a chroot or systemd is offline. Continuing. Error was: %d / %s"
        self._context.warn(text % (verb, code, err))

    def look(self, unit: str) -> Tuple[bool, Dict[str, str]]:
        """(whether systemd knows the unit, what it tells about it: nothing where systemd does not run)"""
        code, out, err = self._run("show", unit)
        if code == 0 and not any(word in text for word in ("ignoring request", "ignoring command") for text in (out, err)):
            status = parsed(out)
            loaded = status.get("LoadState")
            if loaded not in (None, "not-found", "masked") and "LoadError" in status:
                raise ModuleFailed("Error loading unit file '%s': %s" % (unit, status["LoadError"]))
            return loaded not in (None, "not-found"), status
        if self._run("is-enabled", unit)[1].strip() in _STATES or self._run("list-unit-files", unit)[0] == 0:
            return True, {}
        code, out, err = self._run()
        if code != 0:
            raise ModuleFailed(err.strip(), rc=code, cmd=" ".join(self._program), stdout=out, stderr=err)
        return False, {}

    def mask(self, unit: str, known: bool, result: Dict[str, Any]) -> None:
        """Works for units that are not installed yet as well."""
        if (self._run("is-enabled", unit)[1].strip() == "masked") == self._args["masked"]:
            return
        result["changed"] = True
        verb = "mask" if self._args["masked"] else "unmask"
        code, _, err = (0, "", "") if self._context.check else self._run(verb, unit)
        if code != 0:
            if not known:
                raise ModuleFailed("Could not find the requested service %s: host" % unit)
            raise ModuleFailed("Failed to %s the service (%s): %s" % (verb, unit, err.strip()))

    def enable(self, unit: str, script: bool, result: Dict[str, Any]) -> None:
        code, out, _ = self._run("is-enabled", unit, "-l")
        enabled = code == 0 and out.rstrip() not in _HALF_ENABLED
        if code == 1 and script and self._args["scope"] == "system" and not out.strip().endswith("disabled"):
            enabled = bool(glob.glob("/etc/rc?.d/S??" + glob.escape(unit)))
        result["enabled"] = enabled
        if enabled == self._args["enabled"]:
            return
        result["changed"] = True
        verb = "enable" if self._args["enabled"] else "disable"
        if not self._context.check:
            code, out, err = self._run(verb, unit)
            if code != 0:
                raise ModuleFailed("Unable to %s service %s: %s" % (verb, unit, out + err))
        result["enabled"] = not enabled

    def state(self, unit: str, result: Dict[str, Any]) -> None:
        wanted, active = self._args["state"], result["status"].get("ActiveState")
        result["state"] = wanted
        if active is None and not self._context.check:
            if not _offline():
                raise ModuleFailed("Service is in unknown state", status=result["status"])
            text = (
                "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working."
            )
            self._context.warn(text)
            return
        running = active in _RUNNING
        if wanted == "started":
            verb = "" if running else "start"
        elif wanted == "stopped":
            verb = "stop" if running or active == "deactivating" else ""
        else:
            verb = wanted[:-2] if running else "start"
            result["state"] = "started"
        if not verb:
            return
        result["changed"] = True
        if self._context.check:
            return
        code, _, err = self._run(verb, unit)
        if code != 0:
            _, journal, _ = self._context.run(["journalctl", "-u", unit, "-n", str(JOURNAL_LINES), "--no-pager", "-o", "cat"])
            raise ModuleFailed("Unable to %s service %s: %s" % (verb, unit, err), journal=journal.splitlines())


def parsed(text: str) -> Dict[str, str]:
    """What `systemctl show` says, by property; those of commands may go on over several lines, up to a closing brace."""
    found: Dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if key:
            found[key] += "\n" + line
        elif "=" in line:
            name, _, value = line.partition("=")
            found[name] = value.strip()
            if not (name.startswith("Exec") and value.lstrip().startswith("{") and not value.rstrip().endswith("}")):
                continue
            key = name
        if key and line.rstrip().endswith("}"):
            found[key], key = found[key].strip(), ""
    return found


def _offline() -> bool:
    """Whether systemd is not to be spoken to: somebody says so, or this is a chroot."""
    if os.environ.get("SYSTEMD_OFFLINE") == "1" or os.environ.get("debian_chroot"):
        return True
    try:
        here, first = os.stat("/"), os.stat("/proc/1/root/.")
    except OSError:
        return False
    return (here.st_ino, here.st_dev) != (first.st_ino, first.st_dev)
