"""k8s and k8s_info: YAML (definitions, kubeconfigs) is parsed here, since hosts' Python has no parser of it; the requests go from the host."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import yaml

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.actions.copy import read_source
from provisioner.engine.actions.template import render
from provisioner.engine.errors import TaskError
from provisioner.engine.sessions import ModuleCall

DEFAULT_KUBECONFIG = "~/.kube/config"
_FILES = ("certificate-authority", "client-certificate", "client-key")
Asking = Generator[ModuleCall, dict[str, Any], Any]


def plan(call: ActionCall) -> Plan:
    return (yield from with_cluster(call, "k8s"))


def with_cluster(call: ActionCall, module: str) -> Plan:
    """Runs a module of the cluster's with its definitions and kubeconfig parsed."""
    args = dict(call.args)
    yield from _kubeconfig(call, args)
    for key in ("resource_definition", "definition", "inline"):
        if isinstance(args.get(key), str | list):
            parts = args[key] if isinstance(args[key], list) else [args[key]]
            args[key] = [one for part in parts for one in (documents(part) if isinstance(part, str) else [part])]
    if args.get("src") is not None:
        args["resource_definition"] = documents((yield from _read(call, str(args.pop("src")))).decode())
    if args.get("template") is not None:
        given = args.pop("template")
        args["resource_definition"] = [one for entry in _listed(given) for one in documents(_rendered(call, entry))]
    result = yield call.module(module, args)
    return result


def documents(text: str, what: str = "resource definition") -> list[Any]:
    """The documents of a YAML text that are not empty."""
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as e:
        raise TaskError(f"Failed to load {what}: {e}") from e


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _rendered(call: ActionCall, given: Any) -> str:
    name = given.get("path") if isinstance(given, Mapping) else given
    if not isinstance(name, str):
        raise TaskError("Error while reading template file - a template must be a path, or a mapping with a path")
    source = call.find(name, "templates")
    if isinstance(given, Mapping):
        call.args = {**call.args, **{key: value for key, value in given.items() if key != "path"}}
    return render(call, source, name, "")


def _read(call: ActionCall, name: str) -> Generator[ModuleCall, dict[str, Any], bytes]:
    """A file of the controller, else of the host."""
    try:
        return read_source(call, call.find(name, "files"))
    except TaskError:
        found = yield call.module("slurp", {"src": name}, check=False)
        if found.get("failed"):
            raise TaskError(f"Could not find or access '{name}' on the controller or on the host") from None
        return base64.b64decode(found["content"])


def _kubeconfig(call: ActionCall, args: dict[str, Any]) -> Asking:
    """Puts the parsed configuration into `args`; what its files hold, too, when they lie on the controller."""
    given = args.pop("kubeconfig", None)
    if isinstance(given, Mapping):
        args["_kubeconfig"] = dict(given)
        return
    if given is None and args.get("host") and any(args.get(key) for key in ("api_key", "username", "client_cert", "cert_file")):
        return
    name = given or call.environment.get("K8S_AUTH_KUBECONFIG") or call.environment.get("KUBECONFIG")
    local = _local(call, str(name)) if name else None
    if local is not None:
        args["_kubeconfig"] = _inlined(_parsed(local.read_bytes(), str(local)), local.parent)
        return
    path = str(name or DEFAULT_KUBECONFIG)
    found = yield call.module("slurp", {"src": path}, check=False)
    if not found.get("failed"):
        args["_kubeconfig"] = _parsed(base64.b64decode(found["content"]), path)
        args["_kubeconfig_folder"] = str(Path(path).parent)
    elif name:
        raise TaskError(f"Failed to load kubeconfig: {path} is neither on the controller nor on the host")


def _local(call: ActionCall, name: str) -> Path | None:
    try:
        return call.find(str(Path(name).expanduser()), "files")
    except TaskError:
        return None


def _parsed(data: bytes, path: str) -> dict[str, Any]:
    found = documents(data.decode(), f"kubeconfig: {path}")
    if len(found) != 1 or not isinstance(found[0], dict):
        raise TaskError(f"Failed to load kubeconfig: {path} must hold one mapping")
    return found[0]


def _inlined(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    for entry in [*(config.get("clusters") or []), *(config.get("users") or [])]:
        part = entry.get("cluster") or entry.get("user") or {}
        for key in _FILES:
            if part.get(key):
                try:
                    part[f"{key}-data"] = base64.b64encode((folder / part.pop(key)).read_bytes()).decode()
                except OSError as e:
                    raise TaskError(f"Failed to load kubeconfig: {e.filename}: {e.strerror}") from e
    return config
