"""Proves upstream's order, paths and words of what is refused of flow schemas and priority levels."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import flowcontrol_v1
from provisioner.kube.api.validation import flowcontrol

USER = {"kind": "User", "user": {"name": "u"}}
URLS = {"verbs": ["get"], "nonResourceURLs": ["/x"]}
PODS = {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}
AT = "spec.rules[0]"
RULES: list[tuple[dict[str, Any], list[str]]] = [
    ({"subjects": [USER], "nonResourceRules": [URLS], "resourceRules": [PODS]}, []),
    ({}, [f"{AT}.subjects: Required value: subjects must contain at least one value", f"{AT}: Required value: at least one of resourceRules"]),
    ({"subjects": [{**USER, "group": {"name": "g"}}], "nonResourceRules": [URLS]}, [f"{AT}.subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'"]),
    ({"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "A"}}], "nonResourceRules": [URLS]}, [f'{AT}.subjects[0].serviceAccount.namespace: Invalid value: "A": a lowercase RFC 1123 label']),
    ({"subjects": [USER], "nonResourceRules": [{"verbs": [], "nonResourceURLs": ["", "x", "/a b", "//", "/*/a"]}]}, [f"{AT}.nonResourceRules[0].verbs: Required value: verbs must contain at least one value", *(f"{AT}.nonResourceRules[0].nonResourceURLs[{n}]: Invalid value: {said}" for n, said in enumerate(('"": must not be empty', '"x": must start with slash', '"/a b": must not contain white-space', '"//": must not contain double slash', '"/*/a": wildcard can only do suffix matching')))]),
    ({"subjects": [USER], "resourceRules": [{"verbs": ["get", "*"], "apiGroups": ["", "*"], "resources": [], "namespaces": ["A"]}]}, [f"{AT}.resourceRules[0].verbs: Invalid value: [\"get\",\"*\"]: if '*' is present, must not specify other verbs", f"{AT}.resourceRules[0].apiGroups: Invalid value: [\"\",\"*\"]: if '*' is present, must not specify other api groups", f"{AT}.resourceRules[0].resources: Required value: resource rules must supply at least one resource", f"{AT}.resourceRules[0].namespaces[0]: Invalid value: \"A\": each member of this list must be '*' or a DNS-1123 label; a lowercase"]),
]  # fmt: skip


def told(kind: Any, spec: dict[str, Any], name: str = "x") -> list[str]:
    found = flowcontrol.create(codec.decode_dict(kind, {"metadata": {"name": name}, "spec": spec}))
    return [f"{problem.field}: {problem.message}" for problem in found]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_rules(rule: dict[str, Any], expected: list[str]) -> None:
    spec = {"matchingPrecedence": 9, "priorityLevelConfiguration": {"name": "p"}, "rules": [rule]}
    found = told(flowcontrol_v1.FlowSchema, spec)
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found


def test_a_schema_names_its_level() -> None:
    message = "spec.priorityLevelConfiguration.name: Required value: must reference a priority level"
    assert told(flowcontrol_v1.FlowSchema, {"matchingPrecedence": 9}) == [message]


QUEUING = {"queues": 0, "handSize": 8, "queueLengthLimit": 0}
LEVELS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("exempt", {"type": "Exempt"}, []),
    ("x", {"type": ""}, ['spec.type: Unsupported value: "": supported values: "Exempt", "Limited"']),
    ("x", {"type": "Exempt"}, ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"]),
    ("x", {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": QUEUING}}}, ["spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: 0: must be positive", "spec.limited.limitResponse.queuing.queues: Invalid value: 0: must be positive", "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (0)"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spec", "expected"), LEVELS)
def test_levels(name: str, spec: dict[str, Any], expected: list[str]) -> None:
    assert told(flowcontrol_v1.PriorityLevelConfiguration, spec, name) == expected


def test_conditions_have_a_type_each() -> None:
    made = codec.decode_dict(flowcontrol_v1.FlowSchema, {"status": {"conditions": [{"type": "A"}, {"type": "A"}, {}]}})
    found = [f"{problem.field}: {problem.message}" for problem in flowcontrol.status(made, made)]
    assert found == [
        'status.conditions[1].type: Duplicate value: "A"',
        "status.conditions[2].type: Required value: must not be empty",
    ]
