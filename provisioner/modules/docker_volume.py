"""docker_volume: a named volume of Docker's."""

from typing import Any, Dict, List

from provisioner.agent import docker_api
from provisioner.agent.context import Context

ARGUMENTS = dict(
    docker_api.DOCKER_ARGUMENTS,
    volume_name={"required": True, "aliases": ["name"]},
    state={"default": "present", "choices": ["present", "absent"]},
    driver={"default": "local"},
    driver_options={"type": "dict", "default": {}},
    labels={"type": "dict"},
    recreate={"default": "never", "choices": ["always", "never", "options-changed"]},
    _rules={"required_together": docker_api.TOGETHER},
)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    docker, name = docker_api.Docker(args), args["volume_name"]
    path = "/volumes/%s" % name
    found = docker.find(path)
    actions: List[str] = []
    before: Dict[str, Any] = {"exists": found is not None}
    if args["state"] == "absent":
        if found is not None:
            actions.append("Removed volume %s" % name)
            if not context.check:
                docker.ask("DELETE", path)
        return docker_api.told(context, args["debug"], actions, before, {"exists": False}, None)
    differences = _differences(args, found) if found is not None else {}
    if found is not None and (args["recreate"] == "always" or (args["recreate"] == "options-changed" and differences)):
        actions.append("Removed volume %s" % name)
        if not context.check:
            docker.ask("DELETE", path)
        found = None
    after: Dict[str, Any] = {"exists": True}
    for key, (old, new) in differences.items():
        before[key], after[key] = old, new
    if found is None:
        actions.append("Created volume %s with driver %s" % (name, args["driver"]))
        if not context.check:
            body = {"Name": name, "Driver": args["driver"], "DriverOpts": _texts(args["driver_options"]), "Labels": _texts(args["labels"])}
            docker.ask("POST", "/volumes/create", body=body)
    return dict(docker_api.told(context, args["debug"], actions, before, after, sorted(differences)), volume=docker.find(path) or {})


def _texts(values: Any) -> Dict[str, str]:
    return {str(key): str(value) for key, value in (values or {}).items()}


def _differences(args: Dict[str, Any], found: Dict[str, Any]) -> Dict[str, Any]:
    """(old, new) by option, for those that were given."""
    differences: Dict[str, Any] = {}
    if args["driver"] != found["Driver"]:
        differences["driver"] = found["Driver"], args["driver"]
    for option, key in (("driver_options", "Options"), ("labels", "Labels")):
        there = found.get(key) or {}
        for name, value in _texts(args[option]).items():
            if there.get(name) != value:
                differences["%s.%s" % (option, name)] = there.get(name), value
    return differences
