"""A small API server in memory: enough of list, watch, create, update, patch and delete for one kubelet, and none of the rules."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from provisioner.kube.api import patch as patches

PATH = re.compile(r"^/(?:api|apis/([^/]+))/v1(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(?:/([^/]+))?$")
TYPES = {"pods": "core_v1.Pod", "nodes": "core_v1.Node"}

Key = tuple[str, str, str]


class FakeApi:
    """Objects by (plural, namespace, name). Change them from a test with `put`, `patch` and `delete_pod`."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._version = 1
        self._log: list[tuple[int, str, str, dict[str, Any]]] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.history: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        return app

    # -- for tests -------------------------------------------------------------------------------------------------

    def put(self, plural: str, obj: dict[str, Any], kind: str = "ADDED") -> dict[str, Any]:
        metadata = obj.setdefault("metadata", {})
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        key = (plural, metadata.get("namespace", ""), metadata["name"])
        if kind == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = obj
        copy = json.loads(json.dumps(obj))
        self._log.append((self._version, plural, kind, copy))
        if plural == "pods":
            self.history.append(copy)
        task = asyncio.get_running_loop().create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return obj

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def pod(self, name: str, namespace: str = "default") -> dict[str, Any] | None:
        return self.objects.get(("pods", namespace, name))

    def add_pod(self, name: str, spec: dict[str, Any], node: str = "lab", **metadata: Any) -> dict[str, Any]:
        spec = {"nodeName": node, "restartPolicy": "Always", "terminationGracePeriodSeconds": 5, **spec}
        for container in spec["containers"] + spec.get("initContainers", []):
            container.setdefault("image", "busybox:1.35")
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", **metadata},
            "spec": spec,
            "status": {"phase": "Pending"},
        }
        return self.put("pods", pod)

    def delete_pod(self, name: str, grace_s: int | None = None) -> None:
        pod = json.loads(json.dumps(self.pod(name)))
        pod["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        grace = pod["spec"]["terminationGracePeriodSeconds"] if grace_s is None else grace_s
        pod["metadata"]["deletionGracePeriodSeconds"] = grace
        self.put("pods", pod, "MODIFIED")

    async def until(self, predicate: Any, timeout_s: float = 30.0) -> Any:
        """Wait until `predicate()` is true after some change."""
        async with asyncio.timeout(timeout_s), self._changed:
            while not (found := predicate()):
                await self._changed.wait()
            return found

    # -- HTTP ------------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        found = PATH.match(request.path)
        if found is None:
            return _status(404, f"no such path {request.path}")
        _, namespace, plural, name, sub = found.groups()
        if sub == "token":
            return web.json_response({"status": {"token": f"token-of-{name}", "expirationTimestamp": "2099-01-01T00:00:00Z"}}, status=201)
        if plural in ("tokenreviews", "subjectaccessreviews"):
            return await self._review(request, plural)
        if plural == "events" and request.method == "POST":
            self.events.append(await request.json())
            return web.json_response(self.put("events", await request.json()), status=201)
        if name is None:
            return await self._collection(request, plural, namespace or "")
        return await self._one(request, (plural, namespace or "", name))

    async def _review(self, request: web.Request, plural: str) -> web.Response:
        body = await request.json()
        if plural == "tokenreviews":
            good = body["spec"]["token"] == "good"
            body["status"] = (
                {"authenticated": good, "user": {"username": "reader", "groups": ["readers"]}} if good else {"authenticated": False}
            )
        else:
            body["status"] = {"allowed": body["spec"]["user"] == "reader"}
        return web.json_response(body, status=201)

    async def _collection(self, request: web.Request, plural: str, namespace: str) -> web.StreamResponse:
        if request.method == "POST":
            obj = await request.json()
            if namespace:
                obj["metadata"]["namespace"] = namespace
            if (plural, namespace, obj["metadata"]["name"]) in self.objects:
                return _status(409, "already exists", "AlreadyExists")
            return web.json_response(self.put(plural, obj), status=201)
        selector = request.query.get("fieldSelector", "")
        if request.query.get("watch") == "true":
            return await self._watch(request, plural, selector)
        items = [o for (p, n, _), o in self.objects.items() if p == plural and namespace in ("", n) and _selected(o, selector)]
        return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})

    async def _watch(self, request: web.Request, plural: str, selector: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        version = int(request.query.get("resourceVersion", "0"))
        async for line in self._events(plural, selector, version):
            await response.write(line)
        return response

    async def _events(self, plural: str, selector: str, version: int) -> AsyncIterator[bytes]:
        position = 0
        while True:
            for number, of, kind, obj in self._log[position:]:
                if of == plural and number > version and _selected(obj, selector):
                    yield json.dumps({"type": kind, "object": obj}).encode() + b"\n"
            position = len(self._log)
            async with self._changed:
                if position == len(self._log):
                    await self._changed.wait()

    async def _one(self, request: web.Request, key: Key) -> web.Response:
        obj = self.objects.get(key)
        if obj is None:
            return _status(404, f"{key[0]} {key[2]!r} not found", "NotFound")
        if request.method == "GET":
            return web.json_response(obj)
        if request.method == "DELETE":
            return web.json_response(self.put(key[0], obj, "DELETED"))
        body = await request.json()
        if request.method == "PATCH":
            uid = body.get("metadata", {}).get("uid")
            if uid and uid != obj["metadata"]["uid"]:
                return _status(409, "the uid in the precondition does not match", "Conflict")
            if "strategic" in request.content_type:
                body = patches.strategic_merge_patch(obj, body, TYPES[key[0]])
            else:
                body = patches.merge_patch(obj, body)
        return web.json_response(self.put(key[0], body, "MODIFIED"))


def _selected(obj: dict[str, Any], selector: str) -> bool:
    path, _, value = selector.partition("=")
    if not path:
        return True
    found: Any = obj
    for part in path.split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return bool(found == value)


def _status(code: int, message: str, reason: str = "") -> web.Response:
    return web.json_response({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}, status=code)
