"""hostname: the name of the host, now and after a reboot."""

import os
import socket
from typing import Any, Dict

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed

# Ways to set a name in Ansible; here all of them are what Debian does.
STRATEGIES = "alpine debian freebsd generic macos macosx darwin openbsd openrc redhat sles solaris systemd".split()
# The kernel's own limit (__NEW_UTS_LEN).
MAX_LENGTH = 64
FILE = "/etc/hostname"
ARGUMENTS: Dict[str, Dict[str, Any]] = {"name": {"required": True}, "use": {"choices": STRATEGIES}}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name = args["name"]
    current = os.uname().nodename
    try:
        with open(FILE) as file:
            permanent = file.read().strip()
    except OSError:
        permanent = ""
    changed = current != name or permanent != name
    if changed and not context.check:
        _set(name, current, context)
    full = socket.getfqdn()  # as the host's own resolution has it
    facts = {
        "ansible_hostname": name.split(".")[0],
        "ansible_nodename": name,
        "ansible_fqdn": full,
        "ansible_domain": ".".join(full.split(".")[1:]),
    }
    result: Dict[str, Any] = {"changed": changed, "name": name, "ansible_facts": facts}
    if changed:
        result["diff"] = {"before": "hostname = %s\n" % (permanent if current == name else current), "after": "hostname = %s\n" % name}
    return result


def _set(name: str, current: str, context: Context) -> None:
    """First for now, which also says whether it is a name at all."""
    if len(name) > MAX_LENGTH:
        raise ModuleFailed("name cannot be longer than 64 characters on systemd servers, try a shorter name")
    if current != name:
        code, out, err = context.run([context.which("hostname"), name])
        if code != 0:
            raise ModuleFailed("Command failed rc=%d, out=%s, err=%s" % (code, out, err))
    contents.write(FILE, (name + "\n").encode())
