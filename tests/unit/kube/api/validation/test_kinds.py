"""Proves what is refused of every kind but pods: each has a right object, and what becomes wrong when one thing of it changes."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.api.validation import validate_create, validate_status_update, validate_update
from provisioner.kube.api.validation.batch import count_indexes, schedule_error
from provisioner.kube.api.validation.storage import CLASS_ANNOTATION as ANNOTATION

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}
ONCE = {"spec": {"containers": [{"name": "c", "image": "x:1"}], "restartPolicy": "Never"}}
WORKLOAD = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
HOOK = {
    "name": "a.example.com",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "clientConfig": {"service": {"name": "s", "namespace": "n"}},
    "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
}
EVENT = {"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "u"}
INGRESS_PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

# A PEM certificate request of nobody in particular.
REQUEST = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHTE1EOENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQXFNQVVHQXl0bGNBTWhBTk1GN1ZrUEpR"
    "YjlwbEZkMytaOApFU3liOTJQbC92YkZSbGo0U21mYmtjWktvQUF3QlFZREsyVndBMEVBTmovQ3RSc0xDUFg4Uy9pdEFDQVhUR0FaCkg4elBxYzF0aWZrUXZo"
    "cXlCNUtTSUkwM1lBeXhGM0JLVkNpYmg3cndqMkFHaVZMOFR4NFFhWlExVkVuVkJRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="
)

# The same, for somebody whom its key has not signed.
FORGED = base64.b64encode(base64.b64decode(REQUEST).replace(b"AwwBeDAq", b"AwwBeTAq")).decode()

FLOW_RULE = {
    "subjects": [{"kind": "User", "user": {"name": "u"}}],
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}],
}

JOB_LABELS = {
    f"{prefix}{name}": value for prefix in ("", "batch.kubernetes.io/") for name, value in (("controller-uid", ""), ("job-name", "x"))
}
RIGHT: dict[str, dict[str, Any]] = {
    "Deployment": {"spec": WORKLOAD},
    "ReplicaSet": {"spec": WORKLOAD},
    "DaemonSet": {"spec": WORKLOAD},
    "StatefulSet": {"spec": {**WORKLOAD, "serviceName": "web", "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}]}},
    "ReplicationController": {"spec": {"selector": {"app": "web"}, "template": TEMPLATE}},
    "ControllerRevision": {"revision": 1, "data": {"a": 1}},
    "Job": {
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "selector": {"matchLabels": {"job-name": "x"}},
            "template": {**ONCE, "metadata": {"labels": JOB_LABELS}},
        }
    },
    "CronJob": {"spec": {"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin", "jobTemplate": {"spec": {"template": ONCE}}}},
    "Service": {"spec": {"selector": {"a": "b"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}], "clusterIP": "10.96.0.5"}},
    "Endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
    "EndpointSlice": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"name": "http", "port": 80}]},
    "ConfigMap": {"data": {"a.conf": "x"}, "binaryData": {"b": "AAEC"}},
    "Secret": {"data": {"a": "eA=="}, "stringData": {"b": "y"}},
    "PersistentVolume": {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}},
    "PersistentVolumeClaim": {"spec": CLAIM},
    "StorageClass": {"provisioner": "example.com/x"},
    "VolumeAttachment": {"spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}},
    "Ingress": {"spec": {"rules": [{"host": "*.example.com", "http": {"paths": [INGRESS_PATH]}}], "tls": [{"hosts": ["a.example.com"]}]}},
    "IngressClass": {"spec": {"controller": "example.com/x"}},
    "NetworkPolicy": {
        "spec": {
            "podSelector": {},
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80, "endPort": 90}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
        }
    },
    "Node": {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}], "podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}},
    "ResourceQuota": {"spec": {"hard": {"pods": "5", "requests.cpu": "1", "count/deployments.apps": "2"}}},
    "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "100m"}, "default": {"cpu": "1"}}]}},
    "Lease": {"spec": {"leaseDurationSeconds": 15}},
    "PriorityClass": {"value": 1000},
    "RuntimeClass": {"handler": "runc"},
    "CertificateSigningRequest": {"spec": {"request": REQUEST, "signerName": "example.com/x", "usages": ["client auth"]}},
    "IPAddress": {"metadata": {"name": "10.0.0.1"}, "spec": {"parentRef": {"resource": "services", "name": "s", "namespace": "n"}}},
    "ServiceCIDR": {"spec": {"cidrs": ["10.1.0.0/16"]}},
    "FlowSchema": {"spec": {"priorityLevelConfiguration": {"name": "p"}, "rules": [FLOW_RULE]}},
    "PriorityLevelConfiguration": {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}},
    "DeviceClass": {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'd'"}}]}},
    "ResourceClaim": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}},
    "StorageVersionMigration": {"spec": {"resource": {"resource": "secrets"}}},
    "ResourceSlice": {"spec": {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}}},
    "CSINode": {"spec": {"drivers": [{"name": "d", "nodeID": "n", "topologyKeys": ["example.com/zone"]}]}},
    "CSIStorageCapacity": {"storageClassName": "c", "capacity": "1Gi"},
    "VolumeAttributesClass": {"driverName": "d", "parameters": {"a": "b"}},
    "PodDisruptionBudget": {"spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}},
    "HorizontalPodAutoscaler": {"spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}},
    "Role": {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
    "ClusterRole": {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]},
    "RoleBinding": {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]},
    "ClusterRoleBinding": {"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}]},
    "ValidatingWebhookConfiguration": {"webhooks": [HOOK]},
    "MutatingWebhookConfiguration": {"webhooks": [HOOK]},
    "CustomResourceDefinition": {
        "metadata": {"name": "foos.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "foos", "kind": "Foo"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    },
    "APIService": {"metadata": {"name": "v1.apps"}, "spec": {"group": "apps", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 15}},
    "Namespace": {},
    "ServiceAccount": {},
}  # fmt: skip


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path (keys with dots: written with slashes); "!" removes it, a last "+" appends it."""
    made = copy.deepcopy(document)
    at: Any = made
    *parents, last = path.split(".")
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if isinstance(at, list):
        at.append(value) if last == "+" else at.__setitem__(int(last), value)
    elif value == "!":
        at.pop(last, None)
    else:
        at[last] = value
    return made


