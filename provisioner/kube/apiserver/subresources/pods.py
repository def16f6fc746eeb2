"""pods/binding: a pod gets its node, and the node's place in the topology with it."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import codec, errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.preconditions import mismatch
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.bodies import BINDING
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Entry

# Labels of a node's place in the world.
TOPOLOGY = "topology.kubernetes.io/"
SUCCESS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}'


def decoded(cls: type[Any], document: Any) -> Any:
    """A body as its kind. Raises 400."""
    try:
        return codec.decode_dict(cls, document)
    except codec.DecodeError as error:
        raise errors.bad_request(str(error)) from error


async def bind(rest: Rest, kind: Kind, call: Call, document: Any, clock: Clock) -> bytes:
    """Give a pod its node. Raises 409 where it has one already, or may not have one yet."""
    name = call.target.name
    binding: core_v1.Binding = rest.decoded(BINDING, call, document)
    if (binding.metadata.name or name) != name:
        raise errors.bad_request(f"the name of the object ({binding.metadata.name}) does not match the name on the URL ({name})")
    binding.metadata.name, binding.metadata.namespace = name, call.target.namespace
    await rest.admission.mutate(call, BINDING, binding, None)
    target = binding.target
    found = [] if target is not None and target.name else [errors.required("target.name")]
    if target is not None and target.kind not in (None, "", "Node"):
        found.append(errors.not_supported("target.kind", target.kind, ("Node", "<empty>")))
    if target is None or found:
        raise errors.invalid("Binding", name, found)
    await rest.admission.validate(call, BINDING, binding, None)

    def refused(message: str) -> errors.StatusError:
        return errors.conflict("pods/binding", name, message)

    async def assign(pod: core_v1.Pod, _: Entry) -> core_v1.Pod:
        given, own = binding.metadata, pod.metadata
        if given.uid and given.uid != own.uid:
            raise mismatch("pods/binding", pod, "UID", given.uid)
        if given.resource_version and given.resource_version != own.resource_version:
            raise mismatch("pods/binding", pod, "ResourceVersion", given.resource_version)
        if own.deletion_timestamp is not None:
            raise refused(f"pod {name} is being deleted, cannot be assigned to a host")
        if pod.spec.node_name:
            raise refused(f'pod {name} is already assigned to node "{pod.spec.node_name}"')
        if pod.spec.scheduling_gates:
            raise refused(f"pod {name} has non-empty .spec.schedulingGates")
        pod.spec.node_name = target.name
        # What was promised to it has come, or another node has.
        pod.status.nominated_node_name = None
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), **(binding.metadata.annotations or {})} or None
        # Only the node's place comes along of what a binding is labelled with.
        place = {key: value for key, value in (given.labels or {}).items() if key.startswith(TOPOLOGY)}
        pod.metadata.labels = {**(pod.metadata.labels or {}), **place} or None
        condition = core_v1.PodCondition(type="PodScheduled", status="True", last_transition_time=rfc3339(clock.now()))
        pod.status.conditions = [*(c for c in pod.status.conditions or () if c.type != "PodScheduled"), condition]
        return pod

    await rest.change_whole(kind, call, assign)
    return SUCCESS
