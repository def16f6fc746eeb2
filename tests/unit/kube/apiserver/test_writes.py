"""Proves what a body of each media type is read as, which verb it ends in, and what is refused before anything is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.apiserver.writes import PATCH_OPERATIONS, Patcher, Writes, patch_of, patch_type

KIND: Any = SimpleNamespace(
    strategy=SimpleNamespace(creates_on_update=True), type_key="core_v1.ConfigMap", resource=SimpleNamespace(kind="ConfigMap")
)
OLD = {"kind": "ConfigMap", "data": {"a": "1"}}


class Rest:
    """Says what it was asked for."""

    def __init__(self, present: bool = True) -> None:
        self.present = present

    async def exists(self, kind: Any, call: Call) -> bool:
        return self.present

    async def create(self, kind: Any, call: Call, document: Any) -> bytes:
        return f"create {document}".encode()

    async def update(self, kind: Any, call: Call, document: Any) -> bytes:
        return f"update {document}".encode()

    async def patch(self, kind: Any, call: Call, apply: Any, wrong: Any) -> bytes:
        return f"patch {apply(OLD)['data']}".encode()

    async def apply(self, kind: Any, call: Call, document: Any) -> tuple[bytes, bool]:
        return f"apply {document}".encode(), not self.present


def call(verb: str, **query: str) -> Call:
    return Call(LOOPBACK, Target(verb, "/", "", "v1", "configmaps", "ns", "one"), query)


@pytest.mark.parametrize(
    ("verb", "media", "body", "present", "answer"),
    [
        ("create", None, b'{"a":1}', True, (b"create {'a': 1}", 201)),
        ("create", "application/yaml", b"a: 1", True, (b"create {'a': 1}", 201)),
        ("update", "application/json; charset=utf-8", b'{"a":1}', True, (b"update {'a': 1}", 200)),
        ("update", "application/json", b'{"a":1}', False, (b"create {'a': 1}", 201)),
        ("patch", "application/merge-patch+json", b'{"data":{"b":"2"}}', True, (b"patch {'a': '1', 'b': '2'}", 200)),
        ("patch", "application/json-patch+json", b'[{"op":"remove","path":"/data/a"}]', True, (b"patch {}", 200)),
        ("patch", "application/strategic-merge-patch+json", b'{"data":{"a":null}}', True, (b"patch {}", 200)),
        ("patch", "application/apply-patch+yaml", b"a: 1", True, (b"apply {'a': 1}", 200)),
        ("patch", "application/apply-patch+yaml", b"a: 1", False, (b"apply {'a': 1}", 201)),
    ],
)
async def test_where_a_body_goes(verb: str, media: str | None, body: bytes, present: bool, answer: tuple[bytes, int]) -> None:
    rest: Any = Rest(present)
    assert await Writes(rest).answer(KIND, call(verb), body, media) == answer


@pytest.mark.parametrize(
    ("verb", "media", "body", "code"),
    [
        ("create", "application/json", b"{", 400),
        ("create", "text/plain", b"{}", 415),
        ("patch", "application/json", b"{}", 415),
        ("patch", "application/apply-patch+cbor", b"{}", 415),
        ("patch", "application/merge-patch+json", b"[1", 400),
        ("patch", "application/merge-patch+json", b"[1]", 400),
        ("patch", "application/json-patch+json", b'[{"op":"remove","path":"/data/z"}]', 422),
        ("patch", "application/json-patch+json", b"[%b]" % b",".join([b"{}"] * (PATCH_OPERATIONS + 1)), 413),
        ("patch", "application/apply-patch+yaml", b"a: [", 400),
    ],
)
async def test_what_is_refused(verb: str, media: str, body: bytes, code: int) -> None:
    rest: Any = Rest()
    with pytest.raises(StatusError) as refused:
        await Writes(rest).answer(KIND, call(verb), body, media)
    assert refused.value.code == code


_UNDECODED = "error decoding patch: json: cannot unmarshal"
_REFUSED = "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("media", "body", "code", "message"),
    [
        ("json-patch", b'[{"op":"test","path":"/data/a","value":"2"}]', 422, _REFUSED),
        ("json-patch", b'[{"op":"jump","path":"/data/a"}]', 422, _REFUSED),
        ("json-patch", b'{"a"', 400, "error decoding patch: unexpected end of JSON input"),
        ("json-patch", b"{}", 400, f"{_UNDECODED} object into Go value of type []handlers.jsonPatchOp"),
        ("json-patch", b"[1]", 400, f"{_UNDECODED} number into Go value of type handlers.jsonPatchOp"),
        ("json-patch", b'[{"op":1}]', 400, f"{_UNDECODED} number into Go struct field jsonPatchOp.op of type string"),
        ("merge-patch", b"[]", 400, f"{_UNDECODED} array into Go value of type map[string]interface {{}}"),
        ("merge-patch", b"null", 400, "Invalid JSON Patch"),
        ("strategic-merge-patch", b"{", 400, "unexpected end of JSON input"),
        ("strategic-merge-patch", b'"a"', 400, "json: cannot unmarshal string into Go value of type map[string]interface {}"),
    ],
)
async def test_how_patches_are_refused(media: str, body: bytes, code: int, message: str) -> None:
    rest: Any = Rest()
    with pytest.raises(StatusError) as refused:
        await Writes(rest).answer(KIND, call("patch"), body, f"application/{media}+json")
    assert (refused.value.code, refused.value.message) == (code, message)


@pytest.mark.parametrize(
    ("how", "body", "found"),
    [
        (
            "merge",
            {"data": "x"},
            'Invalid value: "{\\"data\\":\\"x\\",\\"kind\\":\\"ConfigMap\\"}": json: cannot unmarshal string into Go value of type map[string]string',
        ),
        ("strategic", {"data": "x", "kind": "Secret"}, 'Invalid value: "map[data:x kind:Secret]": cannot restore map from string'),
    ],
)
def test_what_is_wrong_with_a_patch(how: str, body: Any, found: str) -> None:
    patcher = Patcher(KIND, how, body)
    after = patcher(OLD)
    assert after == {"kind": "ConfigMap", "data": "x"}
    told = patcher.wrong(after, "json: cannot unmarshal string into Go value of type map[string]string")
    assert (told.field, told.message) == ("patch", found)


def test_doubled_members_are_noted_as_field_validation_asks() -> None:
    body = b'{"data":{"a":"1","a":"2"}}'
    for wanted, noted in (("", True), ("Strict", True), ("Ignore", False)):
        asked = call("patch", **({"fieldValidation": wanted} if wanted else {}))
        patch_of("merge", body, asked)
        assert bool(asked.doubles) is noted
    with pytest.raises(StatusError) as refused:
        patch_of("merge", body, call("patch", fieldValidation="Loud"))
    assert refused.value.code == 422
    assert patch_type("application/merge-patch+json; charset=utf-8") == "merge"


@pytest.mark.parametrize(
    ("verb", "query", "told"),
    [
        ("patch", {"force": "true"}, "PatchOptions.* force: Forbidden: may not be specified for non-apply patch"),
        ("patch", {"fieldManager": "m" * 129}, "PatchOptions.* fieldManager: Too long"),
        ("create", {"fieldManager": "a\nb"}, "CreateOptions.* fieldManager: Invalid value: .* only contain printable characters"),
        ("update", {"fieldValidation": "Loud"}, "UpdateOptions.* fieldValidation: Unsupported value"),
    ],
)
async def test_options_that_cannot_be(verb: str, query: dict[str, str], told: str) -> None:
    rest: Any = Rest()
    with pytest.raises(StatusError, match=told) as refused:
        await Writes(rest).answer(KIND, call(verb, **query), b"{}", "application/merge-patch+json" if verb == "patch" else None)
    assert refused.value.code == 422
