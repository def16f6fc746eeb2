"""Proves package: the host's manager gets the task's options, its own argument errors are told, an unknown one is named."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.agent.context import Context
from provisioner.modules import apt, dnf
from tests.module_calls import Call


@pytest.mark.parametrize(("use", "module"), [("apt", apt), ("dnf", dnf), ("yum", dnf)])
def test_the_manager_is_given_everything(call: Call, monkeypatch: pytest.MonkeyPatch, use: str, module: Any) -> None:
    given: dict[str, Any] = {}

    def noted(args: dict[str, Any], context: Context) -> dict[str, Any]:
        given.update(args)
        return {"changed": True}

    monkeypatch.setattr(module, "run", noted)
    assert call("package", {"name": "a,b", "state": "present", "use": use, "update_cache": True})["changed"] is True
    assert (given["package" if use == "apt" else "name"], given["state"], given["update_cache"]) == (["a", "b"], "present", True)


def test_messages(call: Call) -> None:
    assert call("package", {"name": "a", "use": "nix"})["msg"] == 'Could not find a matching action for the "nix" package manager.'
    wrong = call("package", {"name": "a", "use": "dnf", "purge": True})
    assert wrong["msg"].startswith(
        "Unsupported parameters for (ansible.legacy.dnf) module: purge. Supported parameters include: allow_downgrade, "
    )
    unknown = call("package", {"name": "a", "use": "apt", "nosuch": 1})
    assert unknown["msg"].startswith(
        "Unsupported parameters for (ansible.legacy.apt) module: nosuch. Supported parameters include: allow_change_held_packages, "
    )
    assert call("package", {"name": "a", "use": "apt", "state": "installed"})["msg"].startswith(
        "value of state must be one of: absent, build-dep, "
    )
