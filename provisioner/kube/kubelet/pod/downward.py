"""What a pod may ask about itself: `fieldRef` and `resourceFieldRef` of variables and downward API files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.resources import limits_of, requests_of

_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.*)'\]$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pod is: known when it runs, and not from its object."""

    node_name: str
    host_ip: str
    pod_ip: str
    # Allocatable of the node: what a container without a limit is told; {"cpu": milli, "memory": bytes}.
    allocatable: dict[str, int]


def field_value(pod: core_v1.Pod, path: str, place: Place) -> str:
    """The value at a field path. Raises ContainerRefused for one that is not offered."""
    metadata = pod.metadata
    if found := _SUBSCRIPT.match(path):
        return ((metadata.labels if found[1] == "labels" else metadata.annotations) or {}).get(found[2], "")
    values = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "metadata.labels": _listed(metadata.labels),
        "metadata.annotations": _listed(metadata.annotations),
        "spec.nodeName": place.node_name,
        "spec.serviceAccountName": pod.spec.service_account_name or "default",
        "status.hostIP": place.host_ip,
        "status.hostIPs": place.host_ip,
        "status.podIP": place.pod_ip,
        "status.podIPs": place.pod_ip,
    }
    if path not in values:
        raise ContainerRefused("CreateContainerConfigError", f"unsupported fieldPath: {path}")
    return values[path] or ""


def _listed(pairs: dict[str, str] | None) -> str:
    """As downward API files show labels: key="value", quoted as Go does, one a line, sorted."""
    return "\n".join(f'{key}="{_quoted(value)}"' for key, value in sorted((pairs or {}).items()))


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text


def resource_value(pod: core_v1.Pod, ref: core_v1.ResourceFieldSelector, container: core_v1.Container | None, place: Place) -> str:
    """A limit or request in units of the divisor, rounded up; a limit that isn't set is what the node has."""
    if ref.container_name:
        every = [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())]
        container = next((c for c in every if c.name == ref.container_name), None)
    if container is None:
        raise ContainerRefused("CreateContainerConfigError", f"container {ref.container_name} not found")
    kind, _, name = (ref.resource or "").partition(".")
    known = name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-")
    if kind not in ("limits", "requests") or not known:
        raise ContainerRefused("CreateContainerConfigError", f"unsupported container resource : {ref.resource}")
    value = (limits_of(container) if kind == "limits" else requests_of(container)).get(name)
    exact = quantity.parse(value) if value is not None else None
    if exact is None or (kind == "limits" and exact == 0):
        default = place.allocatable.get(name, 0) if kind == "limits" else 0
        exact = quantity.parse(f"{default}m" if name == "cpu" else default)
    divisor = quantity.parse(ref.divisor) if ref.divisor not in (None, "", "0", 0) else quantity.parse(1)
    units = exact / divisor
    return str(-((-units.numerator) // units.denominator))
