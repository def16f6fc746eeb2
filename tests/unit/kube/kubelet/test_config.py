"""Proves that flags win over the file, and that mistakes are named all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.kube.client.flags import FlagError
from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.kubelet.config import configure, flag_set, shutdown_groups
from provisioner.kube.kubelet.node.shutdown import CRITICAL, Group

FILE = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS: [10.96.0.10]
maxPods: 50
authentication: {x509: {clientCAFile: /ca.crt}, webhook: {enabled: true}}
registerWithTaints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]
evictionHard: {memory.available: 100Mi}
"""


def config_of(tmp_path: Path, text: str, *flags: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "kubelet.yaml"
    path.write_text(text)
    return configure(flag_set().parse([f"--config={path}", *flags]))


def test_the_file_is_read(tmp_path: Path) -> None:
    found = config_of(tmp_path, FILE)
    assert found.cluster_dns == ("10.96.0.10",) and found.max_pods == 50 and found.authentication.x509.client_ca_file == "/ca.crt"
    assert found.register_with_taints[0].effect == "NoSchedule" and found.port == 10250 and not found.authentication.anonymous.enabled


def test_flags_win(tmp_path: Path) -> None:
    flags = [
        "--max-pods=7",
        "--client-ca-file=/other.crt",
        "--anonymous-auth",
        "--authorization-mode=AlwaysAllow",
        "--register-with-taints=a=b:NoExecute",
    ]
    found = config_of(tmp_path, FILE, *flags)
    assert found.max_pods == 7 and found.authentication.x509.client_ca_file == "/other.crt" and found.authentication.anonymous.enabled
    assert found.authorization.mode == "AlwaysAllow" and found.register_with_taints[0].value == "b"


def test_unknown_settings_are_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="maxPod: not a setting that we know; did you mean maxPods") as error:
        config_of(tmp_path, FILE.replace("maxPods", "maxPod").replace("webhook:", "webhok:"))
    assert "authentication.webhok" in str(error.value)


def test_impossible_values_are_listed_together(tmp_path: Path) -> None:
    with pytest.raises(FlagError) as error:
        config_of(tmp_path, FILE, "--max-pods=0", "--authorization-mode=None", "--container-runtime-endpoint=tcp://x")
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["authorization.mode", "containerRuntimeEndpoint", "maxPods"]


def test_unknown_flags_and_bad_taints() -> None:
    with pytest.raises(FlagError, match="did you mean --node-labels"):
        flag_set().parse(["--node-label=a=b"])
    with pytest.raises(FlagError, match="effect is NoSchedule"):
        flag_set().parse(["--register-with-taints=a:Never"])


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("", []),
        ("shutdownGracePeriod: 30s\nshutdownGracePeriodCriticalPods: 10s\n", [Group(0, 20), Group(CRITICAL, 10)]),
        (
            "shutdownGracePeriodByPodPriority: [{priority: 5, shutdownGracePeriodSeconds: 7}, {priority: 0, shutdownGracePeriodSeconds: 1}]\n",
            [Group(5, 7), Group(0, 1)],
        ),
    ],
)
def test_who_has_how_long_when_the_host_shuts_down(tmp_path: Path, text: str, groups: list[Group]) -> None:
    assert shutdown_groups(config_of(tmp_path, FILE + text)) == groups


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shutdownGracePeriod: ten\n", "shutdown_grace_period: 'ten': expected a duration"),
        ("shutdownGracePeriod: 500ms\n", "expected 0s or at least 1s"),
        ("shutdownGracePeriod: 5s\nshutdownGracePeriodCriticalPods: 6s\n", "can't be longer"),
        ("shutdownGracePeriod: 5s\nshutdownGracePeriodByPodPriority: [{priority: 0}]\n", "not both"),
        ("shutdownGracePeriodByPodPriority: [{priority: 0}, {priority: 0}]\n", "each priority once"),
    ],
)
def test_impossible_shutdowns(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(FlagError, match=problem):
        config_of(tmp_path, FILE + text)


def test_defaults_of_eviction_are_kept_where_that_is_asked(tmp_path: Path) -> None:
    assert config_of(tmp_path, FILE).eviction_hard == {"memory.available": "100Mi"}
    merged = config_of(tmp_path, FILE + "mergeDefaultEvictionSettings: true\n").eviction_hard
    assert (merged["memory.available"], merged["nodefs.available"]) == ("100Mi", "10%")


def test_pods_come_from_files_alone(tmp_path: Path) -> None:
    with pytest.raises(FlagError, match=r"staticPodURL: .* give staticPodPath"):
        config_of(tmp_path, FILE + "staticPodURL: http://x\n")
