"""docker_container: one container as it is described: made anew when a given option differs, started, stopped, connected, removed."""

import json
import re
import time
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import docker_api
from provisioner.agent import docker_container_options as options
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    docker_api.DOCKER_ARGUMENTS,
    **dict(
        options.arguments(),
        name={"required": True},
        image={},
        state={"default": "started", "choices": ["absent", "present", "healthy", "stopped", "started"]},
        cleanup={"type": "bool", "default": False},
        command_handling={"default": "correct", "choices": ["compatibility", "correct"]},
        comparisons={"type": "dict"},
        container_default_behavior={"default": "no_defaults", "choices": ["compatibility", "no_defaults"]},
        default_host_ip={"default": "0.0.0.0"},
        detach={"type": "bool", "default": True},
        env={"type": "dict"},
        env_file={"type": "path"},
        exposed_ports={"type": "list", "elements": "str", "aliases": ["exposed", "expose"]},
        force_kill={"type": "bool", "default": False, "aliases": ["forcekill"]},
        healthy_wait_timeout={"type": "float", "default": 300},
        ignore_image={"type": "bool", "default": False},
        image_comparison={"default": "desired-image", "choices": ["desired-image", "current-image"]},
        image_label_mismatch={"default": "ignore", "choices": ["ignore", "fail"]},
        image_name_mismatch={"default": "recreate", "choices": ["ignore", "recreate"]},
        keep_volumes={"type": "bool", "default": True},
        kill_signal={},
        log_driver={},
        log_options={"type": "dict", "aliases": ["log_opt"]},
        network_mode={},
        networks={"type": "list", "elements": "dict", "options": options.NETWORK},
        networks_cli_compatible={"type": "bool", "default": True},
        output_logs={"type": "bool", "default": False},
        paused={"type": "bool"},
        platform={},
        published_ports={"type": "list", "elements": "str", "aliases": ["ports"]},
        pull={"type": "raw", "default": "missing", "choices": ["never", "missing", "always", True, False]},
        pull_check_mode_behavior={"default": "image_not_present", "choices": ["image_not_present", "always"]},
        purge_networks={"type": "bool"},
        recreate={"type": "bool", "default": False},
        removal_wait_timeout={"type": "float"},
        restart={"type": "bool", "default": False},
        restart_policy={"choices": ["no", "on-failure", "always", "unless-stopped"]},
        restart_retries={"type": "int"},
        volumes={"type": "list", "elements": "str"},
    ),
    _rules={
        "required_together": docker_api.TOGETHER,
        "required_if": [("state", "present", ["image"])],
        "required_by": {"log_options": ["log_driver"], "restart_retries": ["restart_policy"]},
    },
)
_PULL = {"true": "always", "false": "missing", "yes": "always", "no": "missing"}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    work = _Container(docker_api.Docker(args), args, context)
    if args["state"] == "absent":
        work.remove()
    else:
        work.bring_about()
    return work.result()


