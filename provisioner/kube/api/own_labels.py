"""Selectors that are narrowed by a pod's own labels: `matchLabelKeys` and `mismatchLabelKeys` of affinity and of spread become expressions of the
label selector when the pod is created (KEP-3633, KEP-3243). Done again it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.kube.api._generated import meta_v1


def merge(pod: Any) -> None:
    """In place."""
    labels = pod.metadata.labels or {}
    for term in _terms(pod.spec.affinity):
        _narrow(term.label_selector, term.match_label_keys, "In", labels)
        _narrow(term.label_selector, term.mismatch_label_keys, "NotIn", labels)
    for constraint in pod.spec.topology_spread_constraints or ():
        _narrow(constraint.label_selector, constraint.match_label_keys, "In", labels)


def merged(expression: meta_v1.LabelSelectorRequirement) -> bool:
    """Whether an expression of a spread's selector may have come from `matchLabelKeys`."""
    return expression.operator == "In" and len(expression.values or ()) == 1


def _terms(affinity: Any) -> Iterator[Any]:
    for part in (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity is not None else ():
        if part is not None:
            yield from part.required_during_scheduling_ignored_during_execution or ()
            for weighted in part.preferred_during_scheduling_ignored_during_execution or ():
                if weighted.pod_affinity_term is not None:
                    yield weighted.pod_affinity_term


def _narrow(selector: Any, keys: list[str] | None, operator: str, labels: dict[str, str]) -> None:
    if selector is None:
        # Validation refuses keys without a selector.
        return
    for key in keys or ():
        if key in labels:
            wanted = meta_v1.LabelSelectorRequirement(key=key, operator=operator, values=[labels[key]])
            if wanted not in (selector.match_expressions or ()):
                selector.match_expressions = [*(selector.match_expressions or ()), wanted]
