"""Proves that runs told as JSON and as JUnit have the keys, names and counts of Ansible's own callbacks."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.play_records import JsonDocument, JsonLines, JUnitReport
from provisioner.engine.events import Event, HostDone, ItemDone, NoHosts, PlaybookStarted, PlayStarted, Recap, TaskStarted, Warned
from provisioner.engine.results import HostStats, Status
from provisioner.inventory.documents import Location

PLACE = Location("/p/site.yml", 5, 7)


def done(status: Status, result: dict[str, Any], *, ignored: bool = False, serial: int = 1) -> HostDone:
    return HostDone("h1", "t", "command", serial, status, result, ignored, duration_s=0.5, location=PLACE)


RUN: list[Event] = [
    PlaybookStarted("/p/site.yml"),
    PlayStarted("first", ("h1",), Location("/p/site.yml", 1, 3)),
    TaskStarted("t", "command", 1, PLACE, hosts=("h1",)),
    ItemDone("h1", "t", 1, "a", Status.OK, {"item": "a"}),
    done(Status.CHANGED, {"changed": True, "stdout": "é\x01", "_ansible_x": 1}),
    done(Status.SKIPPED, {"skipped": True, "skip_reason": "Conditional result was False"}),
    done(Status.FAILED, {"failed": True, "msg": "a<b"}),
    done(Status.FAILED, {"failed": True, "rc": 3}, ignored=True),
    done(Status.UNREACHABLE, {"unreachable": True, "msg": "gone"}),
    NoHosts("second", "no hosts matched"),
    Warned("careful"),
    Recap({"h1": HostStats(ok=1, changed=1, failed=1)}, {"_run": {"x": 1}, "h1": {"y": 2}}),
]


def told(callback: Any, events: Iterable[Event], stream: io.StringIO) -> str:
    for event in events:
        callback(event)
    return stream.getvalue()


def test_one_document() -> None:
    stream = io.StringIO()
    found = json.loads(told(JsonDocument(stream), RUN, stream))
    assert set(found) == {"plays", "stats", "custom_stats", "global_custom_stats"}
    assert found["stats"]["h1"] == {"ok": 1, "changed": 1, "unreachable": 0, "failures": 1, "skipped": 0, "rescued": 0, "ignored": 0}
    assert (found["custom_stats"], found["global_custom_stats"]) == ({"h1": {"y": 2}}, {"x": 1})
    [play] = found["plays"]
    assert {key: play["play"][key] for key in ("name", "id", "path")} == {"name": "first", "id": "1", "path": "/p/site.yml:1"}
    [task] = play["tasks"]
    assert {key: task["task"][key] for key in ("name", "id", "path")} == {"name": "t", "id": "1", "path": "/p/site.yml:5"}
    assert all(set(part["duration"]) == {"start", "end"} for part in (play["play"], task["task"]))
    assert task["hosts"] == {"h1": {"action": "command", "unreachable": True, "msg": "gone"}}


def test_a_line_for_each_event() -> None:
    stream = io.StringIO()
    lines = [json.loads(line) for line in told(JsonLines(stream), RUN, stream).splitlines()]
    assert [line["_event"] for line in lines] == [
        "v2_playbook_on_start",
        "v2_playbook_on_play_start",
        "v2_playbook_on_task_start",
        "v2_runner_item_on_ok",
        "v2_runner_on_ok",
        "v2_runner_on_skipped",
        "v2_runner_on_failed",
        "v2_runner_on_failed",
        "v2_runner_on_unreachable",
        "v2_playbook_on_no_hosts_matched",
        "warning",
        "v2_playbook_on_stats",
    ]
    assert lines[1]["tasks"] == [] and lines[2]["hosts"] == {} and lines[1]["play"]["id"] == "1"
    assert set(lines[4]["task"]["duration"]) == {"start", "end"} and "end" not in lines[2]["task"]["duration"]
    assert lines[4]["hosts"] == {"h1": {"action": "command", "changed": True, "stdout": "é\x01"}}
    assert lines[7]["hosts"]["h1"]["ignore_errors"] is True
    assert all(line["_timestamp"].endswith("Z") for line in lines)


@pytest.fixture
def report() -> ET.Element:
    stream = io.StringIO()
    return ET.fromstring(told(JUnitReport(stream), RUN, stream))


def test_a_report_may_go_into_a_folder(tmp_path: Path) -> None:
    stream = io.StringIO()
    assert told(JUnitReport(stream, tmp_path / "new"), RUN, stream) == ""
    [written] = (tmp_path / "new").iterdir()
    assert written.name.startswith("site-") and len(ET.parse(written).getroot()[0]) == 5


def test_a_report_counts(report: ET.Element) -> None:
    [suite] = report
    counted = {"tests": "5", "failures": "1", "errors": "1", "disabled": "0"}
    assert {key: report.attrib[key] for key in counted} == counted
    assert {key: suite.attrib[key] for key in ("name", "skipped", "time", *counted)} == {
        "name": "site",
        "skipped": "1",
        "time": "2.500",
        **counted,
    }


def test_a_reports_cases(report: ET.Element) -> None:
    cases = list(report[0])
    assert {(case.attrib["name"], case.attrib["classname"]) for case in cases} == {("[h1] first: t", "/p/site.yml:5")}
    children = [(child.tag, child.attrib.get("message"), child.text or "") for case in cases for child in case]
    assert [(tag, message) for tag, message, _ in children] == [
        ("system-out", None),
        ("skipped", None),
        ("failure", "a<b"),
        ("system-out", None),
        ("error", "gone"),
    ]
    assert json.loads(children[0][2])["changed"] is True
    assert children[1][2] == "Conditional result was False"
    assert json.loads(children[3][2])["rc"] == 3
