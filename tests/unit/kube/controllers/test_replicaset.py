"""Proves what a replica set's status says of pods that can't be made."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.kube.api._generated import apps_v1, meta_v1
from provisioner.kube.controllers.replicaset import status_of

NOW, LATER = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 1, tzinfo=UTC)


def test_the_first_failure_stays_told_while_there_is_one() -> None:
    spec = apps_v1.ReplicaSetSpec(replicas=1, template=None)
    rs = apps_v1.ReplicaSet(metadata=meta_v1.ObjectMeta(name="web", generation=1), spec=spec, status=apps_v1.ReplicaSetStatus())
    rs.status = status_of(rs, [], 0, ("FailedCreate", 'pods "web-a" is forbidden'), NOW)
    [told] = rs.status.conditions or []
    assert (told.reason, told.message, told.last_transition_time) == ("FailedCreate", 'pods "web-a" is forbidden', "2030-01-01T00:00:00Z")
    assert status_of(rs, [], 0, ("FailedCreate", 'pods "web-b" is forbidden'), LATER) == rs.status
    assert status_of(rs, [], 0, None, LATER).conditions is None
