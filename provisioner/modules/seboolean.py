"""seboolean: a switch of the host's SELinux policy; where SELinux is not on, an error says so."""

import os
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "persistent": {"type": "bool", "default": False},
    "state": {"type": "bool", "required": True},
    "ignore_selinux_state": {"type": "bool", "default": False},
}
FILESYSTEM = "/sys/fs/selinux"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, wanted = args["name"], args["state"]
    result: Dict[str, Any] = {"name": name, "persistent": args["persistent"], "state": wanted, "changed": False}
    enabled = os.path.exists(os.path.join(FILESYSTEM, "enforce"))
    if not enabled and not args["ignore_selinux_state"]:
        raise ModuleFailed("SELinux is disabled on this host.")
    if enabled:
        current = _active(name)
    elif args["persistent"]:
        current = not wanted  # without a running policy nobody knows
    else:
        raise ModuleFailed("Setting non-persistent booleans without SELinux is not possible: set persistent")
    kept = _kept(name, context) if args["persistent"] and enabled else current
    if current == wanted and kept == wanted:
        return result
    if not context.check:
        words = ["-P", name] if args["persistent"] else [name]
        code, out, err = context.run([context.which("setsebool"), *words, "on" if wanted else "off"])
        if code != 0:
            raise ModuleFailed("Failed to set boolean %s to %s: %s" % (name, wanted, (err or out).strip()), rc=code, **result)
    return dict(result, changed=True)


def _active(name: str) -> bool:
    """What the kernel has. Two numbers: now, and what is to be committed."""
    try:
        with open(os.path.join(FILESYSTEM, "booleans", name)) as file:
            return file.read().split()[0] == "1"
    except OSError:
        raise ModuleFailed("SELinux boolean %s does not exist." % name)


def _kept(name: str, context: Context) -> bool:
    """What the next start gives: `semanage boolean -l` shows (now, default)."""
    _, out, _ = context.run([context.which("semanage"), "boolean", "-l", "-n"], ok=[0])
    for line in out.splitlines():
        words = line.replace("(", " ").replace(",", " ").replace(")", " ").split()
        if words and words[0] == name and len(words) > 2:
            return words[2] == "on"
    raise ModuleFailed("SELinux boolean %s does not exist in the policy's store." % name)
