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
# Indexes of a job that run at once or fail, and from where on there may be fewer; rules of a policy, exit codes of one.
MAX_INDEXED, MAX_OF_MANY, MAX_RULES, MAX_EXIT_CODES = 100_000, 10_000, 20, 255
_ZONE_PART = re.compile(r"[A-Za-z._0-9+-]{1,14}")
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
    if not isinstance(obj, batch_v1.CronJob):
        return _new_job(obj)
    problems, name = _cron(obj), obj.metadata.name or ""
    if len(name) > MAX_CRON_NAME:
        problems.append(errors.invalid_value("metadata.name", name, f"must be no more than {MAX_CRON_NAME} characters"))
    return problems


def always(obj: Any) -> list[FieldError]:
    return _cron(obj) if isinstance(obj, batch_v1.CronJob) else job_spec(obj.spec, "spec")


def _new_job(obj: batch_v1.Job) -> list[FieldError]:
    template_of = obj.spec.template.metadata if obj.spec.template is not None else None
    own = (template_of.labels if template_of is not None else None) or {}
    problems = _generated(obj, own) + job_spec(obj.spec, "spec") + workloads.selector(obj.spec, own, "Job")
    if obj.spec.completion_mode == "Indexed" and (obj.spec.completions or 0) > 0:
        # Pods of an indexed job are hostnames: the name, a dash and the index.
        name, last = obj.metadata.name or "", (obj.spec.completions or 0) - 1
        if names.is_dns_label(f"{name}-{last}"):
            detail = f"will not able to create pod with invalid DNS label: {name}-{last}"
            problems.append(errors.invalid_value("metadata.name", name, detail))
    return problems


