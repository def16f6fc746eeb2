"""Defaults of role bindings."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api.defaults import default

GROUP = "rbac.authorization.k8s.io"


def rolebinding(obj: Any) -> None:
    if obj.role_ref is not None:
        default(obj.role_ref, api_group=GROUP)
    for subject in obj.subjects or ():
        default(subject, api_group="" if subject.kind == "ServiceAccount" else GROUP)


clusterrolebinding = rolebinding
