"""Object metadata and conditions: owners, timestamps, the usual comparisons."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from provisioner.kube.api._generated import meta_v1


def rfc3339(moment: datetime) -> str:
    """metav1.Time as upstream writes it: UTC, whole seconds."""
    at = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return at.isoformat(timespec="seconds")[:19] + "Z"


def rfc3339_micro(moment: datetime) -> str:
    """metav1.MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str | None) -> datetime | None:
    """A Time or MicroTime; None for none. Raises ValueError."""
    return datetime.fromisoformat(text) if text else None


def random_uuid() -> str:
    """A random UUID (RFC 9562, version 4), without the cost of the uuid module's objects."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def controller_of(obj: Any) -> meta_v1.OwnerReference | None:
    """The owner reference with controller: true."""
    return next((owner for owner in obj.metadata.owner_references or () if owner.controller), None)


def drop_doubled_owners(metadata: meta_v1.ObjectMeta) -> list[str]:
    """In place: of equal owner references the first stays. The uids of those that went."""
    kept: list[meta_v1.OwnerReference] = []
    doubled = []
    for owner in metadata.owner_references or ():
        if owner in kept:
            doubled.append(owner.uid or "")
        else:
            kept.append(owner)
    if doubled:
        metadata.owner_references = kept
    return doubled


def owner_reference(owner: Any, *, controller: bool = True) -> meta_v1.OwnerReference:
    """A reference to `owner` for its dependents."""
    return meta_v1.OwnerReference(
        api_version=owner.api_version,
        kind=owner.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=controller,
        block_owner_deletion=True,
    )


def condition(conditions: list[Any] | None, type_: str) -> Any:
    """The condition of a type, or None."""
    return next((c for c in conditions or () if c.type == type_), None)