def made(kind: str, document: dict[str, Any]) -> Any:
    found = next(r for r in RESOURCES if r.kind == kind and (kind != "HorizontalPodAutoscaler" or r.version == "v2"))
    obj = codec.decode_dict(found.load(), {**document, "metadata": {"name": "x", **document.get("metadata", {})}})
    defaults.apply(obj)
    return obj


@pytest.mark.parametrize("kind", RIGHT)
def test_right_objects_are_right_and_may_stay_as_they_are(kind: str) -> None:
    obj = made(kind, RIGHT[kind])
    assert validate_create(obj) == []
    assert validate_update(made(kind, RIGHT[kind]), obj) == []
    assert validate_status_update(made(kind, RIGHT[kind]), obj) == []


REFUSED: list[tuple[str, str, Any, str, str]] = [
    ("Deployment", "spec.replicas", -1, "spec.replicas", "must be greater than or equal to 0"),
    ("Deployment", "spec.selector", "!", "spec.selector", "Required value"),
    ("Deployment", "spec.selector", "!", "spec.template.metadata.labels", "`selector` does not match template `labels`"),
    ("Deployment", "metadata.ownerReferences", [{"apiVersion": "a/b/c"}], "metadata.ownerReferences[0].apiVersion", "version must not be empty"),
    ("Deployment", "spec.selector", {}, "spec.selector", "empty selector is invalid for deployment"),
    ("Deployment", "spec.selector.matchLabels.app", "x", "spec.template.metadata.labels", "`selector` does not match template `labels`"),
    ("Deployment", "spec.template", "!", "spec.template.spec.containers", "Required value"),
    ("Deployment", "spec.strategy", {"type": "X"}, "spec.strategy", 'supported values: "Recreate", "RollingUpdate"'),
    ("Deployment", "spec.template.spec.containers.0.image", "", "spec.template.spec.containers[0].image", "Required value"),
    ("Deployment", "spec.template.spec.restartPolicy", "Never", "spec.template.spec.restartPolicy", 'supported values: "Always"'),
    ("Deployment", "spec.template.spec.activeDeadlineSeconds", 5, "spec.template.spec.activeDeadlineSeconds", "in ReplicaSet is not Supported"),
    ("Deployment", "spec.strategy", {"type": "Recreate", "rollingUpdate": {}}, "spec.strategy.rollingUpdate", "may not be specified when strategy"),
    ("Deployment", "spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}, "spec.strategy.rollingUpdate.maxUnavailable", "may not be 0"),
    ("Deployment", "spec.strategy", {"rollingUpdate": {"maxUnavailable": "101%"}}, "spec.strategy.rollingUpdate.maxUnavailable", "greater than 100%"),
    ("Deployment", "spec.strategy", {"rollingUpdate": {"maxSurge": "x"}}, "spec.strategy.rollingUpdate.maxSurge", "a valid percent string"),
    ("Deployment", "spec.progressDeadlineSeconds", 0, "spec.progressDeadlineSeconds", "must be greater than minReadySeconds"),
    ("DaemonSet", "spec.updateStrategy", {"rollingUpdate": {"maxUnavailable": 0}}, "spec.updateStrategy.rollingUpdate.maxUnavailable", "cannot be 0"),
    ("DaemonSet", "spec.updateStrategy", {"rollingUpdate": {"maxSurge": 1}}, "spec.updateStrategy.rollingUpdate.maxSurge", "may not be set"),
    ("StatefulSet", "spec.podManagementPolicy", "Any", "spec.podManagementPolicy", "must be 'OrderedReady' or 'Parallel'"),
    ("StatefulSet", "spec.volumeClaimTemplates.0.spec.accessModes", [], "spec.volumeClaimTemplates[0].spec.accessModes", "at least 1 access mode"),
    ("ReplicationController", "spec.selector", {"app": "other"}, "spec.template.metadata.labels", "does not match"),
    ("Job", "spec.template.spec.restartPolicy", "Always", "spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'),
    ("Job", "spec", {"completionMode": "Indexed", "parallelism": 1, "template": ONCE}, "spec.completions", "when completion mode is Indexed") ,
    ("Job", "spec.parallelism", -1, "spec.parallelism", "must be greater than or equal to 0"),
    ("Job", "spec.podFailurePolicy", {"rules": [{"action": "X", "onExitCodes": {"operator": "In", "values": [1]}}]}, "spec.podFailurePolicy.rules[0].action", "Unsupported"),
    ("CronJob", "metadata", {"name": "x" * 53}, "metadata.name", "must be no more than 52 characters"),
    ("CronJob", "spec.schedule", "60 * * * *", "spec.schedule", "end of range (60) above maximum (59)"),
    ("CronJob", "spec.schedule", "TZ=UTC 0 0 * * *", "spec.schedule", "use timeZone field instead"),
    ("CronJob", "spec.timeZone", "Mars/Base", "spec.timeZone", "unknown time zone Mars/Base"),
    ("CronJob", "spec.concurrencyPolicy", "Queue", "spec.concurrencyPolicy", "Unsupported value"),
    ("Service", "metadata", {"name": "1.abc"}, "metadata.name", "a lowercase RFC 1123 label"),
    ("Service", "spec.ports", [], "spec.ports", "Required value"),
    ("Service", "spec.ports.0.port", 0, "spec.ports[0].port", "must be between 1 and 65535, inclusive"),
    ("Service", "spec.ports.+", {"port": 81}, "spec.ports[1].name", "Required value"),
    ("Service", "spec.ports.+", {"name": "b", "port": 80}, "spec.ports[1]", "Duplicate value"),
    ("Service", "spec.ports.0.nodePort", 30000, "spec.ports[0].nodePort", "may not be used when `type` is 'ClusterIP'"),
    ("Service", "spec.type", "Magic", "spec.type", "Unsupported value"),
    ("Service", "spec.type", "ExternalName", "spec.externalName", "Required value"),
    ("Service", "spec.clusterIP", "nope", "spec.clusterIPs[0]", "must be a valid IP address"),
    ("Service", "spec.externalTrafficPolicy", "Local", "spec.externalTrafficPolicy", "externally-accessible"),
    ("Service", "spec.selector", {"a": "/"}, "spec.selector", "a valid label must be"),
    ("Endpoints", "subsets.0.addresses.0.ip", "127.0.0.1", "subsets[0].addresses[0].ip", "may not be in the loopback range"),
    ("Endpoints", "subsets.0.addresses", [], "subsets[0]", "must specify `addresses` or `notReadyAddresses`"),
    ("EndpointSlice", "addressType", "IPv6", "endpoints[0].addresses[0]", "must be a valid IPv6 address"),
    ("EndpointSlice", "endpoints.0.addresses", [], "endpoints[0].addresses", "must contain at least 1 address"),
    ("ConfigMap", "data", {"a/b": "x"}, "data[a/b]", "a valid config key"),
    ("ConfigMap", "data", {"b": "x"}, "data[b]", "duplicate of key present in binaryData"),
    ("ConfigMap", "data", {"a": "x" * (1024 * 1024 + 1)}, "[]", "Too long"),
    ("Secret", "data", {"a": "not base64!"}, "data[a]", "illegal base64 data at input byte 3"),
    ("Secret", "data", {"a": "YWJj\nYQ"}, "data[a]", "illegal base64 data at input byte 5"),
    ("Secret", "data", {"a": "!!"}, "data[a]", "illegal base64 data at input byte 0"),
    ("Secret", "type", "kubernetes.io/tls", "data[tls.crt]", "Required value"),
    ("Secret", "type", "kubernetes.io/service-account-token", "metadata.annotations[kubernetes.io/service-account.name]", "Required value"),
    ("PersistentVolume", "spec.hostPath", "!", "spec", "must specify a volume type"),
    ("PersistentVolume", "spec.nfs", {"server": "a", "path": "/"}, "spec.nfs", "may not specify more than 1 volume type"),
    ("PersistentVolume", "spec.capacity", {}, "spec.capacity", "Required value"),
    ("PersistentVolumeClaim", "spec.resources", "!", "spec.resources[storage]", "Required value"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "0", "spec.resources[storage]", "must be greater than zero"),
    ("PersistentVolumeClaim", "spec.accessModes", ["Any"], "spec.accessModes", "Unsupported value"),
    ("StorageClass", "provisioner", "", "provisioner", "Required value"),
    ("StorageClass", "volumeBindingMode", "Later", "volumeBindingMode", "Unsupported value"),
    ("Ingress", "spec.rules", [], "spec", "either `defaultBackend` or `rules` must be specified"),
    ("Ingress", "spec.rules.0.host", "1.2.3.4", "spec.rules[0].host", "must be a DNS name, not an IP address"),
    ("Ingress", "spec.rules.0.http.paths.0.pathType", "!", "spec.rules[0].http.paths[0].pathType", "pathType must be specified"),
    ("Ingress", "spec.rules.0.http.paths.0.path", "x", "spec.rules[0].http.paths[0].path", "must be an absolute path"),
    ("Ingress", "spec.rules.0.http.paths.0.backend.service.port", {}, "spec.rules[0].http.paths[0].backend", "port name or number is required"),
    ("IngressClass", "spec.controller", "x", "spec.controller", "must be a domain-prefixed path"),
    ("NetworkPolicy", "spec.egress.0.to.0.ipBlock.cidr", "x", "spec.egress[0].to[0].ipBlock.cidr", "must be a valid CIDR value"),
    ("NetworkPolicy", "spec.egress.0.to.0.ipBlock.except", ["11.0.0.0/16"], "spec.egress[0].to[0].ipBlock.except[0]", "strict subset"),
    ("NetworkPolicy", "spec.egress.0.to.0.ipBlock.cidr", "10.0.0.5/24", "spec.egress[0].to[0].ipBlock.cidr", "must not have bits set beyond"),
    ("NetworkPolicy", "spec.egress.0.to.0.ipBlock.cidr", "10.0.0.0/08", "spec.egress[0].to[0].ipBlock.cidr", "leading 0s in IP or prefix length"),
    ("NetworkPolicy", "spec.egress.0.to.0.ipBlock.cidr", "::ffff:10.0.0.0/104", "spec.egress[0].to[0].ipBlock.cidr", "IPv4-mapped"),
    ("NetworkPolicy", "spec.ingress.0.ports.0.endPort", 70, "spec.ingress[0].ports[0].endPort", "greater than or equal to `port`"),
    ("NetworkPolicy", "spec.ingress.0.from.0", {}, "spec.ingress[0].from[0]", "must specify a peer"),
    ("Node", "spec.taints.0.effect", "Go", "metadata.taints[0].effect", "Unsupported value"),
    ("ResourceQuota", "spec.hard.pods", "-1", "spec.hard[pods]", "must be greater than or equal to 0"),
    ("LimitRange", "spec.limits.0.min.cpu", "3", "spec.limits[0].min[cpu]", "min value 3 is greater than max value 2"),
    ("LimitRange", "spec.limits.0.type", "", "spec.limits[0].type", "name part must be non-empty"),
    ("Lease", "spec.leaseDurationSeconds", 0, "spec.leaseDurationSeconds", "must be greater than 0"),
    ("PriorityClass", "value", 2_000_000_000, "value", "maximum allowed value of a user defined priority is 1000000000"),
    ("PriorityClass", "metadata", {"name": "system-mine"}, "metadata.name", "reserved for system use only"),
    ("RuntimeClass", "handler", "", "handler", 'Invalid value: "": a lowercase RFC 1123 label'),
    ("CertificateSigningRequest", "spec.expirationSeconds", 5, "spec.expirationSeconds", "600 seconds"),
    ("CertificateSigningRequest", "spec.request", "eA==", "spec.request", "PEM block type must be CERTIFICATE REQUEST"),
    ("CertificateSigningRequest", "spec.usages", None, "spec.usages", "Required value"),
    ("CertificateSigningRequest", "spec.usages", ["fly"], "spec.usages[0]", "Unsupported value"),
    ("CertificateSigningRequest", "spec.request", FORGED, "spec.request", "x509: signature verification failure"),
    ("CertificateSigningRequest", "spec.usages", [""], "spec.usages[0]", 'Unsupported value: "": supported values: "any", '),
    ("CertificateSigningRequest", "spec.signerName", "x/y", "spec.signerName", "at least two segments"),
    ("IPAddress", "metadata.name", "10.0.0.01", "metadata.name", "canonical form"),
    ("IPAddress", "spec.parentRef.resource", "", "spec.parentRef.resource", "Required value"),
    ("ServiceCIDR", "spec.cidrs", [], "spec.cidrs", "at least one CIDR required"),
    ("ServiceCIDR", "spec.cidrs", ["10.1.2.3/16"], "spec.cidrs[0]", "must not have bits set beyond the prefix length"),
    ("ServiceCIDR", "spec.cidrs", ["10.1.0.0/16", "10.2.0.0/16"], "spec.cidrs", "for each IP family"),
    ("FlowSchema", "spec.matchingPrecedence", 10001, "spec.matchingPrecedence", "must not be greater than 10000"),
    ("FlowSchema", "spec.rules.0.subjects", [], "spec.rules[0].subjects", "Required value"),
    ("FlowSchema", "spec.rules.0.subjects.0.kind", "Thing", "spec.rules[0].subjects[0].kind", "Unsupported value"),
    ("FlowSchema", "spec.rules.0.resourceRules.0.verbs", ["fly"], "spec.rules[0].resourceRules[0].verbs", "Unsupported value"),
    ("PriorityLevelConfiguration", "spec.type", "Exempt", "spec.type", "if and only if name is 'exempt'"),
    ("PriorityLevelConfiguration", "spec.limited.limitResponse.type", "Reject", "spec.limited.limitResponse.queuing", "must be nil"),
    ("PriorityLevelConfiguration", "spec.limited.limitResponse.queuing.handSize", 99, "spec.limited.limitResponse.queuing.handSize", "queues"),
    ("DeviceClass", "spec.selectors.0.cel.expression", "device.", "spec.selectors[0].cel.expression", "compilation failed"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "attributes": {"a": {"string": "x", "bool": True}}}], "spec.devices[0].attributes[a]", "exactly one value must be specified"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "attributes": {"a": {}}}], "spec.devices[0].attributes[a]", "exactly one value must be specified"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "attributes": {"a-b": {"int": 1}}}], "spec.devices[0].attributes", "a valid C identifier"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "attributes": {"x.io/v": {"version": "v1"}}}], "spec.devices[0].attributes[x.io/v].version", "semver.org"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "attributes": {"s": {"string": "x" * 65}}}], "spec.devices[0].attributes[s].string", "may not be more than 64 bytes"),
    ("ResourceSlice", "spec.devices", [{"name": "d", "capacity": {f"c{i}": {"value": "1"} for i in range(33)}}], "spec.devices[0]", "must not exceed 32"),
    ("StorageVersionMigration", "spec.resource", {}, "spec.resource.resource", "Required value"),
    ("DeviceClass", "spec.selectors.0.cel.expression", "device.odd", "spec.selectors[0].cel.expression", "undefined field 'odd'"),
    ("DeviceClass", "spec.selectors.0.cel.expression", "device.driver", "spec.selectors[0].cel.expression", "must evaluate to bool"),
    ("ResourceClaim", "spec.devices.requests.0.exactly", "!", "spec.devices.requests[0]", "exactly one of `exactly` or `firstAvailable`"),
    ("ResourceClaim", "spec.devices.requests.0.exactly.allocationMode", "Some", "spec.devices.requests[0].exactly.allocationMode", "Unsupported"),
    ("ResourceClaim", "spec.devices.config", [{"requests": ["x"]}], "spec.devices.config[0].requests[0]", "must be the name of a request"),
    ("ResourceSlice", "spec.allNodes", True, "spec", "multiple fields are set"),
    ("ResourceSlice", "spec.nodeName", "!", "spec", "exactly one of"),
    ("CSINode", "spec.drivers.0.nodeID", "", "spec.drivers[0].nodeID", "Required value"),
    ("CSIStorageCapacity", "capacity", "-1", "capacity", "greater than or equal to 0"),
    ("VolumeAttributesClass", "parameters", {}, "parameters", "at least one key/value pair"),
    ("PersistentVolume", "spec.storageClassName", "A b", "spec.storageClassName", "RFC 1123 subdomain"),
    ("PersistentVolume", "spec.volumeAttributesClassName", "gold", "spec.csi", "must be specified when using volumeAttributesClassName"),
    ("PersistentVolumeClaim", "spec.storageClassName", "A b", "spec.storageClassName", "RFC 1123 subdomain"),
    ("PersistentVolumeClaim", "spec.dataSource", {"kind": "", "name": "x"}, "spec.dataSource.kind", "Required value"),
    ("PersistentVolumeClaim", "spec.dataSource", {"kind": "Pod", "name": "x"}, "spec.dataSource", "must be 'PersistentVolumeClaim'"),
    ("StorageClass", "provisioner", "A b", "provisioner", "name part must consist of"),
    ("StorageClass", "parameters", {"": "x"}, "parameters", "field can not be empty"),
    ("StorageClass", "allowedTopologies", [{"matchLabelExpressions": [{"key": "z", "values": []}]}],
     "allowedTopologies[0].matchLabelExpressions[0].values", "Required value"),
    ("HorizontalPodAutoscaler", "spec.behavior", {"scaleUp": {"tolerance": "-1"}}, "spec.behavior.scaleUp.tolerance", "greater than or equal to 0"),
    ("HorizontalPodAutoscaler", "spec.metrics", [{"type": "External", "external": {"metric": {"name": ""}, "target": {"type": "Value", "value": "1"}}}],
     "spec.metrics[0].external.metric.name", "must specify a metric name"),
    ("HorizontalPodAutoscaler", "spec.metrics", [{"type": "Object", "object": {"metric": {"name": "a"}, "target": {"type": "Value", "value": "1"}}}],
     "spec.metrics[0].object.describedObject.kind", "Required value"),
    ("RuntimeClass", "overhead", {"podFixed": {"cpu": "-1"}}, "overhead.limits[cpu]", "must be greater than or equal to 0"),
    ("RuntimeClass", "scheduling", {"nodeSelector": {"a b": "c"}}, "scheduling.nodeSelector", "name part must consist of"),
    ("HorizontalPodAutoscaler", "spec.metrics", [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}],
     "spec.metrics[0].resource.target.averageUtilization", "must set either a target raw value or a target utilization"),
    ("HorizontalPodAutoscaler", "spec.metrics", [{"type": "Pods", "pods": {"metric": {"name": "a"}, "target": {"type": "AverageValue"}}}],
     "spec.metrics[0].pods.target.averageValue", "must specify a positive target averageValue"),
    ("LimitRange", "spec.limits", [{"type": "PersistentVolumeClaim"}], "spec.limits[0].limits", "either minimum or maximum storage value is required"),
    ("LimitRange", "spec.limits", [{"type": "Pod", "maxLimitRequestRatio": {"cpu": "0.5"}}],
     "spec.limits[0].maxLimitRequestRatio[cpu]", "ratio 500m is less than 1"),
    ("Node", "spec", {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]}, "spec.podCIDRs", "no more than one CIDR for each IP family"),
    ("EndpointSlice", "endpoints.0.hints", {"forZones": [{"name": "a"}, {"name": "a"}]}, "endpoints[0].hints.forZones[1].name", "Duplicate value"),
    ("EndpointSlice", "endpoints.0.hints", {"forZones": [{"name": "a/b"}]}, "endpoints[0].hints.forZones[0].name", "a valid label must be"),
    ("EndpointSlice", "endpoints.0.hints", {"forNodes": [{"name": "Aa"}]}, "endpoints[0].hints.forNodes[0].name", "a lowercase RFC 1123 subdomain"),
    ("Service", "spec.ports.0.appProtocol", "a b", "spec.ports[0].appProtocol", "name part must consist of"),
    ("ClusterRole", "rules", [{"nonResourceURLs": ["/a"], "apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
     "rules[0].nonResourceURLs", "rules cannot apply to both regular resources and non-resource URLs"),
    ("Service", "spec.externalIPs", ["010.0.0.1"], "spec.externalIPs[0]", "must not have leading 0s"),
    ("Service", "spec.externalIPs", ["::ffff:10.0.0.1"], "spec.externalIPs[0]", "must not be an IPv4-mapped IPv6 address"),
    ("Service", "spec.externalIPs", ["127.0.0.1"], "spec.externalIPs[0]", "loopback range"),
    ("Service", "spec.ipFamilies", ["IPv7"], "spec.ipFamilies[0]", "Unsupported value"),
    ("Service", "spec.loadBalancerClass", "a.b/c", "spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"),
    ("Service", "spec.healthCheckNodePort", 30000, "spec.healthCheckNodePort", "may only be set when"),
    ("Service", "spec.trafficDistribution", "Far", "spec.trafficDistribution", "Unsupported value"),
    ("ResourceQuota", "spec.hard", {"foo": "1"}, "spec.hard[foo]", "must be a standard resource for quota"),
    ("ResourceQuota", "spec", {"hard": {"cpu": "1"}, "scopes": ["BestEffort"]}, "spec.scopes", "unsupported scope applied to resource"),
    *(
        ("ResourceQuota", "spec", {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [expression]}}, f"spec.scopeSelector.matchExpressions{at}", message)
        for expression, at, message in (
            ({"scopeName": "X", "operator": "Exists"}, ".scopeName", "unsupported scope"),
            ({"scopeName": "BestEffort", "operator": "In", "values": ["a"]}, ".operator", "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating"),
            ({"scopeName": "PriorityClass", "operator": "In"}, ".values", "must be at least one value when"),
            ({"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}, ".values", "must be no value when"),
            ({"scopeName": "PriorityClass", "operator": "Gt"}, ".operator", "not a valid selector operator"),
        )
    ),
    ("Job", "spec.maxFailedIndexes", 1, "spec.backoffLimitPerIndex", "when maxFailedIndexes is specified"),
    ("Job", "spec.managedBy", "me", "spec.managedBy", "domain-prefixed path"),
    ("Job", "spec.successPolicy", {"rules": [{"succeededCount": 1}]}, "spec.successPolicy", "requires indexed completion mode"),
    ("Job", "spec.selector", {"matchLabels": {"a": "b"}}, "spec.selector", "`selector` not auto-generated"),
    ("Job", "spec.selector", {"matchLabels": {"a": "b"}}, "spec.template.metadata.labels", "`selector` does not match template `labels`"),
    ("RoleBinding", "subjects.0.apiGroup", "x", "subjects[0].apiGroup", "Unsupported value"),
    ("RoleBinding", "roleRef.name", "", "roleRef.name", "Required value"),
    ("PodDisruptionBudget", "spec.maxUnavailable", 1, "spec", "cannot be both set"),
    ("PodDisruptionBudget", "spec.minAvailable", "200%", "spec.minAvailable", "must not be greater than 100%"),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", 0, "spec.maxReplicas", "must be greater than 0"),
    ("HorizontalPodAutoscaler", "spec.minReplicas", 5, "spec.maxReplicas", "must be greater than or equal to `minReplicas`"),
    ("HorizontalPodAutoscaler", "spec.metrics", [{"type": "Resource"}], "spec.metrics[0].resource", "must populate information"),
    ("Role", "rules.0.verbs", [], "rules[0].verbs", "verbs must contain at least one value"),
    ("Role", "rules.0.nonResourceURLs", ["/x"], "rules[0].nonResourceURLs", "namespaced rules cannot apply"),
    ("Role", "rules.0.resources", [], "rules[0].resources", "at least one resource"),
    ("RoleBinding", "roleRef.kind", "Thing", "roleRef.kind", "Unsupported value"),
    ("ClusterRoleBinding", "subjects.0.namespace", "", "subjects[0].namespace", "Required value"),
    ("ValidatingWebhookConfiguration", "webhooks.0.name", "a", "webhooks[0].name", "at least three segments"),
    ("ValidatingWebhookConfiguration", "webhooks.0.sideEffects", "Some", "webhooks[0].sideEffects", "Unsupported value"),
    ("CustomResourceDefinition", "spec.preserveUnknownFields", True, "spec.preserveUnknownFields", "cannot set to true, set x-kubernetes-preserve"),
    (
        "CustomResourceDefinition",
        "spec.conversion",
        {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "http://a"}, "conversionReviewVersions": ["v1"]}},
        "spec.conversion.webhookClientConfig.url",
        "'https' is the only allowed URL scheme",
    ),
    ("ValidatingWebhookConfiguration", "webhooks.0.clientConfig", {}, "webhooks[0].clientConfig", "exactly one of url or service"),
    ("ValidatingWebhookConfiguration", "webhooks.0.clientConfig", {"url": "http://x"}, "webhooks[0].clientConfig.url", "'https' is the only allowed"),
    ("ValidatingWebhookConfiguration", "webhooks.0.timeoutSeconds", 31, "webhooks[0].timeoutSeconds", "between 1 and 30 seconds"),
    ("ValidatingWebhookConfiguration", "webhooks.0.rules.0.operations", ["*", "CREATE"], "webhooks[0].rules[0].operations", "must not specify other"),
    ("CustomResourceDefinition", "metadata.name", "foo.example.com", "metadata.name", 'must be spec.names.plural+"."+spec.group'),
    ("CustomResourceDefinition", "spec.versions.0.storage", False, "spec.versions", "exactly one version marked as storage"),
    ("CustomResourceDefinition", "spec.versions.0.schema", {}, "spec.versions[0].schema.openAPIV3Schema", "schemas are required"),
    ("CustomResourceDefinition", "spec.scope", "Galaxy", "spec.scope", "Unsupported value"),
    ("CustomResourceDefinition", "spec.group", "a.k8s.io", "metadata.annotations[api-approved.kubernetes.io]", "enhancements/pull/1111"),
    ("APIService", "metadata.name", "v2.apps", "metadata.name", "v1.apps"),
    ("APIService", "spec.versionPriority", 0, "spec.versionPriority", "must be positive and less than 1000"),
    ("Namespace", "metadata", {"name": "a.b"}, "metadata.name", "RFC 1123 label"),
    ("ServiceAccount", "metadata", {"name": ""}, "metadata.name", "name or generateName is required"),
    ("ServiceAccount", "metadata", {"annotations": {"a": "x" * 300_000}}, "metadata.annotations", "may not be more than 262144 bytes"),
    ("ServiceAccount", "metadata", {"finalizers": ["a b"]}, "metadata.finalizers", "name part"),
    ("ServiceAccount", "metadata", {"finalizers": ["orphan", "foregroundDeletion"]}, "metadata.finalizers", "cannot be both set"),
    ("ServiceAccount", "metadata", {"ownerReferences": [EVENT]}, "metadata.ownerReferences[0]", "/v1, Kind=Event is disallowed from being an owner"),
    ("ServiceAccount", "metadata", {"ownerReferences": [{"kind": "A", "name": "b", "uid": "c"}]}, "metadata.ownerReferences[0].apiVersion", "must not be empty"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("0,2-3", ""),
        ("4", 'too large index: "4"'),
        ("1-4", 'too large index: "4"'),
        ("x", 'cannot convert string to integer for index: "x"'),
        ("", ""),
        ("1,", 'cannot convert string to integer for index: ""'),
        ("0,3-1", "non-increasing order, previous: 3, current: 1"),
        ("1-2-3", "at most two parts"),
        ("2,1", "non-increasing order, previous: 2, current: 1"),
    ],
)
def test_indexes_of_a_success_policy(text: str, wrong: str) -> None:
    found = count_indexes(text, 4)[1]
    assert found == wrong or (wrong and wrong in found)


