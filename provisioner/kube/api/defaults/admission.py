"""Defaults of admission webhook configurations."""

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
