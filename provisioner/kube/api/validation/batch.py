"""Jobs and cron jobs: numbers, completion modes, schedules; and what of a job never changes."""

from __future__ import annotations

import copy
import re
import zoneinfo
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.api.strategies import job_labels
from provisioner.kube.api.validation import checks, workloads
from provisioner.kube.api.validation.checks import not_negative, one_of, unchanged
from provisioner.kube.api.validation.workloads import template

# Jobs that a cron job makes are named for it and the minute, in eleven characters.
MAX_CRON_NAME = 63 - 11
MAX_INDEXED_PARALLELISM = 100_000
MAX_MANAGED_BY = 63
MACROS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
# Lowest and highest number, and names, of each field: minute, hour, day, month, weekday.
_FIELDS = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    (0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def create(obj: Any) -> list[FieldError]:
    return _cron(obj) if isinstance(obj, batch_v1.CronJob) else _new_job(obj)


def always(obj: Any) -> list[FieldError]:
    return _cron(obj) if isinstance(obj, batch_v1.CronJob) else job_spec(obj.spec, "spec")


def _new_job(obj: batch_v1.Job) -> list[FieldError]:
    problems = job_spec(obj.spec, "spec") + _selector(obj)
    if obj.spec.completion_mode == "Indexed" and obj.metadata.name:
        # Pods of an indexed job are hostnames: the name, a dash and the index.
        longest = f"{obj.metadata.name}-{max((obj.spec.completions or 1) - 1, 0)}"
        for message in names.is_dns_label(longest):
            detail = f"will not able to create pod with invalid DNS label: {longest}: {message}"
            problems.append(errors.invalid_value("metadata.name", obj.metadata.name, detail))
    return problems


def _selector(obj: batch_v1.Job) -> list[FieldError]:
    """It selects the template's own pods; one that isn't the user's own affair is by the job's uid and nothing else."""
    template_of = obj.spec.template.metadata if obj.spec.template is not None else None
    own = (template_of.labels if template_of is not None else None) or {}
    problems = workloads.selector(obj.spec, own, "Job")
    if not obj.spec.manual_selector and not from_struct(obj.spec.selector).matches(job_labels(obj.metadata)):
        problems.append(errors.invalid_value("spec.selector", obj.spec.selector, "`selector` not auto-generated"))
    return problems


def job_spec(spec: batch_v1.JobSpec, path: str) -> list[FieldError]:
    """A job's spec, in cron jobs too."""
    problems = []
    for name, value in (
        ("parallelism", spec.parallelism),
        ("completions", spec.completions),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
    ):
        problems += not_negative(f"{path}.{name}", value)
    problems += one_of(f"{path}.completionMode", spec.completion_mode, ("Indexed", "NonIndexed"), optional=True)
    if spec.completion_mode == "Indexed" and spec.completions is None:
        problems.append(errors.required(f"{path}.completions", "when completion mode is Indexed"))
    if spec.backoff_limit_per_index is not None and spec.completion_mode != "Indexed":
        message = "requires indexed completion mode"
        problems.append(errors.invalid_value(f"{path}.backoffLimitPerIndex", spec.backoff_limit_per_index, message))
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        problems.append(errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    elif spec.max_failed_indexes is not None and spec.completions is not None and spec.max_failed_indexes > spec.completions:
        message = "must be less than or equal to completions"
        problems.append(errors.invalid_value(f"{path}.maxFailedIndexes", spec.max_failed_indexes, message))
    if spec.completion_mode == "Indexed" and (spec.parallelism or 0) > MAX_INDEXED_PARALLELISM:
        message = f"must be less than or equal to {MAX_INDEXED_PARALLELISM} when completion mode is Indexed"
        problems.append(errors.invalid_value(f"{path}.parallelism", spec.parallelism, message))
    if spec.managed_by is not None:
        problems += _managed_by(spec.managed_by, f"{path}.managedBy")
    problems += _success_policy(spec, f"{path}.successPolicy")
    allowed = ("Failed",) if spec.pod_failure_policy is not None else ("Failed", "TerminatingOrFailed")
    problems += one_of(f"{path}.podReplacementPolicy", spec.pod_replacement_policy, allowed, optional=True)
    if spec.template is None or spec.template.spec is None:
        return [*problems, errors.required(f"{path}.template.spec")]
    own = (spec.template.metadata.labels if spec.template.metadata is not None else None) or {}
    problems += template(spec.template, f"{path}.template", own)
    policy, where = spec.template.spec.restart_policy, f"{path}.template.spec.restartPolicy"
    if policy in ("", None, "Always"):
        problems.append(errors.required(where, 'valid values: "OnFailure", "Never"'))
    elif policy == "OnFailure" and spec.pod_failure_policy is not None:
        problems.append(errors.invalid_value(where, policy, 'only "Never" is supported when podFailurePolicy is specified'))
    return problems + _failure_policy(spec.pod_failure_policy, f"{path}.podFailurePolicy")


def _managed_by(name: str, path: str) -> list[FieldError]:
    domain, slash, rest = name.partition("/")
    if not slash or not rest or names.is_dns_subdomain(domain):
        return [errors.invalid_value(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return [errors.too_long(path, MAX_MANAGED_BY)] if len(name) > MAX_MANAGED_BY else []


def _success_policy(spec: batch_v1.JobSpec, path: str) -> list[FieldError]:
    found = spec.success_policy
    if found is None:
        return []
    problems = []
    if spec.completion_mode != "Indexed":
        problems.append(errors.invalid_value(path, found, "requires indexed completion mode"))
    problems += checks.needed(f"{path}.rules", found.rules, "at least one rules must be specified when successPolicy is specified")
    for index, rule in enumerate(found.rules or ()):
        where = f"{path}.rules[{index}]"
        if rule.succeeded_count is None and rule.succeeded_indexes is None:
            problems.append(errors.required(where, "at least one of succeededCount or succeededIndexes must be specified"))
        if rule.succeeded_count is not None and rule.succeeded_count <= 0:
            problems.append(errors.invalid_value(f"{where}.succeededCount", rule.succeeded_count, "must be greater than 0"))
        elif rule.succeeded_count is not None and spec.completions is not None and rule.succeeded_count > spec.completions:
            message = f"must be less than or equal to {spec.completions} (the number of specified completions)"
            problems.append(errors.invalid_value(f"{where}.succeededCount", rule.succeeded_count, message))
        wrong = index_error(rule.succeeded_indexes, spec.completions or 0) if rule.succeeded_indexes is not None else ""
        if wrong:
            message = f"error parsing succeededIndexes: {wrong}"
            problems.append(errors.invalid_value(f"{where}.succeededIndexes", rule.succeeded_indexes, message))
    return problems


def index_error(text: str, completions: int) -> str:
    """What is wrong with a list of indexes (`1,3-5`), or ""."""
    last = -1
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2:
            return f"the fragment \"{part}\" violates the requirement that an index interval can have at most two parts separated by '-'"
        for end in ends:
            if not (end.isascii() and end.isdigit()):
                return f'cannot convert string to integer for index: "{end}"'
            if int(end) >= completions:
                return f'too large index: "{end}"'
            if int(end) <= last:
                return f"non-increasing order, previous: {last}, current: {int(end)}"
            last = int(end)
    return ""


def _failure_policy(found: batch_v1.PodFailurePolicy | None, path: str) -> list[FieldError]:
    problems = []
    for index, rule in enumerate((found.rules or ()) if found is not None else ()):
        where = f"{path}.rules[{index}]"
        problems += one_of(f"{where}.action", rule.action, ("Count", "FailIndex", "FailJob", "Ignore"))
        if (rule.on_exit_codes is None) == (not rule.on_pod_conditions):
            message = (
                "specifying one of OnExitCodes and OnPodConditions is required"
                if rule.on_exit_codes is None
                else ("specifying both OnExitCodes and OnPodConditions is not supported")
            )
            problems.append(errors.invalid_value(where, rule, message))
        if rule.on_exit_codes is not None:
            problems += one_of(f"{where}.onExitCodes.operator", rule.on_exit_codes.operator, ("In", "NotIn"))
            problems += checks.needed(f"{where}.onExitCodes.values", rule.on_exit_codes.values)
    return problems


def _cron(obj: batch_v1.CronJob) -> list[FieldError]:
    spec, problems = obj.spec, []
    if len(obj.metadata.name or "") > MAX_CRON_NAME:
        problems.append(errors.invalid_value("metadata.name", obj.metadata.name, f"must be no more than {MAX_CRON_NAME} characters"))
    problems += _schedule(spec.schedule)
    if spec.time_zone is not None:
        problems += _zone(spec.time_zone)
    problems += not_negative("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    problems += one_of("spec.concurrencyPolicy", spec.concurrency_policy, ("Allow", "Forbid", "Replace"))
    problems += not_negative("spec.successfulJobsHistoryLimit", spec.successful_jobs_history_limit)
    problems += not_negative("spec.failedJobsHistoryLimit", spec.failed_jobs_history_limit)
    made = spec.job_template.spec if spec.job_template is not None else None
    if made is None:
        return [*problems, errors.required("spec.jobTemplate.spec")]
    if made.manual_selector:
        problems.append(errors.not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false")))
    return problems + job_spec(made, "spec.jobTemplate.spec")


def _zone(name: str) -> list[FieldError]:
    path = "spec.timeZone"
    if not name:
        return [errors.invalid_value(path, name, "timeZone must be nil or non-empty string")]
    if name.lower() == "local":
        return [errors.invalid_value(path, name, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")]
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return [errors.invalid_value(path, name, f"unknown time zone {name}")]
    return []


def _schedule(text: str | None) -> list[FieldError]:
    if not text:
        return [errors.required("spec.schedule")]
    if text.startswith(("TZ=", "CRON_TZ=")):
        return [errors.invalid_value("spec.schedule", text, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")]
    wrong = schedule_error(text)
    return [errors.invalid_value("spec.schedule", text, wrong)] if wrong else []


def schedule_error(text: str) -> str:
    """What is wrong with a cron schedule, or ""."""
    if text.startswith("@"):
        known = text in MACROS or re.fullmatch(r"@every (\d+(\.\d+)?(ns|us|ms|s|m|h))+", text)
        return "" if known else f"unrecognized descriptor: {text}"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]"
    for given, (low, high, words) in zip(fields, _FIELDS, strict=True):
        for part in given.split(","):
            wrong = _part_error(part, low, high, words)
            if wrong:
                return wrong
    return ""


def _part_error(part: str, low: int, high: int, words: tuple[str, ...]) -> str:
    span, slash, step = part.partition("/")
    if slash and (not step.isdigit() or int(step) == 0):
        return f"step of range should be a positive number: {part}"
    if span in ("*", "?"):
        return ""
    numbers = []
    for end in span.split("-"):
        number = words.index(end.lower()) + low if end.lower() in words else int(end) if end.isdigit() else None
        if number is None:
            return f"failed to parse int from {end}"
        numbers.append(number)
    if len(numbers) > 2:
        return f"too many hyphens: {part}"
    if numbers[0] < low:
        return f"beginning of range ({numbers[0]}) below minimum ({low}): {part}"
    if numbers[-1] > high:
        return f"end of range ({numbers[-1]}) above maximum ({high}): {part}"
    if numbers[0] > numbers[-1]:
        return f"beginning of range ({numbers[0]}) beyond end of range ({numbers[-1]}): {part}"
    return ""


def update(new: Any, old: Any) -> list[FieldError]:
    if isinstance(new, batch_v1.CronJob):
        return []
    mine, before = new.spec, old.spec
    problems = [] if _elastic(mine, before) else unchanged("spec.completions", mine.completions, before.completions)
    problems += unchanged("spec.selector", mine.selector, before.selector)
    allowed = mine.template
    if before.suspend and not (old.status.start_time and old.status.active):
        allowed = _steered(mine.template, before.template)
    problems += unchanged("spec.template", allowed, before.template)
    for path, attribute in (
        ("completionMode", "completion_mode"),
        ("podFailurePolicy", "pod_failure_policy"),
        ("backoffLimitPerIndex", "backoff_limit_per_index"),
        ("managedBy", "managed_by"),
        ("successPolicy", "success_policy"),
    ):
        problems += unchanged(f"spec.{path}", getattr(mine, attribute), getattr(before, attribute))
    return problems


def _elastic(new: batch_v1.JobSpec, old: batch_v1.JobSpec) -> bool:
    """An indexed job may grow and shrink where parallelism goes along."""
    return new.completion_mode == "Indexed" and new.completions != old.completions and new.completions == new.parallelism


def _steered(new: Any, old: Any) -> Any:
    """A job that runs nowhere may be told where to run and with how much: the new template with the old one's steering."""
    if new is None or old is None or new.spec is None or old.spec is None:
        return new
    steered = copy.deepcopy(new)
    for name in ("node_selector", "tolerations", "affinity", "scheduling_gates", "topology_spread_constraints"):
        setattr(steered.spec, name, getattr(old.spec, name))
    for attribute in ("containers", "init_containers"):
        for mine, before in zip(getattr(steered.spec, attribute) or (), getattr(old.spec, attribute) or (), strict=False):
            mine.resources = before.resources
    if steered.metadata is not None and old.metadata is not None:
        steered.metadata.labels, steered.metadata.annotations = old.metadata.labels, old.metadata.annotations
    return steered