@pytest.mark.parametrize(
    ("kind", "path", "value", "field", "message"), REFUSED, ids=lambda v: v if isinstance(v, str) and len(v) < 60 else "-"
)
def test_what_is_refused(kind: str, path: str, value: Any, field: str, message: str) -> None:
    found = validate_create(made(kind, changed(RIGHT[kind], path, value)))
    assert [error for error in found if error.field == field and message in error.message], found


UPDATES: list[tuple[str, str, Any, str, str]] = [
    ("Deployment", "spec.selector.matchLabels", {"app": "web", "b": "c"}, "spec.selector", "field is immutable"),
    ("Deployment", "spec.replicas", 5, "", ""),
    ("StatefulSet", "spec.serviceName", "other", "spec", "updates to statefulset spec for fields other than"),
    ("StatefulSet", "spec.replicas", 5, "", ""),
    ("StatefulSet", "spec.template.spec.containers.0.image", "x:2", "", ""),
    ("ReplicationController", "spec.replicas", 2, "", ""),
    ("ControllerRevision", "data", {"a": 2}, "data", "field is immutable"),
    ("Job", "spec.parallelism", 5, "", ""),
    ("Job", "spec.completions", 5, "spec.completions", "field is immutable"),
    ("Job", "spec.template.spec.containers.0.image", "x:2", "spec.template", "field is immutable"),
    ("CronJob", "spec.schedule", "@hourly", "", ""),
    ("ResourceQuota", "spec.scopes", ["NotTerminating"], "spec.scopes", "field is immutable"),
    ("ResourceQuota", "spec.hard.pods", "6", "", ""),
    ("Service", "spec.clusterIP", "10.96.0.6", "spec.clusterIPs[0]", "may not change once set"),
    ("Service", "spec.ports.0.port", 81, "", ""),
    ("EndpointSlice", "addressType", "FQDN", "addressType", "field is immutable"),
    ("PersistentVolume", "spec.hostPath.path", "/y", "spec.persistentvolumesource", "is immutable after creation"),
    ("PersistentVolumeClaim", "spec.accessModes", ["ReadWriteMany"], "spec", "spec is immutable after creation"),
    ("PersistentVolumeClaim", "spec.volumeName", "pv", "", ""),
    ("StorageClass", "provisioner", "other", "provisioner", "updates to provisioner are forbidden."),
    ("StorageClass", "allowVolumeExpansion", True, "", ""),
    ("Secret", "type", "example.com/other", "type", "field is immutable"),
    ("Node", "spec.podCIDR", "10.244.9.0/24", "spec.podCIDRs", "node updates may not change podCIDR"),
    ("PriorityClass", "value", 5, "value", "may not be changed in an update."),
    ("RuntimeClass", "handler", "other", "handler", "field is immutable"),
    ("RoleBinding", "roleRef.name", "other", "roleRef", "cannot change roleRef"),
    ("IngressClass", "spec.controller", "example.com/y", "spec.controller", "field is immutable"),
    ("ConfigMap", "metadata", {"name": "y"}, "metadata.name", "field is immutable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "value", "field", "message"), UPDATES, ids=lambda v: v if isinstance(v, str) and len(v) < 60 else "-"
)
def test_what_updates_may_change(kind: str, path: str, value: Any, field: str, message: str) -> None:
    found = validate_update(made(kind, changed(RIGHT[kind], path, value)), made(kind, RIGHT[kind]))
    if not field:
        assert found == []
    else:
        assert [error for error in found if error.field == field and message in error.message], found


def test_what_was_taken_before_a_rule_is_borne_until_it_changes() -> None:
    old = changed(RIGHT["NetworkPolicy"], "spec.egress.0.to.0.ipBlock", {"cidr": "10.0.0.5/24"})
    assert validate_create(made("NetworkPolicy", old))
    assert validate_update(made("NetworkPolicy", changed(old, "metadata.labels", {"a": "b"})), made("NetworkPolicy", old)) == []
    (found,) = validate_update(
        made("NetworkPolicy", changed(old, "spec.egress.0.to.0.ipBlock.cidr", "10.0.0.6/24")), made("NetworkPolicy", old)
    )
    assert "must not have bits set" in found.message


def test_immutable_configuration_never_changes() -> None:
    frozen = {"immutable": True, "data": {"a": "1"}}
    old = made("ConfigMap", frozen)
    assert validate_update(made("ConfigMap", frozen), old) == []
    found = validate_update(made("ConfigMap", {"data": {"a": "2"}}), old)
    assert {error.field for error in found} == {"immutable", "data"}


def test_a_bound_claim_may_grow() -> None:
    bound = changed(RIGHT["PersistentVolumeClaim"], "status.phase", "Bound")
    old = made("PersistentVolumeClaim", bound)
    assert validate_update(made("PersistentVolumeClaim", changed(bound, "spec.resources.requests.storage", "2Gi")), old) == []
    found = validate_update(made("PersistentVolumeClaim", changed(bound, "spec.resources.requests.storage", "1Mi")), old)
    assert found[0].field == "spec.resources.requests.storage"


@pytest.mark.parametrize(("storage", "may"), [("4Gi", True), ("3Gi", True), ("2Gi", False), ("1Gi", False)])
def test_an_expansion_that_failed_may_be_taken_back(storage: str, may: bool) -> None:
    bound = changed(RIGHT["PersistentVolumeClaim"], "status", {"phase": "Bound", "capacity": {"storage": "2Gi"}})
    old = changed(bound, "spec.resources.requests.storage", "5Gi")
    new = changed(bound, "spec.resources.requests.storage", storage)
    assert (validate_update(made("PersistentVolumeClaim", new), made("PersistentVolumeClaim", old)) == []) is may


def test_where_a_volume_is_does_not_change() -> None:
    def placed(key: str) -> Any:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "Exists"}]}]}
        return made("PersistentVolume", changed(RIGHT["PersistentVolume"], "spec.nodeAffinity", {"required": terms}))

    assert validate_update(placed("a"), made("PersistentVolume", RIGHT["PersistentVolume"])) == []
    assert [found.field for found in validate_update(placed("b"), placed("a"))] == ["nodeAffinity"]


