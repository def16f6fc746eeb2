"""docker_network: a network of Docker's and the containers connected to it."""

import ipaddress
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import docker_api
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    docker_api.DOCKER_ARGUMENTS,
    name={"required": True, "aliases": ["network_name"]},
    state={"default": "present", "choices": ["present", "absent"]},
    driver={"default": "bridge"},
    driver_options={"type": "dict", "default": {}},
    config_only={"type": "bool"},
    config_from={},
    connected={"type": "list", "elements": "str", "default": [], "aliases": ["containers"]},
    appends={"type": "bool", "default": False, "aliases": ["incremental"]},
    force={"type": "bool", "default": False},
    ipam_driver={},
    ipam_driver_options={"type": "dict"},
    ipam_config={
        "type": "list",
        "elements": "dict",
        "options": {"subnet": {}, "iprange": {}, "gateway": {}, "aux_addresses": {"type": "dict"}},
    },
    enable_ipv4={"type": "bool"},
    enable_ipv6={"type": "bool"},
    internal={"type": "bool"},
    attachable={"type": "bool"},
    ingress={"type": "bool"},
    labels={"type": "dict", "default": {}},
    scope={"choices": ["local", "global", "swarm"]},
    _rules={"required_together": docker_api.TOGETHER},
)
_FLAGS = {
    "internal": "Internal",
    "enable_ipv4": "EnableIPv4",
    "enable_ipv6": "EnableIPv6",
    "attachable": "Attachable",
    "ingress": "Ingress",
    "config_only": "ConfigOnly",
    "scope": "Scope",
}
_IPAM = {"subnet": "Subnet", "iprange": "IPRange", "gateway": "Gateway", "aux_addresses": "AuxiliaryAddresses"}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    _validate(args)
    work = _Network(docker_api.Docker(args), args, context)
    if args["state"] == "absent":
        work.remove()
    else:
        work.bring_about()
    result = work.told()
    if args["state"] == "present":
        result["network"] = work.current()
    return result


def _validate(args: Dict[str, Any]) -> None:
    for entry in args["ipam_config"] or []:
        unknown = sorted(set(entry) - set(_IPAM))
        if unknown:
            text = "Unsupported parameters for (docker_network) module: %s. Supported parameters include: %s."
            raise ModuleFailed(text % (", ".join("ipam_config.%s" % name for name in unknown), ", ".join(sorted(_IPAM))))
        for key in ("subnet", "iprange"):
            value = entry.get(key)
            if value and not re.match(r"^[0-9a-fA-F.:]+/\d+$", value):
                raise ModuleFailed('"%s" is not a valid CIDR' % value)


