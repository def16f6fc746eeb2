"""Whether virtual machines run on the processor itself (KVM) or are emulated, which works everywhere and costs."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from typing import Any

import libvirt

from provisioner.machines.errors import RequirementError

KVM = "/dev/kvm"
# ioctl numbers of linux/kvm.h: _IO(0xAE, 0x01) and _IO(0xAE, 0x41)
_CREATE_VM = 0xAE01
_CREATE_VCPU = 0xAE41
# _IOWR(0xAE, 0x05, struct kvm_cpuid2), which begins with two counts and is followed by entries of ten words
_GET_SUPPORTED_CPUID = 0xC008AE05
_ENTRIES, _ENTRY = 256, struct.Struct("10I")
# Intel SDM 2A, CPUID: function 1, ECX bit 0. Every 64-bit processor has it since 2005.
_FEATURES, _SSE3 = 1, 1
# Measured: to SSH 20 CPU seconds instead of 3, and what a guest computes takes five to ten times as long.
COST = "emulated machines compute five to ten times slower, and take half a minute and more to boot"


def accelerated(wish: str, connection: Any, *, local: bool) -> bool:
    """`wish` is machines.acceleration. Raises RequirementError when KVM is asked for and isn't there."""
    if wish == "none":
        return False
    reason = _why_not(connection, local=local)
    if reason and wish == "kvm":
        raise RequirementError(f"machines.acceleration is kvm, but {reason}", hint=f"set it to auto: {COST}")
    return not reason


def _why_not(connection: Any, *, local: bool) -> str:
    """Empty: KVM works. A device that is there is tried: under another hypervisor it may not work."""
    if local and (reason := _device()):
        return reason
    try:
        connection.getDomainCapabilities(None, "x86_64", None, "kvm")
    except libvirt.libvirtError as e:
        return f"libvirt says: {e}"
    return ""


def _device(path: str = KVM) -> str:
    try:
        system = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as e:
        return f"{path} can't be opened: {e.strerror}"
    machine = -1
    try:
        machine = fcntl.ioctl(system, _CREATE_VM, 0)
        os.close(fcntl.ioctl(machine, _CREATE_VCPU, 0))
        if not _offers_sse3(system):
            return f"{path} is there but gives guests a crippled processor, on which no system boots"
    except OSError as e:
        return f"{path} is there but does not work: {e.strerror}"
    finally:
        for descriptor in (machine, system):
            if descriptor >= 0:
                os.close(descriptor)
    return ""


def _offers_sse3(system: int) -> bool:
    """Under some hypervisors KVM makes machines and then can't run more than their firmware; this tells, before an hour is lost."""
    answer = bytearray(8 + _ENTRIES * _ENTRY.size)
    struct.pack_into("II", answer, 0, _ENTRIES, 0)
    fcntl.ioctl(system, _GET_SUPPORTED_CPUID, answer)
    (count,) = struct.unpack_from("I", answer)
    entries = (_ENTRY.unpack_from(answer, 8 + n * _ENTRY.size) for n in range(count))
    # function, index, flags, eax, ebx, ecx, edx, padding
    return any(function == _FEATURES and ecx & _SSE3 for function, _, _, _, _, ecx, *_ in entries)


if __name__ == "__main__":
    sys.exit(bool(_device()))  # for scripts/libvirt
