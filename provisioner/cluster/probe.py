"""What preflight and status ask of a host: one POSIX shell script that prints `key=value` lines, needing nothing installed.

It changes nothing. What is in use of Docker, containerd and etcd is asked of hosts that no run of ours has touched. `parse` turns its
output into facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# TCP ports and the unit that may hold each.
PORTS = {
    "masters": {6443: "kube-apiserver", 10257: "kube-controller-manager", 10259: "kube-scheduler"},
    "etcd": {2379: "etcd", 2380: "etcd", 2381: "etcd"},
    "nodes": {10248: "kubelet", 10250: "kubelet", 10249: "kube-proxy", 10256: "kube-proxy"},
}

SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
. /etc/os-release 2>/dev/null
say os_id "$ID"
say os_version "$VERSION_ID"
say os_name "$PRETTY_NAME"
say kernel "$(uname -r)"
say architecture "$(uname -m)"
say hostname "$(uname -n)"
say machine_id "$(cat /etc/machine-id 2>/dev/null)"
say init "$(cat /proc/1/comm 2>/dev/null)"
say uid "$(id -u)"
say time "$(date +%s)"
say memory_kib "$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)"
# In a container the machine has more than the host may use; both versions of control groups say what that is.
say memory_limit "$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)"
for folder in / /opt /var /var/lib /var/lib/docker /var/lib/etcd; do
    [ -d "$folder" ] && say "disk:$folder" "$(df -Pk "$folder" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')"
done
say python "$(/usr/bin/python3 -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)"
grep -qw overlay /proc/filesystems || modprobe -q overlay 2>/dev/null
grep -qw overlay /proc/filesystems && say feature overlay
for part in memory cpu pids; do
    if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
        grep -qw "$part" /sys/fs/cgroup/cgroup.controllers && say feature "cgroup-$part"
    elif [ -d "/sys/fs/cgroup/$part" ] || ls -d /sys/fs/cgroup/*"$part"* >/dev/null 2>&1; then
        say feature "cgroup-$part"
    fi
done
[ -w /proc/sys/net/ipv4/ip_forward ] && say feature ip-forward
if command -v ss >/dev/null; then
    ss -Hltnp 2>/dev/null | while read -r _ _ _ local _ users; do
        pid=$(printf '%s' "$users" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
        unit=""
        [ -n "$pid" ] && unit=$(sed -n 's|.*/\([^/]*\)\.service.*|\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
        name=$(cat "/proc/$pid/comm" 2>/dev/null)
        say "port:${local##*:}" "$unit|$name|$pid"
    done
fi
# With data there etcd has its members from the data, whatever the inventory says by now.
[ -d /var/lib/etcd/default/member ] && say etcd_members "$(sed -n 's/^ETCD_INITIAL_CLUSTER=//p' /etc/default/etcd 2>/dev/null)"
say release "$(readlink /opt/provision/current)"
[ -d /opt/provision ] && say ours yes
for unit in docker containerd etcd; do say "${unit}_unit" "$(systemctl is-active $unit 2>/dev/null)"; done
say docker_settings "$(tr -d '\n' </etc/docker/daemon.json 2>/dev/null)"
if [ ! -d /opt/provision ]; then
    # Asking the daemon starts it where its socket is watched: only one that runs is asked.
    if systemctl -q is-active docker 2>/dev/null; then
        found=$(timeout 10 docker ps -a --no-trunc --format '{{.Names}}={{.Networks}}' 2>/dev/null)
        say docker_swarm "$(timeout 10 docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null)"
        say docker_networks "$(timeout 10 docker network ls -q 2>/dev/null | head -n 50 | xargs -r timeout 10 docker network inspect \
            --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' 2>/dev/null | tr '\n' ' ')"
    else
        found=$(ls /var/lib/docker/containers 2>/dev/null)
    fi
    say docker_containers "$(printf '%s' "$found" | head -n 50 | tr '\n' ' ')"
    if systemctl -q is-active containerd 2>/dev/null && command -v ctr >/dev/null; then
        found=$(for space in $(timeout 10 ctr namespaces list -q); do timeout 10 ctr -n "$space" containers list -q; done 2>/dev/null)
        say containerd_containers "$(printf '%s' "$found" | head -n 50 | tr '\n' ' ')"
    fi
    say container_packages "$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' docker-ce containerd.io 2>/dev/null \
        | sed -n 's/^installed //p' | tr '\n' ' ')"
fi
say etcd_data "$(ls -d /var/lib/etcd/member /var/lib/etcd/*/member 2>/dev/null | head -n 1)"
say done yes
"""


@dataclass(frozen=True)
class Listening:
    """Who holds a TCP port; empty where the host could not tell."""

    unit: str
    process: str
    pid: str


@dataclass(frozen=True)
class HostFacts:
    """One host as it was found. Sizes in KiB; `time` is the host's clock in seconds since 1970; `complete` False: the script was cut short."""

    values: dict[str, str] = field(default_factory=dict)
    features: frozenset[str] = frozenset()
    ports: dict[int, Listening] = field(default_factory=dict)
    disk_free_kib: dict[str, int] = field(default_factory=dict)
    complete: bool = False

    def text(self, key: str) -> str:
        return self.values.get(key, "")

    def number(self, key: str) -> int | None:
        value = self.values.get(key, "")
        return int(value) if value.isdigit() else None


def parse(output: str) -> HostFacts:
    values: dict[str, str] = {}
    features: set[str] = set()
    ports: dict[int, Listening] = {}
    disks: dict[str, int] = {}
    for line in output.splitlines():
        key, equals, value = line.partition("=")
        if not equals:
            continue
        if key == "feature":
            features.add(value)
        elif key.startswith("port:") and key[5:].isdigit():
            unit, process, pid = [*value.split("|"), "", "", ""][:3]
            ports[int(key[5:])] = Listening(unit, process, pid)
        elif key.startswith("disk:") and value.isdigit():
            disks[key[5:]] = int(value)
        else:
            values[key] = value.strip()
    return HostFacts(values, frozenset(features), ports, disks, complete=values.get("done") == "yes")


def ports_of(roles: Iterable[str]) -> dict[int, str]:
    """Port -> unit for a host with these roles (keys of PORTS)."""
    return {port: unit for role in roles for port, unit in PORTS[role].items()}
