"""Proves what events of events.k8s.io must say, and that only their series goes on."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import events_v1
from provisioner.kube.api.codec import decode_dict
from provisioner.kube.api.validation import validate_create, validate_update

RIGHT: dict[str, Any] = {
    "metadata": {"name": "e", "namespace": "n"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "action": "Look",
    "reason": "Why",
    "reportingController": "example.com/c",
    "reportingInstance": "c-1",
    "regarding": {"kind": "Pod", "name": "p", "namespace": "n"},
    "type": "Normal",
}


def event(**changes: Any) -> events_v1.Event:
    document = {key: value for key, value in {**RIGHT, **changes}.items() if value is not None}
    found: events_v1.Event = decode_dict(events_v1.Event, document)
    return found


def test_what_is_right() -> None:
    assert validate_create(event()) == []
    assert validate_update(event(series={"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}), event()) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({name: None}, name) for name in ("eventTime", "action", "reason", "reportingController", "reportingInstance")),
        ({"reportingController": "a b"}, "reportingController"),
        ({"reason": "x" * 129}, "reason"),
        ({"note": "x" * 1025}, "note"),
        ({"type": "Loud"}, "type"),
        ({"series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}, "series.count"),
        ({"regarding": {"kind": "Pod", "name": "p", "namespace": "m"}}, "involvedObject.namespace"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], field: str) -> None:
    assert field in {e.field for e in validate_create(event(**changes))}


def test_what_stays() -> None:
    assert [e.field for e in validate_update(event(reason="Other"), event())] == ["reason"]
    # Written in the older form, it is bound by that form's rules.
    assert validate_update(event(eventTime=None, reason="Other"), event(eventTime=None)) == []
