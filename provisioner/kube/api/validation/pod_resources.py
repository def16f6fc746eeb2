"""Resources of a pod as a whole (core/v1 PodSpec.resources), and how its containers' fit into them."""

from __future__ import annotations

from provisioner.kube.api import errors, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.pod_totals import asked
from provisioner.kube.api.validation import resource_names
from provisioner.kube.api.validation.containers import resources

# Besides pages of a size of their own.
OF_PODS = ("cpu", "hugepages-", "memory")


def pod_resources(found: core_v1.PodSpec, path: str) -> list[FieldError]:
    """Of a PodSpec at a path."""
    own, where = found.resources, f"{path}.resources"
    if own is None:
        return []
    problems: list[FieldError] = []
    if found.os is not None and found.os.name == "windows":
        problems.append(errors.forbidden_field(where, "may not be set for a windows pod"))
    if own.claims:
        problems.append(errors.forbidden_field(f"{where}.claims", "claims may not be set for Resources at pod-level"))
    problems += resources(own, where, _wrong_name)
    return problems or _fits(found, where, path)


def _wrong_name(name: str, path: str) -> list[FieldError]:
    wrong = resource_names.wrong_name(name, path)
    if wrong or name in ("cpu", "memory") or name.startswith("hugepages-"):
        return wrong
    return [errors.not_supported(path, name, OF_PODS)]


def _fits(found: core_v1.PodSpec, where: str, path: str) -> list[FieldError]:
    """No container may have more than the pod, nor may all together be promised more."""
    problems = []
    assert found.resources is not None
    for name, value in (found.resources.requests or {}).items():
        together = asked(found, name)
        if together > quantity.parse(value):
            shown = quantity.render(together, "binary" if name == "memory" else "decimal")
            message = f"must be greater than or equal to aggregate container requests of {shown}"
            problems.append(errors.invalid_value(f"{where}.requests[{name}]", quantity.canonical(value), message))
    for field, group in (("initContainers", found.init_containers), ("containers", found.containers)):
        for index, one in enumerate(group or ()):
            limits = (one.resources.limits if one.resources is not None else None) or {}
            for name, value in (found.resources.limits or {}).items():
                if name in limits and quantity.parse(limits[name]) > quantity.parse(value):
                    message = f"must be less than or equal to pod limits of {quantity.canonical(value)}"
                    at = f"{path}.{field}[{index}].resources.limits[{name}]"
                    problems.append(errors.invalid_value(at, quantity.canonical(limits[name]), message))
    return problems
