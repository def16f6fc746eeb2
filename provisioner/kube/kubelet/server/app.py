"""The routes of the kubelet's API, and the server that answers them."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web
from prometheus_client import generate_latest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.client import series
from provisioner.kube.kubelet.config import Configuration
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.pod.decide import newest, sandbox_of
from provisioner.kube.kubelet.pod.pods import Pods
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.kubelet.server import host_logs, logs, port_forward, remote_command
from provisioner.kube.kubelet.server.access import Access
from provisioner.kube.kubelet.server.cadvisor import cadvisor_metrics
from provisioner.kube.kubelet.server.stats import Stats, pods_of, resource_metrics
from provisioner.kube.kubelet.server.summary import summary

# A request's own body is small; exec and attach have none.
MAX_BODY_BYTES = 1024 * 1024
RUN_S = 120.0
SHUTDOWN_S = 2.0


class KubeletServer:
    """One listener on the node's address. `healthy` gives what is wrong, or None."""

    def __init__(
        self,
        node_name: str,
        services: Services,
        stats: Stats,
        pods: Pods,
        access: Access,
        config: Configuration,
        machine: Machine,
        healthy: Callable[[], str | None],
        pages: Mapping[str, Callable[[web.Request], Awaitable[web.Response]]],
    ) -> None:
        """`pages` are what every daemon tells of itself, by path."""
        self._pages = pages
        self._node_name, self._docker, self._containers, self._pods = node_name, services.docker, services.containers, pods
        self._access, self._clock, self._healthy = access, services.clock, healthy
        self._stats, self._root, self._config, self._machine = stats, services.settings.root, config, machine
        self._image_root: Path | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen; the port, which was chosen for us where 0 was given."""
        app = web.Application(middlewares=[self._access.middleware], client_max_size=MAX_BODY_BYTES)
        app.add_routes(self._routes())
        # A follower of a log that goes away must not keep Docker's stream open for as long as the container is silent.
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S, keepalive_timeout=120
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port, ssl_context=tls, reuse_address=True).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _routes(self) -> list[web.RouteDef]:
        routes = [
            web.get("/healthz", self._health),
            web.get("/pods", self._list_pods),
            web.get("/runningpods/", self._list_running),
            web.get("/configz", self._configuration),
            *(web.get(path, page) for path, page in self._pages.items()),
            web.get("/containerLogs/{namespace}/{pod}/{container}", self._logs),
            web.get("/stats/summary", self._summary),
            web.get("/metrics", self._metrics),
            web.get("/metrics/probes", self._probe_metrics),
            web.get("/metrics/resource", self._resource_metrics),
            web.get("/metrics/cadvisor", self._cadvisor),
            *(host_logs.routes(host_logs.ROOT) if self._config.enable_system_log_handler else ()),
            web.post("/run/{namespace}/{pod}/{container}", self._run),
            web.post("/run/{namespace}/{pod}/{uid}/{container}", self._run),
        ]
        for method in (web.get, web.post):
            routes += [
                method("/exec/{namespace}/{pod}/{container}", self._exec),
                method("/exec/{namespace}/{pod}/{uid}/{container}", self._exec),
                method("/attach/{namespace}/{pod}/{container}", self._attach),
                method("/attach/{namespace}/{pod}/{uid}/{container}", self._attach),
                method("/portForward/{namespace}/{pod}", self._port_forward),
                method("/portForward/{namespace}/{pod}/{uid}", self._port_forward),
            ]
        return routes

    # -- looking up ------------------------------------------------------------------------------------------------

    def _pod(self, request: web.Request) -> core_v1.Pod:
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        worker = self._pods.find(namespace, name)
        uid = request.match_info.get("uid")
        if worker is None or (uid and worker.uid != uid):
            raise web.HTTPNotFound(text=f'pod "{name}" not found in namespace "{namespace}"\n')
        return worker.pod

    def _running(self, request: web.Request) -> Container:
        pod, name = self._pod(request), request.match_info["container"]
        found = newest(self._containers.of_pod(pod.metadata.uid or ""), name)
        if found is None or not found.running:
            raise web.HTTPNotFound(text=f'container not found ("{name}")\n')
        return found

    # -- routes ----------------------------------------------------------------------------------------------------

    async def _health(self, _: web.Request) -> web.Response:
        problem = self._healthy()
        return web.Response(status=500, text=f"{problem}\n") if problem else web.Response(text="ok")

    async def _list_pods(self, _: web.Request) -> web.Response:
        listed = core_v1.PodList(items=list(self._pods.all()))
        return web.Response(body=msgspec.json.encode(listed), content_type="application/json")

    async def _list_running(self, _: web.Request) -> web.Response:
        """What Docker runs, whatever the API says: name, namespace, uid and containers alone."""
        running = pods_of(list(self._containers.all()))
        items = [
            core_v1.Pod(
                metadata=meta_v1.ObjectMeta(name=members[0].pod_name, namespace=members[0].pod_namespace, uid=uid),
                spec=core_v1.PodSpec(containers=[core_v1.Container(name=c.name, image=c.image) for c in members if not c.is_sandbox]),
            )
            for uid, members in running.items()
        ]
        return web.Response(body=msgspec.json.encode(core_v1.PodList(items=items)), content_type="application/json")

    async def _configuration(self, _: web.Request) -> web.Response:
        config = {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", **msgspec.to_builtins(self._config)}
        return web.Response(body=msgspec.json.encode({"kubeletconfig": config}), content_type="application/json")

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        options = logs.LogOptions.of(request)
        known = self._containers.of_pod(pod.metadata.uid or "")
        container = logs.choose(pod, request.match_info["container"], known, previous=options.previous)
        return await logs.serve(request, self._docker, container, options)

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        container = self._running(request)
        command = request.query.getall("command", [])
        if not command:
            raise web.HTTPBadRequest(text="you must specify at least one command\n")
        options = remote_command.Options.of(request)
        return await remote_command.serve(request, options, remote_command.exec_session(self._docker, container.id, command, options))

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        container = self._running(request)
        options = remote_command.Options.of(request)
        session = remote_command.attach_session(self._docker, container.id, options, tty=container.tty)
        return await remote_command.serve(request, options, session)

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        pod = self._pod(request)
        sandbox = sandbox_of(self._containers.of_pod(pod.metadata.uid or ""))
        if sandbox is None or not sandbox.running:
            raise web.HTTPNotFound(text=f'pod "{pod.metadata.name}" is not running\n')
        return await port_forward.serve(request, sandbox.pid, pod.metadata.uid or "")

    async def _run(self, request: web.Request) -> web.Response:
        """The output of a command, at its end (`cmd=` or `command=`)."""
        container = self._running(request)
        command = request.query.getall("command", []) or request.query.get("cmd", "").split()
        try:
            _, output = await self._docker.run(container.id, command, RUN_S, max_bytes=MAX_BODY_BYTES)
        except (DockerError, TimeoutError) as error:
            raise web.HTTPInternalServerError(text=f"{error}\n") from error
        return web.Response(body=output, content_type="text/plain")

    async def _summary(self, _: web.Request) -> web.Response:
        samples = await self._stats.sample()
        if self._image_root is None:
            self._image_root = Path(str((await self._docker.info()).get("DockerRootDir") or self._root))
        every = list(self._containers.all())
        found = summary(self._node_name, self._stats.node(), every, samples, self._clock, root=self._root, image_root=self._image_root)
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def _resource_metrics(self, _: web.Request) -> web.Response:
        samples = await self._stats.sample()
        return web.Response(text=resource_metrics(self._stats.node(), list(self._containers.all()), samples, self._clock))

    async def _cadvisor(self, _: web.Request) -> web.Response:
        """Prometheus' text."""
        samples = await self._stats.sample()
        every = list(self._containers.all())
        return web.Response(text=cadvisor_metrics(self._machine, self._stats.node(), every, samples, self._clock))

    async def _probe_metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=series.rendered(self._pods.probe_samples()))

    async def _metrics(self, _: web.Request) -> web.Response:
        every = list(self._containers.all())
        running = sum(1 for c in every if c.running and not c.is_sandbox)
        lines = [
            generate_latest().decode().rstrip("\n"),
            "# TYPE kubelet_node_name gauge",
            f'kubelet_node_name{{node="{self._node_name}"}} 1',
            "# TYPE kubelet_running_pods gauge",
            f"kubelet_running_pods {sum(1 for c in every if c.running and c.is_sandbox)}",
            "# TYPE kubelet_running_containers gauge",
            f'kubelet_running_containers{{container_state="running"}} {running}',
            f'kubelet_running_containers{{container_state="exited"}} {sum(1 for c in every if c.exited and not c.is_sandbox)}',
        ]
        return web.Response(text="\n".join(lines) + "\n" + series.text())