class _Container:
    def __init__(self, docker: docker_api.Docker, args: Dict[str, Any], context: Context) -> None:
        self._docker, self._args, self._context = docker, args, context
        self._name = args["name"]
        self._path = "/containers/%s" % self._name
        self._found = docker.find(self._path + "/json")
        self._actions: List[Dict[str, Any]] = []
        self._before: Dict[str, Any] = {}
        self._after: Dict[str, Any] = {}
        self._diff: Dict[str, Any] = {"before": self._before, "after": self._after}
        self._more: Dict[str, Any] = {}
        if (self._found is None) == (args["state"] != "absent"):
            self._before["exists"], self._after["exists"] = self._found is not None, self._found is None

    def result(self) -> Dict[str, Any]:
        result: Dict[str, Any] = {"changed": bool(self._actions)}
        if self._args["debug"] or self._context.diff:
            result["diff"] = self._diff
        if self._args["debug"] or self._context.check:
            result["actions"] = self._actions
        if self._args["state"] != "absent" and not self._args["cleanup"]:
            container: Dict[str, Any] = self._docker.find(self._path + "/json") or {}
            if "output" in self._more:
                container["Output"] = self._more["output"]
            if container:
                result["container"] = container
        result.update({key: value for key, value in self._more.items() if key != "output"})
        return result

    def _id(self) -> str:
        return str((self._found or {}).get("Id", self._name))

    def _act(self, told: Dict[str, Any], method: str, path: str, **more: Any) -> None:
        self._actions.append(told)
        if not self._context.check:
            self._docker.ask(method, path, **more)

    # Taking away

    def remove(self) -> None:
        if self._found is None:
            return
        if self._found["State"]["Running"]:
            self._stop()
        self._delete()

    def _delete(self) -> None:
        query = {"v": "false" if self._args["keep_volumes"] else "true", "force": "true" if self._args["force_kill"] else "false"}
        told = {"removed": self._id(), "volume_state": not self._args["keep_volumes"], "link": False, "force": self._args["force_kill"]}
        self._act(told, "DELETE", self._path, query=query, ok=(404, 409))
        deadline = time.monotonic() + (self._args["removal_wait_timeout"] or 60)
        while not self._context.check and self._docker.find(self._path + "/json") is not None:
            if time.monotonic() > deadline:
                raise ModuleFailed(
                    "Timeout of %s seconds exceeded while waiting for container '%s' to be removed"
                    % (self._args["removal_wait_timeout"] or 60, self._name)
                )
            time.sleep(0.05)

    def _stop(self) -> None:
        self._before["running"], self._after["running"] = True, False
        if self._args["force_kill"]:
            told = {"killed": self._id(), "signal": self._args["kill_signal"]}
            self._act(told, "POST", self._path + "/kill", query={"signal": self._args["kill_signal"]}, ok=(304, 409))
            return
        limit = self._args["stop_timeout"]
        patience_s = float(self._args["timeout"] + (limit if limit is not None else 10))
        self._act(
            {"stopped": self._id(), "timeout": limit}, "POST", self._path + "/stop", query={"t": limit}, ok=(304,), timeout_s=patience_s
        )

    # Bringing about

    def bring_about(self) -> None:
        args = self._args
        _comparisons(args["comparisons"] or {})
        image = self._image()
        fresh = self._found is None
        if self._found is None:
            if not args["image"]:
                raise ModuleFailed("Cannot create container when image is not specified!")
            self._create(image)
        else:
            different = self._differences(image)
            for name, (_, old, new) in different.items():
                self._before[name], self._after[name] = old, new
            if args["recreate"] or any(key not in options.LIVE for key, _, _ in different.values()):
                self._diff["differences"] = [
                    {name: {"parameter": new, "container": old}} for name, (_, old, new) in sorted(different.items())
                ]
                if self._found["State"]["Running"]:
                    self._stop()
                self._delete()
                image = image or self._docker.image(self._found["Image"])
                self._create(image)
                fresh = True
            elif different:
                wanted = self._wanted()
                body = {key: wanted[key][1] for key, _, _ in different.values()}
                self._act({"updated": self._id(), "update_parameters": body}, "POST", self._path + "/update", body=body)
        if not fresh and args["networks"] is not None:
            self._join_networks()
        self._state(fresh)
        if args["state"] == "healthy" and not self._context.check:
            self._wait_healthy()

    def _image(self) -> Optional[Dict[str, Any]]:
        """The image asked for, pulled where `pull` says so."""
        wanted = self._args["image"]
        if not wanted:
            return None
        policy = _PULL.get(str(self._args["pull"]).lower(), str(self._args["pull"]).lower())
        if policy not in ("always", "missing", "never"):
            raise ModuleFailed("value of pull must be one of: always, missing, never, true, false, got: %s" % self._args["pull"])
        is_id = re.match(r"^(sha256:)?[0-9a-f]{12,64}$", wanted) is not None
        repository, tag = docker_api.split_name(wanted)
        name = wanted if is_id and self._docker.image(wanted) else docker_api.joined(repository, tag or "latest")
        image = self._docker.image(name)
        if image is not None and (policy != "always" or is_id):
            return image
        if policy == "never":
            raise ModuleFailed("Cannot find image with name %s, and pull=never" % name)
        if self._context.check:
            if image is None or self._args["pull_check_mode_behavior"] == "always":
                self._actions.append({"pulled_image": name, "changed": True})
            return image
        before = (image or {}).get("Id")
        self._docker.pull(repository, tag or "latest", self._args["platform"])
        image = self._docker.image(name)
        if image is None:
            raise ModuleFailed("The image %s is still missing after it was pulled" % name)
        if image["Id"] != before:
            self._actions.append({"pulled_image": name, "changed": True})
        return image

    def _create(self, image: Optional[Dict[str, Any]]) -> None:
        args = self._args
        body: Dict[str, Any] = {"Image": (image or {}).get("Id") or args["image"], "HostConfig": {}}
        if args["image"] and not re.match(r"^(sha256:)?[0-9a-f]{12,64}$", args["image"]):
            body["Image"] = args["image"]
        for key, (place, value) in self._wanted().items():
            (body if place == "config" else body["HostConfig"])[key] = value
        if args["volumes"] is not None:
            body["HostConfig"]["Binds"], body["Volumes"] = options.binds(args["volumes"])
        if args["mac_address"] is None:
            body.pop("MacAddress", None)
        first, others = self._first_network()
        if first:
            body["HostConfig"].setdefault("NetworkMode", first["name"])
            body["NetworkingConfig"] = {"EndpointsConfig": {first["name"]: _endpoint(first)}}
        query = {"name": self._name, "platform": args["platform"]}
        self._act({"created": "Created container", "create_parameters": body}, "POST", "/containers/create", body=body, query=query)
        for network in others:
            self._connect(network)

    def _first_network(self) -> Tuple[Optional[Dict[str, Any]], List[Dict[str, Any]]]:
        """With `networks_cli_compatible` the first network is the one that the container is made in."""
        networks = self._args["networks"] or []
        if not networks or not self._args["networks_cli_compatible"]:
            return None, networks
        mode = self._args["network_mode"]
        if mode in (None, "default", networks[0]["name"]):
            return networks[0], networks[1:]
        return None, networks

    def _wanted(self) -> Dict[str, Tuple[str, Any]]:
        """(place, value) by the API's key, for options that were given."""
        args = self._args
        wanted: Dict[str, Tuple[str, Any]] = {}
        for name, option in options.OPTIONS.items():
            if args[name] is not None:
                wanted[option.key] = option.place, option.convert(args[name])
        env = options.environment(args)
        if env is not None:
            wanted["Env"] = "config", env
        if args["restart_policy"]:
            retries = args["restart_retries"] if args["restart_policy"] == "on-failure" else 0
            wanted["RestartPolicy"] = "host", {"Name": args["restart_policy"], "MaximumRetryCount": retries or 0}
        if args["log_driver"] or args["log_options"]:
            chosen = {str(key): str(value) for key, value in (args["log_options"] or {}).items()}
            wanted["LogConfig"] = "host", {"Type": args["log_driver"] or "json-file", "Config": chosen}
        if args["network_mode"]:
            wanted["NetworkMode"] = "host", args["network_mode"]
        shown = options.exposed(args["exposed_ports"] or [])
        if args["published_ports"] is not None:
            if args["published_ports"] == ["all"]:
                wanted["PublishAllPorts"] = "host", True
            else:
                bindings = options.ports(args["published_ports"], args["default_host_ip"])
                wanted["PortBindings"] = "host", bindings
                shown += list(bindings)
        if shown:
            wanted["ExposedPorts"] = "config", {port: {} for port in shown}
        return wanted

    # Comparing

    def _differences(self, image: Optional[Dict[str, Any]]) -> Dict[str, Tuple[str, Any, Any]]:
        """(the API's key, what is there, what is wanted) by option."""
        assert self._found is not None
        config, host = self._found["Config"], self._found["HostConfig"]
        modes = _comparisons(self._args["comparisons"] or {})
        different: Dict[str, Tuple[str, Any, Any]] = {}
        names = {option.key: name for name, option in options.OPTIONS.items()}
        kinds = {option.key: option.kind for option in options.OPTIONS.values()}
        kinds.update(Env="set", ExposedPorts="dict", PortBindings="dict", LogConfig="value", RestartPolicy="value")
        for key, (place, value) in self._wanted().items():
            name = names.get(key, _NAMES.get(key, key))
            mode = modes.get(
                name, modes.get("*", _DEFAULT_MODES.get(key, "allow_more_present" if kinds.get(key) in ("set", "dict") else "strict"))
            )
            there = (config if place == "config" else host).get(key)
            if mode != "ignore" and not _agrees(kinds.get(key, "value"), value, there, mode == "strict"):
                shown = [one["Name"] if key == "RestartPolicy" and one else one for one in (there, value)]
                different[name] = (key, *shown)
        if self._args["volumes"] is not None and modes.get("volumes", "") != "ignore":
            bound, anonymous = options.binds(self._args["volumes"])
            there = [entry if entry.count(":") > 1 else entry + ":rw" for entry in host.get("Binds") or []]
            if not set(bound) <= set(there) or not set(anonymous) <= set(config.get("Volumes") or {}):
                different["volumes"] = "Binds", host.get("Binds"), bound
        if image is not None and not self._args["ignore_image"] and modes.get("image", "") != "ignore":
            renamed = self._args["image_name_mismatch"] == "recreate" and config.get("Image") not in (self._args["image"], image["Id"])
            if self._found["Image"] != image["Id"] or (
                renamed and docker_api.split_name(config.get("Image", ""))[0] != docker_api.split_name(self._args["image"])[0]
            ):
                different["image"] = "Image", self._found["Image"], image["Id"]
        return different

    # Networks

    def _join_networks(self) -> None:
        assert self._found is not None
        there = self._found["NetworkSettings"]["Networks"] or {}
        wanted = self._args["networks"]
        for network in wanted:
            current = there.get(network["name"])
            if current is not None and _joined_as(current, network):
                continue
            self._before.setdefault("networks", sorted(there))
            if current is not None:
                self._disconnect(network["name"])
            self._connect(network)
        if self._args["purge_networks"] or (
            self._args["purge_networks"] is None and (self._args["comparisons"] or {}).get("networks") == "strict"
        ):
            for name in there:
                if name not in [network["name"] for network in wanted]:
                    self._disconnect(name)

    def _connect(self, network: Dict[str, Any]) -> None:
        body = {"Container": self._name, "EndpointConfig": _endpoint(network)}
        self._act({"added_to_network": network["name"]}, "POST", "/networks/%s/connect" % network["name"], body=body)

    def _disconnect(self, name: str) -> None:
        body = {"Container": self._name, "Force": True}
        self._act({"removed_from_network": name}, "POST", "/networks/%s/disconnect" % name, body=body)

    # States

    def _state(self, fresh: bool) -> None:
        args, state = self._args, self._args["state"]
        running = not fresh and self._found is not None and self._found["State"]["Running"]
        if state in ("started", "healthy"):
            if not running:
                if fresh and self._context.check:  # nothing is there that could run
                    self._before.pop("running", None)
                    self._after.pop("running", None)
                else:
                    self._after["running"] = True
                    self._before.setdefault("running", False)
                self._act({"started": self._id()}, "POST", self._path + "/start", ok=(304,))
                self._follow()
            elif args["restart"]:
                self._before["restarted"], self._after["restarted"] = False, True
                self._act(
                    {"restarted": self._id(), "timeout": args["stop_timeout"]},
                    "POST",
                    self._path + "/restart",
                    query={"t": args["stop_timeout"]},
                    timeout_s=args["timeout"] + 60.0,
                )
        elif state == "stopped" and running:
            self._stop()
        if args["paused"] is not None and state in ("started", "present") and not self._context.check:
            current = self._docker.find(self._path + "/json")
            if current is not None and current["State"]["Running"] and current["State"]["Paused"] != args["paused"]:
                self._before["paused"], self._after["paused"] = current["State"]["Paused"], args["paused"]
                self._act({"set_paused": args["paused"]}, "POST", self._path + ("/pause" if args["paused"] else "/unpause"))

    def _follow(self) -> None:
        """Without `detach`: wait for the end, keep the output, fail with the container's exit code."""
        if self._args["detach"] or self._context.check:
            return
        _, ended = self._docker.ask("POST", self._path + "/wait", timeout_s=86400.0)
        status = int(ended["StatusCode"])
        found = self._docker.find(self._path + "/json") or {}
        output = ""
        if found:
            connection, answer = self._docker.open("GET", self._path + "/logs", query={"stdout": "true", "stderr": "true"})
            raw = answer.read(docker_api.MAX_OUTPUT_BYTES)
            answer.close()
            connection.close()
            output = raw.decode("utf-8", "replace") if found["Config"]["Tty"] else docker_api.demultiplexed(raw)
        if self._args["output_logs"]:
            self._context.warn(output)
        if self._args["cleanup"] and found:
            self._docker.ask(
                "DELETE", self._path, query={"force": "true", "v": "false" if self._args["keep_volumes"] else "true"}, ok=(404,)
            )
        self._more.update(output=output, status=status)
        if self._args["cleanup"]:
            self._more["container"] = {"Output": output}
        if status != 0:
            container = {"Output": output} if self._args["cleanup"] else dict(found, Output=output)
            raise ModuleFailed(output, **dict(self._more, changed=True, container=container, status=status))

    def _wait_healthy(self) -> None:
        deadline = time.monotonic() + self._args["healthy_wait_timeout"]
        while True:
            state = (self._docker.find(self._path + "/json") or {"State": {}})["State"]
            health = (state.get("Health") or {}).get("Status")
            if health in ("healthy", None, "none") and state.get("Running"):
                return
            if not state.get("Running"):
                raise ModuleFailed("Container %s is not running while waiting for it to become healthy" % self._name)
            if time.monotonic() > deadline:
                raise ModuleFailed(
                    "Timeout of %s seconds exceeded while waiting for container '%s' to be healthy"
                    % (self._args["healthy_wait_timeout"], self._name)
                )
            time.sleep(0.2)


