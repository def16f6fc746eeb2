"""k8s_info: objects of a cluster by name or selectors, waited for when asked to."""

import time
from typing import Any, Dict, List

from provisioner.agent import kube_api, kube_objects
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    kube_api.KUBE_ARGUMENTS,
    api_version={"default": "v1", "aliases": ["api", "version"]},
    kind={"required": True},
    name={},
    namespace={},
    label_selectors={"type": "list", "elements": "str", "default": []},
    field_selectors={"type": "list", "elements": "str", "default": []},
    hidden_fields={"type": "list", "elements": "str", "default": []},
    wait={"type": "bool", "default": False},
    wait_sleep={"type": "int", "default": 5},
    wait_timeout={"type": "int", "default": 120},
    wait_condition=kube_objects.CONDITION,
)
POLL_S = 1.0


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    cluster = kube_api.Cluster(args)
    kind = cluster.kind(args["api_version"], args["kind"])
    if kind is None:
        told = 'Failed to find API for resource with apiVersion "%s" and kind "%s"' % (args["api_version"], args["kind"])
        return {"changed": False, "resources": [], "msg": told, "api_found": False}
    deadline = time.monotonic() + args["wait_timeout"]
    while True:
        found = _found(cluster, kind, args)
        ready = bool(found) and all(kube_objects.is_ready(entry, args["wait_condition"]) for entry in found)
        if not args["wait"] or ready:
            break
        if time.monotonic() >= deadline:
            if not found:  # that nothing came is no failure
                break
            raise ModuleFailed(
                "Failed to gather information about %s(s) even after waiting for %s seconds" % (kind.name, args["wait_timeout"]),
                api_found=True,
            )
        time.sleep(max(min(POLL_S, args["wait_sleep"]), 0.05))
    return {"changed": False, "resources": [kube_objects.without(entry, args["hidden_fields"]) for entry in found], "api_found": True}


def _found(cluster: kube_api.Cluster, kind: kube_api.Kind, args: Dict[str, Any]) -> List[Dict[str, Any]]:
    namespace = args["namespace"] or ("default" if kind.namespaced and args["name"] else None)
    query = {"labelSelector": ",".join(args["label_selectors"]), "fieldSelector": ",".join(args["field_selectors"])}
    try:
        found, _ = cluster.ask("GET", kind.url(namespace, args["name"]), query=query)
    except kube_api.Refused as error:
        if error.code == 404:
            return []
        raise ModuleFailed("Failed to gather information about %s(s): %s" % (kind.name, error.detail), **error.more)
    if "items" not in found:
        return [found]
    # Items of a list don't say what they are.
    return [dict(entry, apiVersion=kind.api_version, kind=kind.name) for entry in found["items"] or []]
