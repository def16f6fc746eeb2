"""Proves the docker modules on a real daemon: first run changed, second not, check mode changes nothing, and what is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Docker = Callable[..., dict[str, Any]]


@pytest.fixture
def docker(call: Any, docker_host: str) -> Docker:
    def run(module: str, /, check: bool = False, **args: Any) -> dict[str, Any]:
        made: dict[str, Any] = call(f"docker_{module}", {"docker_host": docker_host, **args}, check=check, diff=True)
        return made

    return run


def thrice(docker: Docker, module: str, /, **args: Any) -> dict[str, Any]:
    """Check mode, the run itself, the second run; the result of the run."""
    checked = docker(module, check=True, **args)
    assert checked["changed"] is True, checked
    made = docker(module, **args)
    assert (made["changed"], made.get("failed")) == (True, None), made
    again = docker(module, **args)
    assert again["changed"] is False, again["diff"]
    return made


def test_a_container(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("FROM_FILE=1\n")
    args: dict[str, Any] = {
        "name": "full", "image": "box:1", "command": "sleep 300", "env": {"A": "b c"}, "env_file": str(tmp_path / "env"),
        "labels": {"l": "1"}, "volumes": [f"{tmp_path}:/data:ro", "/anonymous"], "published_ports": ["127.0.0.1:8080:80", "9000-9001:9000-9001/udp"],
        "memory": "64M", "cpus": 0.5, "restart_policy": "on-failure", "restart_retries": 3, "hostname": "box", "user": "0",
        "working_dir": "/bin", "capabilities": ["NET_ADMIN"], "cap_drop": ["MKNOD"], "tmpfs": ["/scratch:size=1m"], "read_only": True,
        "ulimits": ["nofile:100:200"], "etc_hosts": {"other": "10.0.0.1"}, "network_mode": "none", "log_driver": "json-file",
        "log_options": {"max-size": "1m"}, "stop_timeout": 0, "init": False, "shm_size": "8M", "dns_servers": ["1.1.1.1"],
        "healthcheck": {"test": ["CMD", "true"], "interval": "1m30s", "retries": 2},
    }  # fmt: skip
    assert "container" not in docker("container", check=True, **args)
    found = thrice(docker, "container", **args)["container"]
    assert found["State"]["Running"] is True
    assert {"A=b c", "FROM_FILE=1"} <= set(found["Config"]["Env"])
    host = found["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["RestartPolicy"]) == (
        64 << 20,
        5 * 10**8,
        {"Name": "on-failure", "MaximumRetryCount": 3},
    )
    assert host["PortBindings"]["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]
    assert found["Config"]["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 90 * 10**9, "Retries": 2}
    live = docker("container", **{**args, "memory": "32M", "restart_policy": "always", "restart_retries": 0})
    assert (live["changed"], live["container"]["Id"], live["container"]["HostConfig"]["Memory"]) == (True, found["Id"], 32 << 20)
    assert live["diff"]["after"] == {"memory": 32 << 20, "restart_policy": "always"}
    changed = docker("container", **{**args, "env": {"A": "other"}})
    assert (changed["changed"], changed["container"]["Id"] != found["Id"]) == (True, True)
    assert "env" in changed["diff"]["before"]
    ignored = docker("container", **{**args, "env": {"A": "third"}, "comparisons": {"env": "ignore"}})
    assert ignored["changed"] is False
    assert docker("container", name="full", restart=True, image="box:1")["changed"]
    assert docker("container", check=True, name="full", state="stopped", stop_timeout=0)["changed"]
    assert docker("container", name="full", state="stopped", stop_timeout=0)["container"]["State"]["Running"] is False
    assert not docker("container", name="full", state="stopped")["changed"]
    removed = docker("container", name="full", state="absent", keep_volumes=False)
    assert (removed["changed"], "container" in removed) == (True, False)
    assert not docker("container", name="full", state="absent")["changed"]


def test_a_container_that_runs_to_its_end(docker: Docker) -> None:
    made = docker(
        "container",
        name="job",
        image="box:1",
        command=["sh", "-c", "echo said; exit $CODE"],
        env={"CODE": "0"},
        detach=False,
        network_mode="none",
    )
    assert (made["changed"], made["container"]["Output"], made["status"]) == (True, "said\n", 0)
    failed = docker(
        "container",
        name="job",
        image="box:1",
        command=["sh", "-c", "echo no; exit 3"],
        detach=False,
        cleanup=True,
        network_mode="none",
        recreate=True,
    )
    assert (failed["failed"], failed["msg"], failed["status"]) == (True, "no\n", 3)
    assert not docker("container", name="job", state="absent")["changed"]


def test_networks(docker: Docker) -> None:
    args: dict[str, Any] = {
        "name": "mine",
        "internal": True,
        "labels": {"a": "1"},
        "ipam_config": [{"subnet": "172.30.5.0/24", "gateway": "172.30.5.1"}],
    }
    network = thrice(docker, "network", **args)["network"]
    assert (network["Internal"], network["IPAM"]["Config"]) == (True, [{"Subnet": "172.30.5.0/24", "Gateway": "172.30.5.1"}])
    docker("network", name="second", internal=True)
    container: dict[str, Any] = {
        "name": "joined", "image": "box:1", "command": "sleep 300", "stop_timeout": 0, "networks": [{"name": "mine", "ipv4_address": "172.30.5.9", "aliases": ["web"]}]
    }  # fmt: skip
    found = thrice(docker, "container", **container)["container"]
    assert found["NetworkSettings"]["Networks"]["mine"]["IPAddress"] == "172.30.5.9"
    both = {**container, "networks": [*container["networks"], {"name": "second"}]}
    assert sorted(docker("container", **both)["container"]["NetworkSettings"]["Networks"]) == ["mine", "second"]
    only = {**container, "purge_networks": True}
    assert sorted(docker("container", **only)["container"]["NetworkSettings"]["Networks"]) == ["mine"]
    shown = thrice(docker, "network", name="second", connected=["joined"], appends=True)["diff"]
    assert (shown["before"]["connected.joined"], shown["after"]["connected.joined"]) == (False, True)
    moved = docker("network", **{**args, "ipam_config": [{"subnet": "172.30.6.0/24"}], "connected": [], "appends": False})
    assert moved["diff"]["after"]["ipam_config[0].subnet"] == "172.30.6.0/24"
    assert docker("container", name="joined", state="absent", stop_timeout=0)["changed"]
    for name in ("mine", "second"):
        assert docker("network", name=name, state="absent")["changed"]
        assert not docker("network", name=name, state="absent")["changed"]
    assert docker("network", name="x", ipam_config=[{"subnet": "bad"}])["msg"] == '"bad" is not a valid CIDR'


def test_volumes(docker: Docker) -> None:
    assert thrice(docker, "volume", name="vol", labels={"a": 1})["volume"]["Labels"] == {"a": "1"}
    assert docker("volume", name="vol", labels={"a": 2}, recreate="options-changed")["volume"]["Labels"] == {"a": "2"}
    assert docker("volume", name="vol", state="absent")["changed"]
    assert not docker("volume", name="vol", state="absent")["changed"]


def test_images(docker: Docker, docker_host: str, tmp_path: Path) -> None:
    tagged = docker("image", name="box:1", source="local", repository="other:2")
    assert (tagged["changed"], tagged["actions"]) == (True, ["Tagged image box:1 to other:2"])
    assert not docker("image", name="box:1", source="local", repository="other:2")["changed"]
    archived = docker("image", name="other", tag="2", source="local", archive_path=str(tmp_path / "a.tar"))
    assert archived["changed"] and not docker("image", name="other:2", source="local", archive_path=str(tmp_path / "a.tar"))["changed"]
    assert docker("image", check=True, name="other:2", state="absent")["changed"]
    assert docker("image", name="other:2", state="absent")["changed"]
    assert not docker("image", name="other:2", state="absent")["changed"]
    assert docker("image", name="other:2", source="load", load_path=str(tmp_path / "a.tar"))["changed"]
    assert not docker("image", name="other:2", source="load", load_path=str(tmp_path / "a.tar"))["changed"]
    assert docker("image", name="none:1", source="local")["msg"] == "Cannot find the image none:1 locally."
    assert (
        docker("image", name="none:1", source="load", load_path="/none")["msg"]
        == "Error loading image none. Specified path /none does not exist."
    )
    assert docker("image", name="127.0.0.1:1/none", source="pull")["msg"].startswith("Error pulling image 127.0.0.1:1/none:latest - ")
    pushed: dict[str, Any] = {"name": "other:2", "repository": "127.0.0.1:1/none:3", "push": True, "source": "local"}
    assert docker("image", **pushed)["msg"].startswith("Error pushing image 127.0.0.1:1/none: ")
    for repository, told in (("127.0.0.1:1/none:3", "127.0.0.1:1/none:3"), ("me/none:3", "docker.io/me/none:3")):
        assert docker("image", check=True, **{**pushed, "repository": repository})["actions"][-1] == f"Pushed image other to {told}"
    loaded = docker("image", name="none:1", source="load", load_path=str(tmp_path / "a.tar"))
    assert loaded["msg"] == "The archive did not contain image 'none:1'. Instead, found 'other:2'."


def test_building(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM box:1\nARG WHO\nLABEL who=$WHO\nCOPY file /file\n")
    (tmp_path / "file").write_text("x")
    args: dict[str, Any] = {"name": "built:1", "source": "build", "build": {"path": str(tmp_path), "args": {"WHO": "me"}, "pull": False}}
    assert docker("image", check=True, **args)["changed"]
    made = docker("image", **args)
    assert (made["changed"], made["image"]["Config"]["Labels"]) == (True, {"who": "me"})
    assert not docker("image", **args)["changed"]


def test_who_does_not_answer(call: Any, tmp_path: Path) -> None:
    made = call("docker_container", {"name": "x", "image": "y", "docker_host": f"unix://{tmp_path}/none"})
    assert made["msg"] == f"Error connecting to Docker at unix://{tmp_path}/none: [Errno 2] No such file or directory"


# What is asked for, and what is said of it before anything is made.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"comparisons": {"nosuch": "strict"}}, "Unknown module option 'nosuch' in comparisons dict!"),
    ({"comparisons": {"env": "nosuch"}}, "Unknown comparison mode 'nosuch'!"),
    ({"comparisons": {"*": "allow_more_present"}}, "The wildcard can only be used with comparison modes 'strict' and 'ignore'!"),
    ({"comparisons": {"state": "strict"}}, "The module option 'state' cannot be specified in the comparisons dict, since it does not"),
    ({"comparisons": {"hostname": "allow_more_present"}}, "Option 'hostname' is a value and not a set/list/dict, so its comparison cannot"),
    ({"volumes": ["/a:/x:zz"]}, "Found invalid volumes mode: zz"),
    ({"volumes": ["/a:/x", "/b:/x"]}, 'The mount point "/x" appears twice in the volumes option'),
]


@pytest.mark.parametrize(("args", "message"), WRONG)
def test_what_is_refused(docker: Docker, args: dict[str, Any], message: str) -> None:
    answer = docker("container", name="refused", image="box:1", command="true", **args)
    assert answer["failed"] is True and answer["msg"].startswith(message)
