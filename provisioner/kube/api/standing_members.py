"""Members that an object of a type has even before anybody sets anything in them: upstream's Go types hold these parts themselves, not
pointers to them. Who writes such a part for the first time sets what is in it, not the part.

Source: the Go types of the API (k8s.io/api): fields of a struct type that are no pointers, lists that are written when they are nil, too.
"""

from __future__ import annotations

# Parts of every type that has them.
_EVERYWHERE = frozenset(("metadata", "spec", "status"))
# type -> its other ones, the same in every version
_STANDING = {
    "AllocationResult": ("devices",),
    "Container": ("resources",),
    "CronJobSpec": ("jobTemplate",),
    "CustomResourceDefinitionSpec": ("names",),
    "CustomResourceDefinitionStatus": ("acceptedNames",),
    "DaemonSetSpec": ("template", "updateStrategy"),
    "DeploymentSpec": ("strategy", "template"),
    "EphemeralContainer": ("resources",),
    "Event": ("source", "deprecatedSource"),
    "FlowSchemaSpec": ("priorityLevelConfiguration",),
    "HorizontalPodAutoscalerSpec": ("scaleTargetRef",),
    "IngressStatus": ("loadBalancer",),
    "JobSpec": ("template",),
    "LimitedPriorityLevelConfiguration": ("limitResponse",),
    "NodeDaemonEndpoints": ("kubeletEndpoint",),
    "NodeStatus": ("daemonEndpoints", "nodeInfo"),
    "PersistentVolumeClaimSpec": ("resources",),
    "PodTemplate": ("template",),
    "ReplicaSetSpec": ("template",),
    "ResourceClaimSpec": ("devices",),
    "ResourceSliceSpec": ("pool",),
    "ServiceStatus": ("loadBalancer",),
    "StatefulSetSpec": ("template", "updateStrategy"),
    "StorageVersionMigrationSpec": ("resource",),
    "VolumeAttachmentSpec": ("source",),
}
# (type, list) that is there as null while it is empty
ALWAYS_LISTED = frozenset((("core_v1.PodSpec", "containers"), ("storage_v1.CSINodeSpec", "drivers")))


def stands(type_key: str, member: str) -> bool:
    """Whether a member of struct type is there always. `type_key` as in `merge_rules` ("apps_v1.DeploymentSpec")."""
    return member in _EVERYWHERE or member in _STANDING.get(type_key.rpartition(".")[2], ())
