"""Proves how values of docker_container are written in Docker's API, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import docker_container_options as options
from provisioner.agent.arguments import ArgumentError, checked
from provisioner.agent.context import ModuleFailed
from provisioner.modules.docker_container import ARGUMENTS

SIZES = [("512", 512), ("1k", 1024), ("64M", 64 << 20), ("1.5GiB", 3 << 29), ("unlimited", -1), (7, 7), ("-1", -1)]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes(text: Any, size: int) -> None:
    assert options.size_bytes(text) == size


@pytest.mark.parametrize(("text", "ns"), [("1m30s", 90 * 10**9), ("500ms", 5 * 10**8), ("5h", 5 * 3600 * 10**9), ("1us", 1000)])
def test_durations(text: str, ns: int) -> None:
    assert options.duration_ns(text) == ns


PORTS: list[tuple[str, dict[str, Any]]] = [
    ("8000-8100:9003", {"9003/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8000-8100"}]}),
    ("80", {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}),
    ("8080:80/udp", {"80/udp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}),
    ("127.0.0.1:8080:80", {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}),
    ("[::1]:8080:80", {"80/tcp": [{"HostIp": "::1", "HostPort": "8080"}]}),
    ("1-2:3-4", {"3/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}], "4/tcp": [{"HostIp": "0.0.0.0", "HostPort": "2"}]}),
]


@pytest.mark.parametrize(("text", "bindings"), PORTS)
def test_ports(text: str, bindings: dict[str, Any]) -> None:
    assert options.ports([text], "0.0.0.0") == bindings


WRONG = [
    (options.size_bytes, "much", "Failed to convert 'much' to bytes"),
    (options.duration_ns, "5 years", "Invalid time duration - 5 years"),
    (lambda value: options.ports([value], ""), "x:y", "Invalid port description: 'x:y'"),
    (lambda value: options.ports([value], ""), "1-2:3-5", "both ranges must be of one length"),
    (lambda value: options.environment({"env": value, "env_file": None}), {"A": 1}, "Non-string value found for env option"),
]


@pytest.mark.parametrize(("convert", "value", "msg"), WRONG)
def test_what_is_refused(convert: Any, value: Any, msg: str) -> None:
    with pytest.raises(ModuleFailed, match=msg):
        convert(value)


def test_volumes_and_variables(tmp_path: Path) -> None:
    assert options.binds(["/a:/b", "name:/c:ro", "/anonymous"]) == (["/a:/b:rw", "name:/c:ro"], {"/anonymous": {}})
    (tmp_path / "env").write_text("# no\nA=1\n\nB=x=y\n")
    assert options.environment({"env": {"A": "2"}, "env_file": str(tmp_path / "env")}) == ["A=2", "B=x=y"]
    assert options.environment({"env": None, "env_file": None}) is None


WRITTEN: list[tuple[str, Any, str, Any]] = [
    ("device_read_bps", [{"path": "/dev/sda", "rate": "1M"}], "BlkioDeviceReadBps", [{"Path": "/dev/sda", "Rate": 1 << 20}]),
    ("device_write_iops", [{"path": "/dev/sda", "rate": 30}], "BlkioDeviceWriteIOps", [{"Path": "/dev/sda", "Rate": 30}]),
    ("device_cgroup_rules", ["c 42:* rmw"], "DeviceCgroupRules", ["c 42:* rmw"]),
    (
        "device_requests",
        [{"capabilities": [["gpu"]], "count": -1}],
        "DeviceRequests",
        [{"Driver": "", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}],
    ),
    ("healthcheck", {"retries": "3"}, "Healthcheck", {"Test": ["NONE"], "Retries": 3}),
    ("healthcheck", {"retries": 3, "test_cli_compatible": True}, "Healthcheck", {"Retries": 3}),
    ("healthcheck", {"test": ["CMD", "x"], "interval": "1m"}, "Healthcheck", {"Test": ["CMD", "x"], "Interval": 60 * 10**9}),
    (
        "mounts",
        [{"type": "bind", "source": "/a", "target": "/b", "propagation": "rshared", "create_mountpoint": True, "read_only": "yes"}],
        "Mounts",
        [
            {
                "Type": "bind",
                "Source": "/a",
                "Target": "/b",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rshared", "CreateMountpoint": True},
            }
        ],
    ),
    (
        "mounts",
        [{"source": "v", "target": "/b", "subpath": "s"}],
        "Mounts",
        [
            {
                "Type": "volume",
                "Source": "v",
                "Target": "/b",
                "ReadOnly": False,
                "VolumeOptions": {"NoCopy": False, "Labels": {}, "DriverConfig": {}, "Subpath": "s"},
            }
        ],
    ),
]


@pytest.mark.parametrize(("name", "given", "key", "written"), WRITTEN, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(WRITTEN)])
def test_what_stands_in_the_api(name: str, given: Any, key: str, written: Any) -> None:
    option = options.OPTIONS[name]
    value = checked(ARGUMENTS, {"name": "x", name: given}, "docker_container")[name]
    assert (option.key, option.convert(value)) == (key, written)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mounts": [{"source": "a"}]}, "missing required arguments: target found in mounts"),
    ({"mounts": [{"target": "/a", "type": "disk"}]}, "value of type must be one of: .* got: disk found in mounts"),
    ({"networks": [{"name": "n", "ip": "1"}]}, r"Unsupported parameters for \(docker_container\) module: networks\.ip\."),
    ({"healthcheck": {"retries": "x"}}, "argument 'retries' is of type str found in 'healthcheck'. and we were unable to convert to int"),
    ({"client_cert": "/c"}, "parameters are required together: client_cert, client_key"),
    ({"state": "present"}, "state is present but all of the following are missing: image"),
    ({"log_options": {"a": "b"}}, r"missing parameter\(s\) required by 'log_options': log_driver"),
    ({"pull": "sometimes"}, "value of pull must be one of: never, missing, always, True, False, got: sometimes"),
]


@pytest.mark.parametrize(("given", "msg"), REFUSED, ids=[str(given) for given, _ in REFUSED])
def test_what_arguments_are_refused(given: dict[str, Any], msg: str) -> None:
    with pytest.raises(ArgumentError, match=msg):
        checked(ARGUMENTS, {"name": "x", **given}, "docker_container")
