"""Proves server-side apply: ownership, conflicts and force, giving up fields, shared ownership, lists by their types, and no-ops."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.apply import apply
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.managed_fields import APPLY, UPDATE, Manager, read, track

DEPLOYMENT = Schema("apps_v1.Deployment")
T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"


def applier(name: str) -> Manager:
    return Manager(name, APPLY, "apps/v1")


def updater(name: str, subresource: str = "") -> Manager:
    return Manager(name, UPDATE, "apps/v1", subresource)


def deployment(containers: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    if containers is not None:
        spec["template"] = {"spec": {"containers": containers}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, **({"spec": spec} if spec else {})}


def put(live: dict[str, Any] | None, wanted: dict[str, Any], name: str, now: str = T1, *, force: bool = False) -> dict[str, Any]:
    before = copy.deepcopy((live, wanted))
    made = apply(live, wanted, applier(name), DEPLOYMENT, now=now, force=force)
    assert (live, wanted) == before, "inputs stay as they were"
    return made


def update(live: dict[str, Any], name: str, now: str = T2, subresource: str = "", **spec: Any) -> dict[str, Any]:
    new = copy.deepcopy(live)
    new["status" if subresource else "spec"] = {**new.get("status" if subresource else "spec", {}), **spec}
    track(new, live, updater(name, subresource), DEPLOYMENT, now=now)
    return new


def owners(document: dict[str, Any]) -> dict[str, set[str]]:
    return {e.manager.name: {"/".join(path) for path in e.paths} for e in read(document)}


def test_the_first_apply_owns_what_it_says() -> None:
    made = put(None, deployment(replicas=3), "alice")
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "alice",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": T1,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }
    ]


def test_applying_the_same_again_changes_nothing_and_keeps_the_time() -> None:
    made = put(None, deployment(replicas=3), "alice")
    assert put(made, deployment(replicas=3), "alice", T2) == made


def test_another_value_of_anothers_field_is_a_conflict_until_forced() -> None:
    made = put(None, deployment(replicas=3, minReadySeconds=1), "alice")
    with pytest.raises(StatusError) as caught:
        put(made, deployment(replicas=5), "bob", T2)
    assert caught.value.code == 409
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "alice": .spec.replicas'
    assert caught.value.details["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "alice"', "field": ".spec.replicas"}
    ]
    forced = put(made, deployment(replicas=5), "bob", T2, force=True)
    assert forced["spec"]["replicas"] == 5
    assert owners(forced) == {"alice": {"f:spec/f:minReadySeconds"}, "bob": {"f:spec/f:replicas"}}


def test_several_conflicts_are_all_told() -> None:
    made = put(None, deployment(replicas=3, minReadySeconds=1), "alice")
    with pytest.raises(StatusError) as caught:
        put(made, deployment(replicas=5, minReadySeconds=2), "bob")
    assert caught.value.message == 'Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.minReadySeconds\n- .spec.replicas'


def test_an_update_owns_what_it_changed_and_is_told_of_in_conflicts_with_its_time() -> None:
    made = update(put(None, deployment(replicas=3), "alice"), "kubectl-edit", replicas=4)
    assert owners(made) == {"kubectl-edit": {"f:spec/f:replicas"}}
    with pytest.raises(StatusError, match=rf'conflict with "kubectl-edit" using apps/v1 at {T2}: .spec.replicas'):
        put(made, deployment(replicas=3), "alice", T3)


def test_the_same_value_is_owned_together_and_stays_when_one_gives_it_up() -> None:
    made = put(put(None, deployment(replicas=3), "alice"), deployment(replicas=3), "bob", T2)
    assert owners(made) == {"alice": {"f:spec/f:replicas"}, "bob": {"f:spec/f:replicas"}}
    left = put(made, deployment(), "alice", T3)
    assert left["spec"] == {"replicas": 3}
    assert owners(left) == {"bob": {"f:spec/f:replicas"}}


def test_what_a_manager_no_longer_says_is_unset() -> None:
    made = put(None, deployment(replicas=3, minReadySeconds=7), "alice")
    assert put(made, deployment(replicas=3), "alice", T2)["spec"] == {"replicas": 3}


def test_a_field_that_only_defaults_own_is_not_unset() -> None:
    made = put(None, deployment(replicas=3, minReadySeconds=7), "alice")
    made["spec"]["revisionHistoryLimit"] = 10
    assert put(made, deployment(minReadySeconds=7), "alice", T2)["spec"] == {"minReadySeconds": 7, "revisionHistoryLimit": 10}


def test_items_of_map_lists_are_merged_by_key_and_removed_whole() -> None:
    first = [{"name": "web", "image": "a"}, {"name": "log", "image": "b"}]
    made = put(None, deployment(first), "alice")
    made["spec"]["template"]["spec"]["containers"][1]["imagePullPolicy"] = "Always"
    sidecar = put(made, deployment([{"name": "proxy", "image": "p"}]), "mesh", T2)
    names = [c["name"] for c in sidecar["spec"]["template"]["spec"]["containers"]]
    assert names == ["web", "log", "proxy"]
    after = put(sidecar, deployment([{"name": "web", "image": "c"}]), "alice", T3)
    assert after["spec"]["template"]["spec"]["containers"] == [{"name": "web", "image": "c"}, {"name": "proxy", "image": "p"}]


def test_an_item_that_another_owns_a_part_of_keeps_that_part() -> None:
    made = put(None, deployment([{"name": "web", "image": "a", "workingDir": "/x"}]), "alice")
    shared = put(made, deployment([{"name": "web", "stdin": True}]), "bob", T2)
    after = put(shared, deployment([]), "alice", T3)
    assert after["spec"]["template"]["spec"]["containers"] == [{"name": "web", "stdin": True}]


def test_atomic_parts_are_replaced_whole() -> None:
    made = put(None, deployment(selector={"matchLabels": {"a": "1", "b": "2"}}), "alice")
    assert put(made, deployment(selector={"matchLabels": {"c": "3"}}), "alice", T2)["spec"]["selector"] == {"matchLabels": {"c": "3"}}


def test_sets_keep_what_others_added() -> None:
    made = put(None, {**deployment(), "metadata": {"name": "web", "finalizers": ["x/a", "x/b"]}}, "alice")
    both = put(made, {**deployment(), "metadata": {"name": "web", "finalizers": ["x/c"]}}, "bob", T2)
    assert both["metadata"]["finalizers"] == ["x/a", "x/b", "x/c"]
    less = put(both, {**deployment(), "metadata": {"name": "web", "finalizers": ["x/b"]}}, "alice", T3)
    assert less["metadata"]["finalizers"] == ["x/b", "x/c"]


def test_an_object_nobody_tracked_belongs_to_before_first_apply() -> None:
    live = {**deployment(replicas=3), "metadata": {"name": "web", "creationTimestamp": T1}}
    with pytest.raises(StatusError, match=f'conflict with "before-first-apply" using apps/v1 at {T1}: .spec.replicas'):
        put(live, deployment(replicas=4), "alice", T2)


def test_status_belongs_to_its_subresource() -> None:
    made = put(None, {**deployment(replicas=3), "status": {"replicas": 9}}, "alice")
    assert owners(made) == {"alice": {"f:spec/f:replicas"}}
    seen = update(made, "controller", subresource="status", replicas=3)
    assert owners(seen)["controller"] == {"f:status/f:replicas"}
    entry = next(e for e in seen["metadata"]["managedFields"] if e["manager"] == "controller")
    assert entry["subresource"] == "status"


def test_what_is_not_for_a_subresource_is_no_wish_and_no_conflict() -> None:
    made = put(None, deployment(replicas=3), "alice")
    part = Manager("bob", APPLY, "apps/v1", "status")
    told = apply(made, {**deployment(replicas=9), "status": {"replicas": 1}}, part, DEPLOYMENT, now=T2)
    assert told["spec"] == {"replicas": 3} and told["status"] == {"replicas": 1}
    assert owners(told)["bob"] == {"f:status/f:replicas"}
    again = put(told, {**deployment(replicas=3), "status": {"replicas": 7}}, "alice", T3)
    assert again == told


def test_an_update_without_a_change_leaves_no_trace() -> None:
    made = put(None, deployment(replicas=3), "alice")
    assert update(made, "busybody") == made


def test_a_client_may_reset_the_ownership() -> None:
    made = put(None, deployment(replicas=3), "alice")
    new = {**made, "metadata": {**made["metadata"], "managedFields": [{}]}}
    track(new, made, updater("kubectl"), DEPLOYMENT, now=T2)
    assert "managedFields" not in new["metadata"]


def test_old_updaters_become_one() -> None:
    live = deployment()
    for number in range(14):
        new = copy.deepcopy(live)
        new["metadata"]["labels"] = {**new["metadata"].get("labels", {}), f"l{number}": "x"}
        track(new, live, updater(f"m{number:02}"), DEPLOYMENT, now=f"2026-01-01T00:00:{number:02}Z")
        live = new
    found = owners(live)
    assert len(found) == 10
    assert "f:metadata/f:labels/f:l0" in found["ancient-changes"]
    assert found["m13"] == {"f:metadata/f:labels/f:l13"}


leaf = st.integers(0, 3)
configs = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {"name": st.just("x"), "labels": st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), min_size=1)}
        ),
        "spec": st.fixed_dictionaries(
            {
                "template": st.fixed_dictionaries(
                    {
                        "spec": st.fixed_dictionaries(
                            {
                                "containers": st.lists(
                                    st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"image": st.sampled_from("ab")}),
                                    unique_by=lambda c: c["name"],
                                    min_size=1,
                                    max_size=3,
                                )
                            }
                        )
                    }
                )
            },
            optional={"replicas": leaf, "minReadySeconds": leaf},
        ),
    }
)


def _said(document: Any, part: Any) -> bool:
    """Whether all of `part` is in the document; empty parts need not be."""
    if isinstance(part, dict):
        return all(_said((document or {}).get(key), value) for key, value in part.items())
    if isinstance(part, list):
        by_name = {item["name"]: item for item in document or ()}
        return all(_said(by_name[item["name"]], item) for item in part)
    return bool(document == part)


@given(configs, configs, configs)
def test_forced_applies_get_what_they_say_and_giving_all_up_leaves_the_others(
    a1: dict[str, Any], b: dict[str, Any], a2: dict[str, Any]
) -> None:
    live = put(None, a1, "a")
    live = put(live, b, "b", T2, force=True)
    assert _said(live, b)
    again = put(live, a2, "a", T3, force=True)
    assert _said(again, a2)
    assert put(again, a2, "a", T3) == again
    alone = put(put(None, b, "b"), b, "b")
    if "a" not in owners(live):
        return
    empty = {"metadata": {"name": "x"}, "spec": {}}
    left = put(live, empty, "a", T3)
    assert _said(left, b)
    assert owners(left).get("b") == owners(alone).get("b")
