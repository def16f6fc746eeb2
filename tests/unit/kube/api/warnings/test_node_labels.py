"""Proves which labels of nodes have new names, and where selectors with old ones are told to be."""

from __future__ import annotations

from provisioner.kube.api._generated.core_v1 import NodeSelectorRequirement, NodeSelectorTerm
from provisioner.kube.api.warnings.node_labels import deprecated, in_terms


def test_old_names() -> None:
    assert deprecated("node-role.kubernetes.io/master") == 'use "node-role.kubernetes.io/control-plane" instead'
    assert deprecated("kubernetes.io/arch") == deprecated(None) == ""


def test_where_they_are() -> None:
    terms = [
        NodeSelectorTerm(match_expressions=[NodeSelectorRequirement(key=key) for key in keys])
        for keys in (["a"], ["b", "app.kubernetes.io/created-by"])
    ]
    expected = "at[1].matchExpressions[1].key: app.kubernetes.io/created-by is deprecated since v1.9"
    assert list(in_terms(terms, "at[{}]")) == [expected]