def test_a_claim_stays_what_it_was_asked_for_but_for_its_size() -> None:
    bound = changed(RIGHT["PersistentVolumeClaim"], "status.phase", "Bound")
    classed = changed(bound, "spec.volumeAttributesClassName", "gold")
    for before, path, value, fields in (
        (bound, "spec.resources.limits", {"storage": "9Gi"}, ["spec"]),
        (bound, "spec.volumeMode", "Block", ["spec", "volumeMode"]),
        (classed, "spec.volumeAttributesClassName", "silver", []),
        (classed, "spec.volumeAttributesClassName", "!", ["spec", "spec.volumeAttributesClassName"]),
        (bound, "metadata.annotations", {ANNOTATION: "a"}, [f"metadata.annotations.{ANNOTATION}"]),
    ):
        found = validate_update(made("PersistentVolumeClaim", changed(before, path, value)), made("PersistentVolumeClaim", before))
        assert [problem.field for problem in found] == fields, (path, found)


def test_a_volumes_source_stays_but_for_the_secret_that_it_grows_with() -> None:
    source = {"driver": "d.example.com", "volumeHandle": "h"}
    plain = {"metadata": {"name": "v"}, "spec": {**RIGHT["PersistentVolume"]["spec"], "csi": source}}
    plain = changed(changed(changed(plain, "spec.hostPath", "!"), "spec.local", "!"), "spec.nfs", "!")
    grown = changed(plain, "spec.csi.controllerExpandSecretRef", {"name": "a", "namespace": "b"})
    assert validate_update(made("PersistentVolume", grown), made("PersistentVolume", plain)) == []
    (found,) = validate_update(made("PersistentVolume", plain), made("PersistentVolume", grown))
    assert found.field == "spec.persistentvolumesource" and "\n- csi.controllerExpandSecretRef" in found.message


