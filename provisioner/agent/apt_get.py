"""Runs apt-get: waits visibly for a lock that somebody else holds, and says who; lets services start or not meanwhile."""

import os
import re
import time
from typing import Any, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical"}
_LOCKED = re.compile(r"Could not get lock|Unable to lock|is another process using it")


def apt_get(command: List[str], context: Context, lock_timeout_s: int, policy: Optional[int] = None) -> Tuple[int, str, str]:
    """(exit code, output, errors). `policy`: what /usr/sbin/policy-rc.d answers meanwhile. Raises ModuleFailed when a lock never gets free."""
    deadline = time.monotonic() + lock_timeout_s
    told = ""
    with _Policy(None if context.check else policy):
        while True:
            code, out, err = context.run(command, env=ENVIRONMENT)
            if code == 0 or not _LOCKED.search(err):
                return code, out, err
            if time.monotonic() > deadline:
                msg = "apt's lock was not free within %d s: %s holds it" % (lock_timeout_s, _holder())
                raise ModuleFailed(msg, stdout=out, stderr=err, rc=code)
            waiting = "apt's lock is held by %s; waiting up to %d s" % (_holder(), lock_timeout_s)
            if waiting != told:
                context.waits(waiting)
                told = waiting
            time.sleep(1.0)


def update(context: Context, retries: int, max_delay_s: int, lock_timeout_s: int = 60) -> None:
    """Fetches the lists of packages anew. Raises ModuleFailed when no try succeeds."""
    reason = ""
    for attempt in range(retries):
        code, out, err = apt_get([context.which("apt-get"), "update", "-q"], context, lock_timeout_s)
        if code == 0 and "Some index files failed to download" not in err:
            return
        reason = (err or out).strip()
        delay_s = min(2**attempt, max_delay_s)
        context.warn("Failed to update cache after %d retries due to %s, retrying" % (attempt + 1, reason))
        if attempt + 1 < retries:
            context.warn("Sleeping for %d seconds, before attempting to refresh the cache again" % delay_s)
            time.sleep(delay_s)
    raise ModuleFailed("Failed to update apt cache after %d retries: %s" % (retries, reason or "unknown reason"))


def _holder() -> str:
    """The process that has one of the locks open, as name (pid)."""
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            for handle in os.listdir("/proc/%s/fd" % pid):
                if os.readlink("/proc/%s/fd/%s" % (pid, handle)) in LOCKS:
                    with open("/proc/%s/comm" % pid) as file:
                        return "%s (pid %s)" % (file.read().strip(), pid)
        except OSError:
            continue
    return "an unknown process"


class _Policy:
    """While packages are installed, /usr/sbin/policy-rc.d decides whether their services start (policy_rc_d)."""

    PATH = "/usr/sbin/policy-rc.d"

    def __init__(self, code: Optional[int]) -> None:
        self._code = code
        self._saved: Optional[bytes] = None

    def __enter__(self) -> None:
        if self._code is None:
            return
        if os.path.exists(self.PATH):
            with open(self.PATH, "rb") as file:
                self._saved = file.read()
        with open(self.PATH, "w") as out:
            out.write("#!/bin/sh\nexit %d\n" % self._code)
        os.chmod(self.PATH, 0o755)

    def __exit__(self, *_: Any) -> None:
        if self._code is None:
            return
        if self._saved is None:
            os.unlink(self.PATH)
        else:
            with open(self.PATH, "wb") as file:
                file.write(self._saved)
