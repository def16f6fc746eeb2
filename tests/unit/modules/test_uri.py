"""Proves what uri refuses before it asks anybody. What it asks is proved in tests/integration/modules_network."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

WRONG = [
    ({}, "missing required arguments: url"),
    ({"url": "u", "body": "b", "src": "s"}, "parameters are mutually exclusive: body|src"),
    ({"url": "u", "method": "a b"}, "Parameter 'method' needs to be a single word in uppercase, like GET or POST."),
    ({"url": "u", "body_format": "form-urlencoded", "body": [1]}, "failed to parse body as form_urlencoded: cannot unpack non-iterable int object"),
    ({"url": "u", "body_format": "form-multipart", "body": [1]}, "failed to parse body as form-multipart: Mapping is required, cannot be type list"),
    ({"url": "u", "src": "/nowhere"}, "Unable to open source file /nowhere"),
    (
        {"url": "https://localhost:1/", "ca_path": "/nowhere"},
        "Status code was -1 and not [200]: Connection failure: [Errno 2] No such file or directory",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_wrong_arguments(call: Any, args: dict[str, Any], msg: str) -> None:
    made = call("uri", args)
    assert (made["failed"], made["msg"]) == (True, msg)


def test_plain_http_reads_no_certificates(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> ssl.SSLContext:
        raise AssertionError("they take a fifth of a second")

    monkeypatch.setattr(ssl, "create_default_context", read)
    assert "Connection refused" in call("uri", {"url": "http://127.0.0.1:1/"})["msg"]
