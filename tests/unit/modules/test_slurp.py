"""Proves that slurp gives a file's bytes, and says what it can't read and why."""

from __future__ import annotations

import base64
import errno
from pathlib import Path
from typing import Any

import pytest

from provisioner.modules import slurp
from tests.module_calls import Call


def test_bytes(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\xff\n")
    told = call("slurp", {"path": str(path)})
    assert told == {"changed": False, "content": base64.b64encode(b"\0\xff\n").decode(), "encoding": "base64", "source": str(path)}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOENT, "File not found: /x"),
        (errno.EISDIR, "Source is a directory and must be a file: /x"),
        (errno.EACCES, "File is not readable: /x"),
        (errno.EIO, "Unable to slurp file: [Errno 5] no luck"),
    ],
)
def test_what_cannot_be_read(call: Call, monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    def refused(*_: Any) -> None:
        raise OSError(number, "no luck")

    monkeypatch.setattr(slurp, "open", refused, raising=False)
    told = call("slurp", {"src": "/x"})
    assert (told["failed"], told["msg"]) == (True, said)
