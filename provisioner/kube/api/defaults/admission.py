"""Defaults of admission: webhook configurations, and policies with their bindings."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.defaults import default


def validatingwebhookconfiguration(obj: Any) -> None:
    for hook in obj.webhooks or ():
        default(
            hook,
            failure_policy="Fail",
            match_policy="Equivalent",
            timeout_seconds=10,
            namespace_selector=meta_v1.LabelSelector(),
            object_selector=meta_v1.LabelSelector(),
        )
        if hook.client_config is not None and hook.client_config.service is not None:
            default(hook.client_config.service, port=443)
        for rule in hook.rules or ():
            default(rule, scope="*")


def mutatingwebhookconfiguration(obj: Any) -> None:
    validatingwebhookconfiguration(obj)
    for hook in obj.webhooks or ():
        default(hook, reinvocation_policy="Never")


def validatingadmissionpolicy(obj: Any) -> None:
    default(obj.spec, failure_policy="Fail")
    _matches(obj.spec.match_constraints)


mutatingadmissionpolicy = validatingadmissionpolicy


def validatingadmissionpolicybinding(obj: Any) -> None:
    _matches(obj.spec.match_resources)


mutatingadmissionpolicybinding = validatingadmissionpolicybinding


def _matches(found: Any) -> None:
    if found is None:
        return
    default(found, match_policy="Equivalent", namespace_selector=meta_v1.LabelSelector(), object_selector=meta_v1.LabelSelector())
    for rule in [*(found.resource_rules or ()), *(found.exclude_resource_rules or ())]:
        default(rule, scope="*")
