"""Proves what is known about images' names, registries' credentials and containers' output without a daemon."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import docker_api
from provisioner.agent.context import Context

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


@pytest.mark.parametrize(
    ("mode", "differences", "more"),
    [
        ({}, ["a"], {}),
        ({"diff": True}, ["a"], {"diff": {"before": {"a": 1}, "after": {"a": 2}, "differences": ["a"]}}),
        ({"check": True}, ["a"], {"diff": {"differences": ["a"]}, "actions": ["Made it"]}),
        ({}, None, {"actions": ["Made it"]}),
        ({"check": True}, None, {"diff": {}, "actions": ["Made it"]}),
    ],
)
def test_what_is_told_of_a_change(mode: dict[str, bool], differences: list[str] | None, more: dict[str, Any]) -> None:
    told = docker_api.told(Context(**mode), False, ["Made it"], {"a": 1}, {"a": 2}, differences)
    assert told == {"changed": True, **more}
