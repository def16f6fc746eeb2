"""Defaults of what extends the API and shares it out: resource definitions, aggregated services, flow schemas, priority levels."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import apiextensions_v1 as v1
from provisioner.kube.api.defaults import default, default_text

HTTPS = 443


def customresourcedefinition(obj: v1.CustomResourceDefinition) -> None:
    names = obj.spec.names
    if names is not None and names.kind:
        default_text(names, singular=names.kind.lower(), list_kind=f"{names.kind}List")
    if obj.spec.conversion is None:
        obj.spec.conversion = v1.CustomResourceConversion(strategy="None")
    webhook = obj.spec.conversion.webhook
    if webhook is not None and webhook.client_config is not None and webhook.client_config.service is not None:
        default(webhook.client_config.service, port=HTTPS)


def apiservice(obj: Any) -> None:
    if obj.spec.service is not None:
        default(obj.spec.service, port=HTTPS)


def flowschema(obj: Any) -> None:
    if not obj.spec.matching_precedence:
        obj.spec.matching_precedence = 1000


def prioritylevelconfiguration(obj: Any) -> None:
    limited = obj.spec.limited
    if obj.spec.exempt is not None:
        default(obj.spec.exempt, nominal_concurrency_shares=0, lendable_percent=0)
    if limited is None:
        return
    default(limited, nominal_concurrency_shares=30, lendable_percent=0)
    if limited.limit_response is not None and limited.limit_response.queuing is not None:
        queuing = limited.limit_response.queuing
        for name, value in (("queues", 64), ("hand_size", 8), ("queue_length_limit", 50)):
            if not getattr(queuing, name):
                setattr(queuing, name, value)