def _generated(obj: batch_v1.Job, own: dict[str, str]) -> list[FieldError]:
    """Unless they are the user's own affair, the template's labels and the selector are by the job's uid and name."""
    if obj.spec.manual_selector or obj.spec.selector is None:
        return []
    expected, problems = job_labels(obj.metadata), []
    for key in sorted(expected, key=lambda key: ("/" in key, key)):
        where, detail = f"spec.template.metadata.labels[{key}]", f"must be '{expected[key]}'"
        if key not in own:
            problems.append(errors.required(where, detail))
        elif own[key] != expected[key]:
            problems.append(errors.invalid_value(where, own, detail))
    if not from_struct(obj.spec.selector).matches(expected):
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
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index),
        ("maxFailedIndexes", spec.max_failed_indexes),
    ):
        problems += not_negative(f"{path}.{name}", value)
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        problems.append(errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if spec.managed_by is not None:
        problems += checks.domain_path(f"{path}.managedBy", spec.managed_by)
        if len(spec.managed_by) > MAX_MANAGED_BY:
            problems.append(errors.too_long(f"{path}.managedBy", MAX_MANAGED_BY))
    problems += _mode(spec, path)
    problems += _failure_policy(spec, f"{path}.podFailurePolicy") + _success_policy(spec, f"{path}.successPolicy")
    allowed = ("Failed",) if spec.pod_failure_policy is not None else ("Failed", "TerminatingOrFailed")
    problems += one_of(f"{path}.podReplacementPolicy", spec.pod_replacement_policy, allowed, optional=True)
    if spec.template is None or spec.template.spec is None:
        return [*problems, errors.required(f"{path}.template.spec")]
    own = (spec.template.metadata.labels if spec.template.metadata is not None else None) or {}
    problems += template(spec.template, f"{path}.template", own)
    policy, where = spec.template.spec.restart_policy, f"{path}.template.spec.restartPolicy"
    if policy in ("", None, "Always"):
        problems.append(errors.required(where, 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        problems.append(errors.not_supported(where, policy, ("OnFailure", "Never")))
    elif policy == "OnFailure" and spec.pod_failure_policy is not None:
        problems.append(errors.invalid_value(where, policy, 'only "Never" is supported when podFailurePolicy is specified'))
    return problems


def _mode(spec: batch_v1.JobSpec, path: str) -> list[FieldError]:
    """What jobs with indexes need and may, and others not."""
    problems: list[FieldError] = []
    failed, parallel, all_of_them = spec.max_failed_indexes, spec.parallelism or 0, spec.completions

    def too_many(name: str, value: int | None, detail: str) -> None:
        problems.append(errors.invalid_value(f"{path}.{name}", value, detail))

    if spec.completion_mode not in (None, "NonIndexed", "Indexed"):
        problems.append(errors.not_supported(f"{path}.completionMode", spec.completion_mode, ("NonIndexed", "Indexed")))
    if spec.completion_mode in (None, "NonIndexed"):
        for name, value in (("backoffLimitPerIndex", spec.backoff_limit_per_index), ("maxFailedIndexes", failed)):
            if value is not None:
                too_many(name, value, "requires indexed completion mode")
    if spec.completion_mode != "Indexed":
        return problems
    if all_of_them is None:
        problems.append(errors.required(f"{path}.completions", "when completion mode is Indexed"))
    if parallel > MAX_INDEXED:
        too_many("parallelism", parallel, f"must be less than or equal to {MAX_INDEXED} when completion mode is Indexed")
    if failed is not None and all_of_them is not None and failed > all_of_them:
        too_many("maxFailedIndexes", failed, "must be less than or equal to completions")
    if (failed or 0) > MAX_INDEXED:
        too_many("maxFailedIndexes", failed, f"must be less than or equal to {MAX_INDEXED}")
    if (all_of_them or 0) > MAX_INDEXED and spec.backoff_limit_per_index is not None:
        told = f"must be less than or equal to {MAX_OF_MANY} when completions are above {MAX_INDEXED} and used with backoff limit per index"
        if failed is None:
            problems.append(errors.required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {MAX_INDEXED}"))
        if parallel > MAX_OF_MANY:
            too_many("parallelism", parallel, told)
        if (failed or 0) > MAX_OF_MANY:
            too_many("maxFailedIndexes", failed, told)
    return problems


def _success_policy(spec: batch_v1.JobSpec, path: str) -> list[FieldError]:
    found = spec.success_policy
    if found is None:
        return []
    if spec.completion_mode != "Indexed":
        return [errors.invalid_value(path, found, "requires indexed completion mode")]
    problems = checks.needed(f"{path}.rules", found.rules, "at least one rules must be specified when the successPolicy is specified")
    if len(found.rules or ()) > MAX_RULES:
        problems.append(errors.too_many(f"{path}.rules", len(found.rules or ()), MAX_RULES))
    completions = spec.completions or 0
    for index, rule in enumerate(found.rules or ()):
        where, count, total = f"{path}.rules[{index}]", rule.succeeded_count, 0
        if count is None and rule.succeeded_indexes is None:
            problems.append(errors.required(where, "at least one of succeededCount or succeededIndexes must be specified"))
        if rule.succeeded_indexes is not None:
            total, wrong = count_indexes(rule.succeeded_indexes, completions)
            if wrong:
                message = f"error parsing succeededIndexes: {wrong}"
                problems.append(errors.invalid_value(f"{where}.succeededIndexes", rule.succeeded_indexes, message))
        problems += not_negative(f"{where}.succeededCount", count)
        if count is not None and count > completions:
            message = f"must be less than or equal to {completions} (the number of specified completions)"
            problems.append(errors.invalid_value(f"{where}.succeededCount", count, message))
        if count is not None and rule.succeeded_indexes is not None and count > total:
            message = f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            problems.append(errors.invalid_value(f"{where}.succeededCount", count, message))
    return problems


def count_indexes(text: str, completions: int) -> tuple[int, str]:
    """How many a list of indexes (`1,3-5`) has, and what is wrong with it, or ""."""
    last, total = -1, 0
    for part in text.split(",") if text else ():
        ends = part.split("-")
        if len(ends) > 2:
            told = f"the fragment {errors.shown(part)} violates the requirement that an index interval can have at most two parts separated by '-'"
            return 0, told
        for end in ends:
            if not (end.isascii() and end.isdigit()):
                return 0, f"cannot convert string to integer for index: {errors.shown(end)}"
            if int(end) >= completions:
                return 0, f"too large index: {errors.shown(end)}"
        first, final = int(ends[0]), int(ends[-1])
        if len(ends) > 1 and first >= final:
            return 0, f"non-increasing order, previous: {first}, current: {final}"
        if first <= last:
            return 0, f"non-increasing order, previous: {last}, current: {first}"
        last, total = final, total + final - first + 1
    return total, ""


def _failure_policy(spec: batch_v1.JobSpec, path: str) -> list[FieldError]:
    found, problems = spec.pod_failure_policy, []
    rules = (found.rules or []) if found is not None else []
    if len(rules) > MAX_RULES:
        problems.append(errors.too_many(f"{path}.rules", len(rules), MAX_RULES))
    for index, rule in enumerate(rules):
        where = f"{path}.rules[{index}]"
        problems += _word(f"{where}.action", rule.action, ("Count", "FailIndex", "FailJob", "Ignore"))
        if rule.action == "FailIndex" and spec.backoff_limit_per_index is None:
            problems.append(errors.invalid_value(f"{where}.action", rule.action, "requires the backoffLimitPerIndex to be set"))
        if rule.on_exit_codes is not None:
            problems += _exit_codes(rule.on_exit_codes, f"{where}.onExitCodes", spec)
        conditions = rule.on_pod_conditions or []
        if len(conditions) > MAX_RULES:
            problems.append(errors.too_many(f"{where}.onPodConditions", len(conditions), MAX_RULES))
        for number, pattern in enumerate(conditions):
            at, kind = f"{where}.onPodConditions[{number}]", pattern.type or ""
            problems += [errors.invalid_value(f"{at}.type", kind, message) for message in names.is_qualified_name(kind)]
            problems += _word(f"{at}.status", pattern.status, ("False", "True", "Unknown"))
        if (rule.on_exit_codes is None) == (not conditions):
            told = "specifying both OnExitCodes and OnPodConditions is not supported"
            if not conditions:
                told = "specifying one of OnExitCodes and OnPodConditions is required"
            problems.append(FieldError("FieldValueInvalid", where, f"Invalid value: {told}"))
    return problems


def _word(path: str, value: str | None, allowed: tuple[str, ...]) -> list[FieldError]:
    if value:
        return one_of(path, value, allowed)
    return [errors.required(path, f"valid values: [{' '.join(map(errors.shown, allowed))}]")]


def _exit_codes(found: batch_v1.PodFailurePolicyOnExitCodesRequirement, path: str, spec: batch_v1.JobSpec) -> list[FieldError]:
    problems = _word(f"{path}.operator", found.operator, ("In", "NotIn"))
    pod = spec.template.spec if spec.template is not None else None
    containers = {one.name for one in (*(pod.containers or ()), *(pod.init_containers or ()))} if pod is not None else set()
    if found.container_name is not None and found.container_name not in containers:
        message = "must be one of the container or initContainer names in the pod template"
        problems.append(errors.invalid_value(f"{path}.containerName", found.container_name, message))
    values, where, seen = found.values or [], f"{path}.values", checks.Once()
    if not values:
        problems.append(errors.invalid_value(where, values, "at least one value is required"))
    elif len(values) > MAX_EXIT_CODES:
        problems.append(errors.too_many(where, len(values), MAX_EXIT_CODES))
    for index, code in enumerate(values):
        if found.operator == "In" and code == 0:
            problems.append(errors.invalid_value(f"{where}[{index}]", code, "must not be 0 for the In operator"))
        problems += seen.add(f"{where}[{index}]", code)
    if values != sorted(values):
        problems.append(errors.invalid_value(where, values, "must be ordered"))
    return problems


def _cron(obj: batch_v1.CronJob) -> list[FieldError]:
    spec = obj.spec
    problems = _schedule(spec.schedule) + not_negative("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    if spec.time_zone is not None:
        problems += _zone(spec.time_zone)
    problems += one_of("spec.concurrencyPolicy", spec.concurrency_policy, ("Allow", "Forbid", "Replace"))
    made, where = (spec.job_template.spec if spec.job_template is not None else None), "spec.jobTemplate.spec"
    if made is None:
        problems.append(errors.required(where))
    else:
        problems += job_spec(made, where)
        if made.selector is not None:
            problems.append(errors.invalid_value(f"{where}.selector", made.selector, "`selector` will be auto-generated"))
        if made.manual_selector:
            problems.append(errors.not_supported(f"{where}.manualSelector", True, ("nil", "false")))
    problems += not_negative("spec.successfulJobsHistoryLimit", spec.successful_jobs_history_limit)
    return problems + not_negative("spec.failedJobsHistoryLimit", spec.failed_jobs_history_limit)


def _zone(name: str) -> list[FieldError]:
    path, unknown = "spec.timeZone", f"unknown time zone {name}"
    if not name:
        return [errors.invalid_value(path, name, "timeZone must be nil or non-empty string")]
    if any(part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part) for part in name.split("/")):
        return [errors.invalid_value(path, name, unknown)]
    problems = []
    if name.lower() == "local":
        told = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        problems.append(errors.invalid_value(path, name, told))
        if name == "Local":
            return problems
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(errors.invalid_value(path, name, unknown))
    return problems


def _schedule(text: str | None) -> list[FieldError]:
    if not text:
        return [errors.required("spec.schedule")]
    # What a zone before the fields leaves of them.
    wrong = schedule_error(text.partition(" ")[2].strip() if text.startswith(("TZ=", "CRON_TZ=")) else text)
    problems = [errors.invalid_value("spec.schedule", text, wrong)] if wrong else []
    if "TZ" in text:
        told = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        problems.append(errors.invalid_value("spec.schedule", text, told))
    return problems


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
    problems = _completions(mine, before)
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


def _completions(new: batch_v1.JobSpec, old: batch_v1.JobSpec) -> list[FieldError]:
    """An indexed job may grow and shrink where parallelism goes along."""
    if new.completion_mode != "Indexed":
        return unchanged("spec.completions", new.completions, old.completions)
    if new.completions in (old.completions, None, new.parallelism):
        return []
    return [errors.invalid_value("spec.completions", new.completions, "can only be modified in tandem with spec.parallelism")]


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
