"""Proves how kubectl's server-side apply takes over from its client-side apply: without conflicts where nobody else was, with its annotation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.kube.api import last_applied
from provisioner.kube.api.apply import apply
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.managed_fields import APPLY, UPDATE, Entry, Manager, write

SCHEMA = Schema("core_v1.ConfigMap")


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def applied_by_client(applied: dict[str, Any], **now: str) -> dict[str, Any]:
    """As it is after `kubectl apply`, and after what somebody wrote since."""
    live = config_map(**now)
    live["metadata"]["annotations"] = {last_applied.ANNOTATION: json.dumps(applied)}
    paths = frozenset({("f:data", f"f:{key}") for key in now} | {("f:metadata", "f:annotations", f"f:{last_applied.ANNOTATION}")})
    write(live, [Entry(Manager("kubectl-client-side-apply", UPDATE, "v1"), paths, "2026-01-01T00:00:00Z")])
    return live


def on_server(live: dict[str, Any], wanted: dict[str, Any], manager: str = "kubectl") -> dict[str, Any]:
    return apply(live, wanted, Manager(manager, APPLY, "v1"), SCHEMA, now="2026-01-02T00:00:00Z")


def test_what_client_side_apply_set_is_no_conflict() -> None:
    made = on_server(applied_by_client(config_map(a="1"), a="1"), config_map(a="2"))
    assert made["data"] == {"a": "2"}
    assert json.loads(made["metadata"]["annotations"][last_applied.ANNOTATION]) == config_map(a="2")


@pytest.mark.parametrize(
    ("applied", "manager"),
    [
        (config_map(a="0"), "kubectl"),
        (config_map(b="1"), "kubectl"),
        (config_map(a="1"), "another"),
        ({**config_map(a="1"), "apiVersion": "v2"}, "kubectl"),
    ],
    ids=["changed since", "never applied", "another manager", "another version"],
)
def test_what_others_set_is_one(applied: dict[str, Any], manager: str) -> None:
    with pytest.raises(StatusError, match="conflict with"):
        on_server(applied_by_client(applied, a="1"), config_map(a="2"), manager)


def test_nothing_new_is_no_change() -> None:
    live = on_server(applied_by_client(config_map(a="1"), a="1"), config_map(a="1"))
    assert on_server(live, config_map(a="1")) == live


def test_an_annotation_that_is_not_there_is_not_made_and_a_broken_one_says_nothing() -> None:
    live = applied_by_client(config_map(a="1"), a="1")
    del live["metadata"]["annotations"]
    last_applied.note(live, config_map(a="2"))
    assert "annotations" not in live["metadata"]
    live["metadata"]["annotations"] = {last_applied.ANNOTATION: "{"}
    assert last_applied.unchanged(live, SCHEMA) == frozenset()
    big = config_map(a="x" * last_applied.ANNOTATIONS_BYTES)
    last_applied.note(live, big)
    assert live["metadata"]["annotations"] == {}
