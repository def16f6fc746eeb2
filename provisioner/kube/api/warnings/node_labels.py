"""Labels of nodes that have new names, where something selects nodes by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_NEW_NAMES = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}


def deprecated(label: str | None) -> str:
    """What to say of a label; "" where it is fine."""
    return _NEW_NAMES.get(label or "", "")


def in_terms(terms: Iterable[Any], path: str) -> Iterator[str]:
    """Of node selector terms; `path` has {} where their number goes."""
    for index, term in enumerate(terms):
        for place, expression in enumerate(term.match_expressions or ()):
            if text := deprecated(expression.key):
                yield f"{path.format(index)}.matchExpressions[{place}].key: {expression.key} is {text}"
