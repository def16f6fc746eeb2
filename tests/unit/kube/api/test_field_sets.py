"""Proves that sets of fields are what upstream's managedFields write down: paths by list type, and the fieldsV1 form both ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.field_sets import Schema, compare, doubled, fields_v1_of, from_fields_v1, path_text, paths_of, to_fields_v1
from provisioner.kube.api.managed_fields import within

DEPLOYMENT = Schema("apps_v1.Deployment")
DOCUMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}, "finalizers": ["example.com/x"]},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [{"name": "web", "image": "nginx", "args": ["-v"], "ports": [{"containerPort": 80}]}],
                "securityContext": {},
            },
        },
    },
}


def test_paths_follow_the_types_rules() -> None:
    assert to_fields_v1(paths_of(DOCUMENT, DEPLOYMENT)) == {
        "f:metadata": {"f:finalizers": {'v:"example.com/x"': {}}, "f:labels": {"f:app": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"web"}': {
                            ".": {},
                            "f:args": {},
                            "f:image": {},
                            "f:name": {},
                            "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                        }
                    },
                    "f:securityContext": {},
                },
            },
        },
    }


def test_without_a_schema_maps_are_granular_and_lists_atomic() -> None:
    paths = paths_of({"spec": {"a": {"b": 1}, "items": [{"name": "x"}]}}, Schema(None))
    assert to_fields_v1(paths)["f:spec"] == {".": {}, "f:a": {".": {}, "f:b": {}}, "f:items": {}}


PROBED = {"name": "x", "livenessProbe": {"httpGet": {"port": 80}}, "resources": {}}
CAME: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # what stands in every object of the type is nothing that came, only what is in it; what is below an item came with it
    "a deployment": (
        "apps_v1.Deployment",
        {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"strategy": {"rollingUpdate": {"maxSurge": 1}}, "template": {"spec": {"containers": [PROBED]}}},
        },
        {
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}},
                "f:template": {
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"x"}': {
                                ".": {},
                                "f:livenessProbe": {".": {}, "f:httpGet": {".": {}, "f:port": {}}},
                                "f:name": {},
                                "f:resources": {},
                            }
                        }
                    }
                },
            },
        },
    ),
    "a template that is a pointer": (
        "core_v1.ReplicationController",
        {"spec": {"template": {"spec": {"containers": [{"name": "x"}]}}}},
        {"f:spec": {"f:template": {".": {}, "f:spec": {".": {}, "f:containers": {".": {}, 'k:{"name":"x"}': {".": {}, "f:name": {}}}}}}},
    ),
    "items that are owned as a whole, and a name that the server made": (
        "core_v1.Pod",
        {"metadata": {"generateName": "x-", "ownerReferences": [{"uid": "1", "name": "a"}]}, "spec": {"imagePullSecrets": [{"name": "a"}]}},
        {
            "f:metadata": {"f:generateName": {}, "f:ownerReferences": {".": {}, 'k:{"uid":"1"}': {}}},
            "f:spec": {"f:imagePullSecrets": {".": {}, 'k:{"name":"a"}': {}}},
        },
    ),
    "a kind of one's own": ("", {"spec": {"a": {"b": 1}}}, {"f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}}}),
}


@pytest.mark.parametrize(("type_key", "document", "fields"), CAME.values(), ids=CAME)
def test_what_came_counts_all_that_holds_something(type_key: str, document: dict[str, Any], fields: dict[str, Any]) -> None:
    schema = Schema(type_key or None)
    found = compare({}, document, schema)
    assert to_fields_v1(found.set_now) == fields == fields_v1_of(document, schema)
    assert not found.modified


UNLIKE: list[tuple[Any, Any, set[str], set[str], set[str]]] = [
    # old and new value of a field without a type; what came, went and was modified
    ({"a": 1}, [1], set(), {"f:a"}, {""}),
    ("x", {"a": 1}, {"f:a"}, set(), {""}),
    ({"a": 1}, None, set(), {"f:a"}, set()),
    (None, {"a": {"b": 1}}, {"f:a", "f:a/f:b"}, set(), set()),
    ({}, None, set(), set(), {""}),
]


@pytest.mark.parametrize(("old", "new", "came", "went", "modified"), UNLIKE)
def test_of_two_types(old: Any, new: Any, came: set[str], went: set[str], modified: set[str]) -> None:
    found = compare({"x": old}, {"x": new}, Schema(None))
    told = [{"/".join(path[1:]) for path in paths} for paths in (found.added, found.removed, found.modified)]
    assert told == [came, went, modified]


def test_changes_are_told_apart() -> None:
    old = {"spec": {"replicas": 1, "paused": True, "selector": {"matchLabels": {"a": "1"}}}}
    new = {"spec": {"replicas": 2, "minReadySeconds": 5, "selector": {"matchLabels": {"a": "1", "b": "2"}}}}
    found = compare(old, new, DEPLOYMENT)
    assert found.modified == {("f:spec", "f:replicas"), ("f:spec", "f:selector")}
    assert found.added == {("f:spec", "f:minReadySeconds")}
    assert found.removed == {("f:spec", "f:paused")}


def test_paths_are_shown_as_conflicts_show_them() -> None:
    assert (
        path_text(("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:x", 'v:"y"')) == '.spec[containerPort=80,protocol="TCP"].x[="y"]'
    )


elements = st.sampled_from(["f:a", "f:b", "f:spec", 'k:{"name":"x"}', 'v:"1"'])


@given(st.frozensets(st.lists(elements, min_size=1, max_size=4).map(tuple), min_size=1, max_size=12))
def test_fields_v1_keeps_every_set(paths: frozenset[tuple[str, ...]]) -> None:
    assert from_fields_v1(to_fields_v1(paths)) == paths


values = st.recursive(
    st.none() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=10,
)
documents = st.fixed_dictionaries({"spec": st.dictionaries(st.sampled_from("abc"), values, max_size=3)})


@given(documents, documents)
def test_comparing_backwards_swaps_what_came_and_went(old: dict[str, Any], new: dict[str, Any]) -> None:
    there, back = compare(old, new, Schema(None)), compare(new, old, Schema(None))
    assert (there.added, there.removed, there.modified) == (back.removed, back.added, back.modified)
    assert bool(there) == (old != new)


_NAMES = st.sampled_from(["a", "b", "metadata", "labels", "name", "image"])
_SCALARS = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["", "x"]))
_ANY = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(_NAMES, inner, max_size=3)), max_leaves=6
)
_PORTS = st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 2)}, optional={"protocol": st.sampled_from(["TCP", "UDP"])}))
_CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["a", "b"])}, optional={"ports": _PORTS, "unknown": _ANY, "securityContext": _ANY}),
    max_size=2,
)
_PODS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Pod")},
    optional={
        "metadata": st.fixed_dictionaries(
            {}, optional={"name": st.just("x"), "labels": st.dictionaries(_NAMES, st.just("")), "finalizers": st.just(["a", "b"])}
        ),
        "spec": st.fixed_dictionaries({}, optional={"containers": _CONTAINERS, "nodeSelector": st.just({}), "odd": _ANY}),
        "status": st.just({"phase": "x"}),
    },
)


@given(document=_PODS, has_status=st.booleans(), key=st.sampled_from(["core_v1.Pod", None]))
def test_what_a_new_document_sets_is_found_in_one_go_too(document: dict[str, Any], has_status: bool, key: str | None) -> None:
    schema = Schema(key)
    paths = within(compare({}, document, schema).set_now, "", has_status=has_status)
    without = frozenset({"status"}) if has_status else frozenset()
    found = fields_v1_of(document, schema, without=without)
    assert found == to_fields_v1(paths) and list(found) == list(to_fields_v1(paths))


def test_items_that_are_there_twice_are_told() -> None:
    schema = Schema("core_v1.Pod")
    document = {"spec": {"containers": [{"name": "a"}, {"name": "a"}, {"name": "b"}]}}
    assert list(doubled(document, schema.root, schema)) == ['.spec.containers: duplicate entries for key [name="a"]']
    nameless = {"spec": {"containers": [{"image": "i"}], "imagePullSecrets": [{}]}}
    (told,) = doubled(nameless, schema.root, schema)
    assert told.startswith('.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (')
