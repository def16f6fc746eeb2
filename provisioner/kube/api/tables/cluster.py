"""The tables of everything that is neither a workload nor a way to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.tables import AGE, NAME, NONE, UNKNOWN, Cells, Column, age

ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _aged(*attributes: str) -> Cells:
    """Name, some plain attributes (dotted), age."""

    def cells(obj: Any, now: datetime) -> list[Any]:
        return [obj.metadata.name, *(_dig(obj, path) for path in attributes), age(obj.metadata.creation_timestamp, now)]

    return cells


def _dig(obj: Any, path: str) -> Any:
    for part in path.split("."):
        obj = getattr(obj, part, None)
    return NONE if obj is None else obj


def counted(*fields: str) -> Cells:
    def cells(obj: Any, now: datetime) -> list[Any]:
        return [obj.metadata.name, sum(len(getattr(obj, f) or ()) for f in fields), age(obj.metadata.creation_timestamp, now)]

    return cells


def secret(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.type, len(obj.data or ()), age(obj.metadata.creation_timestamp, now)]


def event(obj: Any, now: datetime) -> list[Any]:
    about = getattr(obj, "involved_object", None) or getattr(obj, "regarding", None)
    first = getattr(obj, "first_timestamp", None) or obj.event_time or obj.metadata.creation_timestamp
    last = getattr(obj, "last_timestamp", None) or obj.event_time or first
    source = getattr(obj, "source", None)
    who = (f"{source.component}, {source.host}" if source.host else source.component) if source is not None and source.component else ""
    seen = age(last, now)
    count = getattr(obj, "count", None) or 1
    if count > 1:
        seen += f" (x{count} over {age(first, now)})"
    message = getattr(obj, "message", None) or getattr(obj, "note", None) or ""
    named = f"{(about.kind or '').lower()}/{about.name}" if about is not None else ""
    path = about.field_path if about is not None else None
    return [seen, obj.type, obj.reason, named, path or "", who, message.strip(), age(first, now), count, obj.metadata.name]


def volume(obj: Any, now: datetime) -> list[Any]:
    spec, claim = obj.spec, obj.spec.claim_ref
    status = "Terminating" if obj.metadata.deletion_timestamp else obj.status.phase
    return [
        obj.metadata.name,
        str((spec.capacity or {}).get("storage", "")),
        ",".join(ACCESS.get(m, m) for m in spec.access_modes or ()),
        spec.persistent_volume_reclaim_policy,
        status,
        f"{claim.namespace}/{claim.name}" if claim is not None else "",
        spec.storage_class_name or "",
        spec.volume_attributes_class_name or "<unset>",
        obj.status.reason or "",
        age(obj.metadata.creation_timestamp, now),
        spec.volume_mode or "<unset>",
    ]


def claim(obj: Any, now: datetime) -> list[Any]:
    status = "Terminating" if obj.metadata.deletion_timestamp else obj.status.phase
    return [
        obj.metadata.name,
        status,
        obj.spec.volume_name or "",
        str((obj.status.capacity or {}).get("storage", "")),
        ",".join(ACCESS.get(m, m) for m in obj.status.access_modes or ()),
        obj.spec.storage_class_name or "",
        obj.spec.volume_attributes_class_name or "<unset>",
        age(obj.metadata.creation_timestamp, now),
        obj.spec.volume_mode or "<unset>",
    ]


def storage_class(obj: Any, now: datetime) -> list[Any]:
    default = (obj.metadata.annotations or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        f"{obj.metadata.name} (default)" if default else obj.metadata.name,
        obj.provisioner,
        obj.reclaim_policy,
        obj.volume_binding_mode,
        bool(obj.allow_volume_expansion),
        age(obj.metadata.creation_timestamp, now),
    ]


def budget(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    shown = [str(v) if v is not None else "N/A" for v in (spec.min_available, spec.max_unavailable)]
    return [obj.metadata.name, *shown, obj.status.disruptions_allowed or 0, age(obj.metadata.creation_timestamp, now)]


def signing_request(obj: Any, now: datetime) -> list[Any]:
    types = {c.type for c in obj.status.conditions or ()}
    status = "Approved" if "Approved" in types else "Denied" if "Denied" in types else "Pending"
    if "Failed" in types:
        status += ",Failed"
    if obj.status.certificate:
        status += ",Issued"
    seconds = obj.spec.expiration_seconds
    return [
        obj.metadata.name,
        age(obj.metadata.creation_timestamp, now),
        obj.spec.signer_name,
        obj.spec.username or NONE,
        f"{seconds}s" if seconds else NONE,
        status,
    ]


def binding(obj: Any, now: datetime) -> list[Any]:
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for s in obj.subjects or ():
        subjects.setdefault(s.kind, []).append(f"{s.namespace}/{s.name}" if s.kind == "ServiceAccount" else s.name)
    role = f"{obj.role_ref.kind}/{obj.role_ref.name}" if obj.role_ref is not None else UNKNOWN
    return [
        obj.metadata.name,
        role,
        age(obj.metadata.creation_timestamp, now),
        *(", ".join(subjects[k]) for k in ("User", "Group", "ServiceAccount")),
    ]


def role(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.metadata.creation_timestamp]


_ROLE = ((NAME, Column("Created At")), role)
_BINDING = ((NAME, Column("Role"), AGE, *(Column(n, priority=1) for n in ("Users", "Groups", "ServiceAccounts"))), binding)
_PV = ("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass", "Reason")
_PVC = ("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass")
_CLASS = ("Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion")

TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "Namespace": ((NAME, Column("Status"), AGE), _aged("status.phase")),
    "ConfigMap": ((NAME, Column("Data"), AGE), counted("data", "binary_data")),
    "Secret": ((NAME, Column("Type"), Column("Data"), AGE), secret),
    "ServiceAccount": ((NAME, Column("Secrets"), AGE), counted("secrets")),
    "Event": (
        (
            Column("Last Seen"),
            Column("Type"),
            Column("Reason"),
            Column("Object"),
            Column("Subobject", priority=1),
            Column("Source", priority=1),
            Column("Message"),
            Column("First Seen", priority=1),
            Column("Count", priority=1),
            Column("Name", priority=1, format="name"),
        ),
        event,
    ),
    "PersistentVolume": ((NAME, *(Column(n) for n in _PV), AGE, Column("VolumeMode", priority=1)), volume),
    "PersistentVolumeClaim": ((NAME, *(Column(n) for n in _PVC), AGE, Column("VolumeMode", priority=1)), claim),
    "StorageClass": ((NAME, *(Column(n) for n in _CLASS), AGE), storage_class),
    "Lease": ((NAME, Column("Holder"), AGE), _aged("spec.holder_identity")),
    "PriorityClass": (
        (NAME, Column("Value"), Column("Global-Default"), AGE, Column("PreemptionPolicy")),
        lambda o, now: [
            o.metadata.name,
            o.value or 0,
            bool(o.global_default),
            age(o.metadata.creation_timestamp, now),
            o.preemption_policy,
        ],
    ),
    "PodDisruptionBudget": ((NAME, Column("Min Available"), Column("Max Unavailable"), Column("Allowed Disruptions"), AGE), budget),
    "CertificateSigningRequest": (
        (NAME, AGE, Column("SignerName"), Column("Requestor"), Column("RequestedDuration"), Column("Condition")),
        signing_request,
    ),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "Role": _ROLE,
    "ClusterRole": _ROLE,
}
