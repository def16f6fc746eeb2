"""Proves which texts are moments, how they are kept, what is said of others, and that they are found wherever a type has some."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import coordination_v1, core_v1
from provisioner.kube.api.codec import DecodeError
from provisioner.kube.api.moments import kept, settle


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("2024-02-29T01:02:03Z", "Time", "2024-02-29T01:02:03Z"),
        ("2024-01-01T00:00:00+01:00", "Time", "2023-12-31T23:00:00Z"),
        ("2024-01-01T00:00:00.987654321Z", "Time", "2024-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "Time", None),
        ("0000-01-01T00:00:00Z", "Time", "0000-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00.123456Z", "MicroTime", "2024-01-01T00:00:00.123456Z"),
        ("2024-01-01T02:00:00.000000+02:00", "MicroTime", "2024-01-01T00:00:00.000000Z"),
    ],
)
def test_how_they_are_kept(text: str, kind: str, expected: str | None) -> None:
    assert kept(text, kind) == expected


LAYOUT = '"2006-01-02T15:04:05Z07:00"'


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("nonsense", "Time", f' as {LAYOUT}: cannot parse "nonsense" as "2006"'),
        ("", "Time", f' as {LAYOUT}: cannot parse "" as "2006"'),
        ("2026-05-01", "Time", f' as {LAYOUT}: cannot parse "" as "T"'),
        ("2026-05-01 00:00:00Z", "Time", f' as {LAYOUT}: cannot parse " 00:00:00Z" as "T"'),
        ("2026-05-01T00:00:00", "Time", f' as {LAYOUT}: cannot parse "" as "Z07:00"'),
        ("2026-05-01T00:00:00Zz", "Time", ': extra text: "z"'),
        ("2026-13-01T00:00:00Z", "Time", ": month out of range"),
        ("2026-02-29T00:00:00Z", "Time", ": day out of range"),
        ("2026-02-01T24:00:00Z", "Time", ": hour out of range"),
        ("2026-02-01T00:00:00Z", "MicroTime", ' as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'),
    ],
)
def test_what_is_none(text: str, kind: str, told: str) -> None:
    with pytest.raises(DecodeError) as caught:
        kept(text, kind)
    assert caught.value.message == f'parsing time "{text}"{told}'


def test_they_are_found_in_members_lists_and_below() -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "p", "creationTimestamp": None, "annotations": {"time": "nonsense"}},
        "spec": {"containers": [{"name": "c"}]},
        "status": {
            "startTime": "2024-01-01T00:00:00+01:00",
            "conditions": [{"type": "Ready", "lastTransitionTime": "0001-01-01T00:00:00Z"}, {"type": "x", "lastProbeTime": 7}],
            "containerStatuses": [{"state": {"running": {"startedAt": "2024-01-01T00:00:00.5Z"}}}],
        },
    }
    settle(core_v1.Pod, body)
    assert body["status"]["startTime"] == "2023-12-31T23:00:00Z"
    assert body["status"]["conditions"] == [{"type": "Ready", "lastTransitionTime": None}, {"type": "x", "lastProbeTime": 7}]
    assert body["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] == "2024-01-01T00:00:00Z"
    assert body["metadata"]["annotations"] == {"time": "nonsense"}
    with pytest.raises(DecodeError):
        settle(coordination_v1.Lease, {"spec": {"renewTime": "2024-01-01T00:00:00Z"}})
