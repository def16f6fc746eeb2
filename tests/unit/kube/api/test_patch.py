"""Proves the three kinds of patches: JSON patch by RFC 6902's own examples, merge patch by what undoes a difference, strategic merge by its directives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.patch import BadFormat, PatchError, json_patch, merge_patch, strategic_merge_patch

# -- JSON patch ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["a"]}], {"foo": ["bar", ["a"]]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["a", "b", "c"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["a", "c"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        ({"foo": {"bar": 1}, "qux": {}}, [{"op": "move", "from": "/foo/bar", "path": "/qux/thud"}], {"foo": {}, "qux": {"thud": 1}}),
        ({"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}], {"foo": ["all", "cows", "eat", "grass"]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a/b": 1, "m~n": 2}, [{"op": "test", "path": "/a~1b", "value": 1}, {"op": "remove", "path": "/m~0n"}], {"a/b": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": {}}, [{"op": "add", "path": "/a/b", "value": None}], {"a": {"b": None}}),
    ],
)  # fmt: skip
def test_operations(document: Any, operations: list[dict[str, Any]], expected: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch(document, operations) == expected
    assert document == before


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"},
        [{"op": "add", "path": "/a"}],
        [{"op": "remove", "path": "/missing"}],
        [{"op": "replace", "path": "/missing", "value": 1}],
        [{"op": "add", "path": "/missing/deep", "value": 1}],
        [{"op": "add", "path": "/list/7", "value": 1}],
        [{"op": "add", "path": "/list/01", "value": 1}],
        [{"op": "add", "path": "/list/-1", "value": 1}],
        [{"op": "test", "path": "/a", "value": 2}],
        [{"op": "frob", "path": "/a", "value": 2}],
        [{"op": "add", "path": "a", "value": 2}],
        [{"op": "move", "path": "/b"}],
        ["text"],
    ],
)
def test_operations_that_fail(operations: Any) -> None:
    with pytest.raises(PatchError):
        json_patch({"a": 1, "list": [1]}, operations)


# -- merge patch -----------------------------------------------------------------------------------------------------------

scalars = st.integers(0, 3) | st.text("ab", max_size=2) | st.booleans()
documents = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), scalars, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner | scalars | st.lists(inner, max_size=2), max_size=3),
    max_leaves=8,
)


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The merge patch from old to new."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            patch[key] = difference(old[key], value)
        elif key not in old or type(old[key]) is not type(value) or old[key] != value:
            patch[key] = value
    return patch


@given(documents, documents)
def test_a_difference_applied_gives_the_new_document(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = copy.deepcopy(old)
    assert merge_patch(old, difference(old, new)) == new
    assert old == before


@given(documents, documents)
def test_merging_twice_is_merging_once(old: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge_patch(old, patch)
    assert merge_patch(once, patch) == once


@given(documents, documents)
def test_without_rules_strategic_merge_is_merge_patch(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = difference(old, new)
    assert strategic_merge_patch(old, patch, None) == merge_patch(old, patch)


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ],
)
def test_examples_of_the_rfc(document: Any, patch: Any, expected: Any) -> None:
    assert merge_patch(document, patch) == expected


# -- strategic merge -------------------------------------------------------------------------------------------------------


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {**({"containers": list(containers)} if containers else {}), **spec}}


def merged(document: dict[str, Any], patch: dict[str, Any]) -> Any:
    before = copy.deepcopy((document, patch))
    result = strategic_merge_patch(document, patch, "core_v1.Pod")
    assert (document, patch) == before, "inputs stay as they were"
    return result


A, B = {"name": "a", "image": "1"}, {"name": "b", "image": "2"}


def test_items_merge_by_key() -> None:
    assert merged(pod(A, B), pod({"name": "b", "image": "3"}, {"name": "c"})) == pod(A, {"name": "b", "image": "3"}, {"name": "c"})


def test_an_item_can_be_deleted_or_replaced() -> None:
    assert merged(pod(A, B), pod({"name": "a", "$patch": "delete"})) == pod(B)
    assert merged(pod(A, B), pod({"name": "a", "command": ["x"], "$patch": "replace"})) == pod({"name": "a", "command": ["x"]}, B)


def test_a_list_can_be_replaced() -> None:
    assert merged(pod(A, B), pod({"$patch": "replace"}, {"name": "c"})) == pod({"name": "c"})


def test_a_map_can_be_replaced_or_deleted() -> None:
    assert merged(pod(nodeSelector={"a": "1"}), pod(nodeSelector={"$patch": "replace", "b": "2"})) == pod(nodeSelector={"b": "2"})
    assert merged(pod(nodeSelector={"a": "1"}), pod(nodeSelector={"$patch": "delete"})) == pod(nodeSelector={})


def test_null_removes_at_any_depth() -> None:
    document = pod({**A, "workingDir": "/x"}, nodeSelector={"a": "1", "b": "2"})
    patch = pod({"name": "a", "workingDir": None}, nodeSelector={"a": None})
    assert merged(document, patch) == pod(A, nodeSelector={"b": "2"})
    assert merged({"spec": {}}, pod({"name": "n", "workingDir": None})) == pod({"name": "n"})


def test_sets_of_primitives() -> None:
    document = {"metadata": {"finalizers": ["a", "b"]}}
    assert merged(document, {"metadata": {"finalizers": ["b", "c"]}}) == {"metadata": {"finalizers": ["a", "b", "c"]}}
    gone = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"], "$setElementOrder/finalizers": ["c", "b"]}}
    assert merged(document, gone) == {"metadata": {"finalizers": ["c", "b"]}}


def test_lists_without_a_merge_key_are_replaced() -> None:
    assert merged(pod({**A, "args": ["x", "y"]}), pod({"name": "a", "args": ["z"]})) == pod({**A, "args": ["z"]})


def test_the_order_of_items_can_be_set() -> None:
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert merged(pod(A, B), {"spec": {**order, "containers": [{"name": "a", "image": "9"}]}}) == pod(B, {"name": "a", "image": "9"})
    assert merged(pod(A, B), {"spec": order}) == pod(B, A)


def test_items_the_client_does_not_know_stay_behind_what_they_followed() -> None:
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    server = {"name": "sidecar"}
    assert merged(pod(A, server, B), {"spec": order}) == pod(B, A, server)


def test_retained_keys_clear_the_rest_of_a_union() -> None:
    document = pod(volumes=[{"name": "v", "emptyDir": {}}])
    patch = pod(volumes=[{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}])
    assert merged(document, patch) == pod(volumes=[{"name": "v", "configMap": {"name": "c"}}])


def test_ports_merge_by_number() -> None:
    service = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
    patch = {"spec": {"ports": [{"port": 80, "nodePort": 30000}, {"port": 443}]}}
    assert strategic_merge_patch(service, patch, "core_v1.Service") == {
        "spec": {"ports": [{"port": 80, "targetPort": 8080, "nodePort": 30000}, {"port": 443}]}
    }


@pytest.mark.parametrize(
    "patch",
    [
        "text",
        pod({"image": "x"}),
        {"spec": {"$patch": "explode"}},
        pod("text"),
        {"spec": {"$retainKeys": 3}},
        pod({"name": "a", "ports": [1]}),
    ],  # type: ignore[arg-type]
)
def test_patches_that_fit_nothing(patch: Any) -> None:
    with pytest.raises(PatchError):
        strategic_merge_patch(pod(A), patch, "core_v1.Pod")


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}}, "invalid patch format of primitive list"),
        ({"spec": {"$retainKeys": "x"}}, "invalid patch format of retainKeys"),
        ({"spec": {"$retainKeys": ["nodeName"], "hostname": "x"}}, "invalid patch format of retainKeys"),
        ({"spec": {"$setElementOrder/containers": {}, "containers": [A]}}, "invalid patch format of setElementOrder list"),
    ],
)
def test_directives_that_are_not_in_their_form(patch: Any, told: str) -> None:
    with pytest.raises(BadFormat, match=told):
        strategic_merge_patch(pod(A), patch, "core_v1.Pod")


def test_what_is_patched_is_in_the_order_that_is_asked_for() -> None:
    for items, order in (([A, B], "ba"), ([A], "b")):
        patch = {"spec": {"$setElementOrder/containers": [{"name": name} for name in order], "containers": items}}
        with pytest.raises(PatchError, match=r"The order in patch list:\n.*\n doesn't match "):
            strategic_merge_patch(pod(A, B), patch, "core_v1.Pod")
    gone = {"spec": {"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a", "$patch": "delete"}, B]}}
    assert merged(pod(A, B), gone) == pod(B)


containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd")}, optional={"image": st.sampled_from("12"), "tty": st.booleans()}),
    unique_by=lambda c: c["name"],
    min_size=1,
    max_size=4,
)


@given(containers, containers)
def test_every_item_of_a_patch_is_in_and_no_other_is_lost(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    found = {c["name"]: c for c in merged(pod(*old), pod(*new))["spec"]["containers"]}
    before = {c["name"]: c for c in old}
    assert found == before | {c["name"]: before.get(c["name"], {}) | c for c in new}
    assert merged(merged(pod(*old), pod(*new)), pod(*new)) == merged(pod(*old), pod(*new))
