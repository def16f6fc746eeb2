"""Defaults of jobs and cron jobs."""

from __future__ import annotations

from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.defaults import default, default_text
from provisioner.kube.api.defaults.pod import template

# Where failures are counted by index, the whole job never fails by their sum: the largest int32.
NO_LIMIT = 2**31 - 1
BACKOFF_LIMIT = 6


def job(obj: batch_v1.Job) -> None:
    spec = obj.spec
    if spec.completions is None and spec.parallelism is None:
        spec.completions = 1
    default(spec, parallelism=1, completion_mode="NonIndexed", suspend=False, manual_selector=False)
    if spec.backoff_limit is None:
        spec.backoff_limit = NO_LIMIT if spec.backoff_limit_per_index is not None else BACKOFF_LIMIT
    if spec.pod_replacement_policy is None:
        spec.pod_replacement_policy = "Failed" if spec.pod_failure_policy is not None else "TerminatingOrFailed"
    for rule in (spec.pod_failure_policy.rules or ()) if spec.pod_failure_policy is not None else ():
        for pattern in rule.on_pod_conditions or ():
            default_text(pattern, status="True")
    spec.template = template(spec.template)
    labels = spec.template.metadata.labels if spec.template.metadata is not None else None
    if labels and not obj.metadata.labels:
        obj.metadata.labels = dict(labels)


def cronjob(obj: batch_v1.CronJob) -> None:
    default_text(obj.spec, concurrency_policy="Allow")
    default(obj.spec, suspend=False, successful_jobs_history_limit=3, failed_jobs_history_limit=1)
    made = obj.spec.job_template = obj.spec.job_template or batch_v1.JobTemplateSpec()
    made.spec = made.spec or batch_v1.JobSpec()
    # A template gets its pods' defaults; the job's own are for the job that is made of it.
    made.spec.template = template(made.spec.template)
