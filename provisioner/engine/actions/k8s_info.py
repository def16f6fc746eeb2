"""k8s_info: as k8s, its kubeconfig is parsed on the controller."""

from __future__ import annotations

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.actions.k8s import with_cluster


def plan(call: ActionCall) -> Plan:
    return (yield from with_cluster(call, "k8s_info"))
