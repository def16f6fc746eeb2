"""Proves what is known about images' names, registries' credentials and containers' output without a daemon."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from provisioner.agent import docker_api

NAMES = [
    ("box", ("box", "")),
    ("box:1", ("box", "1")),
    ("host:5000/box", ("host:5000/box", "")),
    ("host:5000/box:2", ("host:5000/box", "2")),
    ("box@sha256:aa", ("box", "sha256:aa")),
]


@pytest.mark.parametrize(("name", "parts"), NAMES)
def test_names(name: str, parts: tuple[str, str]) -> None:
    assert docker_api.split_name(name) == parts
    if parts[1]:
        assert docker_api.joined(*parts) == name


def test_output_comes_in_frames() -> None:
    frames = b"\x01\0\0\0\0\0\0\x03out" + b"\x02\0\0\0\0\0\0\x03err"
    assert docker_api.demultiplexed(frames) == "outerr"
    assert docker_api.demultiplexed(b"") == ""
    assert docker_api.demultiplexed(b"plain") == "plain"


def test_credentials_of_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert docker_api.registry_auth("host:5000/box") == {}
    auth = base64.b64encode(b"me:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"host:5000": {"auth": auth}}}))
    header = docker_api.registry_auth("host:5000/box")["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(header)) == {"username": "me", "password": "secret", "serveraddress": "host:5000"}
    assert docker_api.registry_auth("other/box") == {}
