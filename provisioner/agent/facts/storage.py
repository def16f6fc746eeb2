"""Block devices, volumes and mounted file systems."""

import os
import re
import shutil
import subprocess
import threading
from typing import Any, Dict, List, Optional

from provisioner.agent.facts import reading

BLOCKS = "/sys/block"
_LINKS = (("ids", "by-id"), ("uuids", "by-uuid"), ("labels", "by-label"))
_SIZES = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"), (1, "Bytes"))
_COMMAND_TIMEOUT_S = 10.0


def human(size: int) -> str:
    for unit, name in _SIZES:
        if size >= unit:
            return "%.2f %s" % (size / float(unit), name)
    return "0.00 Bytes"


def _links() -> Dict[str, Dict[str, List[str]]]:
    """For ids, uuids and labels: which names lead to a device; for masters, who holds it."""
    found: Dict[str, Dict[str, List[str]]] = {kind: {} for kind, _ in _LINKS}
    found["masters"] = {}
    for kind, folder in _LINKS:
        for name in reading.names("/dev/disk/" + folder):
            target = os.path.basename(os.path.realpath(os.path.join("/dev/disk", folder, name)))
            found[kind].setdefault(target, []).append(_unescaped(name))
    for device in reading.names(BLOCKS):
        for slave in reading.names(os.path.join(BLOCKS, device, "slaves")):
            found["masters"].setdefault(slave, []).append(device)
    return found


