"""Defaults of device requests (resource.k8s.io), in every version's nesting."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api.defaults import default_text


def resourceclaim(obj: Any) -> None:
    _claim(obj.spec)


def resourceclaimtemplate(obj: Any) -> None:
    if obj.spec.spec is not None:
        _claim(obj.spec.spec)


def _claim(spec: Any) -> None:
    for request in (spec.devices.requests or ()) if spec.devices is not None else ():
        exactly = getattr(request, "exactly", None) or (request if getattr(request, "device_class_name", None) else None)
        for wanted in (*([exactly] if exactly is not None else []), *(request.first_available or ())):
            default_text(wanted, allocation_mode="ExactCount")
            if wanted.allocation_mode == "ExactCount" and not wanted.count:
                wanted.count = 1
            for toleration in getattr(wanted, "tolerations", None) or ():
                default_text(toleration, operator="Equal")
