"""Where a stream goes: pod logs, exec, attach and port-forward to the pod's kubelet; proxies to nodes, pods and services."""

from __future__ import annotations

import random
import ssl
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.kubelet_proxy import Forwarder, KubeletAccess, Upstream
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.log_options import check_log_options
from provisioner.kube.apiserver.subresources.proxied_pages import Place

KUBELET_PORT = 10250
# What stands in a path as it is (RFC 3986, pchar), and what divides it.
PATH_SAFE = "/:@!$&'()*+,;=~"


class Streams:
    def __init__(self, registry: Registry, rest: Rest, access: KubeletAccess, forwarder: Forwarder, address_types: Sequence[str]) -> None:
        """`address_types` as of --kubelet-preferred-address-types."""
        self._address_types = tuple(address_types)
        self._registry, self._rest, self._access, self._forwarder = registry, rest, access, forwarder
        self._context: ssl.SSLContext | None = None

    def _kind(self, plural: str, group: str = "", version: str = "v1") -> Kind:
        kind = self._registry.find(group, version, plural)
        assert kind is not None
        return kind

    async def answer(self, kind: Kind, call: Call, request: web.Request) -> web.StreamResponse:
        """Raises StatusError: 400 for a pod that can't answer yet, 404, 503 where nobody listens."""
        target = call.target
        await self._rest.cache.fresh()
        asked = request.rel_url.raw_query_string
        query = f"?{asked}" if asked else ""
        if target.subresource == "proxy":
            return await self._proxy(kind, call, request, query)
        pod: core_v1.Pod = kind.load(self._rest.entry(kind, target.namespace, target.name).data)
        container = "" if target.subresource == "portforward" else _container(pod, request.query.get("container") or "")
        if target.subresource == "log":
            check_log_options(request.query, target.name)
            if not pod.spec.node_name:
                # As upstream: nothing was written yet.
                return web.Response(status=204)
        if not pod.spec.node_name:
            raise errors.bad_request(f"pod {target.name} does not have a host assigned")
        upstream = self.kubelet(pod.spec.node_name)
        if target.subresource == "log":
            path = f"/containerLogs/{target.namespace}/{target.name}/{container}{query}"
            return await self._forwarder.forward(request, upstream, path, own_errors=True)
        if not request.headers.get("Upgrade"):
            raise errors.bad_request("Upgrade request required")
        if target.subresource == "portforward":
            # The kubelet takes them one by one (PodPortForwardOptions.ports becomes its `port`).
            ports = [f"port={quote(value)}" for value in request.query.getall("ports", [])]
            query = f"?{'&'.join(ports)}" if ports else ""
            return await self._forwarder.forward(request, upstream, f"/portForward/{target.namespace}/{target.name}{query}")
        # The kubelet knows the streams as input, output, error (its API's names).
        renamed = [
            ("input" if k == "stdin" else "output" if k == "stdout" else "error" if k == "stderr" else k, v)
            for k, v in request.query.items()
            if k != "container"
        ]
        encoded = urlencode([(k, "1" if k in ("input", "output", "error", "tty") and v in ("true", "1") else v) for k, v in renamed])
        path = f"/{target.subresource}/{target.namespace}/{target.name}/{container}?{encoded}"
        return await self._forwarder.forward(request, upstream, path)

    def kubelet(self, node_name: str) -> Upstream:
        """Where a node's kubelet listens. Raises 404, 500."""
        kind = self._kind("nodes")
        node: core_v1.Node = kind.load(self._rest.entry(kind, "", node_name).data)
        addresses = {a.type: a.address for a in reversed(node.status.addresses or [])}
        host = next((addresses[t] for t in self._address_types if addresses.get(t)), None)
        if not host:
            known = " ".join(f"{{{a.type} {a.address}}}" for a in node.status.addresses or ())
            raise errors.StatusError(500, "", f"no preferred addresses found; known addresses: [{known}]")
        endpoints = node.status.daemon_endpoints
        port = endpoints.kubelet_endpoint.port if endpoints is not None and endpoints.kubelet_endpoint is not None else None
        if self._context is None:
            self._context = self._access.context()
        return Upstream(host, port or KUBELET_PORT, self._context, host)

    async def _proxy(self, kind: Kind, call: Call, request: web.Request, query: str) -> web.StreamResponse:
        target = call.target
        if not target.rest and request.method in ("GET", "HEAD") and not request.headers.get("Upgrade"):
            # As upstream: what a page's links are relative to ends with a slash.
            return web.Response(status=301, headers={"Location": f"{request.rel_url.raw_path}/{query}"})
        # [scheme:]name[:port]
        parts = target.name.split(":")
        scheme, name, port = (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", parts[0], parts[1] if len(parts) == 2 else "")
        path = quote(target.rest or "/", safe=PATH_SAFE) + query
        upstream = self._proxied(kind, target.namespace, name, port, scheme)
        outside = request.path
        # As upstream: who is seen through the proxy learns for whom and as what, and is named as the client named us.
        place = Place(outside.removesuffix(target.rest), f"{upstream.host}:{upstream.port}", request.host)
        forwarded = [("X-Forwarded-Uri", quote(outside, safe=PATH_SAFE)), ("Host", request.host)]
        if request.remote:
            earlier = request.headers.getall("X-Forwarded-For", [])
            forwarded.append(("X-Forwarded-For", ", ".join([*earlier, request.remote])))
        return await self._forwarder.forward(request, upstream, path, forwarded, place)

    def _proxied(self, kind: Kind, namespace: str, name: str, port: str, scheme: str) -> Upstream:
        """Who is behind a proxy. Raises 400, 404, 503."""
        if kind.resource.kind == "Node":
            return self.kubelet(name)
        if kind.resource.kind == "Service":
            service: core_v1.Service = kind.load(self._rest.entry(kind, namespace, name).data)
            return self._endpoint(service, port, scheme)
        pod: core_v1.Pod = kind.load(self._rest.entry(kind, namespace, name).data)
        if not pod.status.pod_ip:
            raise errors.bad_request("address not allowed: the pod has no address yet")
        named = (p.container_port or 80 for c in pod.spec.containers or () for p in c.ports or () if not port or p.name == port)
        return _plain(pod.status.pod_ip, int(port) if port.isdigit() else next(named, 80), scheme)

    def service_address(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Where a ready endpoint of a service listens. Raises 404, 503."""
        kind = self._kind("services")
        service: core_v1.Service = kind.load(self._rest.entry(kind, namespace, name).data)
        if service.spec.type == "ExternalName":
            return service.spec.external_name or "", port
        upstream = self._endpoint(service, str(port), "")
        return upstream.host, upstream.port

    def _endpoint(self, service: core_v1.Service, port: str, scheme: str) -> Upstream:
        wanted = next((p for p in service.spec.ports or () if not port or p.name == port or str(p.port) == port), None)
        if wanted is None:
            raise errors.unavailable(f'no service port "{port}" found for service "{service.metadata.name}"')
        slices = self._kind("endpointslices", "discovery.k8s.io")
        found = []
        for entry in self._rest.cache.collection(slices.stored_as).page(f"{service.metadata.namespace}/", ""):
            if entry.labels.get("kubernetes.io/service-name") != service.metadata.name:
                continue
            piece: discovery_v1.EndpointSlice = slices.load(entry.data)
            numbers = [p.port for p in piece.ports or () if (p.name or "") == (wanted.name or "") and p.port]
            for endpoint in piece.endpoints or ():
                if numbers and (endpoint.conditions is None or endpoint.conditions.ready is not False):
                    found += [(address, numbers[0]) for address in endpoint.addresses or ()]
        if not found:
            raise errors.unavailable(f'no endpoints available for service "{service.metadata.name}"')
        address, number = random.choice(found)
        return _plain(address, number, scheme)


def _container(pod: core_v1.Pod, named: str) -> str:
    """Whom a stream is of: the named container, the annotated one, or the only one. Raises 400."""
    name = pod.metadata.name or ""
    regular, init = ([c.name or "" for c in found or ()] for found in (pod.spec.containers, pod.spec.init_containers))
    if not named:
        named = (pod.metadata.annotations or {}).get("kubectl.kubernetes.io/default-container") or ""
        if not named and len(regular) > 1:
            others = f" or one of the init containers: [{' '.join(init)}]" if init else ""
            raise errors.bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(regular)}]{others}")
        named = named or regular[0]
    if named not in [*regular, *init, *(c.name for c in pod.spec.ephemeral_containers or ())]:
        raise errors.bad_request(f"container {named} is not valid for pod {name}")
    return named


def _plain(host: str, port: int, scheme: str) -> Upstream:
    if scheme != "https":
        return Upstream(host, port)
    # As upstream: who proxies to a pod over TLS has no name to check its certificate against.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Upstream(host, port, context)
