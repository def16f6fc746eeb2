"""Proves forms with files: every part's headers and their order, how files are encoded, and what a field can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.context import Context
from provisioner.agent.multipart import encoded

FIELDS: list[tuple[Any, list[str], str]] = [
    ("text", ["Content-Type: text/plain", 'Content-Disposition: form-data; name="f"'], "text"),
    (
        {"content": "c", "filename": "/a/n.json"},
        ["Content-Type: application/json", 'Content-Disposition: form-data; name="f"; filename="n.json"'],
        "c",
    ),
    (
        {"filename": "FILE"},
        [
            "Content-Transfer-Encoding: base64",
            "Content-Type: application/octet-stream",
            'Content-Disposition: form-data; name="f"; filename="FILE"',
        ],
        "AAFv\r\n",
    ),
    (
        {"filename": "FILE", "mime_type": "a/b", "multipart_encoding": "7or8bit"},
        ["Content-Type: a/b", 'Content-Disposition: form-data; name="f"; filename="FILE"'],
        "\0\1o",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("field", "headers", "body"), FIELDS, ids=[str(field) for field, _, _ in FIELDS])
def test_parts(field: Any, headers: list[str], body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_bytes(b"\0\1o")
    kind, made = encoded({"f": field}, Context())
    mark = kind.partition('boundary="')[2].rstrip('"')
    assert made.decode() == "\r\n".join([f"--{mark}", *headers, "", body, f"--{mark}--", ""])


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ([1], "Mapping is required, cannot be type list"),
        ({"f": 1}, "value must be a string, or mapping, cannot be type int"),
        ({"f": {}}, "at least one of filename or content must be provided"),
        ({"f": {"filename": "x", "multipart_encoding": "q"}}, r"multipart_encoding must be one of \['base64', '7or8bit'\]"),
    ],
)
def test_what_a_form_can_not_be(fields: Any, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        encoded(fields, Context())
