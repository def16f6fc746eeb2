"""Options of docker_container: where each stands in Docker's API, how its value is written there, and how it is compared."""

import os
import re
import shlex
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from provisioner.agent.context import ModuleFailed

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SECONDS = {"us": 1000, "ms": 1000000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


class Option(NamedTuple):
    """`place`: config (of the container) or host (HostConfig). `kind`: value, set (order does not count), list or dict."""

    place: str
    key: str
    convert: Callable[[Any], Any]
    kind: str
    argument: Dict[str, Any]


def size_bytes(value: Any) -> int:
    """512, 512k, 1.5GiB. Raises ModuleFailed."""
    if str(value).strip() in ("unlimited", "-1"):
        return -1
    found = re.match(r"^\s*([0-9.]+)\s*([kmgtp]?)(i?b)?\s*$", str(value), re.IGNORECASE)
    if not found:
        raise ModuleFailed("Failed to convert %r to bytes: expected a number and a unit like 512M" % (value,))
    return int(float(found.group(1)) * _UNITS[found.group(2).lower()])


def duration_ns(value: Any) -> int:
    """1m30s, 5h, 500ms. Raises ModuleFailed."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", str(value))
    if not parts or "".join(number + unit for number, unit in parts) != str(value).strip():
        raise ModuleFailed("Invalid time duration - %s" % value)
    return sum(int(float(number) * _SECONDS[unit]) for number, unit in parts)


def _same(value: Any) -> Any:
    return value


def _texts(value: Dict[str, Any]) -> Dict[str, str]:
    return {str(name): _text(one) for name, one in value.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _command(value: Any) -> List[str]:
    return [str(word) for word in value] if isinstance(value, list) else shlex.split(str(value))


def _devices(value: List[str]) -> List[Dict[str, str]]:
    made = []
    for entry in value:
        parts = entry.split(":")
        inside = parts[1] if len(parts) > 2 or (len(parts) > 1 and parts[1].startswith("/")) else parts[0]
        made.append(
            {
                "PathOnHost": parts[0],
                "PathInContainer": inside,
                "CgroupPermissions": parts[-1] if len(parts) > 1 and not parts[-1].startswith("/") else "rwm",
            }
        )
    return made


def _ulimits(value: List[str]) -> List[Dict[str, Any]]:
    made = []
    for entry in value:
        name, soft, *hard = entry.split(":")
        made.append({"Name": name, "Soft": int(soft), "Hard": int(hard[0]) if hard else int(soft)})
    return made


def _tmpfs(value: List[str]) -> Dict[str, str]:
    return {entry.partition(":")[0]: entry.partition(":")[2] for entry in value}


def _hosts(value: Dict[str, Any]) -> List[str]:
    return ["%s:%s" % pair for pair in value.items()]


def _links(value: List[str]) -> List[str]:
    return [entry if ":" in entry else "%s:%s" % (entry, entry) for entry in value]


def _healthcheck(value: Dict[str, Any]) -> Dict[str, Any]:
    test = value.get("test")
    if test is None and not value.get("test_cli_compatible"):
        test = ["NONE"]  # no test is no health check, unless the image's is to be meant as with Docker's own program
    elif isinstance(test, str):
        test = ["NONE"] if test == "NONE" else ["CMD-SHELL", test]
    made: Dict[str, Any] = {} if test is None else {"Test": [str(word) for word in test]}
    for name, key in (
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start_period", "StartPeriod"),
        ("start_interval", "StartInterval"),
    ):
        if value.get(name) is not None:
            made[key] = duration_ns(value[name])
    if value.get("retries") is not None:
        made["Retries"] = int(value["retries"])
    return made


def _mounts(value: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    made = []
    for mount in value:
        kind = mount["type"]
        entry: Dict[str, Any] = {"Type": kind, "Target": mount["target"], "ReadOnly": bool(mount.get("read_only", False))}
        if mount.get("source"):
            entry["Source"] = mount["source"]
        if mount.get("consistency"):
            entry["Consistency"] = mount["consistency"]
        bind = {key: mount[name] for name, key in _BIND.items() if mount.get(name)}
        if kind == "bind" and bind:
            entry["BindOptions"] = bind
        if kind == "image" and mount.get("subpath"):
            entry["ImageOptions"] = {"Subpath": mount["subpath"]}
        if kind == "tmpfs":
            chosen = {
                "SizeBytes": mount.get("tmpfs_size") and size_bytes(mount["tmpfs_size"]),
                "Mode": mount.get("tmpfs_mode") and int(str(mount["tmpfs_mode"]), 8),
                "Options": [
                    [str(word) for word in pair if word is not None] for one in mount.get("tmpfs_options") or () for pair in one.items()
                ],
            }
            entry["TmpfsOptions"] = {key: one for key, one in chosen.items() if one}
        if kind == "volume" and any(mount.get(name) for name in ("no_copy", "labels", "volume_driver", "subpath")):
            driver = {"Name": mount.get("volume_driver"), "Options": mount.get("volume_options") or {}}
            entry["VolumeOptions"] = {
                "NoCopy": bool(mount.get("no_copy")),
                "Labels": mount.get("labels") or {},
                "DriverConfig": driver if driver["Name"] else {},
                **({"Subpath": mount["subpath"]} if mount.get("subpath") else {}),
            }
        made.append(entry)
    return made


def _rates(value: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [{"Path": entry["path"], "Rate": size_bytes(entry["rate"])} for entry in value]


def _device_requests(value: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [
        {
            "Driver": entry.get("driver", ""),
            "Count": entry.get("count", 0),
            "DeviceIDs": entry.get("device_ids", []),
            "Capabilities": entry.get("capabilities", []),
            "Options": _texts(entry.get("options", {})),
        }
        for entry in value
    ]


def _namespace(value: str) -> str:
    return "" if value == "default" else value


def _group(kind: str, argument: Dict[str, Any], convert: Callable[[Any], Any], place: str, **keys: str) -> Dict[str, Option]:
    return {name: Option(place, key, convert, kind, argument) for name, key in keys.items()}


_BIND = {
    "propagation": "Propagation", "non_recursive": "NonRecursive", "create_mountpoint": "CreateMountpoint",
    "read_only_non_recursive": "ReadOnlyNonRecursive", "read_only_force_recursive": "ReadOnlyForceRecursive",
}  # fmt: skip
_TEXT: Dict[str, Any] = {}
_INT: Dict[str, Any] = {"type": "int"}
_BOOL: Dict[str, Any] = {"type": "bool"}
_LIST: Dict[str, Any] = {"type": "list", "elements": "str"}
_DICT: Dict[str, Any] = {"type": "dict"}
# What stands inside of options that are mappings.
HEALTHCHECK: Dict[str, Any] = {
    "test": {"type": "raw"}, "test_cli_compatible": {"type": "bool", "default": False}, "interval": {}, "timeout": {}, "start_period": {},
    "start_interval": {}, "retries": {"type": "int"},
}  # fmt: skip
MOUNT: Dict[str, Any] = {
    "target": {"required": True}, "source": {},
    "type": {"default": "volume", "choices": ["bind", "volume", "tmpfs", "npipe", "cluster", "image"]},
    "read_only": {"type": "bool"}, "consistency": {"choices": ["default", "consistent", "cached", "delegated"]},
    "propagation": {"choices": ["private", "rprivate", "shared", "rshared", "slave", "rslave"]}, "no_copy": {"type": "bool"},
    "labels": {"type": "dict"}, "volume_driver": {}, "volume_options": {"type": "dict"}, "tmpfs_size": {}, "tmpfs_mode": {},
    "non_recursive": {"type": "bool"}, "create_mountpoint": {"type": "bool"}, "read_only_non_recursive": {"type": "bool"},
    "read_only_force_recursive": {"type": "bool"}, "subpath": {}, "tmpfs_options": {"type": "list", "elements": "dict"},
}  # fmt: skip
NETWORK: Dict[str, Any] = {
    "name": {"required": True}, "ipv4_address": {}, "ipv6_address": {}, "aliases": {"type": "list", "elements": "str"},
    "links": {"type": "list", "elements": "str"}, "mac_address": {}, "driver_opts": {"type": "dict"}, "gw_priority": {"type": "int"},
}  # fmt: skip
_REQUEST: Dict[str, Any] = {
    "capabilities": {"type": "list", "elements": "list"}, "count": {"type": "int"}, "device_ids": {"type": "list", "elements": "str"},
    "driver": {}, "options": {"type": "dict"},
}  # fmt: skip
_RATE: Dict[str, Any] = {"type": "list", "elements": "dict", "options": {"path": {"required": True}, "rate": {"required": True}}}
OPTIONS: Dict[str, Option] = {
    **_group("value", _TEXT, _same, "config", domainname="Domainname", hostname="Hostname", user="User", working_dir="WorkingDir", stop_signal="StopSignal", mac_address="MacAddress"),
    **_group("value", _INT, _same, "config", stop_timeout="StopTimeout"),
    **_group("value", _BOOL, _same, "config", interactive="OpenStdin", tty="Tty"),
    **_group("list", {"type": "raw"}, _command, "config", command="Cmd"),
    **_group("list", _LIST, _command, "config", entrypoint="Entrypoint"),
    **_group("dict", _DICT, _texts, "config", labels="Labels"),
    **_group("dict", {"type": "dict", "options": HEALTHCHECK}, _healthcheck, "config", healthcheck="Healthcheck"),
    **_group("value", _TEXT, _same, "host", cgroup_parent="CgroupParent", cpuset_cpus="CpusetCpus", cpuset_mems="CpusetMems", isolation="Isolation", runtime="Runtime", volume_driver="VolumeDriver"),
    **_group("value", _TEXT, _namespace, "host", cgroupns_mode="CgroupnsMode", ipc_mode="IpcMode", pid_mode="PidMode", userns_mode="UsernsMode", uts="UTSMode"),
    **_group("value", _TEXT, size_bytes, "host", memory="Memory", memory_reservation="MemoryReservation", memory_swap="MemorySwap", kernel_memory="KernelMemory", shm_size="ShmSize"),
    **_group("value", _INT, _same, "host", blkio_weight="BlkioWeight", cpu_shares="CpuShares", memory_swappiness="MemorySwappiness", oom_score_adj="OomScoreAdj", pids_limit="PidsLimit"),
    **_group("value", _TEXT, int, "host", cpu_period="CpuPeriod", cpu_quota="CpuQuota"),
    **_group("value", {"type": "float"}, lambda value: int(round(value * 10**9)), "host", cpus="NanoCpus"),
    **_group("value", _BOOL, _same, "host", auto_remove="AutoRemove", init="Init", oom_killer="OomKillDisable", privileged="Privileged", read_only="ReadonlyRootfs", publish_all_ports="PublishAllPorts"),
    **_group("set", _LIST, _same, "host", capabilities="CapAdd", cap_drop="CapDrop", dns_opts="DnsOptions", groups="GroupAdd", security_opts="SecurityOpt", volumes_from="VolumesFrom"),
    **_group("list", _LIST, _same, "host", dns_servers="Dns", dns_search_domains="DnsSearch"),
    **_group("set", _LIST, _devices, "host", devices="Devices"),
    **_group("set", _LIST, _ulimits, "host", ulimits="Ulimits"),
    **_group("set", _LIST, _links, "host", links="Links"),
    **_group("set", _DICT, _hosts, "host", etc_hosts="ExtraHosts"),
    **_group("dict", _LIST, _tmpfs, "host", tmpfs="Tmpfs"),
    **_group("dict", _DICT, _texts, "host", sysctls="Sysctls", storage_opts="StorageOpt"),
    **_group("set", {"type": "list", "elements": "dict", "options": MOUNT}, _mounts, "host", mounts="Mounts"),
    **_group("set", _LIST, _same, "host", device_cgroup_rules="DeviceCgroupRules"),
    **_group("set", _RATE, _rates, "host", device_read_bps="BlkioDeviceReadBps", device_write_bps="BlkioDeviceWriteBps", device_read_iops="BlkioDeviceReadIOps", device_write_iops="BlkioDeviceWriteIOps"),
    **_group("set", {"type": "list", "elements": "dict", "options": _REQUEST}, _device_requests, "host", device_requests="DeviceRequests"),
}  # fmt: skip
# What Docker changes while a container is there, by its own name.
LIVE = frozenset(
    ("BlkioWeight", "CpuPeriod", "CpuQuota", "CpuShares", "CpusetCpus", "CpusetMems", "KernelMemory", "Memory", "MemoryReservation", "MemorySwap", "RestartPolicy")
)  # fmt: skip
# Their other names.
ALIASES = {
    "capabilities": ["cap_add"], "dns_opts": [], "security_opts": ["security_opt"], "mac_address": [], "log_driver": ["log_opt_driver"], "ports": [],
}  # fmt: skip


def arguments() -> Dict[str, Any]:
    made = {}
    for name, option in OPTIONS.items():
        made[name] = dict(option.argument, aliases=ALIASES[name]) if ALIASES.get(name) else dict(option.argument)
    return made


def environment(args: Dict[str, Any]) -> Optional[List[str]]:
    """The variables wanted, those of a file before those given; None where neither is."""
    if args["env"] is None and args["env_file"] is None:
        return None
    found: Dict[str, str] = {}
    if args["env_file"]:
        try:
            with open(args["env_file"], encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise ModuleFailed("Error reading env_file %s: %s" % (args["env_file"], error.strerror))
        for line in lines:
            if line and not line.startswith("#"):
                name, equals, value = line.partition("=")
                found[name.strip()] = value if equals else os.environ.get(name.strip(), "")
    for name, value in (args["env"] or {}).items():
        if not isinstance(value, str):
            raise ModuleFailed(
                "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to avoid them being interpreted. Key: %s"
                % name
            )
        found[str(name)] = value
    return ["%s=%s" % pair for pair in found.items()]


_VOLUME_MODES = frozenset(
    "rw ro z Z consistent delegated cached rprivate private rshared shared rslave slave nocopy".split()
)  # fmt: skip


def binds(volumes: List[str]) -> Any:
    """(binds, anonymous volumes) of `volumes`; paths of the host are made absolute."""
    bound: List[str] = []
    anonymous: Dict[str, Any] = {}
    for entry in volumes:
        parts = entry.split(":")
        if len(parts) == 1:
            anonymous[entry] = {}
            continue
        host, inside, mode = parts[0], parts[1], parts[2] if len(parts) > 2 else "rw"
        if len(parts) == 2 and not inside.startswith("/"):
            anonymous[host] = {}
            continue
        if host.startswith(("~", ".")):
            host = os.path.abspath(os.path.expanduser(host))
        if not _VOLUME_MODES.issuperset(mode.split(",")):
            raise ModuleFailed("Found invalid volumes mode: %s" % mode)
        if inside in {one.split(":")[1] for one in bound}:
            raise ModuleFailed('The mount point "%s" appears twice in the volumes option' % inside)
        bound.append("%s:%s:%s" % (host, inside, mode))
    return bound, anonymous


def ports(published: List[str], default_ip: str) -> Dict[str, List[Dict[str, str]]]:
    """PortBindings of [[ip:]host:]container[/protocol], ranges of equal length included; of a range for one port Docker takes a free one."""
    made: Dict[str, List[Dict[str, str]]] = {}
    for entry in published:
        text, _, protocol = str(entry).partition("/")
        found = re.match(r"^(?:(?:\[?([0-9a-fA-F.:]+?)\]?:)?([0-9]+(?:-[0-9]+)?)?:)?([0-9]+(?:-[0-9]+)?)$", text)
        if not found:
            raise ModuleFailed("Invalid port description: %r: expected [[IP:]HOST:]CONTAINER[/PROTOCOL]" % entry)
        inside = _span(found.group(3))
        if len(inside) == 1 or not found.group(2):
            outside = [found.group(2) or ""] * len(inside)
        else:
            outside = [str(port) for port in _span(found.group(2))]
        if len(outside) != len(inside):
            raise ModuleFailed("Invalid port description: %r: both ranges must be of one length" % entry)
        for port, host in zip(inside, outside):  # noqa: B905 (Python 3.7 has no strict)
            made.setdefault("%d/%s" % (port, protocol or "tcp"), []).append({"HostIp": found.group(1) or default_ip, "HostPort": host})
    return made


def _span(text: str) -> List[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def exposed(given: List[str]) -> List[str]:
    made = []
    for entry in given:
        text, _, protocol = str(entry).partition("/")
        made += ["%d/%s" % (port, protocol or "tcp") for port in _span(text)]
    return made
