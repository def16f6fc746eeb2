"""ReplicationController: a ReplicaSet of the first form, whose selector is a plain map."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.controllers.replicaset import ReplicaSetController


class ReplicationControllers(ReplicaSetController):
    name = "replicationcontroller"
    kind: ClassVar[type[Object]] = core_v1.ReplicationController

    def view(self, obj: Any) -> apps_v1.ReplicaSet:
        rc: core_v1.ReplicationController = obj
        return apps_v1.ReplicaSet(
            api_version=rc.api_version,
            kind=rc.kind,
            metadata=rc.metadata,
            spec=apps_v1.ReplicaSetSpec(
                replicas=rc.spec.replicas,
                min_ready_seconds=rc.spec.min_ready_seconds,
                selector=meta_v1.LabelSelector(match_labels=rc.spec.selector),
                template=rc.spec.template,
            ),
            status=msgspec.convert(msgspec.to_builtins(rc.status), apps_v1.ReplicaSetStatus),
        )

    def stored(self, obj: Any, status: apps_v1.ReplicaSetStatus) -> Object:
        rc: core_v1.ReplicationController = obj
        plain = msgspec.to_builtins(status)
        plain.pop("terminatingReplicas", None)
        return msgspec.structs.replace(rc, status=msgspec.convert(plain, core_v1.ReplicationControllerStatus))
