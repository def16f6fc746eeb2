"""Tables of certificate signing requests and trust bundles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.meta import condition
from provisioner.kube.api.tables.columns import NONE, Printer, age, columns, duration

GROUP = "certificates.k8s.io"


def _status(obj: Any) -> str:
    conditions = obj.status.conditions
    if condition(conditions, "Denied") is not None:
        shown = "Denied"
    else:
        shown = "Approved" if condition(conditions, "Approved") is not None else "Pending"
    if condition(conditions, "Failed") is not None:
        shown += ",Failed"
    return f"{shown},Issued" if obj.status.certificate else shown


def _request(obj: Any, now: datetime) -> list[Any]:
    asked_s = obj.spec.expiration_seconds
    return [
        obj.metadata.name,
        age(obj, now),
        obj.spec.signer_name or NONE,
        obj.spec.username or "",
        NONE if asked_s is None else duration(asked_s),
        _status(obj),
    ]


def _bundle(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.signer_name or NONE]


PRINTERS = {
    (GROUP, "CertificateSigningRequest"): Printer(
        columns("Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition"), _request
    ),
    (GROUP, "ClusterTrustBundle"): Printer(columns("Name", "SignerName"), _bundle),
}
