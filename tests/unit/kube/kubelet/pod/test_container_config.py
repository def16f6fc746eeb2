"""Proves what Docker is asked for: namespaces, users, mounts, commands, and what is refused before it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.container_config import Device, Making, Mount, container_config, sandbox_config
from provisioner.kube.kubelet.runtime.docker_types import Image, ImageConfig
from provisioner.kube.kubelet.runtime.image_users import Users


def configured(
    container: dict[str, Any], *, image: ImageConfig | None = None, lacking: tuple[str, ...] = (), **spec: Any
) -> dict[str, Any]:
    body = {
        "metadata": {"name": "p", "namespace": "d", "uid": "u"},
        "spec": {"containers": [{"name": "c", "image": "i", **container}], **spec},
    }
    pod = codec.decode_dict(core_v1.Pod, body)
    assert pod.spec.containers
    making = Making(
        sandbox_id="box",
        attempt=2,
        variables={"A": "1"},
        mounts=[Mount(Path("/host"), "/inside", read_only=True), Mount(Path("/h2"), "/i2", propagation="Bidirectional")],
        image=Image(id="sha256:1", config=image or ImageConfig(cmd=["run"])),
        node_memory_bytes=1024**3,
        message_file=Path("/m"),
        log_config={},
        devices=[Device(Path("/dev/sdb"), "/dev/xvda")],
        lacking=lacking,
        users=Users({"1000": 1000, "app": 1000}, {"app": (50, 60)}, {"1000": "app"}),
    )
    return container_config(pod, pod.spec.containers[0], making)


def test_a_container_shares_its_sandboxs_namespaces() -> None:
    host = configured({})["HostConfig"]
    assert host["NetworkMode"] == host["IpcMode"] == "container:box" and "PidMode" not in host
    assert configured({}, shareProcessNamespace=True)["HostConfig"]["PidMode"] == "container:box"
    assert configured({}, hostPID=True, hostIPC=True)["HostConfig"]["PidMode"] == "host"


def test_binds_and_the_message_file() -> None:
    assert configured({})["HostConfig"]["Binds"] == ["/host:/inside:ro", "/h2:/i2:rw,rshared", "/m:/dev/termination-log"]


def test_commands_are_expanded_and_replace_the_images() -> None:
    found = configured({"command": ["sh", "-c"], "args": ["echo $(A) $(B)"]})
    assert (found["Entrypoint"], found["Cmd"]) == (["sh", "-c"], ["echo 1 $(B)"])
    only_args = configured({"args": ["x"]})
    assert "Entrypoint" not in only_args and only_args["Cmd"] == ["x"]


def test_no_command_at_all_is_refused() -> None:
    with pytest.raises(ContainerRefused, match="No command specified"):
        configured({}, image=ImageConfig())


def test_security_context() -> None:
    context = {
        "privileged": True,
        "readOnlyRootFilesystem": True,
        "runAsUser": 7,
        "runAsGroup": 8,
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
    }
    found = configured({"securityContext": context}, securityContext={"fsGroup": 5, "supplementalGroups": [6], "runAsUser": 1})
    host = found["HostConfig"]
    assert found["User"] == "7:8" and host["Privileged"] and host["ReadonlyRootfs"] and host["GroupAdd"] == ["6", "5"]
    assert host["CapAdd"] == ["NET_ADMIN"] and host["CapDrop"] == ["ALL"] and "no-new-privileges" in host["SecurityOpt"]


def test_a_host_that_lacks_a_capability_gives_all_others() -> None:
    lacking = ("SYS_RESOURCE",)
    host = configured({"securityContext": {"privileged": True}}, lacking=lacking)["HostConfig"]
    assert (host["Privileged"], host["CapAdd"], host["CapDrop"]) == (False, ["ALL"], ["SYS_RESOURCE"])
    assert host["DeviceCgroupRules"] == ["a *:* rwm"] and "/sys:/sys" in host["Binds"] and host["MaskedPaths"] == []
    added = configured({"securityContext": {"capabilities": {"add": ["ALL"], "drop": ["MKNOD"]}}}, lacking=lacking)["HostConfig"]
    assert (added["CapAdd"], added["CapDrop"]) == (["ALL"], ["MKNOD", "SYS_RESOURCE"]) and "DeviceCgroupRules" not in added
    plain = configured({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}, lacking=lacking)["HostConfig"]
    assert (plain["CapAdd"], plain.get("CapDrop")) == (["NET_ADMIN"], None)


def test_devices() -> None:
    host = configured({})["HostConfig"]
    assert host["Devices"] == [{"PathOnHost": "/dev/sdb", "PathInContainer": "/dev/xvda", "CgroupPermissions": "mrw"}]


def options(tmp_path: Path, *, filtered: bool = False, apparmor: bool = True, **context: Any) -> list[str]:
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "securityContext": context}]}})
    image = Image(id="1", config=ImageConfig(cmd=["x"]))
    own = {"seccomp_root": tmp_path, "seccomp_default": filtered, "apparmor": apparmor}
    making = Making("box", 0, {}, [], image, 1, Path("/m"), {}, pids_limit=99, **own)
    host = container_config(pod, (pod.spec.containers or [])[0], making)["HostConfig"]
    assert host["PidsLimit"] == 99
    found: list[str] = host["SecurityOpt"]
    return found


def test_profiles(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    assert options(tmp_path) == ["seccomp=unconfined"]
    assert options(tmp_path, seccompProfile={"type": "RuntimeDefault"}) == []
    assert options(tmp_path, filtered=True) == []
    assert options(tmp_path, filtered=True, seccompProfile={"type": "Unconfined"}) == ["seccomp=unconfined"]
    assert options(tmp_path, seccompProfile={"type": "Localhost", "localhostProfile": "mine.json"}) == ["seccomp={}"]
    assert "apparmor=mine" in options(tmp_path, appArmorProfile={"type": "Localhost", "localhostProfile": "mine"})
    assert "label=level:s0:c1" in options(tmp_path, seLinuxOptions={"level": "s0:c1"})
    with pytest.raises(ContainerRefused, match="cannot load seccomp profile"):
        options(tmp_path, seccompProfile={"type": "Localhost", "localhostProfile": "none.json"})


def test_apparmor_is_refused_where_the_host_has_none(tmp_path: Path) -> None:
    assert options(tmp_path, apparmor=False, appArmorProfile={"type": "Unconfined"}) == ["seccomp=unconfined", "apparmor=unconfined"]
    for profile in ({"type": "Localhost", "localhostProfile": "mine"}, {"type": "RuntimeDefault"}):
        with pytest.raises(ContainerRefused, match="AppArmor is not enabled on the host"):
            options(tmp_path, apparmor=False, appArmorProfile=profile)


def test_names_inside_the_pod() -> None:
    spec = {"hostname": "db-0", "subdomain": "db", "setHostnameAsFQDN": True}
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d"}, "spec": spec})
    assert sandbox_config(pod, "pause", 0, {}, domain="cluster.local")["Hostname"] == "db-0.db.d.svc.cluster.local"
    pod.spec.set_hostname_as_fqdn = None
    assert sandbox_config(pod, "pause", 0, {}, domain="cluster.local")["Hostname"] == "db-0"
    pod.spec.set_hostname_as_fqdn, pod.spec.subdomain = True, "s" * 60
    with pytest.raises(ContainerRefused, match="is too long"):
        sandbox_config(pod, "pause", 0, {}, domain="cluster.local")


@pytest.mark.parametrize(
    ("context", "user", "refused"),
    [
        ({"runAsNonRoot": True}, "", True),
        ({"runAsNonRoot": True}, "0", True),
        ({"runAsNonRoot": True}, "app", True),
        ({"runAsNonRoot": True, "runAsUser": 0}, "5", True),
        ({"runAsNonRoot": True}, "5", False),
        ({"runAsNonRoot": True, "runAsUser": 5}, "", False),
        ({}, "", False),
    ],
)
def test_run_as_non_root_is_kept(context: dict[str, Any], user: str, refused: bool) -> None:
    image = ImageConfig(user=user, cmd=["run"])
    if refused:
        with pytest.raises(ContainerRefused) as error:
            configured({"securityContext": context}, image=image)
        assert error.value.reason == "CreateContainerConfigError"
    else:
        configured({"securityContext": context}, image=image)


@pytest.mark.parametrize(
    ("context", "of_image", "user", "groups"),
    [
        ({}, "", None, []),
        ({}, "app:7", None, []),
        ({"runAsUser": 1000}, "", "1000", []),
        ({"runAsUser": 1000, "runAsGroup": 3}, "", "1000:3", ["50", "60"]),
        ({"runAsGroup": 3}, "app", "app:3", ["50", "60"]),
        ({"runAsUser": 1000, "supplementalGroups": [9], "fsGroup": 8}, "", "1000", ["9", "8"]),
        ({"runAsUser": 1000, "supplementalGroupsPolicy": "Strict"}, "", "1000:1000", []),
        ({"runAsUser": 5, "supplementalGroupsPolicy": "Strict", "supplementalGroups": [9]}, "", "5:0", ["9"]),
        ({"supplementalGroupsPolicy": "Strict"}, "app:7", "app:7", []),
        ({"runAsUser": 1000, "runAsGroup": 3, "supplementalGroupsPolicy": "Strict"}, "", "1000:3", []),
    ],
)
def test_users_and_groups(context: dict[str, Any], of_image: str, user: str | None, groups: list[str]) -> None:
    found = configured({}, image=ImageConfig(cmd=["run"], user=of_image), securityContext=context)
    assert (found.get("User"), found["HostConfig"].get("GroupAdd", [])) == (user, groups)


def test_a_signal_of_ones_own() -> None:
    assert configured({"lifecycle": {"stopSignal": "SIGUSR1"}})["StopSignal"] == "SIGUSR1"
    assert "StopSignal" not in configured({})


def test_user_namespaces_are_refused_rather_than_left_out() -> None:
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [], "hostUsers": False}})
    with pytest.raises(ContainerRefused, match="user namespaces are not supported"):
        sandbox_config(pod, "pause", 0, {})


def test_the_sandbox_has_the_pods_name_and_labels() -> None:
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d", "uid": "u", "labels": {"app": "x"}}, "spec": {}})
    found = sandbox_config(pod, "pause", 1, {})
    assert found["Hostname"] == "p" and found["HostConfig"]["NetworkMode"] == "none" and found["HostConfig"]["IpcMode"] == "shareable"
    assert found["Labels"]["app"] == "x" and found["Labels"]["io.kubernetes.container.name"] == "POD"
    pod.spec.host_network = True
    on_host = sandbox_config(pod, "pause", 1, {}, lowest_oom=0)
    assert "Hostname" not in on_host and on_host["HostConfig"]["NetworkMode"] == "host" and on_host["HostConfig"]["OomScoreAdj"] == 0
