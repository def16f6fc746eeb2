"""The platform: kernel, machine, names of the host; and the Python that runs here."""

import os
import platform
import re
import socket
import sys
import threading
from typing import Any, Dict, List

from provisioner.agent.facts import reading

# A resolver that does not answer must not hold everything up.
NAME_TIMEOUT_S = 5.0


def system() -> Dict[str, Any]:
    told = os.uname()
    fqdn = _fqdn(told.nodename)
    bits = platform.architecture()[0].replace("bit", "")
    machine = "i386" if re.match(r"^i\d86$", told.machine) else told.machine
    facts = {
        "system": told.sysname,
        "kernel": told.release,
        "kernel_version": told.version,
        "machine": told.machine,
        "python_version": platform.python_version(),
        "fqdn": fqdn,
        "hostname": told.nodename.split(".")[0],
        "nodename": told.nodename,
        "domain": ".".join(fqdn.split(".")[1:]),
        "userspace_bits": bits,
        "architecture": machine,
        "userspace_architecture": "i386" if machine == "x86_64" and bits == "32" else machine,
    }
    machine_id = reading.text("/var/lib/dbus/machine-id") or reading.text("/etc/machine-id")
    if machine_id:
        facts["machine_id"] = machine_id.splitlines()[0]
    return facts


def _fqdn(nodename: str) -> str:
    found: List[str] = []
    asker = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    asker.start()
    asker.join(NAME_TIMEOUT_S)
    return found[0] if found else nodename


def python() -> Dict[str, Any]:
    version = sys.version_info
    try:
        import ssl

        has_context = hasattr(ssl, "SSLContext")
    except ImportError:
        has_context = False
    return {
        "python": {
            "version": {
                "major": version[0],
                "minor": version[1],
                "micro": version[2],
                "releaselevel": version[3],
                "serial": version[4],
            },
            "version_info": list(version),
            "executable": sys.executable,
            "has_sslcontext": has_context,
            "type": sys.implementation.name,
        }
    }
