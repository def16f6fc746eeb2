"""What may become of a Job's status. Controllers of others write it too (`spec.managedBy`), and clients rely on it: a job that is over stays so.

A rule is looked at when what it speaks of has changed, so that a status that was wrong before may still be written. Source: batch/v1 JobStatus;
messages are upstream's.
"""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.meta import condition, parse_time
from provisioner.kube.api.validation import statuses
from provisioner.kube.api.validation.batch import count_indexes
from provisioner.kube.api.validation.checks import Once

CONDITIONS = "status.conditions"
_KINDS = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")


def _bare(path: str, detail: str) -> FieldError:
    """An error that names no value."""
    return FieldError("FieldValueInvalid", path, f"Invalid value: {detail}")


def _true(job: Any) -> set[str]:
    """Which of the conditions that say how it ends are true."""
    found = ((type_, condition(job.status.conditions, type_)) for type_ in _KINDS)
    return {type_ for type_, one in found if one is not None and one.status == "True"}


def _is_indexed(job: Any) -> bool:
    return bool(job.spec.completion_mode == "Indexed")


def status(new: Any, old: Any) -> list[FieldError]:
    return [
        *statuses.counts(new, old),
        *_uncounted(new),
        *_conditions(new, old),
        *_times(new, old),
        *_when_over(new, old),
        *_indexes(new, old),
        *_never_less(new, old),
    ]


def _uncounted(new: Any) -> list[FieldError]:
    found = new.status.uncounted_terminated_pods
    seen, problems = Once(), []
    for field, uids in (("succeeded", found.succeeded), ("failed", found.failed)) if found is not None else ():
        for index, uid in enumerate(uids or ()):
            where = f"status.uncountedTerminatedPods.{field}[{index}]"
            problems += seen.add(where, uid) if uid else [errors.invalid_value(where, uid, "must not be empty")]
    return problems


