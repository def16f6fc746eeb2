"""Upstream's bootstrap roles and bindings by their documented names (Kubernetes documentation: Default roles and role bindings).

A rule is one line: `verbs @ group: resources`, groups separated by `;`, or `verbs @ /path /path`. `read` is get,list,watch; `write` is
create,delete,deletecollection,patch,update. Text that is read once at start costs nothing afterwards.
"""

from __future__ import annotations

from typing import Any

from provisioner.kube.apiserver.bootstrap.bootstrap_controllers import CONTROLLERS

_VERBS = {
    "read": ["get", "list", "watch"],
    "write": ["create", "delete", "deletecollection", "patch", "update"],
    "events": ["create", "patch", "update"],
}
_EVENTS = "events @ core: events; events.k8s.io: events"
_METADATA = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
}

_EDIT = """
get,list,watch,write @ core: pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
impersonate @ core: serviceaccounts
write @ core: pods pods/attach pods/exec pods/portforward pods/proxy
create @ core: pods/eviction
write @ core: configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy
create @ core: serviceaccounts/token
write @ apps: daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale
write @ autoscaling: horizontalpodautoscalers
write @ batch: cronjobs jobs
write @ policy: poddisruptionbudgets
write @ networking.k8s.io: ingresses networkpolicies
read,write @ coordination.k8s.io: leases
write @ resource.k8s.io: resourceclaims resourceclaimtemplates
"""
_VIEW = """
read @ core: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
read @ core: bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status
read @ core: namespaces
read @ discovery.k8s.io: endpointslices
read @ apps: controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status
read @ apps: replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status
read @ autoscaling: horizontalpodautoscalers horizontalpodautoscalers/status
read @ batch: cronjobs cronjobs/status jobs jobs/status
read @ policy: poddisruptionbudgets poddisruptionbudgets/status
read @ networking.k8s.io: ingresses ingresses/status networkpolicies
read @ resource.k8s.io: resourceclaims resourceclaims/status resourceclaimtemplates
"""
_ADMIN = """
create @ authorization.k8s.io: localsubjectaccessreviews
read,write @ rbac.authorization.k8s.io: rolebindings roles
"""