def test_what_the_order_of_a_services_refusals_is() -> None:
    spec = {"ports": [{"port": 0, "nodePort": 5}, {"port": 1}], "selector": {"a b": "c"}, "externalIPs": ["x"], "trafficDistribution": "x"}
    spec |= {"sessionAffinity": "x", "loadBalancerSourceRanges": ["x"], "loadBalancerClass": "a/b", "internalTrafficPolicy": "x"}
    spec["healthCheckNodePort"] = 5
    found = validate_create(made("Service", {"metadata": {"name": "s", "namespace": "n"}, "spec": spec}))
    assert list(dict.fromkeys(problem.field for problem in found)) == [
        *("spec.ports[0].name", "spec.ports[0].port", "spec.ports[0].targetPort", "spec.ports[1].name", "spec.selector"),
        *("spec.sessionAffinity", "spec.externalIPs[0]", "spec.ports[0].nodePort", "spec.LoadBalancerSourceRanges"),
        *("spec.LoadBalancerSourceRanges[0]", "spec.loadBalancerClass", "spec.healthCheckNodePort", "spec.internalTrafficPolicy"),
        "spec.trafficDistribution",
    ]


def test_balanced_ranges_of_the_annotation_are_read_too() -> None:
    key = "service.beta.kubernetes.io/load-balancer-source-ranges"
    service = {"metadata": {"name": "s", "annotations": {key: "10.0.0.0/8, x"}}, "spec": {"type": "LoadBalancer", "ports": [{"port": 1}]}}
    assert [problem.field for problem in validate_create(made("Service", service))] == [f"metadata.annotations[{key}]"]


