"""Proves which roles and bindings there may be, in upstream's order and words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.api.validation.rbac import create

ROLE = {"kind": "Role", "name": "r"}
BY_LABELS = "aggregationRule.clusterRoleSelectors"


def problems(cls: Any, document: dict[str, Any]) -> list[str]:
    obj = codec.decode_dict(cls, {"metadata": {"name": "x"}, **document})
    defaults.apply(obj)
    return [str(found) for found in create(obj)]


@pytest.mark.parametrize(
    ("cls", "rule", "said"),
    [
        (rbac_v1.Role, {"verbs": ["get"], "apiGroups": [], "resources": ["pods"]}, [
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        ]),
        (rbac_v1.Role, {"nonResourceURLs": ["/a"], "resources": ["pods"]}, [
            "rules[0].verbs: Required value: verbs must contain at least one value",
            'rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs',
            'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
        ]),
        (rbac_v1.ClusterRole, {"verbs": ["get"], "nonResourceURLs": ["/a"]}, []),
    ],
)  # fmt: skip
def test_rules(cls: Any, rule: dict[str, Any], said: list[str]) -> None:
    assert problems(cls, {"rules": [rule]}) == said


@pytest.mark.parametrize(
    ("selectors", "said"),
    [
        ([{"matchLabels": {"a": "b"}}], []),
        ([], [f"{BY_LABELS}: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"]),
        ([{}, {"matchExpressions": [{"key": "a", "operator": "Near"}]}], [
            f'{BY_LABELS}[1].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
            f'{BY_LABELS}[1]: Invalid value: "null": invalid label selector.',
        ]),
    ],
)  # fmt: skip
def test_what_is_aggregated(selectors: list[Any], said: list[str]) -> None:
    assert problems(rbac_v1.ClusterRole, {"aggregationRule": {"clusterRoleSelectors": selectors}}) == said


@pytest.mark.parametrize(
    ("cls", "document", "said"),
    [
        # its own namespace is meant
        (rbac_v1.RoleBinding, {"roleRef": ROLE, "subjects": [{"kind": "ServiceAccount", "name": "s"}]}, []),
        (rbac_v1.RoleBinding, {}, [
            'roleRef.kind: Unsupported value: "": supported values: "Role", "ClusterRole"',
            "roleRef.name: Required value",
        ]),
        (rbac_v1.ClusterRoleBinding, {"roleRef": ROLE, "subjects": [{"kind": "Thing"}, {"kind": "ServiceAccount", "name": "A"}]}, [
            'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
            "subjects[0].name: Required value",
            'subjects[0].kind: Unsupported value: "Thing": supported values: "ServiceAccount", "User", "Group"',
            "subjects[1].name: Invalid value",
            "subjects[1].namespace: Required value",
        ]),
    ],
)  # fmt: skip
def test_bindings(cls: Any, document: dict[str, Any], said: list[str]) -> None:
    found = problems(cls, document)
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found