# name -> rules
_ROLES: dict[str, str] = {
    "cluster-admin": "* @ *: *\n* @ *",
    "system:discovery": "get @ /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
    "system:public-info-viewer": "get @ /healthz /livez /readyz /version /version/",
    "system:basic-user": """
create @ authorization.k8s.io: selfsubjectaccessreviews selfsubjectrulesreviews
create @ authentication.k8s.io: selfsubjectreviews""",
    "system:monitoring": "get @ /flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz",
    "system:aggregate-to-admin": _ADMIN,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-view": _VIEW,
    "admin": _ADMIN + _EDIT + _VIEW,
    "edit": _EDIT + _VIEW,
    "view": _VIEW,
    "system:heapster": "read @ core: events namespaces nodes pods\nread @ apps: deployments",
    "system:node": """
create @ authentication.k8s.io: tokenreviews
create @ authorization.k8s.io: localsubjectaccessreviews subjectaccessreviews
read @ core: services
create,get,list,watch @ core: nodes
patch,update @ core: nodes/status
patch,update @ core: nodes
read @ core: pods
create,delete @ core: pods
patch,update @ core: pods/status
create @ core: pods/eviction
get,list,watch @ core: configmaps secrets
get @ core: persistentvolumeclaims persistentvolumes
get @ core: endpoints
create,get,list,watch @ certificates.k8s.io: certificatesigningrequests
create,delete,get,patch,update @ coordination.k8s.io: leases
get @ storage.k8s.io: volumeattachments
create @ core: serviceaccounts/token
get,patch,update @ core: persistentvolumeclaims/status
read @ storage.k8s.io: csidrivers
create,delete,get,patch,update @ storage.k8s.io: csinodes
read @ node.k8s.io: runtimeclasses
get,list,watch @ resource.k8s.io: resourceclaims
events @ core: events; events.k8s.io: events""",
    "system:node-problem-detector": "get @ core: nodes\npatch @ core: nodes/status\n" + _EVENTS,
    "system:kubelet-api-admin": """
read @ core: nodes
proxy @ core: nodes
* @ core: nodes/log nodes/metrics nodes/proxy nodes/stats nodes/configz nodes/healthz nodes/pods""",
    "system:node-bootstrapper": "create,get,list,watch @ certificates.k8s.io: certificatesigningrequests",
    "system:auth-delegator": """
create @ authentication.k8s.io: tokenreviews
create @ authorization.k8s.io: subjectaccessreviews""",
    "system:kube-aggregator": "read @ core: endpoints services",
    "system:kube-controller-manager": f"""
{_EVENTS}
create @ coordination.k8s.io: leases
get,update @ coordination.k8s.io: leases
create @ core: secrets serviceaccounts
delete @ core: secrets
get @ core: configmaps namespaces secrets serviceaccounts
update @ core: secrets serviceaccounts
create @ authentication.k8s.io: tokenreviews
create @ authorization.k8s.io: subjectaccessreviews
list,watch @ *: *
create @ core: serviceaccounts/token""",
    "system:kube-scheduler": f"""
{_EVENTS}
create @ coordination.k8s.io: leases
get,list,update,watch @ coordination.k8s.io: leases
read @ core: nodes
delete,get,list,watch @ core: pods
create @ core: bindings pods/binding
patch,update @ core: pods/status
read @ core: replicationcontrollers services
read @ apps: replicasets statefulsets
read @ policy: poddisruptionbudgets
read @ core: persistentvolumeclaims persistentvolumes
create @ authentication.k8s.io: tokenreviews
create @ authorization.k8s.io: subjectaccessreviews
read @ storage.k8s.io: csinodes csidrivers csistoragecapacities storageclasses volumeattachments
read @ core: namespaces
get,list,watch,patch,update @ resource.k8s.io: resourceclaims
patch,update @ resource.k8s.io: resourceclaims/status resourceclaims/binding
read @ resource.k8s.io: deviceclasses resourceslices""",
    "system:kube-dns": "list,watch @ core: endpoints services\nlist,watch @ discovery.k8s.io: endpointslices",
    "system:node-proxier": f"""
list,watch @ core: endpoints services
read @ core: nodes
{_EVENTS}
list,watch @ discovery.k8s.io: endpointslices
list,watch @ networking.k8s.io: servicecidrs""",
    "system:persistent-volume-provisioner": """
create,delete,get,list,watch @ core: persistentvolumes
get,list,update,watch @ core: persistentvolumeclaims
read @ storage.k8s.io: storageclasses
read,events @ core: events""",
    "system:volume-scheduler": """
get,list,patch,update,watch @ core: persistentvolumes
read @ storage.k8s.io: storageclasses
get,list,patch,update,watch @ core: persistentvolumeclaims""",
    "system:service-account-issuer-discovery": "get @ /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": "create @ certificates.k8s.io: certificatesigningrequests/nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": "create @ certificates.k8s.io: certificatesigningrequests/selfnodeclient",
    "system:certificates.k8s.io:kube-apiserver-client-approver": "approve @ certificates.k8s.io: signers = kubernetes.io/kube-apiserver-client",
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver": "approve @ certificates.k8s.io: signers = kubernetes.io/kube-apiserver-client-kubelet",
    "system:certificates.k8s.io:kubelet-serving-approver": "approve @ certificates.k8s.io: signers = kubernetes.io/kubelet-serving",
    "system:certificates.k8s.io:legacy-unknown-approver": "approve @ certificates.k8s.io: signers = kubernetes.io/legacy-unknown",
}
_AGGREGATED = {"admin": ("admin",), "edit": ("edit",), "view": ("view",)}
_AGGREGATES = {
    "system:aggregate-to-admin": "admin",
    "system:aggregate-to-edit": "edit",
    "system:aggregate-to-view": "view",
    "edit": "admin",
    "view": "edit",
}
_GROUPS = ("system:authenticated", "system:unauthenticated")
# binding (and role) -> subjects: `user name` or `group name`
_BINDINGS: dict[str, tuple[str, ...]] = {
    "cluster-admin": ("group system:masters",),
    "system:discovery": ("group system:authenticated",),
    "system:basic-user": ("group system:authenticated",),
    "system:public-info-viewer": tuple(f"group {group}" for group in _GROUPS),
    "system:monitoring": ("group system:monitoring",),
    "system:node-proxier": ("user system:kube-proxy",),
    "system:kube-controller-manager": ("user system:kube-controller-manager",),
    "system:kube-scheduler": ("user system:kube-scheduler",),
    "system:volume-scheduler": ("user system:kube-scheduler",),
    "system:kube-dns": ("account kube-system/kube-dns",),
    "system:service-account-issuer-discovery": ("group system:serviceaccounts",),
    # Bound to nobody: kubelets have the Node authorizer.
    "system:node": (),
}
# (namespace, name) -> (rules, subjects)
_NAMESPACED: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("kube-system", "extension-apiserver-authentication-reader"): (
        "read @ core: configmaps = extension-apiserver-authentication",
        ("user system:kube-controller-manager", "user system:kube-scheduler"),
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        "watch @ core: configmaps\nget,update @ core: configmaps = kube-controller-manager",
        ("user system:kube-controller-manager", "account kube-system/kube-controller-manager"),
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        "watch @ core: configmaps\nget,update @ core: configmaps = kube-scheduler",
        ("user system:kube-scheduler", "account kube-system/kube-scheduler"),
    ),
    ("kube-system", "system:controller:bootstrap-signer"): ("read @ core: secrets", ("account kube-system/bootstrap-signer",)),
    ("kube-system", "system:controller:cloud-provider"): (
        "create,get,list,update,watch @ core: configmaps",
        ("account kube-system/cloud-provider",),
    ),
    ("kube-system", "system:controller:token-cleaner"): (
        f"delete,get,list,watch @ core: secrets\n{_EVENTS}",
        ("account kube-system/token-cleaner",),
    ),
    ("kube-public", "system:controller:bootstrap-signer"): (
        f"read @ core: configmaps\nupdate @ core: configmaps = cluster-info\n{_EVENTS}",
        ("account kube-system/bootstrap-signer",),
    ),
}


