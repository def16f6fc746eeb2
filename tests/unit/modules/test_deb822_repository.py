"""Proves deb822_repository: the file's fields, keys of files and of servers, check mode, diff, a second run, removal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import web
from provisioner.modules import deb822_repository
from tests.module_calls import Call

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(deb822_repository, "SOURCES", str(tmp_path / "sources"))
    monkeypatch.setattr(deb822_repository, "KEYRINGS", str(tmp_path / "keys"))
    return tmp_path


def test_first_changes_then_does_not(call: Call, folders: Path) -> None:
    args: dict[str, Any] = {"name": "My Repo_1", "uris": "http://d/", "suites": "stable", "components": ["main", "x"], "enabled": False}
    path = folders / "sources" / "my-repo-1.sources"
    text = "Components: main x\nEnabled: no\nX-Repolib-Name: My Repo_1\nSuites: stable\nTypes: deb\nURIs: http://d/\n"
    told = call("deb822_repository", args, check=True, diff=True)
    assert told["changed"] and told["diff"]["after"] == text and not path.exists()
    first = call("deb822_repository", args)
    assert (first["changed"], first["repo"], first["dest"], first["key_filename"]) == (True, text, str(path), None)
    assert path.read_text() == text and first["mode"] == "0644"
    assert call("deb822_repository", args)["changed"] is False
    assert call("deb822_repository", {**args, "mode": "0600"})["changed"] is True
    assert call("deb822_repository", {"name": "My Repo_1", "state": "absent"})["changed"] is True
    assert call("deb822_repository", {"name": "My Repo_1", "state": "absent"})["changed"] is False and not path.exists()


def test_a_key_in_the_task_is_folded(call: Call) -> None:
    repo = call("deb822_repository", {"name": "a", "signed_by": KEY})["repo"]
    assert repo.split("X-Repolib-Name: a\n")[1].startswith(
        "Signed-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    mQ\n    -----END"
    )


@pytest.mark.parametrize(("data", "ending"), [(KEY.encode(), "asc"), (b"\x99\x01binary", "gpg")])
def test_a_key_of_a_server_is_kept(call: Call, folders: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, ending: str) -> None:
    monkeypatch.setattr(web, "ask", lambda *a, **k: web.Answer(200, "OK", "u", {}, io.BytesIO(data)))
    key = folders / "keys" / f"a.{ending}"
    args = {"name": "a", "signed_by": "https://example.org/key"}
    assert call("deb822_repository", args, check=True)["key_filename"] == str(key) and not key.exists()
    assert call("deb822_repository", args)["changed"] is True and key.read_bytes() == data
    assert call("deb822_repository", args)["changed"] is False
    call("deb822_repository", {"name": "a", "state": "absent"})
    assert not key.exists()


def test_what_is_no_key(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    args = {"name": "a", "signed_by": "https://example.org/key"}
    monkeypatch.setattr(web, "ask", lambda *a, **k: web.Answer(200, "OK", "u", {}, io.BytesIO(b"<html>")))
    assert call("deb822_repository", args)["msg"] == "Could not fetch signed_by key: what https://example.org/key has is no OpenPGP key"
    monkeypatch.setattr(web, "ask", lambda *a, **k: web.Answer(-1, "Request failed: <refused>", "u", {}, None))
    assert call("deb822_repository", args)["msg"] == "Could not fetch signed_by key: <refused>"


def test_messages(call: Call) -> None:
    assert call("deb822_repository", {"uris": "x"})["msg"] == "missing required arguments: name"
    wrong = call("deb822_repository", {"name": "x", "types": "rpm"})
    assert wrong["msg"] == "value of types must be one or more of: deb, deb-src. Got no match for: rpm"
