"""Warnings about what makes pods: its name, its template. Those of templates are told when something has changed, not with every update."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import names
from provisioner.kube.api.warnings import pods

# Of indexed jobs, together: more can't be told of in a job's status.
_COMPLETIONS, _PARALLELISM = 100_000, 10_000
_HISTORY = "a negative value retains all historical revisions; a value >= 0 is recommended"


def named(new: Any, old: Any) -> list[str]:
    """Of what gives its pods names after its own."""
    return _name(new, old) + daemon_set(new, old)


def daemon_set(new: Any, old: Any) -> list[str]:
    return pods.template(new.spec.template, "spec.template.") if _changed(new, old) and new.spec.template is not None else []


def stateful_set(new: Any, old: Any) -> list[str]:
    found = named(new, old)
    if _changed(new, old):
        for index, template in enumerate(new.spec.volume_claim_templates or ()):
            found += pods.claim(template.spec, f"spec.volumeClaimTemplates[{index}].spec")
    if (new.spec.revision_history_limit or 0) < 0:
        found.append(f"spec.revisionHistoryLimit: {_HISTORY}")
    return found


def job(new: Any, old: Any) -> list[str]:
    return _name(new, old) + (_job(new.spec, "spec") if _changed(new, old) else [])


def cron_job(new: Any, old: Any) -> list[str]:
    found = _name(new, old) + (_job(new.spec.job_template.spec, "spec.jobTemplate.spec") if _changed(new, old) else [])
    if old is not None and "TZ" in (new.spec.schedule or ""):
        page = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
        found.append(f"cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see {page} for more details")
    return found


def pod_template(new: Any, old: Any) -> list[str]:
    return pods.template(new.template, "template.") if _changed(new, old) else []


def _name(new: Any, old: Any) -> list[str]:
    messages = names.is_dns_label(new.metadata.name or "") if old is None else ()
    text = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {text}: [{' '.join(messages)}]"] if messages else []


def _changed(new: Any, old: Any) -> bool:
    return old is None or new.metadata.generation != old.metadata.generation


def _job(spec: Any, path: str) -> list[str]:
    found = []
    if spec.completion_mode == "Indexed" and (spec.completions or 0) > _COMPLETIONS and (spec.parallelism or 0) > _PARALLELISM:
        many = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4"
        found.append(f"{path}: {many}, Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
    return found + pods.template(spec.template, f"{path}.template.")
