"""What this host has not itself, and so can't give to a container: Linux capabilities by name (capabilities(7)), and AppArmor."""

from __future__ import annotations

from pathlib import Path

# In the kernel's order: a name's place is its bit.
NAMES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE"),
    *("NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT"),
    *("SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE"),
    *("AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
    *("PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)
STATUS, LAST = Path("/proc/self/status"), Path("/proc/sys/kernel/cap_last_cap")
APPARMOR = Path("/sys/module/apparmor/parameters/enabled")


def effective(status: Path = STATUS) -> int:
    """Our effective capabilities, as the kernel's bit set."""
    for line in status.read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def lacking(held: int, last: Path = LAST) -> tuple[str, ...]:
    """Names of those that the kernel knows and `held` has not: none, unless the host is a container itself."""
    known = int(last.read_text()) + 1 if last.exists() else len(NAMES)
    return tuple(name for bit, name in enumerate(NAMES[:known]) if not held >> bit & 1)


def apparmor(enabled: Path = APPARMOR) -> bool:
    """Whether the kernel enforces AppArmor's profiles."""
    return enabled.exists() and enabled.read_text().startswith("Y")
