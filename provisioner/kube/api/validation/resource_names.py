"""Names of resources and their amounts: which need no domain, which a container may ask for, which are counted whole (core/v1 ResourceName)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kube.api import errors, names, quantity
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks

# What nodes have without any driver.
NATIVE = ("cpu", "memory", "ephemeral-storage")
_PAGES = ("hugepages-", "requests.hugepages-")
COUNTED = frozenset(
    {
        *("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services"),
        *("services.loadbalancers", "services.nodeports"),
    }
)
QUOTAS = COUNTED | {"requests.storage", *(f"{part}{name}" for part in ("", "requests.", "limits.") for name in NATIVE)}
_STANDARD = QUOTAS | {"storage"}


def of_quotas(name: str) -> bool:
    """Whether quotas know it without a domain."""
    return name in QUOTAS or name.startswith(_PAGES)


def is_shared(name: str) -> bool:
    """Whether more of it may be promised than there is."""
    return ("/" not in name or "kubernetes.io/" in name) and not name.startswith("hugepages-")


def is_extended(name: str) -> bool:
    """Whether it is somebody else's, named by a domain, and can be named in a quota, too."""
    if "/" not in name or "kubernetes.io/" in name or name.startswith("requests."):
        return False
    return not names.is_qualified_name(f"requests.{name}")


def wrong_name(name: str, path: str) -> list[FieldError]:
    """A name that is known, or has a domain."""
    wrong = checks.qualified(path, name)
    if wrong or "/" in name or name in _STANDARD or name.startswith(_PAGES):
        return wrong
    return [errors.invalid_value(path, name, "must be a standard resource type or fully qualified")]


def wrong_in_container(name: str, path: str) -> list[FieldError]:
    """A name of what containers use."""
    wrong = wrong_name(name, path)
    if "/" not in name:
        if name not in NATIVE and not name.startswith("hugepages-"):
            wrong.append(errors.invalid_value(path, name, "must be a standard resource for containers"))
    elif "kubernetes.io/" not in name and not is_extended(name):
        wrong.append(errors.invalid_value(path, name, "doesn't follow extended resource name standard"))
    return wrong


def wrong_amount(name: str, value: Any, path: str) -> list[FieldError]:
    """How much there is of a resource: not less than nothing, and what is counted is whole."""
    wrong = checks.amount(path, value)
    # thousandths are looked at, as upstream does
    if (not wrong or wrong[0].message.endswith(checks.NOT_NEGATIVE)) and (name in COUNTED or is_extended(name)):
        wrong += [errors.invalid_value(path, str(value), "must be an integer")] if quantity.milli(value) % 1000 else []
    return wrong


def wrong_amounts(amounts: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    return [problem for name, value in (amounts or {}).items() for problem in wrong_amount(name, value, f"{path}.{name}")]