def test_a_health_checks_port_stays() -> None:
    balanced = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000}
    service = {"spec": {**RIGHT["Service"]["spec"], **balanced}}
    other = changed(service, "spec.healthCheckNodePort", 31001)
    assert [f.field for f in validate_update(made("Service", other), made("Service", service))] == ["spec.healthCheckNodePort"]


@pytest.mark.parametrize(
    ("status", "may"),
    [({}, True), ({"startTime": "2026-01-01T00:00:00Z"}, True), ({"startTime": "2026-01-01T00:00:00Z", "active": 1}, False)],
)
@pytest.mark.parametrize("change", [("nodeSelector", {"a": "b"}), ("containers.0.resources", {"requests": {"cpu": "2"}})])
def test_a_suspended_job_without_pods_may_be_steered(change: tuple[str, Any], status: dict[str, Any], may: bool) -> None:
    suspended = changed(changed(RIGHT["Job"], "spec.suspend", True), "status", status)
    new = changed(suspended, f"spec.template.spec.{change[0]}", change[1])
    assert (validate_update(made("Job", new), made("Job", suspended)) == []) is may


def test_an_object_that_goes_gets_no_new_finalizers() -> None:
    going = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}}
    old = made("ServiceAccount", going)
    found = validate_update(made("ServiceAccount", changed(going, "metadata.finalizers", ["a/b", "c/d"])), old)
    assert found[0].field == "metadata.finalizers"
    assert validate_update(made("ServiceAccount", changed(going, "metadata.finalizers", [])), old) == []


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        ("* * * * *", ""), ("0 0 1 1 0", ""), ("*/15 0-6/2 1,15 jan-mar mon-fri", ""), ("@daily", ""), ("@every 1h30m", ""), ("0 0 ? * *", ""),
        ("* * * *", "expected exactly 5 fields, found 4"), ("a * * * *", "failed to parse int from a"), ("*/0 * * * *", "step of range"),
        ("5-1 * * * *", "beyond end of range"), ("* * 0 * *", "below minimum"), ("@nightly", "unrecognized descriptor"), ("1-2-3 * * * *", "too many hyphens"),
    ],
)  # fmt: skip
def test_schedules(schedule: str, wrong: str) -> None:
    found = schedule_error(schedule)
    assert (wrong in found) if wrong else found == ""


def test_a_statefulset_mounts_what_its_claim_templates_give() -> None:
    mounting = copy.deepcopy(RIGHT["StatefulSet"])
    container = mounting["spec"]["template"]["spec"]["containers"][0]
    for name, problems in (("d", 0), ("none", 1)):
        container["volumeMounts"] = [{"name": name, "mountPath": "/d"}]
        assert len(validate_create(made("StatefulSet", mounting))) == problems


def test_a_zone_is_any_label_value() -> None:
    hints = {"forZones": [{"name": "zone_A"}]}
    assert validate_create(made("EndpointSlice", changed(RIGHT["EndpointSlice"], "endpoints.0.hints", hints))) == []
