"""Proves jobs and cron jobs against the real server, the tests ending the pods as kubelets would."""

from __future__ import annotations

import time
from typing import Any


def job(tools: Any, **spec: Any) -> dict[str, Any]:
    made = {"template": tools.template({"app": "job"}, restartPolicy="Never"), **spec}
    return {"metadata": {"name": "work"}, "spec": made}


def conditions(found: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c.get("reason", "") for c in found["status"].get("conditions", ()) if c["status"] == "True"}


def stamp(ago_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


def active(cluster: Any) -> list[dict[str, Any]]:
    return [p for p in cluster.pods() if p.get("status", {}).get("phase") not in ("Succeeded", "Failed")]


def test_completions_are_reached_in_parallel(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, completions=3, parallelism=2))
    tools.eventually(lambda: len(active(cluster)) == 2)
    assert cluster.get("jobs", "work")["status"]["startTime"]
    cluster.end_pod(active(cluster)[0])
    tools.eventually(lambda: cluster.get("jobs", "work")["status"].get("succeeded") == 1)
    tools.eventually(lambda: len(active(cluster)) == 2)
    for pod in active(cluster):
        cluster.end_pod(pod)
    tools.eventually(lambda: "Complete" in conditions(cluster.get("jobs", "work")))
    found = cluster.get("jobs", "work")
    assert found["status"]["succeeded"] == 3
    assert found["status"]["completionTime"]
    assert conditions(found) == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    tools.eventually(lambda: ("Completed", "Job completed") in cluster.events("work"))


def test_failures_end_at_the_limit(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, backoffLimit=0))
    pod = tools.eventually(lambda: active(cluster))[0]
    cluster.end_pod(pod, code=3)
    tools.eventually(lambda: conditions(cluster.get("jobs", "work")).get("Failed") == "BackoffLimitExceeded")
    assert cluster.get("jobs", "work")["status"]["failed"] == 1


def test_deadline_ends_what_runs(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, activeDeadlineSeconds=1))
    tools.eventually(lambda: conditions(cluster.get("jobs", "work")).get("Failed") == "DeadlineExceeded")
    tools.eventually(lambda: not active(cluster))


def test_suspended_has_no_pods_and_starts_when_told(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, suspend=True))
    tools.eventually(lambda: conditions(cluster.get("jobs", "work")).get("Suspended") == "JobSuspended")
    assert not cluster.list("pods")
    cluster.patch("jobs", "work", {"spec": {"suspend": False}})
    tools.eventually(lambda: len(active(cluster)) == 1)
    tools.eventually(lambda: "Suspended" not in conditions(cluster.get("jobs", "work")))
    assert cluster.get("jobs", "work")["status"]["startTime"]


def test_indexes_each_succeed_once(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, completions=3, parallelism=3, completionMode="Indexed"))
    pods = tools.eventually(lambda: len(active(cluster)) == 3 and active(cluster))
    by_index = {p["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]: p for p in pods}
    assert sorted(by_index) == ["0", "1", "2"]
    assert by_index["1"]["spec"]["hostname"] == "work-1"
    for pod in pods:
        cluster.end_pod(pod)
    tools.eventually(lambda: "Complete" in conditions(cluster.get("jobs", "work")))
    assert cluster.get("jobs", "work")["status"]["completedIndexes"] == "0-2"


def test_finished_job_goes_after_its_time(cluster: Any, tools: Any) -> None:
    cluster.create("jobs", job(tools, ttlSecondsAfterFinished=1))
    cluster.end_pod(tools.eventually(lambda: active(cluster))[0])
    tools.eventually(lambda: cluster.gone("jobs", "work"))


def cron(tools: Any, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"template": tools.template({"app": "cron"}, restartPolicy="Never")}}
    return {"metadata": {"name": "tick"}, "spec": {"schedule": "* * * * *", "jobTemplate": template, **spec}}


def test_cron_job_starts_what_is_due_and_cleans_up(cluster: Any, tools: Any) -> None:
    cluster.create("cronjobs", cron(tools, successfulJobsHistoryLimit=0))
    cluster.patch("cronjobs", "tick", {"status": {"lastScheduleTime": stamp(130)}}, "status")
    tools.eventually(lambda: len(cluster.list("jobs")) == 1)
    found = cluster.list("jobs")[0]
    at = found["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert at.endswith(":00Z")
    assert found["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    tools.eventually(
        lambda: [r["name"] for r in cluster.get("cronjobs", "tick")["status"].get("active", ())] == [found["metadata"]["name"]]
    )
    assert cluster.get("cronjobs", "tick")["status"]["lastScheduleTime"] == at
    cluster.patch("cronjobs", "tick", {"spec": {"suspend": True}})
    cluster.end_pod(tools.eventually(lambda: active(cluster))[0])
    tools.eventually(lambda: not cluster.list("jobs"), "the job that succeeded is beyond the history's limit")
    tools.eventually(lambda: cluster.get("cronjobs", "tick")["status"].get("lastSuccessfulTime"))
    text = f"Saw completed job: {found['metadata']['name']}, condition: Complete"
    tools.eventually(lambda: ("SawCompletedJob", text) in cluster.events("tick"))


def test_cron_job_forbids_another_while_one_runs(cluster: Any, tools: Any) -> None:
    cluster.create("cronjobs", cron(tools, concurrencyPolicy="Forbid"))
    cluster.patch("cronjobs", "tick", {"status": {"lastScheduleTime": stamp(130)}}, "status")
    tools.eventually(lambda: cluster.get("cronjobs", "tick")["status"].get("active"))
    first = cluster.list("jobs")[0]["metadata"]["name"]
    cluster.patch("jobs", first, {"metadata": {"labels": {"seen": "true"}}})
    # As if the running one had been of an earlier minute.
    body = {"status": {"lastScheduleTime": stamp(130), "active": [{"kind": "Job", "name": "older", "uid": "none"}]}}
    cluster.patch("cronjobs", "tick", {"spec": {"schedule": "*/1 * * * *"}})
    cluster.patch("cronjobs", "tick", body, "status")
    tools.eventually(lambda: any(reason == "MissingJob" for reason, _ in cluster.events("tick")))
    assert [j["metadata"]["name"] for j in cluster.list("jobs")] == [first]


def test_cron_job_with_no_such_zone_is_told(cluster: Any, tools: Any) -> None:
    code, answer = cluster.server.call("POST", cluster.path("cronjobs"), cron(tools, timeZone="Mars/Olympus"))
    assert code == 422, answer
