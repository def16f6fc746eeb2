"""The group metrics.k8s.io: its discovery, NodeMetrics and PodMetrics, and their tables. Source of forms: k8s.io/metrics v1beta1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.api._generated import apiregistration_v1, meta_v1
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.api.selectors import parse_field_selector, parse_label_selector
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.aggregation.services import Remote
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kubelet_proxy import Upstream
from provisioner.kube.apiserver.usage.samples import NODE, Usage
from provisioner.kube.apiserver.usage.scrape import Scraper
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import WatchCache

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"
KINDS = {"nodes": "NodeMetrics", "pods": "PodMetrics"}
PRIORITY = 100


class ResourceMetrics:
    """Answers requests for the group; `kubelet(node's name)` finds a kubelet or raises StatusError."""

    def __init__(self, cache: WatchCache, clock: Clock, kubelet: Callable[[str], Upstream]) -> None:
        self._cache = cache

        def nodes() -> Mapping[str, Callable[[], Upstream]]:
            return {name: partial(kubelet, name) for name in cache.collection("core/nodes").entries}

        self._scraper = Scraper(nodes, clock)

    async def close(self) -> None:
        await self._scraper.close()

    def remote(self) -> Remote:
        """What stands among the aggregated servers."""
        spec = apiregistration_v1.APIServiceSpec(
            group=GROUP, version=VERSION, group_priority_minimum=PRIORITY, version_priority=PRIORITY, service=None
        )
        service = apiregistration_v1.APIService(metadata=meta_v1.ObjectMeta(name=f"{VERSION}.{GROUP}"), spec=spec)
        listed = [
            {
                "resource": plural,
                "responseKind": {"group": GROUP, "version": VERSION, "kind": kind},
                "scope": "Namespaced" if plural == "pods" else "Cluster",
                "singularResource": "",
                "verbs": ["get", "list"],
            }
            for plural, kind in KINDS.items()
        ]
        return Remote(service, True, listed, answer=self.answer)

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Raises 404, 405."""
        target = call.target
        if not target.resource:
            if target.path.rstrip("/") == f"/apis/{API_VERSION}":
                return _json(resource_list())
            raise errors.no_route()
        if target.resource not in KINDS or target.subresource or (target.resource == "nodes" and target.namespace):
            raise errors.no_route()
        if target.verb not in ("get", "list"):
            raise errors.no_method()
        form = negotiation.accepted(request.headers.get("Accept"))
        labels, fields = parse_label_selector(call.query.get("labelSelector")), parse_field_selector(call.query.get("fieldSelector"))
        await self._scraper.wanted()
        items = self._nodes() if target.resource == "nodes" else self._pods(target.namespace)
        if target.verb == "get":
            item = next((i for i in items if i["metadata"]["name"] == target.name), None)
            if item is None:
                raise errors.not_found(target.resource, target.name, GROUP)
            return _shown(form, [item], item)
        chosen = [i for i in items if labels.matches(i["metadata"].get("labels")) and fields.matches(_fields(i))]
        whole = {"kind": f"{KINDS[target.resource]}List", "apiVersion": API_VERSION, "metadata": {}, "items": chosen}
        return _shown(form, chosen, whole)

    def _nodes(self) -> list[dict[str, Any]]:
        found = []
        for name, entry in sorted(self._cache.collection("core/nodes").entries.items()):
            usage = self._scraper.usages.get(name, {}).get(NODE)
            if usage is not None:
                found.append({**_object("NodeMetrics", name, "", entry.labels, usage), "usage": _amounts(usage)})
        return found

    def _pods(self, namespace: str) -> list[dict[str, Any]]:
        by_pod: dict[str, dict[str, Usage]] = {}
        for usages in self._scraper.usages.values():
            for (space, pod, container), usage in usages.items():
                if pod and (not namespace or space == namespace):
                    by_pod.setdefault(f"{space}/{pod}", {})[container] = usage
        entries = self._cache.collection("core/pods").entries
        found = []
        for key, containers in sorted(by_pod.items()):
            entry = entries.get(key)
            if entry is not None:
                space, _, name = key.partition("/")
                oldest = min(containers.values(), key=lambda u: u.at_s)
                listed = [{"name": container, "usage": _amounts(usage)} for container, usage in sorted(containers.items())]
                found.append({**_object("PodMetrics", name, space, entry.labels, oldest), "containers": listed})
        return found


def resource_list() -> dict[str, Any]:
    """APIResourceList."""
    listed = [
        {"name": plural, "singularName": "", "namespaced": plural == "pods", "kind": kind, "verbs": ["get", "list"]}
        for plural, kind in KINDS.items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": API_VERSION, "resources": listed}


def reader_role() -> dict[str, Any]:
    """Who may view may see usage, as metrics-server's own manifest has it."""
    labels = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in ("admin", "edit", "view")}
    rules = [{"apiGroups": [GROUP], "resources": sorted(KINDS), "verbs": ["get", "list"]}]
    return {"metadata": {"name": "system:aggregated-metrics-reader", "labels": labels}, "rules": rules}


def _object(kind: str, name: str, namespace: str, labels: Mapping[str, str], usage: Usage) -> dict[str, Any]:
    moment = rfc3339(datetime.fromtimestamp(usage.at_s, UTC))
    metadata: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {}), "creationTimestamp": moment}
    if labels:
        metadata["labels"] = dict(labels)
    return {"kind": kind, "apiVersion": API_VERSION, "metadata": metadata, "timestamp": moment, "window": f"{usage.window_s:.3f}s"}


def _fields(item: dict[str, Any]) -> dict[str, str]:
    return {f"metadata.{name}": item["metadata"].get(name, "") for name in ("name", "namespace")}


def _amounts(usage: Usage) -> dict[str, str]:
    return {"cpu": f"{usage.nano_cores}n" if usage.nano_cores else "0", "memory": f"{usage.memory_bytes // 1024}Ki"}


def _shown(form: negotiation.Form, items: list[dict[str, Any]], whole: dict[str, Any]) -> web.StreamResponse:
    if form.shape != "Table":
        return _json(whole, form)
    columns = [
        {"name": title, "type": "string", "format": "name" if title == "Name" else "", "description": "", "priority": 0}
        for title in ("Name", "cpu", "memory", "Window")
    ]
    rows = []
    for item in items:
        parts = item.get("containers") or [item]
        nano = sum(int(p["usage"]["cpu"].rstrip("n")) for p in parts)
        memory = sum(int(p["usage"]["memory"].removesuffix("Ki")) for p in parts)
        about = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": item["metadata"]}
        rows.append({"cells": [item["metadata"]["name"], f"{nano}n", f"{memory}Ki", item["window"]], "object": about})
    table = {"kind": "Table", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": {}, "columnDefinitions": columns, "rows": rows}
    return _json(table, form)


def _json(document: dict[str, Any], form: negotiation.Form | None = None) -> web.Response:
    body = msgspec.json.encode(document)
    if form is not None and form.media_type == negotiation.YAML:
        return web.Response(body=negotiation.to_yaml(body), headers={"Content-Type": negotiation.YAML})
    return web.Response(body=body, headers={"Content-Type": negotiation.JSON})
