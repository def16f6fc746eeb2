"""A container's environment: the services of its namespace, `envFrom`, `env`, and `$(NAME)` in values, commands and arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.downward import Place, field_value, resource_value

REFUSED = "CreateContainerConfigError"
_REFERENCE = re.compile(r"\$\$|\$\(([^()]+)\)")
# Printable ASCII but "=", since Kubernetes 1.34.
_NAME = re.compile(r"^[ -<>-~]+$")
_LINE = re.compile(r"""^\s*([^\s=#]+)=(?:'([^']*)'|"([^"]*)"|([^\s'"]*))\s*$""")
# Upstream's bound of a file of variables.
FILE_BYTES = 64 * 1024


class Objects(Protocol):
    """Where ConfigMaps and Secrets come from; None for one that does not exist."""

    async def config_map(self, namespace: str, name: str) -> core_v1.ConfigMap | None: ...
    async def secret(self, namespace: str, name: str) -> core_v1.Secret | None: ...


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` is the variable where there is one and stays as it is where there is none; `$$` is a dollar sign."""

    def one(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(one, text)


def expand_whole(text: str, variables: Mapping[str, str]) -> str:
    """As `expand`, but a reference to no variable is an error (subPathExpr). Raises ContainerRefused."""
    missing = [found[1] for found in _REFERENCE.finditer(text) if found[1] is not None and found[1] not in variables]
    if missing:
        raise ContainerRefused(REFUSED, f"failed to prepare subPath for volumeMount: missing value for {missing[0]!r}")
    return expand(text, variables)


def service_variables(services: Iterable[core_v1.Service], namespace: str, *, links: bool) -> dict[str, str]:
    """Docker-link style variables. Without `links` only those of the API server's own service."""
    variables: dict[str, str] = {}
    for service in services:
        metadata = service.metadata
        address = service.spec.cluster_ip
        ports = service.spec.ports or []
        if address in (None, "", "None") or not ports or not address:
            continue
        is_api_server = metadata.namespace == "default" and metadata.name == "kubernetes"
        if not is_api_server and (metadata.namespace != namespace or not links):
            continue
        variables |= _of_service((metadata.name or "").upper().replace("-", "_"), address, ports)
    return variables


def _of_service(prefix: str, address: str, ports: list[core_v1.ServicePort]) -> dict[str, str]:
    first = ports[0]
    variables = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(first.port)}
    for port in ports:
        if port.name:
            variables[f"{prefix}_SERVICE_PORT_{port.name.upper().replace('-', '_')}"] = str(port.port)
    for index, port in enumerate(ports):
        protocol = port.protocol or "TCP"
        url = f"{protocol.lower()}://{address}:{port.port}"
        if index == 0:
            variables[f"{prefix}_PORT"] = url
        each = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        variables |= {each: url, f"{each}_PROTO": protocol.lower(), f"{each}_PORT": str(port.port), f"{each}_ADDR": address}
    return variables


async def environment(
    pod: core_v1.Pod,
    container: core_v1.Container,
    place: Place,
    objects: Objects,
    services: Mapping[str, str],
    folder: Callable[[str], Path | None] = lambda _: None,
) -> dict[str, str]:
    """The variables of a container; `folder` is where a volume of the pod lies. Raises ContainerRefused for a reference that is not optional
    and not there."""
    namespace = pod.metadata.namespace or ""
    result: dict[str, str] = {}
    for source in container.env_from or ():
        for key, value in (await _whole(source, namespace, objects)).items():
            if _NAME.match((source.prefix or "") + key):
                result[(source.prefix or "") + key] = value
    known = {**services, **result}
    for variable in container.env or ():
        name = variable.name or ""
        if variable.value_from is not None and variable.value_from.file_key_ref is not None:
            found = _in_file(variable.value_from.file_key_ref, folder)
            if found is None:
                continue
            result[name] = found
        elif variable.value_from is not None:
            found = await _referenced(pod, container, variable.value_from, place, objects)
            if found is None:
                continue
            result[name] = found
        else:
            result[name] = expand(variable.value or "", known)
        known[name] = result[name]
    return {**services, **result}


async def _whole(source: core_v1.EnvFromSource, namespace: str, objects: Objects) -> dict[str, str]:
    if source.config_map_ref is not None:
        name = source.config_map_ref.name or ""
        config_map = await objects.config_map(namespace, name)
        if config_map is None and not source.config_map_ref.optional:
            raise ContainerRefused(REFUSED, f'configmap "{name}" not found')
        return (config_map.data if config_map else None) or {}
    if source.secret_ref is not None:
        name = source.secret_ref.name or ""
        secret = await objects.secret(namespace, name)
        if secret is None and not source.secret_ref.optional:
            raise ContainerRefused(REFUSED, f'secret "{name}" not found')
        return {key: decoded(value).decode(errors="replace") for key, value in ((secret.data if secret else None) or {}).items()}
    return {}


def _in_file(ref: core_v1.FileKeySelector, folder: Callable[[str], Path | None]) -> str | None:
    """A variable that an init container has written into a file of a volume, as NAME='value'."""
    root, name = folder(ref.volume_name or ""), ref.path or ""
    path = (root / name).resolve() if root is not None else None
    if root is None or path is None or not path.is_relative_to(root.resolve()) or not path.is_file():
        if ref.optional:
            return None
        raise ContainerRefused(REFUSED, f'env file "{name}" of volume "{ref.volume_name}" not found')
    with path.open("rb") as file:
        text = file.read(FILE_BYTES).decode(errors="replace")
    found = {m[1]: next((v for v in m.groups()[1:] if v is not None), "") for line in text.splitlines() if (m := _LINE.match(line))}
    if ref.key not in found and not ref.optional:
        raise ContainerRefused(REFUSED, f'environment variable key "{ref.key}" not found in file "{name}"')
    return found.get(ref.key or "")


def decoded(value: str | bytes) -> bytes:
    """A Secret's value, which is base64 in its object."""
    import base64

    return base64.b64decode(value)


async def _referenced(
    pod: core_v1.Pod, container: core_v1.Container, source: core_v1.EnvVarSource, place: Place, objects: Objects
) -> str | None:
    namespace = pod.metadata.namespace or ""
    if source.field_ref is not None:
        return field_value(pod, source.field_ref.field_path or "", place)
    if source.resource_field_ref is not None:
        return resource_value(pod, source.resource_field_ref, container, place)
    if (ref := source.config_map_key_ref) is not None:
        config_map = await objects.config_map(namespace, ref.name or "")
        if config_map is not None and (ref.key or "") in (config_map.data or {}):
            return (config_map.data or {})[ref.key or ""]
        if ref.optional:
            return None
        if config_map is None:
            raise ContainerRefused(REFUSED, f'configmap "{ref.name}" not found')
        raise ContainerRefused(REFUSED, f"couldn't find key {ref.key} in ConfigMap {namespace}/{ref.name}")
    if (secret_ref := source.secret_key_ref) is not None:
        secret = await objects.secret(namespace, secret_ref.name or "")
        if secret is not None and (secret_ref.key or "") in (secret.data or {}):
            return decoded((secret.data or {})[secret_ref.key or ""]).decode(errors="replace")
        if secret_ref.optional:
            return None
        if secret is None:
            raise ContainerRefused(REFUSED, f'secret "{secret_ref.name}" not found')
        raise ContainerRefused(REFUSED, f"couldn't find key {secret_ref.key} in Secret {namespace}/{secret_ref.name}")
    return ""
