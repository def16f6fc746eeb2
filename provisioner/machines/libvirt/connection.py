"""The way to libvirt: opening a connection, and turning its errors into ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import libvirt

from provisioner.machines.errors import MachineError, RequirementError

_LOG = logging.getLogger(__name__)
# What libvirt's text of a connection's failure means, and what helps.
_CAUSES = (
    # Whoever isn't root is asked about over the system bus, by polkit; without a bus there is nobody to ask.
    ("system bus", "this user may not use it", "run as root, or join the group libvirt and log in again"),
    ("No such file or directory", "libvirtd does not run there", "systemctl start libvirtd virtlogd (Debian: libvirt-daemon-system)"),
    ("Connection refused", "libvirtd does not run there", "systemctl start libvirtd"),
    ("Permission denied", "this user may not use it", "run as root, or join the group libvirt and log in again"),
    ("authentication", "this user may not use it", "run as root, or join the group libvirt and log in again"),
    ("Host key verification failed", "ssh does not know that computer's key", "connect once with ssh and check its key"),
    ("Could not resolve", "that computer's name is not known", "look at machines.uri"),
)


def _told(context: Any, error: Any) -> None:
    """libvirt prints its errors unless somebody takes them; they come as exceptions too."""
    _LOG.debug("libvirt: %s", error)


def connect(uri: str) -> Any:
    """An open connection. Raises RequirementError with what to do when there is none."""
    libvirt.registerErrorHandler(_told, None)
    try:
        return libvirt.open(uri)
    except libvirt.libvirtError as e:
        text = str(e)
        for sign, meaning, hint in _CAUSES:
            if sign.lower() in text.lower():
                raise RequirementError(f"no connection to libvirt at {uri}: {meaning} ({text})", hint=hint) from e
        raise RequirementError(f"no connection to libvirt at {uri}: {text}", hint="try it with: virsh -c URI version") from e


@contextmanager
def told(doing: str, *, hint: str = "") -> Iterator[None]:
    """libvirt's errors inside become a MachineError that says what was being done."""
    try:
        yield
    except libvirt.libvirtError as e:
        text = str(e)
        if "virtlogd" in text:
            hint = "start it on the computer libvirt runs on: systemctl start virtlogd (or virtlogd --daemon)"
        elif "Permission denied" in text:
            hint = "libvirt's user must be able to reach the file: look at the rights of all its folders"
        elif e.get_error_code() == libvirt.VIR_ERR_RPC or "Broken pipe" in text or "client socket is closed" in text:
            hint = "libvirtd ended meanwhile; machines run on. Start it and run the same command again"
        elif "No space left" in text:
            hint = "make room in the storage pool, or set machines.pool to a larger one"
        raise MachineError(f"{doing}: {text}", hint=hint) from e


def missing(error: Exception) -> bool:
    """Whether libvirt's error says that there is no such thing."""
    codes = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_NETWORK, libvirt.VIR_ERR_NO_STORAGE_POOL, libvirt.VIR_ERR_NO_STORAGE_VOL)
    return isinstance(error, libvirt.libvirtError) and error.get_error_code() in codes
