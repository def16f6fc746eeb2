"""System V services, and a process that outlives its module."""

import glob
import os
import subprocess
from typing import Any, Optional, Sequence, Tuple

from ansible.module_utils.common.text.converters import to_text


def sysv_exists(name: str) -> bool:
    return os.path.exists(get_sysv_script(name))


def get_sysv_script(name: str) -> str:
    return name if name.startswith("/") else "/etc/init.d/%s" % name


def sysv_is_enabled(name: str, runlevel: Optional[str] = None) -> bool:
    pattern = "/etc/rc%s.d/S??%s" % (runlevel or "?", name)
    return bool(glob.glob(pattern))


def fail_if_missing(module: Any, found: bool, service: str, msg: str = "") -> None:
    if not found:
        module.fail_json(msg="Could not find the requested service %s: %s" % (service, msg))


def daemonize(module: Any, cmd: Any) -> Tuple[int, str, str]:
    """(exit code, output, errors) of a command that runs in a session of its own, so that it may leave a daemon behind."""
    argv: Sequence[str] = cmd.split() if isinstance(cmd, str) else [str(part) for part in cmd]
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    return ran.returncode, to_text(ran.stdout), to_text(ran.stderr)


def get_ps(module: Any, pattern: str) -> bool:
    """Whether a process has this in its command line."""
    code, out, _ = module.run_command([module.get_bin_path("ps", True), "auxww"])
    return code == 0 and any(pattern in line and "pattern=" not in line for line in out.splitlines())


check_ps = get_ps


def is_systemd_managed(module: Any) -> bool:
    return bool(module.get_bin_path("systemctl")) and any(
        os.path.exists(path) for path in ("/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/")
    )
