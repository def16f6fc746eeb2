"""Proves which paths are mounted for a container, host path checks, and that no subPath leads out of its volume."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.errors import ContainerRefused, VolumeError
from provisioner.kube.kubelet.pod.downward import Place
from provisioner.kube.kubelet.volume.objects import ApiObjects
from provisioner.kube.kubelet.volume.volumes import _CHECKS, Volumes, check_host_path, most_in_memory

NO_DRIVER = "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name d.io not found in the list of registered CSI drivers"
OTHER_NODE = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["m"]}]}]}}
PLACE = Place("n", "10.0.0.1", "10.244.0.2", {})


def claim(volume: str, phase: str = "Bound") -> core_v1.PersistentVolumeClaim:
    return codec.decode_dict(core_v1.PersistentVolumeClaim, {"spec": {"volumeName": volume}, "status": {"phase": phase}})


def volume(claim: str, **spec: Any) -> core_v1.PersistentVolume:
    return codec.decode_dict(core_v1.PersistentVolume, {"spec": {"claimRef": {"namespace": "d", "name": claim}, **spec}})


class FakeClient:
    """Knows one ConfigMap, claims and their volumes."""

    def __init__(self, path: Path) -> None:
        self.objects: dict[str, Any] = {
            "settings": core_v1.ConfigMap(data={"key": "value"}),
            "data": claim("pv"),
            "p-v": claim("pv"),
            "sole": claim("alone"),
            "alone": volume("sole", hostPath={"path": str(path)}, accessModes=["ReadWriteOncePod"]),
            "unbound": core_v1.PersistentVolumeClaim(),
            "driven": claim("csi"),
            "csi": volume("driven", csi={"driver": "d.io", "volumeHandle": "1"}),
            "raw": claim("device"),
            "device": volume("raw", volumeMode="Block", local={"path": str(path)}),
            "far": claim("elsewhere"),
            "elsewhere": volume("far", local={"path": str(path)}, nodeAffinity=OTHER_NODE),
            "wish": claim("pv", phase="Pending"),
            "thief": claim("pv"),
            "n": codec.decode_dict(core_v1.Node, {"metadata": {"name": "n", "labels": {"host": "n"}}}),
            "pv": volume("data", local={"path": str(path)}),
        }

    async def get(self, kind: Any, name: str, namespace: str | None) -> Any:
        from provisioner.kube.api.errors import not_found

        if name not in self.objects:
            raise not_found("things", name)
        found = self.objects[name]
        return msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, name=name, namespace=namespace))


class FakeImages:
    """Every image holds one folder with one file."""

    async def fill(self, _: object, __: object, folder: Path) -> None:
        (folder / "models").mkdir(parents=True)
        (folder / "models/weights").write_text("1")


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    (tmp_path / "disk").mkdir()
    objects = ApiObjects(FakeClient(tmp_path / "disk"), FakeClock())  # type: ignore[arg-type]
    return Volumes(tmp_path / "kubelet", objects, FakeImages(), FakeClock())  # type: ignore[arg-type]


def pod(volumes: list[dict[str, Any]], mounts: list[dict[str, Any]] | None = None) -> core_v1.Pod:
    body = {
        "metadata": {"name": "p", "namespace": "d", "uid": "u"},
        "spec": {"containers": [{"name": "c", "volumeMounts": mounts or []}], "volumes": volumes},
    }
    return codec.decode_dict(core_v1.Pod, body)


async def test_set_up_mount_and_take_away(volumes: Volumes, tmp_path: Path) -> None:
    wanted = pod(
        [
            {"name": "empty", "emptyDir": {}},
            {"name": "cm", "configMap": {"name": "settings"}},
            {"name": "pvc", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}},
        ],
        [
            {"name": "empty", "mountPath": "/e", "subPathExpr": "$(POD)"},
            {"name": "cm", "mountPath": "/c", "readOnly": True},
            {"name": "pvc", "mountPath": "/d"},
        ],
    )
    await volumes.setup(wanted, PLACE)
    assert wanted.spec.containers
    mounts = volumes.mounts(wanted, wanted.spec.containers[0], {"POD": "p"})
    base = tmp_path / "kubelet/pods/u/volumes"
    shown = tmp_path / "kubelet/pods/u/volume-subpaths/empty/c/0"
    assert [m.host for m in mounts] == [shown, base / "kubernetes.io~configmap/cm", tmp_path / "disk"]
    (base / "kubernetes.io~empty-dir/empty/p/file").write_text("x")
    assert (shown / "file").read_text() == "x"
    assert (mounts[1].host / "key").read_text() == "value" and [m.read_only for m in mounts] == [False, True, True]
    assert volumes.pods() == {"u"}
    volumes.teardown("u")
    assert volumes.pods() == set() and (tmp_path / "disk").is_dir()


@pytest.mark.parametrize(
    ("policy", "read_only", "before", "file"),
    [
        ("Always", False, 0o755, 0o660),
        ("OnRootMismatch", False, 0o755, 0o660),
        ("OnRootMismatch", False, 0o2775, 0o600),
        ("Always", True, 0o755, 0o600),
    ],
)
async def test_a_local_volume_becomes_the_groups(
    volumes: Volumes, tmp_path: Path, policy: str, read_only: bool, before: int, file: int
) -> None:
    (tmp_path / "disk/file").touch()
    (tmp_path / "disk/file").chmod(0o600)
    (tmp_path / "disk").chmod(before)
    wanted = pod([{"name": "v", "persistentVolumeClaim": {"claimName": "data", "readOnly": read_only}}])
    wanted.spec.security_context = core_v1.PodSecurityContext(fs_group=os.getgid(), fs_group_change_policy=policy)
    await volumes.setup(wanted, PLACE)
    assert stat.S_IMODE((tmp_path / "disk/file").stat().st_mode) == file


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"configMap": {"name": "settings", "items": [{"key": "x", "path": "x"}]}}, "configmap references non-existent config key: x"),
        ({"persistentVolumeClaim": {"claimName": "unbound"}}, 'persistentvolumeclaim "unbound" is not bound'),
        ({"nfs": {"server": "s", "path": "/"}}, "no volume plugin matched: nfs is not supported on this node"),
        ({"csi": {"driver": "d.io"}}, NO_DRIVER),
        ({"persistentVolumeClaim": {"claimName": "driven"}}, NO_DRIVER),
        ({"projected": {"sources": [{"podCertificate": {}}]}}, "podCertificate projections are not supported on this node"),
        ({"ephemeral": {}}, "PVC d/p-v was not created for pod d/p (pod is not owner)"),
        ({"persistentVolumeClaim": {"claimName": "wish"}}, 'persistentvolumeclaim "wish" is not bound'),
        ({"persistentVolumeClaim": {"claimName": "thief"}}, 'persistentvolume "pv" is bound to another claim'),
        ({"persistentVolumeClaim": {"claimName": "raw"}}, "hostPath type check failed: DISK is not a block device"),
    ],
)
async def test_what_can_not_be_set_up_is_said(volumes: Volumes, tmp_path: Path, volume: dict[str, Any], message: str) -> None:
    with pytest.raises(VolumeError) as error:
        await volumes.setup(pod([{"name": "v", **volume}]), PLACE)
    assert (error.value.volume, error.value.message) == ("v", message.replace("DISK", str(tmp_path / "disk")))


async def test_a_volume_of_another_node_is_not_looked_for_here(volumes: Volumes) -> None:
    with pytest.raises(VolumeError) as error:
        await volumes.setup(pod([{"name": "v", "persistentVolumeClaim": {"claimName": "far"}}]), PLACE)
    found = (error.value.step, error.value.volume, error.value.message)
    assert found == ("NodeAffinity check failed", "elsewhere", "no matching NodeSelectorTerms")


async def test_one_pod_alone_has_a_volume_that_is_for_one(volumes: Volumes) -> None:
    first, second = (pod([{"name": "v", "persistentVolumeClaim": {"claimName": "sole"}}]) for _ in range(2))
    second.metadata.uid = "another"
    await volumes.setup(first, PLACE)
    await volumes.setup(first, PLACE)
    with pytest.raises(VolumeError, match="ReadWriteOncePod access mode and is already in use by another pod"):
        await volumes.setup(second, PLACE)
    volumes.teardown("u")
    await volumes.setup(second, PLACE)


@pytest.mark.parametrize(
    ("claim", "use", "message"),
    [
        ("raw", "volumeMounts", "volume v has volumeMode Block, but is specified in volumeMounts"),
        ("data", "volumeDevices", "volume v has volumeMode Filesystem, but is specified in volumeDevices"),
    ],
)
async def test_a_device_is_no_folder(volumes: Volumes, claim: str, use: str, message: str) -> None:
    wanted = pod([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}])
    used = {"name": "c", use: [{"name": "v", "mountPath" if use == "volumeMounts" else "devicePath": "/v"}]}
    wanted.spec.containers = [codec.decode_dict(core_v1.Container, used)]
    with pytest.raises(VolumeError) as error:
        await volumes.setup(wanted, PLACE)
    assert error.value.message == message


async def test_a_device_is_given_as_one(volumes: Volumes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_CHECKS, "BlockDevice", (stat.S_ISDIR, "a block device"))
    wanted = pod([{"name": "v", "persistentVolumeClaim": {"claimName": "raw", "readOnly": True}}])
    container = codec.decode_dict(core_v1.Container, {"name": "c", "volumeDevices": [{"name": "v", "devicePath": "/dev/xvda"}]})
    wanted.spec.containers = [container]
    await volumes.setup(wanted, PLACE)
    (device,) = volumes.devices(wanted, container)
    assert device.mapping() == {"PathOnHost": str(tmp_path / "disk"), "PathInContainer": "/dev/xvda", "CgroupPermissions": "r"}


async def test_optional_sources_may_be_missing(volumes: Volumes) -> None:
    await volumes.setup(pod([{"name": "v", "configMap": {"name": "none", "optional": True}}]), PLACE)


def test_host_path_types(tmp_path: Path) -> None:
    def check(path: Path, type_: str) -> Path:
        return check_host_path("v", core_v1.HostPathVolumeSource(path=str(path), type=type_))

    assert check(tmp_path / "new", "DirectoryOrCreate").is_dir()
    assert check(tmp_path / "file", "FileOrCreate").is_file()
    assert check(tmp_path / "missing", "") == tmp_path / "missing"
    with pytest.raises(VolumeError, match=r"hostPath type check failed: .* is not a file"):
        check(tmp_path, "File")
    with pytest.raises(VolumeError, match="is not a socket file"):
        check(tmp_path / "nothing", "Socket")


@pytest.mark.parametrize(("sub_path", "problem"), [("", ""), ("models", ""), ("none", 'subPath "none" does not exist in the image')])
async def test_an_image_is_read_only(volumes: Volumes, sub_path: str, problem: str) -> None:
    wanted = pod([{"name": "v", "image": {"reference": "r"}}], [{"name": "v", "mountPath": "/v", "subPath": sub_path}])
    await volumes.setup(wanted, PLACE)
    container = (wanted.spec.containers or [])[0]
    if problem:
        with pytest.raises(ContainerRefused, match=problem):
            volumes.mounts(wanted, container, {})
        return
    (mount,) = volumes.mounts(wanted, container, {})
    assert (mount.read_only, mount.host.name) == (True, "0" if sub_path else "v")
    volumes.teardown("u")


def test_only_one_kind_of_read_only_is_there(volumes: Volumes) -> None:
    mount = {"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": "Enabled"}
    wanted = pod([{"name": "v", "emptyDir": {}}], [mount])
    with pytest.raises(ContainerRefused, match="recursive read-only"):
        volumes.mounts(wanted, (wanted.spec.containers or [])[0], {})


@pytest.mark.parametrize(
    ("limits", "of_pod", "node", "most"),
    [([], "", 0, 0), ([], "", 100, 100), ([30, 20], "", 100, 50), ([30], "40", 100, 40), ([30], "", 20, 20)],
)
def test_memory_volumes_take_no_more_than_the_pod_may(limits: list[int], of_pod: str, node: int, most: int) -> None:
    containers = [{"name": f"c{i}", "resources": {"limits": {"memory": str(limit)}}} for i, limit in enumerate(limits)]
    resources = {"resources": {"limits": {"memory": of_pod}}} if of_pod else {}
    spec = codec.decode_dict(core_v1.PodSpec, {"containers": [*containers, {"name": "free"}], **resources})
    assert most_in_memory(spec, Place("n", "h", "p", {"memory": node} if node else {})) == most
