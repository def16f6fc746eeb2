"""Proves what of an action's arguments nobody is told."""

from __future__ import annotations

import pytest

from provisioner.engine.actions import hidden_arguments


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("copy", {"content"}),
        ("uri", {"content", "url_password", "password"}),
        ("k8s", {"content", "api_key", "password"}),
        ("user", {"content", "password", "ssh_key_passphrase"}),
        ("acme.tools.mine", {"content"}),
    ],
)
def test_what_modules_declare_is_hidden_by_all_its_names(action: str, names: set[str]) -> None:
    assert hidden_arguments(action) == names