def _unescaped(text: str) -> str:
    """Names below /dev/disk have odd characters as \\x20."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match.group(1), 16)), text)


def devices() -> Dict[str, Any]:
    links = _links()
    found = {}
    for name in reading.names(BLOCKS):
        folder = os.path.join(BLOCKS, name)
        sectors, sector_bytes = int(reading.text(folder + "/size") or 0), reading.text(folder + "/queue/logical_block_size") or "512"
        scheduler = re.search(r"\[(.*)\]", reading.text(folder + "/queue/scheduler") or "")
        facts: Dict[str, Any] = {
            "virtual": 1 if "/virtual/" in os.path.realpath(folder) or not os.path.exists(folder + "/device/model") else 0,
            "links": _links_of(links, name),
            "vendor": reading.text(folder + "/device/vendor"),
            "model": reading.text(folder + "/device/model"),
            "sas_address": reading.text(folder + "/device/sas_address"),
            "sas_device_handle": reading.text(folder + "/device/sas_device_handle"),
            "removable": reading.text(folder + "/removable"),
            "support_discard": reading.text(folder + "/queue/discard_granularity"),
            "partitions": _partitions(folder, name, links),
            "rotational": reading.text(folder + "/queue/rotational"),
            "scheduler_mode": scheduler.group(1) if scheduler else "",
            "sectorsize": sector_bytes,
            "sectors": sectors,
            # The kernel counts in 512 bytes, whatever the device does.
            "size": human(sectors * 512),
            "host": "",
            "holders": _holders(folder),
        }
        serial = reading.text(folder + "/device/serial")
        if serial:
            facts["serial"] = serial
        found[name] = facts
    return {"devices": found, "device_links": links}


def _links_of(links: Dict[str, Dict[str, List[str]]], name: str) -> Dict[str, List[str]]:
    return {kind: links[kind].get(name, []) for kind in ("ids", "uuids", "labels", "masters")}


def _holders(folder: str) -> List[str]:
    found = []
    for name in reading.names(folder + "/holders"):
        mapped = reading.text("/sys/block/%s/dm/name" % name)
        found.append(mapped or name)
    return found


def _partitions(folder: str, device: str, links: Dict[str, Dict[str, List[str]]]) -> Dict[str, Any]:
    found = {}
    for name in reading.names(folder):
        path = os.path.join(folder, name)
        if not name.startswith(device) or not os.path.exists(path + "/start"):
            continue
        sectors = int(reading.text(path + "/size") or 0)
        sector_bytes = reading.text(path + "/queue/logical_block_size") or reading.text(folder + "/queue/logical_block_size") or "512"
        found[name] = {
            "links": _links_of(links, name),
            "start": reading.text(path + "/start") or "0",
            "sectors": sectors,
            "sectorsize": int(sector_bytes),
            "size": human(sectors * 512),
            "uuid": (links["uuids"].get(name) or [None])[0],  # type: ignore[list-item]
            "holders": _holders(path),
        }
    return found


def mounts(timeout_s: float = 10.0) -> Dict[str, Any]:
    """File systems that lie on a device or a server, with their sizes; a server that does not answer within the time is told so."""
    uuids = {target: names[0] for target, names in _links()["uuids"].items()}
    bound = _bound()
    # What was mounted over another, or again, counts once: as it is now.
    entries: Dict[str, Dict[str, Any]] = {}
    for line in reading.lines("/proc/self/mounts"):
        words = [without_octal(word) for word in line.split(" ")]
        if len(words) < 6:
            continue
        device, mount, fstype, options = words[:4]
        if (not device.startswith("/") and ":/" not in device and not device.startswith("//")) or fstype == "none":
            continue
        if mount in bound and "bind" not in options.split(","):
            options += ",bind"
        entry = {"mount": mount, "device": device, "fstype": fstype, "options": options, "dump": int(words[4]), "passno": int(words[5])}
        entries[mount] = entry
        entry["_uuid"] = uuids.get(os.path.basename(os.path.realpath(device)), "N/A") if device.startswith("/dev/") else "N/A"
    asked = [(threading.Thread(target=add_sizes, args=(mount, entry), daemon=True), entry) for mount, entry in entries.items()]
    for asker, _ in asked:
        asker.start()
    for asker, entry in asked:
        asker.join(timeout_s)
        if asker.is_alive():
            entry["note"] = "Timed out while attempting to get extra information."
    return {"mounts": [_told(entry) for entry in entries.values()]}


def uuid_of(device: str) -> Optional[str]:
    """Of the file system on a device, None where nobody knows it."""
    known = _links()["uuids"].get(os.path.basename(os.path.realpath(device))) if device.startswith("/dev/") else None
    return known[0] if known else None


def _told(entry: Dict[str, Any]) -> Dict[str, Any]:
    facts = {key: value for key, value in list(entry.items()) if key != "_uuid"}
    facts["uuid"] = entry["_uuid"]
    return facts


def add_sizes(mount: str, entry: Dict[str, Any]) -> None:
    try:
        found = os.statvfs(mount)
    except OSError:
        return
    entry.update(
        size_total=found.f_frsize * found.f_blocks,
        size_available=found.f_frsize * found.f_bavail,
        block_size=found.f_bsize,
        block_total=found.f_blocks,
        block_available=found.f_bavail,
        block_used=found.f_blocks - found.f_bavail,
        inode_total=found.f_files,
        inode_available=found.f_favail,
        inode_used=found.f_files - found.f_favail,
    )


def without_octal(text: str) -> str:
    """Mount points have blanks and the like as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def _bound() -> List[str]:
    """Mount points that show a folder of a file system, not its root."""
    found = []
    for line in reading.lines("/proc/self/mountinfo"):
        words = line.split(" ")
        if len(words) > 4 and words[3] != "/":
            found.append(without_octal(words[4]))
    return found


def volumes() -> Dict[str, Any]:
    """LVM's groups, volumes and disks, in gigabytes; "N/A" where it is not installed or may not be asked."""
    path = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    if os.getuid() != 0 or not shutil.which("vgs", path=path):
        return {"lvm": "N/A"}
    groups = {r[0]: {"size_g": r[-2], "free_g": r[-1], "num_lvs": r[2], "num_pvs": r[1]} for r in _lvm("vgs", path)}
    logical = {r[0]: {"size_g": r[3], "vg": r[1]} for r in _lvm("lvs", path)}
    disks = {r[0]: {"size_g": r[4], "free_g": r[5], "vg": r[1]} for r in _lvm("pvs", path)}
    return {"lvm": {"lvs": logical, "vgs": groups, "pvs": disks}}


def _lvm(program: str, path: str) -> List[List[str]]:
    command = [shutil.which(program, path=path) or program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ","]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.strip().split(",") for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    return [row for row in rows if len(row) > 5 or (program == "lvs" and len(row) > 3)]
