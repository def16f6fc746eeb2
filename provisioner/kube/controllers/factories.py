"""The controllers there are, by upstream's names, and how each is made of the flags. One is imported when it is to run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from provisioner.kube.client.flags import FlagError, Flags
from provisioner.kube.controllers.controller import Controller, Parts

Factory = Callable[[Parts, Flags], Controller | None]


def _plain(module: str, name: str) -> Factory:
    return lambda parts, _: _make(module, name, parts)


def _class(module: str, name: str) -> Any:
    return getattr(import_module(f"provisioner.kube.controllers.{module}"), name)


def _make(module: str, name: str, *arguments: Any, **named: Any) -> Controller:
    made: Controller = _class(module, name)(*arguments, **named)
    return made


def _node_lifecycle(parts: Parts, flags: Flags) -> Controller:
    return _make(
        "node_lifecycle",
        "NodeLifecycle",
        parts,
        period_s=flags.node_monitor_period,
        grace_s=flags.node_monitor_grace_period,
        startup_grace_s=flags.node_startup_grace_period,
    )


def _node_ipam(parts: Parts, flags: Flags) -> Controller | None:
    return _make("node_ipam", "NodeIpam", parts, flags.cluster_cidr, flags.node_cidr_mask_size) if flags.allocate_node_cidrs else None


def _root_ca(parts: Parts, flags: Flags) -> Controller | None:
    return _make("service_accounts", "RootCa", parts, Path(flags.root_ca_file).read_text()) if flags.root_ca_file else None


def _token_secrets(parts: Parts, flags: Flags) -> Controller:
    ca = Path(flags.root_ca_file).read_text() if flags.root_ca_file else ""
    return _make("token_secrets", "TokenSecrets", parts, ca)


def _garbage(parts: Parts, flags: Flags) -> Controller | None:
    return _make("garbage", "GarbageCollector", parts) if flags.enable_garbage_collector else None


# Flag's middle part -> signer's name.
_SIGNER_FLAGS = {
    "kube_apiserver_client": "kubernetes.io/kube-apiserver-client",
    "kubelet_client": "kubernetes.io/kube-apiserver-client-kubelet",
    "kubelet_serving": "kubernetes.io/kubelet-serving",
    "legacy_unknown": "kubernetes.io/legacy-unknown",
}


def _signer(parts: Parts, flags: Flags) -> Controller | None:
    """Each signer has its own CA, or the common one; without any nothing is signed."""
    authority, authorities = _class("certificates", "Authority"), {}
    for part, name in _SIGNER_FLAGS.items():
        certificate = getattr(flags, f"cluster_signing_{part}_cert_file") or flags.cluster_signing_cert_file
        key = getattr(flags, f"cluster_signing_{part}_key_file") or flags.cluster_signing_key_file
        if certificate and key:
            authorities[name] = authority(certificate, key)
    return _make("certificates", "CertificateSigner", parts, authorities, flags.cluster_signing_duration) if authorities else None


FACTORIES: dict[str, Factory] = {
    "replicaset-controller": _plain("replicaset", "ReplicaSetController"),
    "replicationcontroller-controller": _plain("replication_controller", "ReplicationControllers"),
    "deployment-controller": _plain("deployment", "DeploymentController"),
    "daemonset-controller": _plain("daemonset", "DaemonSets"),
    "statefulset-controller": _plain("statefulset", "StatefulSets"),
    "job-controller": _plain("jobs", "Jobs"),
    "cronjob-controller": _plain("cronjobs", "CronJobs"),
    "disruption-controller": _plain("disruption", "Disruptions"),
    "horizontal-pod-autoscaler-controller": lambda parts, flags: _make(
        "autoscaler", "Autoscalers", parts, flags.horizontal_pod_autoscaler_sync_period
    ),
    "resourcequota-controller": _plain("quotas", "Quotas"),
    "persistentvolume-binder-controller": _plain("volume_binder", "VolumeBinder"),
    "persistentvolumeclaim-protection-controller": _plain("volume_protection", "ClaimProtection"),
    "ephemeral-volume-controller": _plain("ephemeral_volumes", "EphemeralVolumes"),
    "persistentvolume-protection-controller": _plain("volume_protection", "VolumeProtection"),
    "clusterrole-aggregation-controller": _plain("role_aggregation", "RoleAggregation"),
    "certificatesigningrequest-approving-controller": _plain("certificates", "CertificateApprover"),
    "certificatesigningrequest-signing-controller": _signer,
    "certificatesigningrequest-cleaner-controller": _plain("certificates", "CertificateCleaner"),
    "token-cleaner-controller": _plain("bootstrap_tokens", "TokenCleaner"),
    "bootstrap-signer-controller": _plain("bootstrap_tokens", "BootstrapSigner"),
    "endpointslice-mirroring-controller": _plain("endpoint_mirroring", "EndpointMirroring"),
    "endpointslice-controller": _plain("endpoint_slices", "EndpointSlices"),
    "node-lifecycle-controller": _node_lifecycle,
    "node-ipam-controller": _node_ipam,
    "serviceaccount-controller": _plain("service_accounts", "ServiceAccounts"),
    "root-ca-certificate-publisher-controller": _root_ca,
    "serviceaccount-token-controller": _token_secrets,
    "service-cidr-controller": _plain("service_cidrs", "ServiceCidrs"),
    "namespace-controller": _plain("namespaces", "Namespaces"),
    "garbage-collector-controller": _garbage,
    "pod-garbage-collector-controller": lambda parts, flags: _make("pod_gc", "PodGc", parts, flags.terminated_pod_gc_threshold),
}

# Who events say they are from, where that isn't the controller's name.
_EVENT_SOURCES = {
    "disruption-controller": "controllermanager",
    "endpointslice-controller": "endpoint-slice-controller",
    "endpointslice-mirroring-controller": "endpoint-slice-mirroring-controller",
    "ephemeral-volume-controller": "ephemeral_volume",
    "horizontal-pod-autoscaler-controller": "horizontal-pod-autoscaler",
    "node-ipam-controller": "cidrAllocator",
    "node-lifecycle-controller": "node-controller",
    "persistentvolume-binder-controller": "persistentvolume-controller",
    "replicationcontroller-controller": "replication-controller",
}


def event_source(name: str) -> str:
    return _EVENT_SOURCES.get(name, name)


# Whose service account a controller has, where that isn't called as the controller.
_ACCOUNTS = {
    "bootstrap-signer-controller": "bootstrap-signer",
    "certificatesigningrequest-approving-controller": "certificate-controller",
    "certificatesigningrequest-cleaner-controller": "certificate-controller",
    "certificatesigningrequest-signing-controller": "certificate-controller",
    "daemonset-controller": "daemon-set-controller",
    "endpointslice-mirroring-controller": "endpointslicemirroring-controller",
    "garbage-collector-controller": "generic-garbage-collector",
    "horizontal-pod-autoscaler-controller": "horizontal-pod-autoscaler",
    "node-ipam-controller": "node-controller",
    "node-lifecycle-controller": "node-controller",
    "persistentvolume-binder-controller": "persistent-volume-binder",
    "persistentvolume-protection-controller": "pv-protection-controller",
    "persistentvolumeclaim-protection-controller": "pvc-protection-controller",
    "pod-garbage-collector-controller": "pod-garbage-collector",
    "replicationcontroller-controller": "replication-controller",
    "root-ca-certificate-publisher-controller": "root-ca-cert-publisher",
    "service-cidr-controller": "service-cidrs-controller",
    "serviceaccount-controller": "service-account-controller",
    "token-cleaner-controller": "token-cleaner",
}
# Makes the tokens of others, with the controller manager's own rights.
UNBOUND = "serviceaccount-token-controller"


def account_of(name: str) -> str:
    return _ACCOUNTS.get(name, name)


# The names that upstream had before 1.28, which it still takes.
ALIASES = {
    "nodelifecycle": "node-lifecycle-controller",
    "nodeipam": "node-ipam-controller",
    "root-ca-cert-publisher": "root-ca-certificate-publisher-controller",
    "garbagecollector": "garbage-collector-controller",
    "podgc": "pod-garbage-collector-controller",
    "endpointslicemirroring": "endpointslice-mirroring-controller",
    "horizontalpodautoscaling": "horizontal-pod-autoscaler-controller",
    "csrapproving": "certificatesigningrequest-approving-controller",
    "csrsigning": "certificatesigningrequest-signing-controller",
    "csrcleaner": "certificatesigningrequest-cleaner-controller",
    "persistentvolume-binder": "persistentvolume-binder-controller",
    "pvc-protection": "persistentvolumeclaim-protection-controller",
    "pv-protection": "persistentvolume-protection-controller",
    "ephemeral-volume": "ephemeral-volume-controller",
    "ttl-after-finished": "ttl-after-finished-controller",
    "bootstrapsigner": "bootstrap-signer-controller",
    "tokencleaner": "token-cleaner-controller",
    "clusterrole-aggregation": "clusterrole-aggregation-controller",
}
# Those that are part of another one here, or that there is nothing to do for: naming one is no mistake.
ELSEWHERE = frozenset(
    {
        "endpoints-controller",
        "taint-eviction-controller",
        "ttl-controller",
        "ttl-after-finished-controller",
        "persistentvolume-expander-controller",
        "persistentvolume-attach-detach-controller",
        "cloud-node-lifecycle-controller",
        "service-lb-controller",
        "node-route-controller",
        "legacy-serviceaccount-token-cleaner-controller",
        "validatingadmissionpolicy-status-controller",
    }
)


def _canonical(name: str) -> str:
    name = ALIASES.get(name, name)
    if name in FACTORIES or name in ELSEWHERE:
        return name
    if f"{name}-controller" in FACTORIES or f"{name}-controller" in ELSEWHERE:
        return f"{name}-controller"
    near = difflib.get_close_matches(name, FACTORIES, n=1)
    raise FlagError(f"--controllers: {name}: no such controller" + (f"; did you mean {near[0]}?" if near else ""))


def chosen(names: Sequence[str]) -> list[str]:
    """The controllers to run: `*` is all of them, `-name` leaves one out. Raises FlagError for a name that there is none of."""
    left_out = {_canonical(name[1:]) for name in names if name.startswith("-")}
    named = {_canonical(name) for name in names if name != "*" and not name.startswith("-")}
    every = "*" in names or not named
    return [name for name in FACTORIES if (every or name in named) and name not in left_out]
