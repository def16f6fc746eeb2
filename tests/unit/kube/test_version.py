"""Proves that there is one version, and that every daemon says it."""

from __future__ import annotations

import pytest

from provisioner.kube import version
from provisioner.kube.apiserver.documents import VERSION as SERVED
from provisioner.kube.client.flags import FlagSet


def test_the_api_server_serves_it() -> None:
    assert SERVED["gitVersion"] == version.VERSION == f"v{SERVED['major']}.{SERVED['minor']}.0"


def test_every_program_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        FlagSet("kubelet", "a test").parse(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"Kubernetes {version.VERSION}\n"


def test_the_part_before_the_slash_is_the_field_manager() -> None:
    assert version.user_agent("kubelet") == f"kubelet/{version.VERSION}"
