"""Proves a Deployment's life against the real server: roll out within its bounds, pause, roll back, scale, recreate, take over, clean up."""

from __future__ import annotations

from typing import Any


def deployment(template: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}}


def done(found: dict[str, Any], replicas: int) -> bool:
    status = found["status"]
    fresh = status.get("observedGeneration") == found["metadata"]["generation"]
    return fresh and all(status.get(key) == replicas for key in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"))


def condition(found: dict[str, Any], type_: str) -> tuple[str, str]:
    return next(((c["status"], c["reason"]) for c in found["status"].get("conditions", ()) if c["type"] == type_), ("", ""))


def test_rollout_keeps_to_its_bounds_and_back(cluster: Any, tools: Any) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster.create("deployments", deployment(tools.template({"app": "web"}), replicas=3, strategy=rolling))
    cluster.settled(lambda: done(cluster.get("deployments", "web"), 3), "the first rollout")
    first = cluster.get("deployments", "web")
    assert first["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert condition(first, "Available") == ("True", "MinimumReplicasAvailable")
    assert condition(first, "Progressing") == ("True", "NewReplicaSetAvailable")
    (only,) = cluster.list("replicasets")
    hash_ = only["metadata"]["labels"]["pod-template-hash"]
    assert only["metadata"]["name"] == f"web-{hash_}"
    assert only["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash_}
    tools.eventually(lambda: ("ScalingReplicaSet", f"Scaled up replica set web-{hash_} from 0 to 3") in cluster.events("web"))

    cluster.patch("deployments", "web", {"spec": {"template": tools.template({"app": "web"}, "registry.test/app:2")}})

    def within_bounds() -> bool:
        pods = cluster.pods()
        assert len(pods) <= 4, "more pods than maxSurge allows"
        assert sum(map(tools.is_ready, pods)) >= 3, "fewer pods than maxUnavailable allows"
        found = cluster.get("deployments", "web")
        return done(found, 3) and {p["spec"]["containers"][0]["image"] for p in pods} == {"registry.test/app:2"}

    cluster.settled(within_bounds, "the second rollout")
    assert cluster.get("deployments", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"

    cluster.patch("deployments", "web", {"spec": {"template": tools.template({"app": "web"})}})
    cluster.settled(
        lambda: done(cluster.get("deployments", "web"), 3) and cluster.get("replicasets", f"web-{hash_}")["spec"]["replicas"] == 3
    )
    back = cluster.get("replicasets", f"web-{hash_}")
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3", "a set that is rolled back to gets a new revision"
    assert len(cluster.list("replicasets")) == 2


def test_paused_holds_the_template_but_not_the_scale(cluster: Any, tools: Any) -> None:
    cluster.create("deployments", deployment(tools.template({"app": "web"}), replicas=2))
    cluster.settled(lambda: done(cluster.get("deployments", "web"), 2))
    cluster.patch("deployments", "web", {"spec": {"paused": True, "template": tools.template({"app": "web"}, "registry.test/app:2")}})
    tools.eventually(lambda: condition(cluster.get("deployments", "web"), "Progressing") == ("Unknown", "DeploymentPaused"))
    cluster.patch("deployments", "web", {"spec": {"replicas": 4}})
    cluster.settled(lambda: len(cluster.pods()) == 4 and all(map(tools.is_ready, cluster.pods())))
    assert len(cluster.list("replicasets")) == 1
    cluster.patch("deployments", "web", {"spec": {"paused": False}})
    cluster.settled(lambda: done(cluster.get("deployments", "web"), 4))
    assert {p["spec"]["containers"][0]["image"] for p in cluster.pods()} == {"registry.test/app:2"}


def test_recreate_waits_for_the_old_pods_to_be_gone(cluster: Any, tools: Any) -> None:
    cluster.create("deployments", deployment(tools.template({"app": "web"}), replicas=2, strategy={"type": "Recreate"}))
    cluster.settled(lambda: done(cluster.get("deployments", "web"), 2))
    cluster.patch("deployments", "web", {"spec": {"template": tools.template({"app": "web"}, "registry.test/app:2")}})

    def never_mixed() -> bool:
        images = {p["spec"]["containers"][0]["image"] for p in cluster.pods()}
        assert len(images) <= 1, "old and new pods at once"
        return done(cluster.get("deployments", "web"), 2) and images == {"registry.test/app:2"}

    cluster.settled(never_mixed)


def test_history_is_kept_to_its_limit(cluster: Any, tools: Any) -> None:
    cluster.create("deployments", deployment(tools.template({"app": "web"}), replicas=1, revisionHistoryLimit=1))
    for number in (2, 3, 4):
        cluster.settled(lambda: done(cluster.get("deployments", "web"), 1))
        image = f"registry.test/app:{number}"
        cluster.patch("deployments", "web", {"spec": {"template": tools.template({"app": "web"}, image)}})
    cluster.settled(lambda: done(cluster.get("deployments", "web"), 1) and len(cluster.list("replicasets")) == 2)
    revisions = {rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for rs in cluster.list("replicasets")}
    assert revisions == {"3", "4"}


def test_stuck_rollout_is_told_after_its_deadline(cluster: Any, tools: Any) -> None:
    cluster.create("deployments", deployment(tools.template({"app": "web"}), replicas=1, progressDeadlineSeconds=1, minReadySeconds=0))
    tools.eventually(lambda: condition(cluster.get("deployments", "web"), "Progressing") == ("False", "ProgressDeadlineExceeded"))
    assert condition(cluster.get("deployments", "web"), "Available") == ("False", "MinimumReplicasUnavailable")
    cluster.settled(lambda: condition(cluster.get("deployments", "web"), "Progressing") == ("True", "NewReplicaSetAvailable"))


def test_replica_set_adopts_and_lets_go(cluster: Any, tools: Any) -> None:
    loose = cluster.create("pods", {"metadata": {"name": "loose", "labels": {"app": "rs"}}, "spec": tools.template({})["spec"]})
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "rs"}}, "template": tools.template({"app": "rs"})}
    cluster.create("replicasets", {"metadata": {"name": "rs"}, "spec": spec})
    cluster.settled(lambda: cluster.get("replicasets", "rs")["status"].get("availableReplicas") == 2)
    owned = cluster.get("pods", loose["metadata"]["name"])["metadata"]["ownerReferences"]
    assert [(o["kind"], o["name"], o["controller"]) for o in owned] == [("ReplicaSet", "rs", True)]
    cluster.patch("pods", "loose", {"metadata": {"labels": {"app": "other"}}})
    cluster.settled(lambda: not cluster.get("pods", "loose")["metadata"].get("ownerReferences"))
    cluster.settled(lambda: len(cluster.pods("app=rs")) == 2)
    cluster.patch("replicasets", "rs", {"spec": {"replicas": 0}}, "scale")
    cluster.settled(lambda: cluster.get("replicasets", "rs")["status"]["replicas"] == 0 and not cluster.pods("app=rs"))
    assert not cluster.gone("pods", "loose")
