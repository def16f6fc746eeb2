"""Proves what the kubelet begins next for a pod, whatever state its containers are in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.decide import Facts, Plan, begins_anew, container_hash, decide
from provisioner.kube.kubelet.pod.status import Seen, status_of
from provisioner.kube.kubelet.runtime.containers import SANDBOX, Container


def pod_of(policy: str = "Always", init: list[dict[str, Any]] | None = None, names: tuple[str, ...] = ("main",)) -> core_v1.Pod:
    spec = {"restartPolicy": policy, "containers": [{"name": n, "image": "i"} for n in names], "initContainers": init or []}
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": spec})


def made(name: str = "main", state: str = "running", code: int = 0, attempt: int = 0, sandbox: str = "s0") -> Container:
    spec = core_v1.Container(name=name, image="i")
    return Container(
        id=f"{name}-{attempt}-{sandbox}",
        pod_uid="u",
        pod_name="p",
        pod_namespace="d",
        name=name,
        attempt=attempt,
        sandbox_id="" if name == SANDBOX else sandbox,
        hash=container_hash(spec),
        running=state == "running",
        exited=state == "exited",
        pid=1,
        exit_code=code,
        oom_killed=False,
        error="",
        created=f"2026-01-01T00:00:0{attempt}Z",
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:09Z" if state == "exited" else "",
        image="i",
        image_id="sha256:1",
        tty=False,
        open_stdin=False,
        log_path="",
        message_file="",
        message_policy="",
        grace_s=30,
    )


def sandbox(state: str = "running", number: int = 0) -> Container:
    made_one = made(SANDBOX, state, attempt=number)
    return dataclasses.replace(made_one, id=f"s{number}")


def plan_for(pod: core_v1.Pod, *containers: Container, backoff_s: float = 0.0, **facts: Any) -> Plan:
    return decide(pod, Facts(list(containers), lambda _: backoff_s, **facts))


def test_a_new_pod_needs_its_sandbox_first() -> None:
    assert plan_for(pod_of()).sandbox


def test_containers_start_together_once_there_is_a_sandbox() -> None:
    assert plan_for(pod_of(names=("a", "b")), sandbox()).start == ["a", "b"]


def test_nothing_is_to_do_for_a_pod_that_runs() -> None:
    assert plan_for(pod_of(), sandbox(), made()) == Plan()


@pytest.mark.parametrize(
    ("policy", "code", "starts", "ended"),
    [
        ("Always", 0, True, False),
        ("Always", 1, True, False),
        ("OnFailure", 0, False, True),
        ("OnFailure", 1, True, False),
        ("Never", 0, False, True),
        ("Never", 1, False, True),
    ],
)
def test_restart_policy(policy: str, code: int, starts: bool, ended: bool) -> None:
    plan = plan_for(pod_of(policy), sandbox(), made(state="exited", code=code))
    assert (plan.start == ["main"], plan.ended) == (starts, ended)


def test_a_crashing_container_waits_for_its_backoff() -> None:
    plan = plan_for(pod_of(), sandbox(), made(state="exited", code=1), backoff_s=7.0)
    assert (plan.start, plan.waiting, plan.wait_s) == ([], {"main": 7.0}, 7.0)


def test_a_dead_sandbox_is_replaced_after_its_containers_ended() -> None:
    plan = plan_for(pod_of(), sandbox("exited"), made())
    assert [c.name for c, _ in plan.kill] == ["main"] and not plan.sandbox
    assert plan_for(pod_of(), sandbox("exited"), made(state="exited")).sandbox


def test_a_finished_pod_gets_no_new_sandbox() -> None:
    done = made(state="exited")
    assert plan_for(pod_of("Never"), sandbox("exited"), done).ended
    assert plan_for(pod_of("OnFailure"), sandbox("exited"), done).ended
    assert not plan_for(pod_of("OnFailure"), sandbox("exited"), made(state="exited", code=1)).ended


def test_containers_of_an_old_sandbox_count_no_more() -> None:
    plan = plan_for(pod_of(), sandbox("exited"), sandbox(number=1), made(state="exited"))
    assert plan.start == ["main"]


def test_init_containers_run_one_by_one_before_the_others() -> None:
    pod = pod_of(init=[{"name": "one", "image": "i"}, {"name": "two", "image": "i"}])
    assert plan_for(pod, sandbox()).start == ["one"]
    assert plan_for(pod, sandbox(), made("one")).start == []
    one = made("one", "exited")
    assert plan_for(pod, sandbox(), one).start == ["two"]
    assert plan_for(pod, sandbox(), one, made("two", "exited")).start == ["main"]


def test_a_failed_init_container_ends_a_pod_that_never_restarts() -> None:
    init = [{"name": "one", "image": "i"}]
    assert plan_for(pod_of("Never", init), sandbox(), made("one", "exited", code=1)).ended
    assert plan_for(pod_of("OnFailure", init), sandbox(), made("one", "exited", code=1)).start == ["one"]


def test_init_containers_that_were_cleaned_away_dont_run_again() -> None:
    pod = pod_of(init=[{"name": "one", "image": "i"}])
    assert plan_for(pod, sandbox(), made()) == Plan()


def test_a_sidecar_holds_the_others_until_it_has_started_and_restarts_alone() -> None:
    pod = pod_of(init=[{"name": "side", "image": "i", "restartPolicy": "Always"}])
    side = made("side")
    assert plan_for(pod, sandbox()).start == ["side"]
    assert plan_for(pod, sandbox(), side).start == []
    assert plan_for(pod, sandbox(), side, started=frozenset({side.id})).start == ["main"]
    assert plan_for(pod, sandbox(), made("side", "exited"), made()).start == ["side"]


def test_what_fails_its_liveness_probe_is_killed() -> None:
    main = made()
    plan = plan_for(pod_of(), sandbox(), main, unhealthy={main.id: "it failed"})
    assert plan.kill == [(main, "it failed")]


def test_another_image_means_another_container() -> None:
    pod = pod_of()
    assert pod.spec.containers is not None
    pod.spec.containers[0].image = "other"
    plan = plan_for(pod, sandbox(), made())
    assert [why for _, why in plan.kill] == ["Container main definition changed, will be restarted"]


def test_ephemeral_containers_start_once() -> None:
    pod = pod_of()
    pod.spec.ephemeral_containers = [core_v1.EphemeralContainer(name="debug", image="i")]
    assert plan_for(pod, sandbox(), made()).start == ["debug"]
    assert plan_for(pod, sandbox(), made(), made("debug", "exited", code=1)).start == []


RULES = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]


@pytest.mark.parametrize(
    ("pod_policy", "own", "code", "again"),
    [
        ("Always", {}, 0, True),
        ("Never", {}, 1, False),
        ("OnFailure", {}, 1, True),
        ("OnFailure", {}, 0, False),
        ("Always", {"restartPolicy": "Never"}, 1, False),
        ("Never", {"restartPolicy": "OnFailure"}, 1, True),
        ("Never", {"restartPolicy": "Never", "restartPolicyRules": RULES}, 42, True),
        ("Never", {"restartPolicy": "Never", "restartPolicyRules": RULES}, 1, False),
    ],
)
def test_who_starts_again(pod_policy: str, own: dict[str, Any], code: int, again: bool) -> None:
    spec = {"restartPolicy": pod_policy, "containers": [{"name": "main", "image": "i", **own}]}
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "uid": "u"}, "spec": spec})
    plan = plan_for(pod, sandbox(), made(state="exited", code=code))
    assert (plan.start == ["main"], plan.ended) == (again, not again)


ALL = {
    "restartPolicy": "Never",
    "restartPolicyRules": [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}],
}


def began(one: Container, second: int) -> Container:
    return dataclasses.replace(one, created=f"2026-01-01T00:00:{second:02}.5Z", id=f"{one.id}-{second}")


def asking_pod(**spec: Any) -> core_v1.Pod:
    init = {"name": "init", "image": "i"}
    containers = [{"name": "main", "image": "i", **ALL}, {"name": "other", "image": "i"}]
    return codec.decode_dict(
        core_v1.Pod,
        {
            "metadata": {"name": "p", "namespace": "d", "uid": "u"},
            "spec": {"restartPolicy": "Never", "initContainers": [init], "containers": containers, **spec},
        },
    )


def test_one_container_asks_for_all_to_begin_anew() -> None:
    pod, init, main = asking_pod(), made("init", "exited"), made("main", "exited", 88)
    ended = plan_for(pod, sandbox(), init, main, made("other"))
    assert (ended.restarting, [c.name for c, _ in ended.kill], ended.start) == (main, ["other"], []), "all others end first"
    gone = plan_for(pod, sandbox(), init, main, made("other", "exited", 137))
    assert (gone.start, gone.ended) == (["init"], False), "then everything begins from the first init container"
    assert plan_for(pod, sandbox(), init, main, made("other", "exited", 137), backoff_s=7.0).waiting == {"init": 7.0}
    fresh = began(made("init", "exited", attempt=1), 10)
    assert plan_for(pod, sandbox(), init, main, made("other", "exited", 137), fresh).start == ["main", "other"]
    again = [began(made("main", attempt=1), 11), began(made("other", attempt=1), 11)]
    assert plan_for(pod, sandbox(), init, main, made("other", "exited", 137), fresh, *again) == Plan(), "what is new stays"


def test_an_init_container_that_fails_then_ends_the_pod() -> None:
    pod, old = asking_pod(), [made("init", "exited"), made("main", "exited", 88), made("other", "exited")]
    assert plan_for(pod, sandbox(), *old, began(made("init", "exited", 1, attempt=1), 10)).ended


def test_what_is_looked_at_by_hand_goes_on() -> None:
    pod = asking_pod(ephemeralContainers=[{"name": "debug", "image": "i"}])
    plan = plan_for(pod, sandbox(), made("init", "exited"), made("main", "exited", 88), made("debug"))
    assert (plan.kill, plan.start) == ([], ["init"])


def test_a_pod_that_begins_anew_is_not_over() -> None:
    pod = asking_pod()
    ended = [sandbox(), made("init", "exited"), made("main", "exited", 88), made("other", "exited", 137)]
    anew = [began(made("main", "exited", 1, attempt=1), 10), began(made("other", "exited", 1, attempt=1), 10)]
    for containers, phase in ((ended, "Running"), ([*ended, *anew], "Failed")):
        assert begins_anew(pod, containers) is (phase == "Running")
        assert status_of(pod, Seen(containers=containers, now="2026-01-01T00:00:20Z", host_ip="", pod_ip="")).phase == phase