_NAMES = {
    "Env": "env", "RestartPolicy": "restart_policy", "LogConfig": "log_driver", "NetworkMode": "network_mode", "PortBindings": "published_ports",
    "ExposedPorts": "exposed_ports", "PublishAllPorts": "publish_all_ports",
}  # fmt: skip
# A container's ports are those published and no others.
_DEFAULT_MODES = {"PortBindings": "strict", "Mounts": "strict", "Tmpfs": "allow_more_present"}


# Options that say how the module works, not what the container is.
_NO_STATE = frozenset(
    """cleanup command_handling comparisons container_default_behavior default_host_ip force_kill healthy_wait_timeout ignore_image
    image_comparison image_label_mismatch image_name_mismatch keep_volumes kill_signal name networks_cli_compatible output_logs paused pull
    pull_check_mode_behavior purge_networks recreate removal_wait_timeout restart state""".split()
) | frozenset(docker_api.DOCKER_ARGUMENTS)
_MANY = {"env": "set", "exposed_ports": "set", "published_ports": "set", "volumes": "set", "networks": "set", "log_options": "dict"}


def _comparisons(given: Dict[str, Any]) -> Dict[str, str]:
    """How options are compared, by their first names. Raises ModuleFailed for what is none."""
    aliases = {alias: name for name, option in ARGUMENTS.items() if name != "_rules" for alias in option.get("aliases", ())}
    kinds = dict({name: option.kind for name, option in options.OPTIONS.items()}, **_MANY)
    modes: Dict[str, str] = {}
    for key, mode in given.items():
        name = aliases.get(key, str(key))
        if name == "*" and mode not in ("strict", "ignore"):
            raise ModuleFailed("The wildcard can only be used with comparison modes 'strict' and 'ignore'!")
        if name in _NO_STATE:
            raise ModuleFailed(
                "The module option '%s' cannot be specified in the comparisons dict, since it does not correspond to container's state!"
                % key
            )
        if name != "*" and name not in ARGUMENTS:
            raise ModuleFailed("Unknown module option '%s' in comparisons dict!" % key)
        if mode not in ("strict", "ignore", "allow_more_present"):
            raise ModuleFailed("Unknown comparison mode '%s'!" % mode)
        if mode == "allow_more_present" and kinds.get(name, "value") == "value":
            raise ModuleFailed("Option '%s' is a value and not a set/list/dict, so its comparison cannot be %s" % (key, mode))
        modes[name] = str(mode)
    return modes