class _Network:
    def __init__(self, docker: docker_api.Docker, args: Dict[str, Any], context: Context) -> None:
        self._docker, self._args, self._context = docker, args, context
        self.actions: List[str] = []
        self._before: Dict[str, Any] = {}
        self._after: Dict[str, Any] = {}
        self._different: List[str] = []
        self._found = self._find()
        self._before["exists"] = self._found is not None
        self._after["exists"] = args["state"] == "present"

    def told(self) -> Dict[str, Any]:
        differences = self._different if self._args["state"] == "present" else None
        return docker_api.told(self._context, self._args["debug"], self.actions, self._before, self._after, differences)

    def current(self) -> Optional[Dict[str, Any]]:
        return self._find()

    def _find(self) -> Optional[Dict[str, Any]]:
        _, networks = self._docker.ask("GET", "/networks")
        for network in networks:
            if self._args["name"] in (network["Name"], network["Id"]):
                return self._docker.find("/networks/%s" % network["Id"])
        return None

    def _act(self, text: str, method: str, path: str, body: Any = None) -> None:
        self.actions.append(text)
        if not self._context.check:
            self._docker.ask(method, path, body=body)

    def remove(self) -> None:
        if self._found is None:
            return
        for container in (self._found.get("Containers") or {}).values():
            self._disconnect(container["Name"])
        self._act("Removed network %s" % self._args["name"], "DELETE", "/networks/%s" % self._found["Id"])

    def bring_about(self) -> None:
        differences = self._differences() if self._found else {}
        for key, (old, new) in differences.items():
            self._before[key], self._after[key] = old, new
        self._different = sorted(differences)
        connected = self._connected()
        if self._args["force"] or differences:
            self.remove()
            self._found = None
        if self._found is None:
            self._act(
                "Created network %s with driver %s" % (self._args["name"], self._args["driver"]), "POST", "/networks/create", self._body()
            )
            kept = connected if differences or self._args["force"] else []
        else:
            kept = []
        there = [] if self._found is None else connected
        wanted = [*self._args["connected"], *([name for name in kept if self._args["appends"]])]
        for name in dict.fromkeys(wanted):
            if name not in there and not self._same(name, there):
                self._act("Connected container %s" % name, "POST", self._path("connect"), {"Container": name})
                self._before["connected." + name], self._after["connected." + name] = False, True
        if not self._args["appends"]:
            for name in there:
                if name not in wanted and not self._same(name, wanted):
                    self._disconnect(name)

    def _same(self, name: str, others: List[str]) -> bool:
        """Whether a name is another one's id."""
        found = self._docker.find("/containers/%s/json" % name)
        if found is None:
            return False
        return any(other and (found["Id"].startswith(other) or found["Name"].lstrip("/") == other) for other in others)

    def _path(self, verb: str) -> str:
        return "/networks/%s/%s" % (self._args["name"], verb)

    def _disconnect(self, name: str) -> None:
        self._act("Disconnected container %s" % name, "POST", self._path("disconnect"), {"Container": name, "Force": True})
        self._before["connected." + name], self._after["connected." + name] = True, False

    def _connected(self) -> List[str]:
        return [container["Name"] for container in ((self._found or {}).get("Containers") or {}).values()]

    def _body(self) -> Dict[str, Any]:
        args = self._args
        body: Dict[str, Any] = {"Name": args["name"], "Driver": args["driver"], "Options": _texts(args["driver_options"])}
        body["Labels"] = _texts(args["labels"])
        for option, key in _FLAGS.items():
            if args[option] is not None:
                body[key] = args[option]
        if args["config_from"]:
            body["ConfigFrom"] = {"Network": args["config_from"]}
        if not args["config_from"] and (args["ipam_config"] or args["ipam_driver"] or args["ipam_driver_options"]):
            pools = [{_IPAM[key]: value for key, value in entry.items() if value is not None} for entry in args["ipam_config"] or []]
            body["IPAM"] = {"Driver": args["ipam_driver"] or "default", "Options": args["ipam_driver_options"], "Config": pools}
        return body

    def _differences(self) -> Dict[str, Tuple[Any, Any]]:
        """(old, new) by option, for those that were given."""
        args, found = self._args, self._found or {}
        different: Dict[str, Tuple[Any, Any]] = {}
        if args["driver"] and args["driver"] != found["Driver"] and not args["config_only"]:
            different["driver"] = found["Driver"], args["driver"]
        for option, key in (("driver_options", "Options"), ("labels", "Labels")):
            current = found.get(key) or {}
            for name, value in _texts(args[option]).items():
                if current.get(name) != value:
                    different["%s.%s" % (option, name)] = current.get(name), value
        for option, key in _FLAGS.items():
            if args[option] is not None and key in found and args[option] != found[key]:
                different[option] = found[key], args[option]
        if args["config_from"] and args["config_from"] != (found.get("ConfigFrom") or {}).get("Network"):
            different["config_from"] = (found.get("ConfigFrom") or {}).get("Network"), args["config_from"]
        ipam = found.get("IPAM") or {}
        if args["ipam_driver"] and args["ipam_driver"] != ipam.get("Driver"):
            different["ipam_driver"] = ipam.get("Driver"), args["ipam_driver"]
        pools = ipam.get("Config") or []
        for at, entry in enumerate(args["ipam_config"] or []):
            if not any(_fits(entry, pool) for pool in pools):
                there: Dict[str, Any] = next((pool for pool in pools if _fits({"subnet": entry.get("subnet")}, pool)), {})
                for key, value in entry.items():
                    if value is not None and _normal(value) != _normal(there.get(_IPAM[key])):
                        different["ipam_config[%d].%s" % (at, key)] = there.get(_IPAM[key]), value
        return different


def _texts(values: Any) -> Dict[str, str]:
    return {str(key): str(value) for key, value in (values or {}).items()}


def _fits(entry: Dict[str, Any], pool: Dict[str, Any]) -> bool:
    return all(value is None or _normal(value) == _normal(pool.get(_IPAM[key])) for key, value in entry.items())


def _normal(value: Any) -> Any:
    """Addresses may be written in more than one way."""
    try:
        return ipaddress.ip_network(value, strict=False) if isinstance(value, str) else value
    except ValueError:
        return value
