"""The files that every pod gets: /etc/hosts, /etc/resolv.conf, and one for each container's termination message.

They are written once for a pod and mounted into each container; the kubelet owns them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.container_config import hostname_of

# The C library's bounds (resolv.conf(5)), which upstream keeps to.
MAX_NAMESERVERS = 3
MAX_SEARCHES = 32


@dataclass(frozen=True, slots=True)
class Dns:
    """The cluster's DNS; no `servers` means pods use the host's resolver."""

    servers: tuple[str, ...]
    domain: str
    host_resolv_conf: Path = Path("/etc/resolv.conf")


def pod_dir(root: Path, pod_uid: str) -> Path:
    return root / "pods" / pod_uid


def hosts_file(pod: core_v1.Pod, pod_ip: str, domain: str, host_file: Path = Path("/etc/hosts")) -> str:
    """A pod's /etc/hosts; a host-network pod has the host's, and both the pod's aliases."""
    if pod.spec.host_network:
        text = "# Kubernetes-managed hosts file (host network).\n" + (host_file.read_text() if host_file.exists() else "")
    else:
        text = (
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
        )
        name = hostname_of(pod)
        full = f"{name}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{domain}\t" if pod.spec.subdomain else ""
        if pod_ip:
            text += f"{pod_ip}\t{full}{name}\n"
    if pod.spec.host_aliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join(f"{alias.ip}\t" + "\t".join(alias.hostnames or ()) + "\n" for alias in pod.spec.host_aliases)
    return text


def resolv_conf(pod: core_v1.Pod, dns: Dns) -> str:
    """A pod's /etc/resolv.conf by its dnsPolicy and dnsConfig."""
    servers, searches, options = _host_resolver(dns.host_resolv_conf)
    policy = pod.spec.dns_policy or "ClusterFirst"
    if policy == "None":
        servers, searches, options = [], [], []
    elif dns.servers and (policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod.spec.host_network)):
        cluster = [f"{pod.metadata.namespace}.svc.{dns.domain}", f"svc.{dns.domain}", dns.domain] if dns.domain else []
        servers, searches, options = list(dns.servers), cluster + searches, ["ndots:5"]
    config = pod.spec.dns_config
    if config is not None:
        servers = servers + list(config.nameservers or ())
        searches = searches + list(config.searches or ())
        named = {option.name: option.value for option in config.options or ()}
        options = [o for o in options if o.partition(":")[0] not in named]
        options += [f"{name}:{value}" if value else f"{name}" for name, value in named.items()]
    lines = [f"search {' '.join(_unique(searches)[:MAX_SEARCHES])}"] if searches else []
    lines += [f"nameserver {server}" for server in _unique(servers)[:MAX_NAMESERVERS]]
    lines += [f"options {' '.join(options)}"] if options else []
    return "\n".join(lines) + "\n"


def _host_resolver(path: Path) -> tuple[list[str], list[str], list[str]]:
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        word, *rest = line.split("#")[0].split() or [""]
        if word == "nameserver":
            servers += rest[:1]
        elif word in ("search", "domain"):
            searches = [name for name in rest if name != "."]
        elif word == "options":
            options = rest
    return servers, searches, options


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def write_file(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write in place (the file may be mounted already), with exactly this mode whatever our umask is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    path.chmod(mode)
    return path


def new_message_file(root: Path, pod_uid: str, container: str) -> Path:
    """An empty file, writable by whoever runs inside."""
    folder = pod_dir(root, pod_uid) / "containers" / container
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / secrets.token_hex(4)
    path.touch()
    path.chmod(0o666)
    return path
