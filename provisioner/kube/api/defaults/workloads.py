"""Defaults of the kinds that make pods: apps/v1 and ReplicationController."""

from __future__ import annotations

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.defaults import default
from provisioner.kube.api.defaults.pod import template
from provisioner.kube.api.defaults.storage import persistentvolumeclaim


def deployment(obj: apps_v1.Deployment) -> None:
    default(obj.spec, replicas=1, revision_history_limit=10, progress_deadline_seconds=600, strategy=apps_v1.DeploymentStrategy())
    strategy = obj.spec.strategy
    assert strategy is not None
    default(strategy, type="RollingUpdate")
    if strategy.type == "RollingUpdate":
        default(strategy, rolling_update=apps_v1.RollingUpdateDeployment())
        assert strategy.rolling_update is not None
        default(strategy.rolling_update, max_unavailable="25%", max_surge="25%")
    obj.spec.template = template(obj.spec.template)


def replicaset(obj: apps_v1.ReplicaSet) -> None:
    default(obj.spec, replicas=1)
    obj.spec.template = template(obj.spec.template)


def daemonset(obj: apps_v1.DaemonSet) -> None:
    default(obj.spec, revision_history_limit=10, update_strategy=apps_v1.DaemonSetUpdateStrategy())
    strategy = obj.spec.update_strategy
    assert strategy is not None
    default(strategy, type="RollingUpdate")
    if strategy.type == "RollingUpdate":
        default(strategy, rolling_update=apps_v1.RollingUpdateDaemonSet())
        assert strategy.rolling_update is not None
        default(strategy.rolling_update, max_unavailable=1, max_surge=0)
    obj.spec.template = template(obj.spec.template)


def statefulset(obj: apps_v1.StatefulSet) -> None:
    spec = obj.spec
    default(
        spec,
        replicas=1,
        revision_history_limit=10,
        pod_management_policy="OrderedReady",
        update_strategy=apps_v1.StatefulSetUpdateStrategy(),
        persistent_volume_claim_retention_policy=apps_v1.StatefulSetPersistentVolumeClaimRetentionPolicy(),
    )
    assert spec.update_strategy is not None
    assert spec.persistent_volume_claim_retention_policy is not None
    default(spec.persistent_volume_claim_retention_policy, when_deleted="Retain", when_scaled="Retain")
    default(spec.update_strategy, type="RollingUpdate")
    if spec.update_strategy.type == "RollingUpdate":
        default(spec.update_strategy, rolling_update=apps_v1.RollingUpdateStatefulSetStrategy())
        assert spec.update_strategy.rolling_update is not None
        default(spec.update_strategy.rolling_update, partition=0, max_unavailable=1)
    for claim in spec.volume_claim_templates or ():
        persistentvolumeclaim(claim)
    spec.template = template(spec.template)


def replicationcontroller(obj: core_v1.ReplicationController) -> None:
    spec = obj.spec
    default(spec, replicas=1)
    labels = spec.template.metadata.labels if spec.template is not None and spec.template.metadata is not None else None
    if labels:
        default(spec, selector=dict(labels))
        default(obj.metadata, labels=dict(labels))
    if spec.template is not None:
        template(spec.template)
