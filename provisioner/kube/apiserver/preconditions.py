"""What a write says it expects of the object that is there: its uid, its version. In upstream's words, which clients and logs show. Pure."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.list_options import number_error

# label -> what may have happened
_MAYBE = {"UID": "deleted and then recreated", "ResourceVersion": "modified"}


def check_deletion(kind: Kind, metadata: meta_v1.ObjectMeta, options: meta_v1.DeleteOptions) -> None:
    """Raises 409."""
    wanted = options.preconditions
    if wanted is None:
        return
    for label, expected, actual in (
        ("UID", wanted.uid, metadata.uid),
        ("ResourceVersion", wanted.resource_version, metadata.resource_version),
    ):
        if expected is not None and expected != actual:
            detail = f"the {label} in the precondition ({expected}) does not match the {label} in record ({actual}). "
            detail += f"The object might have been {_MAYBE[label]}"
            raise errors.conflict(kind.resource.kind, metadata.name or "", detail, kind.resource.group)


def mismatch(plural: str, old: Any, label: str, expected: str, group: str = "") -> StatusError:
    """409 for a write that found another object than it expected: upstream's storage says so."""
    metadata: meta_v1.ObjectMeta = old.metadata
    actual = metadata.uid if label == "UID" else metadata.resource_version
    place = "/".join(part for part in (metadata.namespace, metadata.name) if part)
    detail = f"StorageError: invalid object, Code: 4, Key: /registry/{plural.partition('/')[0]}/{place}, ResourceVersion: 0, "
    detail += f"AdditionalErrorMsg: Precondition failed: {label} in precondition: {expected}, {label} in object meta: {actual}"
    return errors.conflict(plural, metadata.name or "", detail, group)


def check_version(text: str | None) -> None:
    """Raises 500, as upstream's storage has it, for a version that an object brings and that is no number."""
    if text and (wrong := number_error(text)):
        raise StatusError(500, "", wrong)