def rules(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        verbs, _, rest = (part.strip() for part in line.partition("@"))
        named = sorted({v for word in verbs.split(",") for v in _VERBS.get(word, [word])})
        if rest.startswith("/") or rest == "*":
            found.append({"verbs": named, "nonResourceURLs": rest.split()})
            continue
        for part in rest.split(";"):
            group, _, resources = part.partition(":")
            resources, _, names = resources.partition("=")
            rule: dict[str, Any] = {
                "verbs": named,
                "apiGroups": ["" if group.strip() == "core" else group.strip()],
                "resources": resources.split(),
            }
            if names.strip():
                rule["resourceNames"] = names.split()
            found.append(rule)
    return found


def _metadata(name: str, namespace: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "labels": dict(_METADATA["labels"]), "annotations": dict(_METADATA["annotations"])}
    if namespace:
        found["namespace"] = namespace
    return found


def cluster_roles() -> list[dict[str, Any]]:
    found = []
    for name, text in _ROLES.items():
        role: dict[str, Any] = {"metadata": _metadata(name), "rules": rules(text)}
        if name in _AGGREGATES:
            role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{_AGGREGATES[name]}"] = "true"
        if name in _AGGREGATED:
            label = f"rbac.authorization.k8s.io/aggregate-to-{name}"
            role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}
        found.append(role)
    for name, text in CONTROLLERS.items():
        found.append({"metadata": _metadata(f"system:controller:{name}"), "rules": rules(f"{text}\n{_EVENTS}")})
    return found


def _subject(text: str) -> dict[str, str]:
    kind, _, name = text.partition(" ")
    if kind == "account":
        namespace, _, name = name.partition("/")
        return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return {"kind": kind.capitalize(), "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def _binding(name: str, kind: str, role: str, subjects: tuple[str, ...], namespace: str = "") -> dict[str, Any]:
    return {
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [_subject(s) for s in subjects],
    }


def cluster_role_bindings() -> list[dict[str, Any]]:
    found = [_binding(name, "ClusterRole", name, subjects) for name, subjects in _BINDINGS.items()]
    for name in CONTROLLERS:
        full = f"system:controller:{name}"
        found.append(_binding(full, "ClusterRole", full, (f"account kube-system/{name}",)))
    return found


def roles() -> list[dict[str, Any]]:
    return [{"metadata": _metadata(name, namespace), "rules": rules(text)} for (namespace, name), (text, _) in _NAMESPACED.items()]


def role_bindings() -> list[dict[str, Any]]:
    return [_binding(name, "Role", name, subjects, namespace) for (namespace, name), (_, subjects) in _NAMESPACED.items()]
