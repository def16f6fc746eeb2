"""Proves what is said of what makes pods, and that templates are looked at when something has changed."""

from __future__ import annotations

from typing import Any

import pytest

ODD = {"metadata": {}, "spec": {"nodeSelector": {"app.kubernetes.io/created-by": "x"}, "containers": [{"name": "c", "image": "i"}]}}
SAID = "nodeSelector[app.kubernetes.io/created-by]: deprecated since v1.9"


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        ("Deployment", {"spec": {"template": ODD, "selector": {}}}, "spec.template.spec."),
        ("ReplicaSet", {"spec": {"template": ODD, "selector": {}}}, "spec.template.spec."),
        ("DaemonSet", {"spec": {"template": ODD, "selector": {}}}, "spec.template.spec."),
        ("StatefulSet", {"spec": {"template": ODD, "selector": {}, "serviceName": ""}}, "spec.template.spec."),
        ("ReplicationController", {"spec": {"template": ODD}}, "spec.template.spec."),
        ("Job", {"spec": {"template": ODD}}, "spec.template.spec."),
        (
            "CronJob",
            {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": ODD}}}},
            "spec.jobTemplate.spec.template.spec.",
        ),
        ("PodTemplate", {"template": ODD}, "template.spec."),
    ],
)
def test_templates(warned: Any, kind: str, body: dict[str, Any], path: str) -> None:
    assert warned(kind, body) == [path + SAID]
    first, second = ({**body, "metadata": {"name": "x", "generation": number}} for number in (1, 2))
    assert warned(kind, first, first) == [] and warned(kind, second, first) == [path + SAID]
    named = [
        text for text in warned(kind, {**body, "metadata": {"name": "a.b"}}) if text.startswith("metadata.name: this is used in Pod names")
    ]
    assert bool(named) == (kind not in ("DaemonSet", "PodTemplate"))


def test_what_only_one_kind_has(warned: Any) -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "1500m"}}}}
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
    stateful = {"template": template, "selector": {}, "volumeClaimTemplates": [claim], "revisionHistoryLimit": -1}
    assert warned("StatefulSet", {"spec": stateful}) == [
        'spec.volumeClaimTemplates[0].spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
        "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
    ]
    many = {"template": template, "completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001}
    (found,) = warned("Job", {"spec": many})
    assert found.startswith("spec: In Indexed Jobs with a number of completions higher than 10^5")
    timed = {"spec": {"schedule": "TZ=UTC * * * * *", "jobTemplate": {"spec": {"template": template}}}}
    assert warned("CronJob", timed) == [] and "use timeZone instead" in warned("CronJob", timed, timed)[0]
