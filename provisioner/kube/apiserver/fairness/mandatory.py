"""The flow schemas and priority levels that a cluster is born with, by upstream's documented names and numbers.

Mandatory ones (`exempt`, `catch-all`) are put right whenever they differ; suggested ones only as long as their annotation
apf.kubernetes.io/autoupdate-spec says "true".
"""

from __future__ import annotations

from typing import Any

AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
EXEMPT, CATCH_ALL = "exempt", "catch-all"
MANDATORY = frozenset({EXEMPT, CATCH_ALL})

# name -> (shares, lendable percent, queues, hand size, queue length); no queues: Reject
_LEVELS: dict[str, tuple[int, int, int, int, int]] = {
    CATCH_ALL: (5, 0, 0, 0, 0),
    "global-default": (20, 50, 128, 6, 50),
    "leader-election": (10, 0, 16, 4, 50),
    "node-high": (40, 25, 64, 6, 50),
    "system": (30, 33, 64, 6, 50),
    "workload-high": (40, 50, 128, 6, 50),
    "workload-low": (100, 90, 128, 6, 50),
}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "annotations": {AUTOUPDATE: "true"}}


def priority_levels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"metadata": _metadata(EXEMPT), "spec": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}}
    ]
    for name, (shares, lendable, queues, hand, length) in _LEVELS.items():
        response: dict[str, Any] = {"type": "Reject"}
        if queues:
            response = {"type": "Queue", "queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": length}}
        limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
        found.append({"metadata": _metadata(name), "spec": {"type": "Limited", "limited": limited}})
    return found


def _user(name: str) -> dict[str, Any]:
    return {"kind": "User", "user": {"name": name}}


def _group(name: str) -> dict[str, Any]:
    return {"kind": "Group", "group": {"name": name}}


def _account(name: str) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}}


def _resources(verbs: str, groups: str, resources: str, *, cluster: bool = False, namespaces: str = "*") -> dict[str, Any]:
    rule: dict[str, Any] = {"verbs": verbs.split(), "apiGroups": [g if g != "core" else "" for g in groups.split()]}
    rule["resources"] = resources.split()
    if cluster:
        rule["clusterScope"] = True
    if namespaces:
        rule["namespaces"] = namespaces.split()
    return rule


_ANYTHING = [_resources("*", "*", "*", cluster=True)]
_ANY_PATH = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
_LEASES = _resources("get create update", "coordination.k8s.io", "leases")
_EVERYBODY = [_group("system:authenticated"), _group("system:unauthenticated")]


def _rule(subjects: list[dict[str, Any]], resources: list[dict[str, Any]], paths: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"subjects": subjects}
    if resources:
        found["resourceRules"] = resources
    if paths:
        found["nonResourceRules"] = paths
    return found


def _schema(name: str, level: str, precedence: int, method: str, *rules: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence, "rules": list(rules)}
    if method:
        spec["distinguisherMethod"] = {"type": method}
    return {"metadata": _metadata(name), "spec": spec}


def flow_schemas() -> list[dict[str, Any]]:
    probes = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]
    electors = [_user("system:kube-controller-manager"), _user("system:kube-scheduler")]
    endpoints = [_resources("get create update", "core", "endpoints"), _LEASES]
    watched = _resources("update patch", "core", "nodes nodes/status", cluster=True, namespaces="")
    return [
        _schema(EXEMPT, EXEMPT, 1, "", _rule([_group("system:masters")], _ANYTHING, _ANY_PATH)),
        _schema("probes", EXEMPT, 2, "", _rule([*reversed(_EVERYBODY)], [], probes)),
        _schema(
            "system-leader-election",
            "leader-election",
            100,
            "ByUser",
            _rule(
                [*electors, _group("system:serviceaccounts:kube-system")],
                [_resources("get create update", "coordination.k8s.io", "leases")],
            ),
        ),
        _schema(
            "endpoint-controller",
            "workload-high",
            150,
            "ByUser",
            _rule(
                [_user("system:kube-controller-manager"), _account("endpoint-controller"), _account("endpointslicemirroring-controller")],
                [_resources("get create update", "core", "endpoints")],
            ),
        ),
        _schema("workload-leader-election", "leader-election", 200, "ByUser", _rule([_group("system:serviceaccounts")], endpoints[1:])),
        _schema(
            "system-node-high",
            "node-high",
            400,
            "ByUser",
            _rule([_group("system:nodes")], [watched, _resources("*", "coordination.k8s.io", "leases")]),
        ),
        _schema("system-nodes", "system", 500, "ByUser", _rule([_group("system:nodes")], _ANYTHING, _ANY_PATH)),
        _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", _rule([electors[0]], _ANYTHING, _ANY_PATH)),
        _schema("kube-scheduler", "workload-high", 800, "ByNamespace", _rule([electors[1]], _ANYTHING, _ANY_PATH)),
        _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _rule([_account("*")], _ANYTHING, _ANY_PATH)),
        _schema("service-accounts", "workload-low", 9000, "ByUser", _rule([_group("system:serviceaccounts")], _ANYTHING, _ANY_PATH)),
        _schema("global-default", "global-default", 9900, "ByUser", _rule(_EVERYBODY, _ANYTHING, _ANY_PATH)),
        _schema(CATCH_ALL, CATCH_ALL, 10000, "ByUser", _rule(_EVERYBODY, _ANYTHING, _ANY_PATH)),
    ]
