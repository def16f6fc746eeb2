"""Proves who gets indented JSON, and that it is the same document with the same status and headers."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.apiserver import pretty
from provisioner.kube.apiserver.replies import Listed, Reply


@pytest.mark.parametrize(
    ("query", "agent", "wanted"),
    [
        ("", "kubectl/v1.36.0", False),
        ("", "curl/8.0", True),
        ("?pretty=false", "curl/8.0", False),
        ("?pretty=true", "kubectl/v1.36.0", True),
        ("?pretty=1", "x", True),
    ],
)
def test_who_gets_it(query: str, agent: str, wanted: bool) -> None:
    assert pretty.wanted(make_mocked_request("GET", f"/api{query}", headers={"User-Agent": agent})) is wanted


def test_the_document_is_the_same() -> None:
    headers = {"Content-Type": "application/json", "X-Other": "1"}
    made = pretty.indented(Reply(status=201, body=Listed(b'{"items":[', [b'{"a":1}', b"2"], b"]}"), headers=headers))
    assert isinstance(made, Reply) and made.status == 201 and made.headers["X-Other"] == "1"
    assert made.body == b'{\n  "items": [\n    {\n      "a": 1\n    },\n    2\n  ]\n}\n'


def test_what_is_no_json_stays() -> None:
    text = Reply(body=b"ok", headers={"Content-Type": "text/plain"})
    assert pretty.indented(text) is text
