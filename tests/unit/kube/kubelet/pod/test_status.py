"""Proves that a pod's status is what upstream would report: phases, reasons, conditions and their transition times."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.status import Seen, status_of
from provisioner.kube.kubelet.runtime.containers import SANDBOX, Container, view
from provisioner.kube.kubelet.runtime.docker_types import Inspect, InspectConfig, State

NOW = "2026-01-01T00:01:00Z"


def pod_of(policy: str = "Always", **spec: Any) -> core_v1.Pod:
    body = {"restartPolicy": policy, "containers": [{"name": "main", "image": "busybox:1"}], **spec}
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": body})


def made(name: str = "main", status: str = "running", code: int = 0, attempt: int = 0, **state: Any) -> Container:
    labels = {
        "io.kubernetes.pod.uid": "u",
        "io.kubernetes.container.name": name,
        "annotation.io.kubernetes.container.restartCount": str(attempt),
    }
    if name != SANDBOX:
        labels["io.kubernetes.sandbox.id"] = f"{SANDBOX}0"
    times = {"started_at": "2026-01-01T00:00:01.123456789Z", "finished_at": "2026-01-01T00:00:05.5Z" if status == "exited" else ""}
    found = Inspect(
        id=f"{name}{attempt}",
        created="2026-01-01T00:00:00Z",
        image="sha256:abc",
        state=State(status=status, running=status == "running", exit_code=code, **{**times, **state}),
        config=InspectConfig(labels=labels),
    )
    container = view(found)
    assert container is not None
    return container


def status(pod: core_v1.Pod, *containers: Container, **seen: Any) -> core_v1.PodStatus:
    defaults: dict[str, Any] = {"now": NOW, "host_ip": "10.0.0.1", "pod_ip": "10.244.0.2"}
    return status_of(pod, Seen(containers=containers, **{**defaults, **seen}))


def conditions(found: core_v1.PodStatus) -> dict[str | None, tuple[str | None, str | None]]:
    return {c.type: (c.status, c.reason) for c in found.conditions or ()}


def state_of(found: core_v1.PodStatus) -> core_v1.ContainerStatus:
    assert found.container_statuses is not None
    return found.container_statuses[0]


def test_a_pod_that_was_just_seen_is_creating() -> None:
    found = status(pod_of(), pod_ip="")
    state = state_of(found).state
    assert found.phase == "Pending" and found.start_time == NOW
    assert state is not None and state.waiting is not None and state.waiting.reason == "ContainerCreating"
    assert conditions(found) == {
        "PodReadyToStartContainers": ("False", None),
        "Initialized": ("True", None),
        "Ready": ("False", "ContainersNotReady"),
        "ContainersReady": ("False", "ContainersNotReady"),
        "PodScheduled": ("True", None),
    }
    assert found.pod_ips is None


def test_a_ready_pod() -> None:
    main = made()
    found = status(pod_of(), made(SANDBOX), main, ready=frozenset({main.id}), started=frozenset({main.id}))
    one = state_of(found)
    assert found.phase == "Running" and found.pod_ips == [core_v1.PodIP(ip="10.244.0.2")]
    assert one.ready and one.started and one.container_id == "docker://main0" and one.image_id == "docker://sha256:abc"
    assert one.state is not None and one.state.running is not None and one.state.running.started_at == "2026-01-01T00:00:01Z"
    assert {value[0] for value in conditions(found).values()} == {"True"}


def test_a_readiness_gate_holds_the_pod_and_not_its_containers() -> None:
    main = made()
    pod = pod_of(readinessGates=[{"conditionType": "example.com/gate"}])
    kwargs: dict[str, Any] = {"ready": frozenset({main.id}), "started": frozenset({main.id})}
    found = status(pod, made(SANDBOX), main, **kwargs)
    assert conditions(found)["ContainersReady"][0] == "True" and conditions(found)["Ready"] == ("False", "ReadinessGatesNotReady")
    pod.status.conditions = [core_v1.PodCondition(type="example.com/gate", status="True")]
    found = status(pod, made(SANDBOX), main, **kwargs)
    assert conditions(found)["Ready"][0] == "True" and "example.com/gate" in conditions(found)


def test_a_crash_loop_shows_the_last_end_and_the_pod_still_runs() -> None:
    ended = made(status="exited", code=3)
    found = status(pod_of(), made(SANDBOX), ended, waiting={"main": ("CrashLoopBackOff", "back-off")}, messages={ended.id: "why"})
    one = state_of(found)
    assert found.phase == "Running"
    assert one.state is not None and one.state.waiting is not None and one.state.waiting.reason == "CrashLoopBackOff"
    assert one.last_state is not None and one.last_state.terminated is not None
    last = one.last_state.terminated
    assert (last.exit_code, last.reason, last.message, last.finished_at) == (3, "Error", "why", "2026-01-01T00:00:05Z")


def test_a_second_attempt_counts_as_restart_and_keeps_the_first_ones_end() -> None:
    found = status(pod_of(), made(SANDBOX), made(status="exited", code=1), made(attempt=1))
    one = state_of(found)
    assert one.restart_count == 1 and one.state is not None and one.state.running is not None
    assert (
        one.last_state is not None and one.last_state.terminated is not None and one.last_state.terminated.container_id == "docker://main0"
    )


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [
        ("Never", 0, "Succeeded"),
        ("Never", 1, "Failed"),
        ("OnFailure", 0, "Succeeded"),
        ("OnFailure", 1, "Running"),
        ("Always", 0, "Running"),
    ],
)
def test_phase_of_a_pod_whose_container_ended(policy: str, code: int, phase: str) -> None:
    assert status(pod_of(policy), made(SANDBOX), made(status="exited", code=code)).phase == phase


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [(0, {}, "Completed"), (1, {}, "Error"), (137, {"oom_killed": True}, "OOMKilled")],
)
def test_reasons_of_an_end(code: int, state: dict[str, Any], reason: str) -> None:
    one = state_of(status(pod_of("Never"), made(SANDBOX), made(status="exited", code=code, **state)))
    assert one.state is not None and one.state.terminated is not None and one.state.terminated.reason == reason


def test_a_container_that_docker_could_not_start() -> None:
    broken = made(status="created", code=127, started_at="0001-01-01T00:00:00Z", finished_at="0001-01-01T00:00:00Z", error="no such file")
    one = state_of(status(pod_of("Never"), made(SANDBOX), broken))
    assert one.state is not None and one.state.terminated is not None
    assert (one.state.terminated.reason, one.state.terminated.message) == ("ContainerCannotRun", "no such file")


def test_init_containers_hold_the_phase_and_the_condition() -> None:
    pod = pod_of("Never", initContainers=[{"name": "first", "image": "i"}])
    found = status(pod, made(SANDBOX), made("first"))
    assert found.phase == "Pending" and conditions(found)["Initialized"] == ("False", "ContainersNotInitialized")
    state = state_of(found).state
    assert state is not None and state.waiting is not None and state.waiting.reason == "PodInitializing"
    assert status(pod, made(SANDBOX), made("first", "exited", code=1)).phase == "Failed"
    done = status(pod, made(SANDBOX), made("first", "exited"), made())
    assert done.phase == "Running" and conditions(done)["Initialized"][0] == "True"


def test_a_pod_is_not_over_while_a_sidecar_runs() -> None:
    pod = pod_of("Never", initContainers=[{"name": "beside", "image": "i", "restartPolicy": "Always"}])
    beside, ended = made("beside"), made("main", "exited")
    assert status(pod, made(SANDBOX), beside, ended, started=frozenset({beside.id})).phase == "Running"
    assert status(pod, made(SANDBOX), made("beside", "exited"), ended).phase == "Succeeded"
    both = pod_of("Never", initContainers=[*[{"name": "beside", "image": "i", "restartPolicy": "Always"}], {"name": "first", "image": "i"}])
    failed = made("first", "exited", code=1)
    assert status(both, made(SANDBOX), beside, failed, started=frozenset({beside.id})).phase == "Pending"
    assert status(both, made(SANDBOX), made("beside", "exited"), failed, terminating=True, final="Failed").phase == "Failed"


def test_transition_times_move_only_with_the_status() -> None:
    pod = pod_of()
    pod.status = status(pod, now="2026-01-01T00:00:00Z")
    main = made()
    found = status(pod, made(SANDBOX), main, ready=frozenset({main.id}), started=frozenset({main.id}))
    times = {c.type: c.last_transition_time for c in found.conditions or ()}
    assert times["PodScheduled"] == "2026-01-01T00:00:00Z" and times["Ready"] == NOW
    assert found.start_time == "2026-01-01T00:00:00Z"


def test_a_decided_end_says_why() -> None:
    found = status(pod_of(), final="Failed", reason="DeadlineExceeded", message="too long", terminating=True)
    assert (found.phase, found.reason, found.message) == ("Failed", "DeadlineExceeded", "too long")
    assert conditions(found)["Ready"] == ("False", "PodFailed")


def test_what_never_began_waits_still_when_an_init_container_failed() -> None:
    pod = pod_of("Never", initContainers=[{"name": "one", "image": "i"}, {"name": "two", "image": "i"}])
    found = status(pod, made("one", "exited", code=1), terminating=True, final="Failed")
    assert found.phase == "Failed" and conditions(found)["Initialized"] == ("False", "ContainersNotInitialized")
    for waits in (state_of(found), (found.init_container_statuses or [])[1]):
        assert waits.state is not None and waits.state.waiting is not None and waits.state.waiting.reason == "PodInitializing"


def test_a_pod_that_was_turned_away_has_no_containers() -> None:
    found = status(pod_of(), final="Failed", reason="OutOfcpu", terminating=True, rejected=True)
    assert (found.phase, found.reason, found.container_statuses) == ("Failed", "OutOfcpu", None)


def test_resources_and_mounts_of_a_running_container() -> None:
    mounts = [{"name": "v", "mountPath": "/v", "readOnly": True}, {"name": "w", "mountPath": "/w"}]
    pod = pod_of(containers=[{"name": "main", "image": "i", "volumeMounts": mounts}])
    given, has = (core_v1.ResourceRequirements(requests={"cpu": cpu}) for cpu in ("200m", "100m"))
    found = status(pod, made(), allocated={"main": given}, actual={"main": has}, resizing=[("PodResizeInProgress", "", "")])
    main = state_of(found)
    assert (main.allocated_resources, main.resources) == ({"cpu": "200m"}, has)
    assert [(m.mount_path, m.recursive_read_only) for m in main.volume_mounts or ()] == [("/v", "Disabled"), ("/w", None)]
    assert conditions(found)["PodResizeInProgress"] == ("True", None)
    pod.status = found
    assert "PodResizeInProgress" not in conditions(status(pod, made()))


def test_all_begin_anew_and_say_so_until_they_have_ended() -> None:
    pod = pod_of()
    pod.status = status(pod, made(SANDBOX), made(), restarting=("main", 88))
    told = next(c for c in pod.status.conditions or () if c.type == "AllContainersRestarting")
    assert (told.status, told.reason, told.message) == (
        "True",
        "ContainerExited",
        "Container main exited with code 88, triggering pod restart",
    )
    assert conditions(status(pod, made(SANDBOX), made()))["AllContainersRestarting"] == ("False", None)