def _conditions(new: Any, old: Any) -> list[FieldError]:
    now, before = _true(new), _true(old)
    texts = [
        f"cannot disable the terminal {type_}=True condition" for type_ in ("Failed", "Complete", "FailureTarget") if type_ in before - now
    ]
    if now - before or before - now:
        texts += [
            text
            for together, text in (
                ({"Complete", "Failed"}, "cannot set Complete=True and Failed=true conditions"),
                ({"Complete", "FailureTarget"}, "cannot set Complete=True and FailureTarget=true conditions"),
            )
            if together <= now
        ]
        if "Failed" in now and "FailureTarget" not in now:
            texts.append("cannot set Failed=True condition without the FailureTarget=true condition")
        if "Complete" in now and "SuccessCriteriaMet" not in now:
            texts.append("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
    for other, text in (("Failed", "Failed=true"), ("FailureTarget", "FailureTarget=true")):
        if {"SuccessCriteriaMet", other} <= now:
            texts.append(f"cannot set SuccessCriteriaMet=True and {text} conditions")
    if new.spec.success_policy is not None and "Complete" in now and "SuccessCriteriaMet" not in now:
        texts.append("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")
    if "SuccessCriteriaMet" in before - now:
        texts.append("cannot disable the SuccessCriteriaMet=True condition")
    if "Complete" in before and "SuccessCriteriaMet" in now - before:
        texts.append("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")
    return [_bare(CONDITIONS, text) for text in texts]


def _times(new: Any, old: Any) -> list[FieldError]:
    mine, before = new.status, old.status
    complete, problems = "Complete" in _true(new), []
    path = "status.completionTime"
    if complete is not ("Complete" in _true(old)) or mine.completion_time != before.completion_time:
        if mine.completion_time is not None and not complete:
            text = "cannot set completionTime when there is no Complete=True condition"
            problems.append(errors.invalid_value(path, mine.completion_time, text))
        elif mine.completion_time is None and complete:
            problems.append(errors.required(path, "completionTime is required for Complete jobs"))
    if None not in (mine.completion_time, before.completion_time) and mine.completion_time != before.completion_time:
        problems.append(errors.invalid_value(path, mine.completion_time, "completionTime cannot be mutated"))
    if (mine.start_time, mine.completion_time) != (before.start_time, before.completion_time):
        began, ended = parse_time(mine.start_time), parse_time(mine.completion_time)
        if began is not None and ended is not None and ended < began:
            problems.append(errors.invalid_value(path, mine.completion_time, "completionTime cannot be set before startTime"))
    if before.start_time is not None and mine.start_time != before.start_time and not new.spec.suspend:
        problems.append(errors.invalid_value("status.startTime", mine.start_time, "field is immutable for unsuspended job once set"))
    return problems


def _when_over(new: Any, old: Any) -> list[FieldError]:
    """Nothing runs, ends or waits to be counted when a job is over; and what is ready is active."""
    mine, before, problems = new.status, old.status, []
    over = bool(_true(new) & {"Complete", "Failed"})
    turned = over is not bool(_true(old) & {"Complete", "Failed"})
    if over and (turned or mine.active != before.active) and (mine.active or 0) > 0:
        problems.append(errors.invalid_value("status.active", mine.active, "active>0 is invalid for finished job"))
    if over and (turned or mine.terminating != before.terminating) and (mine.terminating or 0) > 0:
        problems.append(errors.invalid_value("status.terminating", mine.terminating, "terminating>0 is invalid for finished job"))
    if over and (turned or mine.start_time != before.start_time) and mine.start_time is None:
        problems.append(errors.required("status.startTime", "startTime is required for finished job"))
    left = mine.uncounted_terminated_pods
    if over and (turned or left != before.uncounted_terminated_pods) and left is not None and (left.succeeded or left.failed):
        text = "uncountedTerminatedPods needs to be empty for finished job"
        problems.append(errors.invalid_value("status.uncountedTerminatedPods", left, text))
    if (mine.ready, mine.active) != (before.ready, before.active) and mine.ready is not None and mine.ready > (mine.active or 0):
        problems.append(errors.invalid_value("status.ready", mine.ready, "cannot set more ready pods than active"))
    return problems


def _indexes(new: Any, old: Any) -> list[FieldError]:
    spec, mine, before, problems = new.spec, new.status, old.status, []
    for field, text, known in (
        ("completedIndexes", mine.completed_indexes, before.completed_indexes),
        ("failedIndexes", mine.failed_indexes, before.failed_indexes),
    ):
        looked_at = text and text != known and spec.completions is not None
        if looked_at and (wrong := count_indexes(text, spec.completions)[1]):
            problems.append(errors.invalid_value(f"status.{field}", text, f"error parsing {field}: {wrong}"))
    if mine.completed_indexes != before.completed_indexes and mine.completed_indexes and not _is_indexed(new):
        text = "cannot set non-empty completedIndexes when non-indexed completion mode"
        problems.append(errors.invalid_value("status.completedIndexes", mine.completed_indexes, text))
    if mine.failed_indexes == before.failed_indexes or mine.failed_indexes is None:
        return problems
    if spec.backoff_limit_per_index is None:
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        problems.append(errors.invalid_value("status.failedIndexes", mine.failed_indexes, text))
    both = _numbers(mine.completed_indexes) & _numbers(mine.failed_indexes)
    if both:
        text = f"failedIndexes and completedIndexes overlap at index: {min(both)}"
        problems.append(errors.invalid_value("status.failedIndexes", mine.failed_indexes, text))
    return problems


def _numbers(text: str | None) -> set[int]:
    """Of a list that is well formed; of any other none, since that is an error of its own. Bounded as completions are."""
    found: set[int] = set()
    if not text or count_indexes(text, 2**31)[1]:
        return found
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), min(int(last or first), int(first) + 100_000) + 1))
    return found


def _never_less(new: Any, old: Any) -> list[FieldError]:
    mine, before, problems = new.status, old.status, []
    if (mine.failed or 0) < (before.failed or 0):
        problems.append(errors.invalid_value("status.failed", mine.failed or 0, "cannot decrease the failed counter"))
    # Indexes that are scaled away are counted no more.
    shrinks = _is_indexed(new) and new.spec.completions == new.spec.parallelism
    if not shrinks and (mine.succeeded or 0) < (before.succeeded or 0):
        problems.append(errors.invalid_value("status.succeeded", mine.succeeded or 0, "cannot decrease the succeeded counter"))
    return problems
