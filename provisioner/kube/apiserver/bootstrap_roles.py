"""Upstream's default roles and bindings, as documents (the Kubernetes documentation's "Default roles and role bindings")."""

from __future__ import annotations

from typing import Any

GROUP = "rbac.authorization.k8s.io"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "deletecollection", "patch", "update"]
ALL = [*READ, *WRITE]

Rule = dict[str, Any]


def _rule(verbs: list[str], groups: list[str], resources: list[str], names: list[str] | None = None) -> Rule:
    rule: Rule = {"verbs": verbs, "apiGroups": groups, "resources": resources}
    return rule | {"resourceNames": names} if names else rule


def _paths(verbs: list[str], urls: list[str]) -> Rule:
    return {"verbs": verbs, "nonResourceURLs": urls}


EVENTS = _rule(["create", "patch", "update"], ["", "events.k8s.io"], ["events"])
DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]

VIEW = [
    _rule(
        READ,
        [""],
        [
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    _rule(
        READ,
        [""],
        [
            "bindings",
            "events",
            "limitranges",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "replicationcontrollers/status",
            "resourcequotas",
            "resourcequotas/status",
            "namespaces",
        ],
    ),
    _rule(READ, ["discovery.k8s.io"], ["endpointslices"]),
    _rule(
        READ,
        ["apps"],
        [
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
    ),
    _rule(READ, ["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
    _rule(READ, ["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    _rule(READ, ["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    _rule(READ, ["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"]),
]
EDIT = [
    _rule(READ, [""], ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"]),
    _rule(["impersonate"], [""], ["serviceaccounts"]),
    _rule(WRITE, [""], ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"]),
    _rule(["create"], [""], ["pods/eviction", "serviceaccounts/token"]),
    _rule(
        WRITE,
        [""],
        [
            "configmaps",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
            "events",
        ],
    ),
    _rule(
        WRITE,
        ["apps"],
        [
            "daemonsets",
            "deployments",
            "deployments/rollback",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    _rule(WRITE, ["autoscaling"], ["horizontalpodautoscalers"]),
    _rule(WRITE, ["batch"], ["cronjobs", "jobs"]),
    _rule(WRITE, ["policy"], ["poddisruptionbudgets"]),
    _rule(WRITE, ["networking.k8s.io"], ["ingresses", "networkpolicies"]),
    _rule(ALL, ["coordination.k8s.io"], ["leases"]),
]
ADMIN = [_rule(["create"], ["authorization.k8s.io"], ["localsubjectaccessreviews"]), _rule(ALL, [GROUP], ["rolebindings", "roles"])]

SCHEDULER = [
    EVENTS,
    _rule(["create"], ["coordination.k8s.io"], ["leases"]),
    _rule(["get", "list", "update", "watch"], ["coordination.k8s.io"], ["leases"], ["kube-scheduler"]),
    _rule(READ, [""], ["nodes", "namespaces", "replicationcontrollers", "services", "persistentvolumeclaims", "persistentvolumes"]),
    _rule(["delete", *READ], [""], ["pods"]),
    _rule(["create"], [""], ["bindings", "pods/binding"]),
    _rule(["patch", "update"], [""], ["pods/status"]),
    _rule(READ, ["apps"], ["replicasets", "statefulsets"]),
    _rule(READ, ["policy"], ["poddisruptionbudgets"]),
    _rule(READ, ["storage.k8s.io"], ["csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"]),
    _rule(["create"], ["authentication.k8s.io"], ["tokenreviews"]),
    _rule(["create"], ["authorization.k8s.io"], ["subjectaccessreviews"]),
]
# One identity runs every controller here, so it has what upstream spreads over a role for each controller.
CONTROLLER_MANAGER = [_rule(["*"], ["*"], ["*"]), _paths(["*"], ["*"])]
PROXIER = [
    _rule(["list", "watch"], [""], ["services", "endpoints"]),
    _rule(READ, [""], ["nodes"]),
    EVENTS,
    _rule(["list", "watch"], ["discovery.k8s.io"], ["endpointslices"]),
    _rule(["list", "watch"], ["networking.k8s.io"], ["servicecidrs"]),
]
KUBE_DNS = [
    _rule(["list", "watch"], [""], ["services", "endpoints", "pods", "namespaces"]),
    _rule(["list", "watch"], ["discovery.k8s.io"], ["endpointslices"]),
]
DNS_PUBLISHER = [
    _rule(["create", "get", "update", "patch", "list", "watch"], [""], ["services"]),
    _rule(["create", "get", "update", "patch", "delete", "list", "watch"], ["discovery.k8s.io"], ["endpointslices"]),
]
KUBELET_API_ADMIN = [
    _rule(READ, [""], ["nodes"]),
    _rule(["proxy"], [""], ["nodes"]),
    _rule(["*"], [""], ["nodes/configz", "nodes/healthz", "nodes/log", "nodes/metrics", "nodes/pods", "nodes/proxy", "nodes/stats"]),
]


def _role(name: str, rules: list[Rule], labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "labels": {**LABELS, **(labels or {})},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    return {"metadata": metadata, "rules": rules, **more}


def cluster_roles() -> list[dict[str, Any]]:
    aggregate = f"{GROUP}/aggregate-to-"
    return [
        _role("cluster-admin", [_rule(["*"], ["*"], ["*"]), _paths(["*"], ["*"])]),
        _role("system:discovery", [_paths(["get"], DISCOVERY)]),
        _role("system:public-info-viewer", [_paths(["get"], ["/healthz", "/livez", "/readyz", "/version", "/version/"])]),
        _role(
            "system:monitoring",
            [_paths(["get"], ["/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*"])],
        ),
        _role(
            "system:basic-user",
            [
                _rule(["create"], ["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
                _rule(["create"], ["authentication.k8s.io"], ["selfsubjectreviews"]),
            ],
        ),
        _role(
            "system:service-account-issuer-discovery",
            [
                _paths(
                    ["get"],
                    ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"],
                )
            ],
        ),
        _role("admin", [*ADMIN, *EDIT, *VIEW]),
        _role("edit", [*EDIT, *VIEW], {f"{aggregate}admin": "true"}),
        _role("view", VIEW, {f"{aggregate}edit": "true"}),
        _role("system:kube-scheduler", SCHEDULER),
        _role("system:kube-controller-manager", CONTROLLER_MANAGER),
        _role("system:node-proxier", PROXIER),
        _role("system:kube-dns", [*KUBE_DNS, *DNS_PUBLISHER]),
        _role("system:kubelet-api-admin", KUBELET_API_ADMIN),
        _role(
            "system:auth-delegator",
            [
                _rule(["create"], ["authentication.k8s.io"], ["tokenreviews"]),
                _rule(["create"], ["authorization.k8s.io"], ["subjectaccessreviews"]),
            ],
        ),
        _role("system:node-bootstrapper", [_rule(["create", *READ], ["certificates.k8s.io"], ["certificatesigningrequests"])]),
        _role(
            "system:persistent-volume-provisioner",
            [
                _rule(["create", "delete", *READ], [""], ["persistentvolumes"]),
                _rule([*READ, "update"], [""], ["persistentvolumeclaims"]),
                _rule(READ, ["storage.k8s.io"], ["storageclasses"]),
                EVENTS,
            ],
        ),
        _role("system:node", []),
    ]


def _binding(name: str, role: str, subjects: list[dict[str, str]], kind: str = "ClusterRole") -> dict[str, Any]:
    metadata = {"name": name, "labels": LABELS, "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}
    return {"metadata": metadata, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role}, "subjects": subjects}


def _group(name: str) -> dict[str, str]:
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def _user(name: str) -> dict[str, str]:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def cluster_role_bindings() -> list[dict[str, Any]]:
    return [
        _binding("cluster-admin", "cluster-admin", [_group("system:masters")]),
        _binding("system:discovery", "system:discovery", [_group("system:authenticated")]),
        _binding("system:basic-user", "system:basic-user", [_group("system:authenticated")]),
        _binding(
            "system:public-info-viewer", "system:public-info-viewer", [_group("system:authenticated"), _group("system:unauthenticated")]
        ),
        _binding("system:monitoring", "system:monitoring", [_group("system:monitoring")]),
        _binding("system:service-account-issuer-discovery", "system:service-account-issuer-discovery", [_group("system:serviceaccounts")]),
        _binding("system:kube-scheduler", "system:kube-scheduler", [_user("system:kube-scheduler")]),
        _binding("system:kube-controller-manager", "system:kube-controller-manager", [_user("system:kube-controller-manager")]),
        _binding("system:node-proxier", "system:node-proxier", [_user("system:kube-proxy")]),
        _binding(
            "system:kube-dns",
            "system:kube-dns",
            [_user("system:kube-dns"), {"kind": "ServiceAccount", "name": "kube-dns", "namespace": "kube-system"}],
        ),
    ]


def roles() -> list[dict[str, Any]]:
    def role(namespace: str, name: str, rules: list[Rule]) -> dict[str, Any]:
        made = _role(name, rules)
        made["metadata"]["namespace"] = namespace
        return made

    return [
        role(
            "kube-system",
            "extension-apiserver-authentication-reader",
            [_rule(READ, [""], ["configmaps"], ["extension-apiserver-authentication"])],
        ),
        role(
            "kube-system",
            "system::leader-locking-kube-controller-manager",
            [_rule(["get", "update", "watch"], [""], ["configmaps"], ["kube-controller-manager"])],
        ),
    ]


def role_bindings() -> list[dict[str, Any]]:
    made = _binding(
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        [_user("system:kube-controller-manager"), _user("system:kube-scheduler")],
        "Role",
    )
    made["metadata"]["namespace"] = "kube-system"
    return [made]
