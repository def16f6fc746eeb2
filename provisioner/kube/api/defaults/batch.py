"""Defaults of jobs and cron jobs."""

from __future__ import annotations

from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.defaults import default
from provisioner.kube.api.defaults.pod import template


def job_spec(spec: batch_v1.JobSpec) -> None:
    if spec.completions is None and spec.parallelism is None:
        spec.completions = 1
    default(spec, parallelism=1, completion_mode="NonIndexed", suspend=False, manual_selector=None, pod_replacement_policy=None)
    if spec.backoff_limit is None:
        spec.backoff_limit = 2**31 - 1 if spec.backoff_limit_per_index is not None else 6
    if spec.pod_replacement_policy is None:
        spec.pod_replacement_policy = "Failed" if spec.pod_failure_policy is not None else "TerminatingOrFailed"
    for rule in (spec.pod_failure_policy.rules or ()) if spec.pod_failure_policy is not None else ():
        for pattern in rule.on_pod_conditions or ():
            default(pattern, status="True")
    template(spec.template)


def job(obj: batch_v1.Job) -> None:
    job_spec(obj.spec)


def cronjob(obj: batch_v1.CronJob) -> None:
    default(obj.spec, concurrency_policy="Allow", suspend=False, successful_jobs_history_limit=3, failed_jobs_history_limit=1)
    made = obj.spec.job_template
    if made is not None and made.spec is not None:
        # A template gets its pods' defaults; the job's own are for the job that is made of it.
        template(made.spec.template)
