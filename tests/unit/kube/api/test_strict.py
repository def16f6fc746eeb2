"""Proves that members which come twice are found, in upstream's words and order, for typed and untyped kinds, in JSON and YAML."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.strict import NONE, doubles_in_json, doubles_in_yaml, findings, findings_in_json_patch, strict_error

BODY = b"""{"spec":{"unknown1":"a","unknownDupe":1,"unknownDupe":2,"paused":true,"paused":false,
"template":{"containers":[{"name":"c","nested":1,"imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}"""
UNKNOWN = ["spec.unknown1", "spec.unknownDupe", "spec.template.containers[0].nested"]


def test_typed_kinds_are_told_of_in_the_texts_order() -> None:
    assert findings(doubles_in_json(BODY), UNKNOWN, is_typed=True) == [
        'unknown field "spec.unknown1"',
        'unknown field "spec.unknownDupe"',
        'duplicate field "spec.paused"',
        'unknown field "spec.template.containers[0].nested"',
        'duplicate field "spec.template.containers[0].imagePullPolicy"',
    ]


def test_untyped_kinds_have_doubles_first() -> None:
    assert findings(doubles_in_json(BODY), UNKNOWN, is_typed=False)[:3] == [
        'duplicate field "spec.unknownDupe"',
        'duplicate field "spec.paused"',
        'duplicate field "spec.template.containers[0].imagePullPolicy"',
    ]


def test_yaml_says_the_line() -> None:
    found = doubles_in_yaml(b"spec:\n  a: 1\n  a: 2\n  b:\n  - c: 1\n    c: 2\n")
    assert found.lines == ('line 3: key "a" already set in map', 'line 6: key "c" already set in map')
    text = strict_error(found, findings(found, ["spec.z", "spec.y"], is_typed=True))
    assert text == (
        'yaml: unmarshal errors:\n  line 3: key "a" already set in map\n  line 6: key "c" already set in map, '
        'unknown field "spec.y", unknown field "spec.z"'
    )


_DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
)


@given(_DOCUMENTS)
def test_what_is_written_once_is_never_told_of(document: object) -> None:
    assert doubles_in_json(json.dumps(document).encode()) is NONE


def test_nothing_is_found_in_what_is_no_document() -> None:
    assert not doubles_in_json(b"{") and not doubles_in_yaml(b"")


def test_a_json_patch_is_told_of_as_one() -> None:
    body = b'[{"op":"add","path":"/a","path":"/b","foo":1,"value":{"c":1,"c":2}}]'
    found = findings(findings_in_json_patch(body, json.loads(body)), ["b.d"], is_typed=True)
    assert found == [
        'json patch duplicate field "[0].path"',
        'json patch duplicate field "[0].value.c"',
        'json patch unknown field "[0].foo"',
        'unknown field "b.d"',
    ]
    assert findings_in_json_patch(b'{"a":1}', {"a": 1}) is NONE
