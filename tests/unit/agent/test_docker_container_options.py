"""Proves how values of docker_container are written in Docker's API, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import docker_container_options as options
from provisioner.agent.context import ModuleFailed

SIZES = [("512", 512), ("1k", 1024), ("64M", 64 << 20), ("1.5GiB", 3 << 29), ("unlimited", -1), (7, 7), ("-1", -1)]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes(text: Any, size: int) -> None:
    assert options.size_bytes(text) == size


@pytest.mark.parametrize(("text", "ns"), [("1m30s", 90 * 10**9), ("500ms", 5 * 10**8), ("5h", 5 * 3600 * 10**9), ("1us", 1000)])
def test_durations(text: str, ns: int) -> None:
    assert options.duration_ns(text) == ns


PORTS: list[tuple[str, dict[str, Any]]] = [
    ("80", {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}),
    ("8080:80/udp", {"80/udp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}),
    ("127.0.0.1:8080:80", {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}),
    ("[::1]:8080:80", {"80/tcp": [{"HostIp": "::1", "HostPort": "8080"}]}),
    ("1-2:3-4", {"3/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}], "4/tcp": [{"HostIp": "0.0.0.0", "HostPort": "2"}]}),
]


@pytest.mark.parametrize(("text", "bindings"), PORTS)
def test_ports(text: str, bindings: dict[str, Any]) -> None:
    assert options.ports([text], "0.0.0.0") == bindings


WRONG = [
    (options.size_bytes, "much", "Failed to convert 'much' to bytes"),
    (options.duration_ns, "5 years", "Invalid time duration - 5 years"),
    (lambda value: options.ports([value], ""), "x:y", "Invalid port description: 'x:y'"),
    (lambda value: options.ports([value], ""), "1-2:3", "both ranges must be of one length"),
    (lambda value: options.environment({"env": value, "env_file": None}), {"A": 1}, "Non-string value found for env option"),
]


@pytest.mark.parametrize(("convert", "value", "msg"), WRONG)
def test_what_is_refused(convert: Any, value: Any, msg: str) -> None:
    with pytest.raises(ModuleFailed, match=msg):
        convert(value)


def test_volumes_and_variables(tmp_path: Path) -> None:
    assert options.binds(["/a:/b", "name:/c:ro", "/anonymous"]) == (["/a:/b:rw", "name:/c:ro"], {"/anonymous": {}})
    (tmp_path / "env").write_text("# no\nA=1\n\nB=x=y\n")
    assert options.environment({"env": {"A": "2"}, "env_file": str(tmp_path / "env")}) == ["A=2", "B=x=y"]
    assert options.environment({"env": None, "env_file": None}) is None
