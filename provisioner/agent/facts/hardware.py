"""Processors, memory, the firmware's tables and uptime."""

import os
from typing import Any, Dict, List

from provisioner.agent.facts import reading

DMI = "/sys/devices/virtual/dmi/id"
_DMI_FILES = {
    "bios_date": "bios_date",
    "bios_vendor": "bios_vendor",
    "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag",
    "board_name": "board_name",
    "board_serial": "board_serial",
    "board_vendor": "board_vendor",
    "board_version": "board_version",
    "chassis_asset_tag": "chassis_asset_tag",
    "chassis_serial": "chassis_serial",
    "chassis_vendor": "chassis_vendor",
    "chassis_version": "chassis_version",
    "form_factor": "chassis_type",
    "product_name": "product_name",
    "product_serial": "product_serial",
    "product_uuid": "product_uuid",
    "product_version": "product_version",
    "system_vendor": "sys_vendor",
}
# Chassis types of the SMBIOS specification, from number 0.
_FORMS = (
    "Unknown|Other|Unknown|Desktop|Low Profile Desktop|Pizza Box|Mini Tower|Tower|Portable|Laptop|Notebook|Hand Held|Docking Station"
    "|All In One|Sub Notebook|Space-saving|Lunch Box|Main Server Chassis|Expansion Chassis|Sub Chassis|Bus Expansion Chassis"
    "|Peripheral Chassis|RAID Chassis|Rack Mount Chassis|Sealed-case PC|Multi-system|CompactPCI|AdvancedTCA|Blade|Blade Enclosure"
    "|Tablet|Convertible|Detachable|IoT Gateway|Embedded PC|Mini PC|Stick PC"
).split("|")


def processors(path: str = "/proc/cpuinfo") -> Dict[str, Any]:
    """A processor of /proc/cpuinfo is a thread; sockets are told apart by their physical id."""
    shown: List[str] = []
    sockets: Dict[str, Dict[str, str]] = {}
    entries = 0
    flags: List[str] = []
    for paragraph in "\n".join(reading.lines(path)).split("\n\n"):
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in paragraph.splitlines())}
        if "processor" not in fields or not fields["processor"].isdigit():
            continue
        entries += 1
        shown.append(fields["processor"])
        shown.extend(fields[key] for key in ("vendor_id", "model name", "Processor", "cpu", "CPU implementer") if fields.get(key))
        sockets.setdefault(fields.get("physical id", ""), fields)
        flags = flags or (fields.get("flags") or fields.get("Features") or "").split()
    told = "" not in sockets and bool(sockets)
    first = next(iter(sockets.values()), {})
    cores = int(first.get("cpu cores", 1)) if told else 1
    siblings = int(first.get("siblings", cores)) if told else 1
    count = len(sockets) if told else entries
    threads = max(siblings // (cores or 1), 1)
    facts: Dict[str, Any] = {
        "processor": shown,
        "processor_count": count,
        "processor_cores": cores,
        "processor_threads_per_core": threads,
        "processor_vcpus": threads * count * cores,
        "processor_nproc": len(os.sched_getaffinity(0)),
    }
    if flags:
        facts["flags"] = flags
    return facts


def memory(path: str = "/proc/meminfo") -> Dict[str, Any]:
    """In MiB, rounded down."""
    found = {}
    for line in reading.lines(path):
        key, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            found[key] = int(number[0]) // 1024

    def of(key: str) -> int:
        return found.get(key, 0)

    total, free = of("MemTotal"), of("MemFree")
    idle = free + of("Cached") + of("Buffers")
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": of("SwapTotal"),
        "swapfree_mb": of("SwapFree"),
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": idle, "used": total - idle},
            "swap": {
                "total": of("SwapTotal"),
                "free": of("SwapFree"),
                "used": of("SwapTotal") - of("SwapFree"),
                "cached": of("SwapCached"),
            },
        },
    }


def firmware() -> Dict[str, Any]:
    facts = {}
    for fact, name in _DMI_FILES.items():
        value = reading.text(os.path.join(DMI, name)) or "NA"
        if fact == "form_factor" and value.isdigit():
            value = _FORMS[int(value)] if int(value) < len(_FORMS) else "unknown (%s)" % value
        facts[fact] = value
    return facts


def uptime() -> Dict[str, Any]:
    words = (reading.text("/proc/uptime") or "").split()
    return {"uptime_seconds": int(float(words[0]))} if words else {}
