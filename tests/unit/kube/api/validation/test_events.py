"""Proves what events of either group must say, and that of the newer ones only the series goes on."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, events_v1
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
    ("changes", "fields"),
    [
        ({"eventTime": None, "reportingController": None, "reason": "x" * 129}, ["eventTime"]),
        *(({name: None}, [name]) for name in ("action", "reason", "reportingInstance")),
        ({"reportingController": None}, ["reportingController"] * 3),
        ({"reportingController": "a b"}, ["reportingController"]),
        ({"reason": "x" * 129}, ["reason"]),
        ({"note": "é" * 513}, ["message"]),
        ({"type": "Loud"}, ["type"]),
        ({"series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}, ["series.count"]),
        ({"regarding": {"namespace": "m"}}, []),
        ({"regarding": {"namespace": "m"}, "eventTime": None}, ["involvedObject.namespace", "eventTime"]),
        ({"regarding": None}, ["involvedObject.namespace"]),
        (
            {"deprecatedCount": 1, "deprecatedFirstTimestamp": "2026-01-01T00:00:00Z", "deprecatedSource": {"component": "c"}},
            ["firstTimestamp", "count", "source"],
        ),
        ({"deprecatedSource": {}, "deprecatedCount": 0}, []),
    ],
)
def test_what_is_refused(changes: dict[str, Any], fields: list[str]) -> None:
    assert [e.field for e in validate_create(event(**changes))] == fields


@pytest.mark.parametrize(
    ("namespace", "changes", "fields"),
    [
        ("default", {}, []),
        ("n", {"involvedObject": {"namespace": "n"}}, []),
        ("n", {"involvedObject": {"namespace": "m"}}, ["involvedObject.namespace"]),
        ("kube-system", {}, ["involvedObject.namespace"]),
        ("kube-system", {"eventTime": RIGHT["eventTime"], "reportingComponent": "c", "reportingInstance": "i", "action": "a", "reason": "r"}, []),
        (
            "default",
            {"eventTime": RIGHT["eventTime"], "message": "x" * 1025, "reason": "r"},
            ["reportingComponent", "reportingComponent", "reportingComponent", "reportingInstance", "action", "message"],
        ),
    ],
)  # fmt: skip
def test_those_of_the_core_group(namespace: str, changes: dict[str, Any], fields: list[str]) -> None:
    found = decode_dict(core_v1.Event, {"metadata": {"name": "node_1.18", "namespace": namespace}, **changes})
    assert [e.field for e in validate_create(found)] == fields
    assert [e.field for e in validate_update(found, found)] == []


def test_what_stays() -> None:
    assert [e.field for e in validate_update(event(reason="Other"), event())] == ["reason"]
    older, newer = event(eventTime=None, deprecatedCount=1), event(eventTime=None, deprecatedCount=2, note="x")
    assert [e.field for e in validate_update(newer, older)] == ["message", "count"]
    assert validate_update(event(deprecatedSource={}, deprecatedCount=0, note=""), event()) == []
    assert [e.field for e in validate_update(event(series={"count": 1}), event())] == ["series.count", "series.lastObservedTime"]