def _agrees(kind: str, wanted: Any, there: Any, strict: bool) -> bool:
    if kind == "set":
        mine, theirs = {_key(one) for one in wanted}, {_key(one) for one in there or []}
        return mine == theirs if strict else mine <= theirs
    if kind == "dict":
        theirs_by_name = there or {}
        if strict and set(wanted) != set(theirs_by_name):
            return False
        return all(name in theirs_by_name and _key(theirs_by_name[name]) == _key(value) for name, value in wanted.items())
    if isinstance(wanted, dict) and isinstance(there, dict):
        return all(there.get(name) == value for name, value in wanted.items())
    if kind == "list":
        return list(wanted) == list(there or [])
    return bool(wanted == there) or (not wanted and not there)


def _key(value: Any) -> str:
    if isinstance(value, dict):
        value = {key: one for key, one in value.items() if one not in (None, False, "", {}, [])}
    return json.dumps(value, sort_keys=True)


def _endpoint(network: Dict[str, Any]) -> Dict[str, Any]:
    made: Dict[str, Any] = {}
    addresses = {
        key: network[name] for name, key in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address")) if network.get(name)
    }
    if addresses:
        made["IPAMConfig"] = addresses
    for name, key in (
        ("aliases", "Aliases"),
        ("links", "Links"),
        ("mac_address", "MacAddress"),
        ("driver_opts", "DriverOpts"),
        ("gw_priority", "GwPriority"),
    ):
        if network.get(name) is not None:
            made[key] = network[name]
    return made


def _joined_as(current: Dict[str, Any], network: Dict[str, Any]) -> bool:
    given = current.get("IPAMConfig") or {}
    for name, key in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address")):
        if network.get(name) and given.get(key) != network[name]:
            return False
    return set(network.get("aliases") or ()) <= set(current.get("Aliases") or ())
