"""/metrics/cadvisor: what containers use, in the series that Prometheus' dashboards for Kubernetes ask for; names and labels are cAdvisor's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.clock import Clock
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.kubelet.server import summary
from provisioner.kube.kubelet.server.stats import Usage, pods_of

NETWORK = {
    "rxBytes": "container_network_receive_bytes_total",
    "rxErrors": "container_network_receive_errors_total",
    "txBytes": "container_network_transmit_bytes_total",
    "txErrors": "container_network_transmit_errors_total",
}
# Docker's period of a CPU quota, in microseconds, which is the kubelet's.
PERIOD_US = 100_000


@dataclass
class Series:
    """Lines by metric, so that each is told of together, as Prometheus' text format wants it."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in sorted(labels.items()))
        number = str(int(value)) if float(value).is_integer() else f"{value:.6f}"
        self.lines.setdefault(name, []).append(f"{name}{{{shown}}} {number}" if shown else f"{name} {number}")

    def text(self) -> str:
        made: list[str] = []
        for name, lines in sorted(self.lines.items()):
            made += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", *lines]
        return "\n".join(made) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def cadvisor_metrics(machine: Machine, node: Usage, containers: Sequence[Container], samples: Mapping[str, Usage], clock: Clock) -> str:
    """Containers without a sample are left out. The host itself has the id "/"."""
    series = Series()
    series.add("machine_cpu_cores", {}, machine.cpus)
    series.add("machine_memory_bytes", {}, machine.memory_bytes)
    now = clock.now().timestamp()
    root = {"id": "/", "container": "", "image": "", "name": "", "namespace": "", "pod": ""}
    _usage(series, root, [node], now)
    for uid, members in pods_of(containers).items():
        known = [(c, samples[c.id]) for c in members if c.id in samples]
        if known:
            _pod(series, uid, known, now)
    return series.text()


def _pod(series: Series, uid: str, known: Sequence[tuple[Container, Usage]], now: float) -> None:
    first = known[0][0]
    of_pod = {"id": f"/kubepods/pod{uid}", "namespace": first.pod_namespace, "pod": first.pod_name}
    _usage(series, {**of_pod, "container": "", "image": "", "name": ""}, [usage for _, usage in known], now)
    cable = summary.interface_of_pod(uid)
    for key, name in NETWORK.items():
        if key in cable:
            box = next((c.id for c, _ in known if c.is_sandbox), "")
            series.add(name, {**of_pod, "container": "", "image": "", "name": box, "interface": "eth0"}, cable[key])
    for container, usage in known:
        if container.is_sandbox:
            continue
        labels = {
            **of_pod,
            "id": f"{of_pod['id']}/{container.id}",
            "container": container.name,
            "image": container.image,
            "name": container.id,
        }
        _usage(series, labels, [usage], now)
        began = parse_time(container.started_at)
        if began is not None:
            series.add("container_start_time_seconds", labels, int(began.timestamp()))
        series.add("container_spec_memory_limit_bytes", labels, container.memory_bytes)
        series.add("container_spec_cpu_shares", labels, container.cpu_shares)
        if container.cpu_quota > 0:
            series.add("container_spec_cpu_quota", labels, container.cpu_quota)
            series.add("container_spec_cpu_period", labels, PERIOD_US)


def _usage(series: Series, labels: Mapping[str, str], usages: Iterable[Usage], now: float) -> None:
    found = list(usages)
    series.add("container_cpu_usage_seconds_total", {**labels, "cpu": "total"}, sum(usage.cpu_ns for usage in found) / 1e9)
    series.add("container_memory_usage_bytes", labels, sum(usage.memory_bytes for usage in found))
    series.add("container_memory_working_set_bytes", labels, sum(usage.working_set_bytes for usage in found))
    series.add("container_last_seen", labels, int(now))
