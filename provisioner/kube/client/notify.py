"""sd_notify: tells systemd what is true about this process (ready, alive, stopping). Does nothing outside systemd.

Source: sd_notify(3), the NOTIFY_SOCKET and WATCHDOG_USEC protocol.
"""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> None:
    """Send states such as `READY=1` or `STATUS=…`. A socket that is gone is no error: systemd then waits for no word of ours."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.connect(address)
            sock.sendall("\n".join(states).encode())
        except OSError:
            return


def watchdog_interval_s() -> float | None:
    """How often to say WATCHDOG=1: half of what systemd allows, or None where it doesn't watch."""
    allowed = os.environ.get("WATCHDOG_USEC")
    if not allowed or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(allowed) / 1e6 / 2
