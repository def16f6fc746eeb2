"""hostname: the name of the host, now and after a reboot."""

import os
import socket
from typing import Any, Dict

from provisioner.agent import contents
from provisioner.agent.context import Context

# Ways to set a name in Ansible; here all of them are what Debian does.
STRATEGIES = "alpine debian freebsd generic macos macosx darwin openbsd openrc redhat sles solaris systemd".split()
ARGUMENTS: Dict[str, Dict[str, Any]] = {"name": {"required": True}, "use": {"choices": STRATEGIES}}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name = args["name"]
    current = os.uname().nodename
    try:
        with open("/etc/hostname") as file:
            permanent = file.read().strip()
    except OSError:
        permanent = ""
    changed = current != name or permanent != name
    if changed and not context.check:
        contents.write("/etc/hostname", (name + "\n").encode())
        context.run([context.which("hostname"), name], ok=[0])
    full = socket.getfqdn()  # as the host's own resolution has it
    facts = {
        "ansible_hostname": name.split(".")[0],
        "ansible_nodename": name,
        "ansible_fqdn": full,
        "ansible_domain": ".".join(full.split(".")[1:]),
    }
    result: Dict[str, Any] = {"changed": changed, "name": name, "ansible_facts": facts}
    if changed:
        result["diff"] = {"before": "hostname = %s\n" % permanent, "after": "hostname = %s\n" % name}
    return result
